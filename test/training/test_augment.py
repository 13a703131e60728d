from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.refiner.pose_augmentation import Augmentation, mirrored, rotations


def _joints():
    return torch.randn(6, 3, 17, 3, generator=torch.Generator().manual_seed(0)) + 2


def test_rotations_are_those_of_scipy():
    angles = torch.tensor([[0.3, -0.2, 0.1], [0.0, 0.0, 0.0], [-1.0, 0.5, 2.0]])

    expected = Rotation.from_euler("XYZ", angles.numpy()).as_matrix()

    np.testing.assert_allclose(rotations(angles), expected, atol=1e-6)


def test_the_mirror_swaps_sides_of_the_chosen():
    joints = _joints()
    chosen = torch.tensor([True, False, True, False, False, False])

    image = mirrored(joints, chosen)

    left, right = MUPOTS_17.index("left_wrist"), MUPOTS_17.index("right_wrist")
    torch.testing.assert_close(image[0, :, left], joints[0, :, right] * torch.tensor([-1.0, 1, 1]))
    assert torch.equal(image[1], joints[1])
    assert torch.equal(mirrored(image, chosen), joints)


def test_everybody_in_a_sample_turns_alike():
    joints = _joints()

    turned = Augmentation(mirror=0, moved=0)(joints, torch.Generator().manual_seed(1))

    for before, after in zip(joints.reshape(6, -1, 3), turned.reshape(6, -1, 3), strict=True):
        rotation, residual = Rotation.align_vectors(after.numpy(), before.numpy())
        assert residual < 1e-4
        assert 0.1 < np.degrees(rotation.magnitude()) < 40


def test_no_augmentation_changes_nothing():
    joints = _joints()

    same = Augmentation(0, 0, 0, 0, moved=0)(joints, torch.Generator().manual_seed(1))

    torch.testing.assert_close(same, joints)


def test_people_move_away_along_their_rays_and_keep_their_poses():
    joints = _joints()
    pelvis = MUPOTS_17.index("pelvis")

    moved = Augmentation(0, 0, 0, 0, distance=3, moved=1)(joints, torch.Generator().manual_seed(1))

    before, after = joints[:, :, pelvis], moved[:, :, pelvis]
    factors = after.norm(dim=-1) / before.norm(dim=-1)  # (6,3)
    torch.testing.assert_close(after, factors[..., None] * before)
    torch.testing.assert_close(factors, factors[:, :1].expand(-1, 3))  # everybody alike
    assert 1 / 3 <= factors.min() < 1 < factors.max() <= 3
    torch.testing.assert_close(
        moved - after[:, :, None], joints - before[:, :, None], atol=1e-5, rtol=0
    )
