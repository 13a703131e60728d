"""Crops of whole poses, against poses and cameras that are turned and mirrored by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from made_up_poses import CAMERA, GRAY, LEFT, RIGHT, SIZE, landmarks, samples, to_joints

from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17
from pinet_training.lifter import pose_crops
from pinet_training.lifter.blazepose_joints import SHARED_JOINTS, SHARED_LANDMARKS
from pinet_training.lifter.blazepose_losses import pose_errors
from pinet_training.lifter.pose_crops import PoseCrops, normalised
from pinet_training.lifter.pose_samples import NOBODY

PEOPLE = 4
ROOT = MUPOTS_17.root
POINTS = landmarks(PEOPLE)


@pytest.fixture(scope="module")
def people():
    return samples(POINTS)


def crops_of(people, rows, *, augment, seed=(0,)):
    return PoseCrops(people, np.array(rows), people.joints, augment=augment, seed=seed)


def batch_of(crops):
    parts = [crops[number] for number in range(len(crops))]
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}


def the_view(joints, batch, row):
    """How crop `row` of a person was taken, from its truth alone.

    Returns:
        whether it is mirrored, the axes (3,3) of its camera, and the affine map (3,2) from pixels
        of the image to those of the crop.
    """
    root = batch["root"][row].double()
    turn = rotation_to_ray((root / root.norm())[None])[0]
    turned = (batch["world"][row].double() @ turn.T + root).numpy()
    for swap in (np.arange(17), MUPOTS_17.mirror):
        axes, *_ = np.linalg.lstsq(joints[swap], turned, rcond=None)
        if np.abs(joints[swap] @ axes - turned).max() < 1e-4:
            break
    else:
        pytest.fail("the crop's pose is no turned or mirrored one")
    mirrored = swap[MUPOTS_17.index("left_hip")] != MUPOTS_17.index("left_hip")
    pixels = np.column_stack([CAMERA.project(joints[swap]), np.ones(17)])
    affine, *_ = np.linalg.lstsq(pixels, batch["points"][row].numpy(), rcond=None)
    assert np.abs(pixels @ affine - batch["points"][row].numpy()).max() < 0.01
    return mirrored, axes, affine


def perfect_outputs(batch):
    """What a network would have to give for the people of a batch, in the order of POINTS."""
    images, worlds = [], []
    for row, points in enumerate(POINTS):
        mirrored, axes, affine = the_view(to_joints(points[None])[0], batch, row)
        points = points[BLAZEPOSE_33.mirror] if mirrored else points
        images.append(np.column_stack([CAMERA.project(points), np.ones(33)]) @ affine)
        turned = points @ axes
        middle = turned[list(BLAZEPOSE_33.pelvis)].mean(axis=0)
        ray = torch.as_tensor(middle / np.linalg.norm(middle))[None]
        worlds.append((turned - middle) @ rotation_to_ray(ray)[0].numpy())
    image, world = (torch.tensor(np.array(each)).float() for each in (images, worlds))
    return image, world, torch.zeros(len(POINTS), 33)


@pytest.mark.parametrize("seed", [None, 0, 1, 2, 3])
def test_true_landmarks_have_no_errors(people, seed):
    crops = crops_of(people, range(PEOPLE), augment=seed is not None, seed=(seed or 0,))
    batch = batch_of(crops)
    errors = pose_errors(perfect_outputs(batch), batch)
    assert errors.joints.abs().max() < 1e-4
    assert errors.points[:, SHARED_JOINTS].abs().max() < 1e-4
    assert errors.distance.abs().max() < 5e-3
    # the middle of the hips in the image is not quite that in space
    assert errors.across.abs().max() < 0.02


def test_all_kinds_of_views_are_drawn(people):
    """Turned, mirrored, scaled and moved; the plain view is none of these."""
    seen = []
    for seed in range(12):
        batch = batch_of(crops_of(people, [0], augment=True, seed=(seed,)))
        seen.append(the_view(people.joints[0], batch, 0))
    mirrored, axes, affine = zip(*seen, strict=True)
    assert set(mirrored) == {True, False}
    for each, flipped in zip(axes, mirrored, strict=True):
        np.testing.assert_allclose(each @ each.T, np.eye(3), atol=1e-4)
        assert np.linalg.det(each) == pytest.approx(-1 if flipped else 1, abs=1e-3)
        np.testing.assert_allclose(each[2], [0, 0, 1], atol=1e-4)
    scales = [np.sqrt(abs(np.linalg.det(each[:2]))) for each in affine]
    assert np.ptp(scales) > 0.1 * np.mean(scales)
    plain = batch_of(crops_of(people, [0], augment=False))
    mirrored, axes, affine = the_view(people.joints[0], plain, 0)
    assert not mirrored
    np.testing.assert_allclose(axes, np.eye(3), atol=1e-4)
    low, high = people.box[0].reshape(2, 2)
    expected = 256 / (1.2 * (high - low).max())
    np.testing.assert_allclose(affine[:2], expected * np.eye(2), atol=1e-3)
    np.testing.assert_allclose([*(low + high) / 2, 1] @ affine, [128, 128], atol=0.02)


@pytest.mark.parametrize("seed", [None, 4, 5])
def test_the_lens_is_the_camera_s_in_the_image(people, seed):
    batch = batch_of(crops_of(people, [0], augment=seed is not None, seed=(seed or 0,)))
    _, axes, affine = the_view(people.joints[0], batch, 0)
    x, y = np.meshgrid(np.linspace(0, SIZE[0], 40), np.linspace(0, SIZE[1], 30))
    pixels = np.column_stack([x.ravel(), y.ravel()])
    places = np.column_stack([pixels, np.ones(len(pixels))]) @ affine
    inside = ((places >= 0) & (places <= 256)).all(axis=1)
    flat = np.column_stack([CAMERA.undistort(pixels), np.ones(len(pixels))]) @ axes
    found = normalised(torch.tensor(places[None]).float(), batch["lens"])[0]
    assert inside.sum() > 100
    np.testing.assert_allclose(found[inside], flat[inside, :2], atol=1e-3)


@pytest.mark.parametrize("augment", [False, True])
def test_crops_show_joints_where_points_says(people, augment, monkeypatch):
    """Left joints have red dots, right ones blue; in a mirror they change their sides."""
    monkeypatch.setattr(pose_crops, "change_appearance", lambda crop, rng: crop)
    monkeypatch.setattr(pose_crops, "paste", lambda crop, *rest: (crop, rest[2]))
    swapped = set()
    for seed in range(6 if augment else 1):
        batch = batch_of(crops_of(people, range(PEOPLE), augment=augment, seed=(seed,)))
        for row in range(PEOPLE):
            mirrored, *_ = the_view(people.joints[row], batch, row)
            swapped.add(mirrored)
            colors = {"left": RIGHT, "right": LEFT} if mirrored else {"left": LEFT, "right": RIGHT}
            for number, name in enumerate(MUPOTS_17.joints):
                x, y = batch["points"][row, number].round().int().tolist()
                shown = 3 <= x < 253 and 3 <= y < 253
                if not shown or name.split("_")[0] not in colors:
                    continue
                assert batch["visible"][row, number] == 1
                color = batch["crop"][row, :, y, x].flip(0).int().numpy()  # BGR
                hidden = any(  # by the dot of another joint
                    (batch["points"][row, number] - batch["points"][row, other]).norm() < 14
                    for other in range(17)
                    if other != number
                )
                if not hidden:
                    assert np.abs(color - colors[name.split("_")[0]]).max() < 60, name
    assert swapped == ({False, True} if augment else {False})


def test_joints_outside_of_the_crop_are_not_visible(people):
    large = samples(POINTS[:1])
    large.box[0] = [300, 200, 330, 230]
    batch = batch_of(crops_of(large, [0], augment=False))
    points = batch["points"][0]
    outside = ((points < 0) | (points >= 256)).any(dim=1)
    assert outside.any()
    assert (batch["visible"][0][outside] == 0).all()


def test_joints_that_no_camera_sees_do_not_spoil_the_truth(people):
    behind = samples(POINTS[:1])
    behind.joints[0, MUPOTS_17.index("left_wrist"), 2] = -0.5
    behind.visible[0, MUPOTS_17.index("left_wrist")] = False
    batch = batch_of(crops_of(behind, [0], augment=True))
    for values in batch.values():
        assert torch.isfinite(values).all()
    assert batch["visible"][0, MUPOTS_17.index("left_wrist")] == 0


def test_crops_of_nobody_say_so(people):
    batch = batch_of(crops_of(people, [PEOPLE, 0], augment=False))
    assert people.person[PEOPLE] == NOBODY
    assert batch["is_person"].tolist() == [0, 1]
    assert (batch["visible"][0] == 0).all()
    assert (batch["crop"][0].permute(1, 2, 0) == torch.tensor(GRAY)).all()
    assert all(torch.isfinite(each).all() for each in batch.values())


def test_a_crop_depends_on_its_number_and_seed_only(people):
    crops = crops_of(people, [0, 1, 0], augment=True)
    again = crops_of(people, [0, 1, 0], augment=True)
    for number in (2, 0, 1):
        for name, value in crops[number].items():
            torch.testing.assert_close(again[number][name], value, rtol=0, atol=0)
    assert not torch.equal(crops[0]["points"], crops[2]["points"])
    other = crops_of(people, [0, 1, 0], augment=True, seed=(1,))
    assert not torch.equal(crops[0]["points"], other[0]["points"])


def test_a_loader_gives_the_batches(people):
    crops = crops_of(people, range(PEOPLE), augment=False)
    first, second = crops.loader([[2, 0], [1]], processes=0)
    assert first["crop"].shape == (2, 3, 256, 256)
    assert first["crop"].dtype == torch.uint8
    torch.testing.assert_close(first["root"][0], crops[2]["root"])
    torch.testing.assert_close(second["points"][0], crops[1]["points"])


def test_the_network_s_input_is_the_lifter_s(people):
    """Without augmentation a crop is the region that the lifter cuts out of the image."""
    image = people.pictures.image(0)
    low, high = people.box[0].reshape(2, 2)
    side = 1.2 * (high - low).max()
    corner = (low + high) / 2 - side / 2
    scale = 256 / side
    matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    expected = cv2.warpAffine(image, matrix, (256, 256), flags=cv2.INTER_LINEAR)[..., ::-1]
    crop = crops_of(people, [0], augment=False)[0]["crop"].permute(1, 2, 0).numpy()
    assert np.abs(crop.astype(int) - expected).max() <= 2


def test_shared_landmarks_are_the_twelve_limb_joints():
    names = [BLAZEPOSE_33.joints[number] for number in SHARED_LANDMARKS]
    assert names == [MUPOTS_17.joints[number] for number in SHARED_JOINTS]
    assert len(names) == 12
