from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.refiner.pose_augmentation import Augmentation, mirrored, rotations
from pinet_training.refiner.samples import Batch

STILL = Augmentation(0, 0, 0, 0, moved=0, placed=0, untold=0, unlevelled=0, level_error=0)
PELVIS = MUPOTS_17.root


def _batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(200, 3, 17, 3, generator=generator) + torch.tensor([0.0, 0, 6])
    return Batch(
        estimates=truth + 0.05 * torch.randn(truth.shape, generator=generator),
        truth=truth,
        boxes=torch.zeros(200, 3, 4),
        deviations=0.1 + torch.rand(200, 3, 18, generator=generator),
        up=torch.nn.functional.normalize(torch.randn(200, 3, generator=generator), dim=1),
        present=torch.ones(200, 3, dtype=torch.bool),
        known=torch.ones(200, 3, dtype=torch.bool),
    )


def _changed(augmentation: Augmentation) -> Batch:
    return augmentation(_batch(), torch.Generator().manual_seed(1))


def test_rotations_are_those_of_scipy():
    angles = torch.tensor([[0.3, -0.2, 0.1], [0.0, 0.0, 0.0], [-1.0, 0.5, 2.0]])

    expected = Rotation.from_euler("XYZ", angles.numpy()).as_matrix()

    np.testing.assert_allclose(rotations(angles), expected, atol=1e-6)


def test_the_mirror_swaps_sides_of_the_chosen():
    joints = _batch().truth
    chosen = torch.arange(200) % 2 == 0

    image = mirrored(joints, chosen)

    left, right = MUPOTS_17.index("left_wrist"), MUPOTS_17.index("right_wrist")
    torch.testing.assert_close(image[0, :, left], joints[0, :, right] * torch.tensor([-1.0, 1, 1]))
    assert torch.equal(image[1], joints[1])
    assert torch.equal(mirrored(image, chosen), joints)


def test_the_mirror_swaps_deviations_with_their_joints():
    batch, image = _batch(), _changed(replace(STILL, mirror=1))

    left, right = MUPOTS_17.index("left_wrist"), MUPOTS_17.index("right_wrist")
    assert torch.equal(image.deviations[..., left], batch.deviations[..., right])
    assert torch.equal(image.deviations[..., PELVIS], batch.deviations[..., PELVIS])
    assert torch.equal(image.deviations[..., 17], batch.deviations[..., 17])
    torch.testing.assert_close(image.up, batch.up * torch.tensor([-1.0, 1, 1]))


def test_everybody_in_a_sample_turns_alike():
    turn = replace(STILL, pitch=25, yaw=20, roll=35)
    batch, turned = _batch(), _changed(turn)

    for number in range(6):
        before, after = (
            torch.cat([of.estimates[number], of.truth[number]]).reshape(-1, 3).numpy()
            for of in (batch, turned)
        )
        rotation, residual = Rotation.align_vectors(after, before)
        assert residual < 1e-3
        np.testing.assert_allclose(turned.up[number], rotation.apply(batch.up[number]), atol=1e-4)
        assert 0.1 < np.degrees(rotation.magnitude()) < 80


def test_no_augmentation_changes_nothing():
    batch, same = _batch(), _changed(STILL)

    for field in fields(Batch):
        torch.testing.assert_close(getattr(same, field.name), getattr(batch, field.name))


def test_people_move_away_along_their_rays_and_keep_their_poses():
    batch, moved = _batch(), _changed(replace(STILL, distance=3, moved=1))

    before, after = batch.truth[:, :, PELVIS], moved.truth[:, :, PELVIS]
    factors = after.norm(dim=-1) / before.norm(dim=-1)  # (B,3)
    torch.testing.assert_close(after, factors[..., None] * before)
    torch.testing.assert_close(factors, factors[:, :1].expand(-1, 3))  # everybody alike
    assert 1 / 3 <= factors.min() < 1 < factors.max() <= 3
    torch.testing.assert_close(
        moved.truth - after[:, :, None], batch.truth - before[:, :, None], atol=1e-5, rtol=0
    )
    across = batch.deviations[..., PELVIS] * factors
    torch.testing.assert_close(moved.deviations[..., PELVIS], across)


def test_known_distances_err_as_much_as_they_say():
    batch, placed = _batch(), _changed(replace(STILL, placed=1))

    torch.testing.assert_close(placed.truth, batch.truth)
    factors = placed.estimates / batch.estimates  # scaled about the camera
    torch.testing.assert_close(factors, factors[:, :, :1, :1].expand_as(factors))
    deviations = placed.deviations[..., 17]
    assert 0.01 <= deviations.min() < 0.02
    assert 0.08 < deviations.max() <= 0.1
    distances = (of[:, :, PELVIS].norm(dim=-1) for of in (placed.estimates, batch.truth))
    errors = torch.log(next(distances) / next(distances)) / deviations
    assert abs(errors.mean()) < 0.15
    assert abs(errors.std() - 1) < 0.1
    torch.testing.assert_close(
        placed.deviations[..., :17], batch.deviations[..., :17] * factors[:, :, :1, 0]
    )


def test_whose_truth_is_unknown_is_placed_about_the_estimate():
    batch = replace(_batch(), known=torch.zeros(200, 3, dtype=torch.bool))

    placed = replace(STILL, placed=1)(batch, torch.Generator().manual_seed(1))

    factors = (placed.estimates / batch.estimates)[:, :, PELVIS, 2]
    assert 0.7 < factors.min() < 1 < factors.max() < 1.4


def test_some_samples_know_no_deviations():
    deviations = _changed(replace(STILL, untold=0.3)).deviations

    unknown = deviations.isnan()
    torch.testing.assert_close(unknown, unknown[:, :1, :1].expand_as(unknown))
    assert 0.2 < unknown.float().mean() < 0.4


def test_up_is_unknown_at_times_and_else_a_little_wrong():
    batch, changed = _batch(), _changed(replace(STILL, unlevelled=0.3, level_error=0.05))

    known = changed.up.isfinite().all(dim=1)
    assert 0.6 < known.float().mean() < 0.8
    angles = torch.arccos((changed.up * batch.up).sum(dim=1)[known].clamp(max=1))
    assert 0.02 < angles.mean() < 0.05
    assert angles.max() < 0.2
    torch.testing.assert_close(changed.up[known].norm(dim=1), torch.ones(int(known.sum())))
