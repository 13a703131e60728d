"""Crops and what the networks are to say of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.frame import Frame
from pinet_ros.imaging.regions import crop_squares
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter.crop_augmentation import UNCHANGED, Augmentation
from pinet_training.lifter.crops import Crops, LearningSet, mixed_order
from pinet_training.lifter.person_samples import Group, gather_people
from pinet_training.lifter.targets import TASKS

SIZE = (200, 160)
CAMERA = Camera.from_intrinsics(*SIZE, 200, 210, 100, 80)
BOX = np.array([[40.0, 20.0, 140.0, 130.0]])
COLORS = np.random.default_rng(0).integers(80, 256, (17, 3), np.uint8)


def people(joints, camera=CAMERA, box=BOX):
    """One person, whose joints are spots of colors of their own."""
    places = CAMERA.project(joints)
    picture = np.zeros((*SIZE[::-1], 3), np.uint8)
    for place, color in zip(places, COLORS, strict=True):
        cv2.circle(picture, tuple(np.rint(place).astype(int)), 4, color.tolist(), -1)
    group = Group(0, *SIZE, camera, box, places[None], joints[None, :, 2])
    return gather_people(MUPOTS_17, lambda _: picture, [group])


@pytest.fixture
def joints():
    """Far enough from one another in the image that the spots do not meet."""
    columns, rows = np.meshgrid(np.linspace(45, 135, 5), np.linspace(25, 125, 4))
    places = np.column_stack([columns.ravel(), rows.ravel()])[:17]
    depth = np.random.default_rng(1).uniform(2.2, 3.4, (17, 1))
    return np.concatenate([CAMERA.undistort(places) * depth, depth], axis=1)


def crops(person, network="posenet", augmentation=UNCHANGED, seed=0, size=256):
    learning = LearningSet(person, TASKS[network].targets(person))
    return Crops([learning], np.array([[0, 0]]), size, augmentation, (seed,))[0]


def spot(crop, color):
    """Where in a crop (3,S,S) RGB a color is (BGR), at its middle."""
    off = np.abs(crop.numpy().transpose(1, 2, 0).astype(int) - color[::-1].astype(int)).max(2)
    rows, columns = np.nonzero(off < 3)
    return np.array([columns.mean(), rows.mean()])


def test_unchanged_crops_are_those_of_the_lifter(joints):
    person = people(joints)

    crop, *_ = crops(person)

    frame = Frame.from_array(person.read(0))
    middle, side = torch.tensor(person.squares[:, :2]), torch.tensor(person.squares[:, 2])
    (expected,) = crop_squares(frame, middle.float(), side.float(), 256)
    # OpenCV interpolates between 32nds of a pixel
    assert (crop.float() - expected).abs().max() < 8
    assert (crop.float() - expected).abs().mean() < 0.5


def test_the_targets_of_both_networks_give_the_pose(joints):
    """By the formulas of Moon et al., ICCV 2019."""
    person = people(joints)
    _, pose, *_ = crops(person, "posenet")
    _, root, *_ = crops(person, "rootnet")

    x_middle, y_middle, side = person.squares[0]
    distance = float(root[0, 2]) * np.sqrt(2000**2 * 200 * 210 / side**2) / 1000
    depths = distance + (pose.numpy()[:, 2] / 64 * 2 - 1)
    pixels = pose.numpy()[:, :2] / 64 * side + [x_middle - side / 2, y_middle - side / 2]
    x, y = ((pixels - [100, 80]) / [200, 210]).T
    np.testing.assert_allclose(
        np.column_stack([x * depths, y * depths, depths]), joints, atol=1e-4
    )


@pytest.mark.parametrize("seed", range(6))
def test_changed_crops_show_the_joints_where_the_targets_say(joints, seed):
    person = people(joints)
    augmentation = Augmentation(color=0, occlusion=0, rotated=1)
    view = augmentation.view(np.random.default_rng((seed, 0)))

    crop, wanted, *_ = crops(person, augmentation=augmentation, seed=seed)

    colors = COLORS[MUPOTS_17.mirror] if view.mirror else COLORS
    known = np.isfinite(wanted.numpy()[:, 0])
    assert known.sum() > 5
    for place, color in zip(wanted.numpy()[known, :2] * 4, colors[known], strict=True):
        if (place > 20).all() and (place < 236).all():
            np.testing.assert_allclose(spot(crop, color), place, atol=2.5)
    depths = (joints[:, 2] - joints[MUPOTS_17.index("pelvis"), 2] + 1) * 32
    expected = depths[MUPOTS_17.mirror] if view.mirror else depths
    np.testing.assert_allclose(wanted.numpy()[known, 2], expected[known], rtol=1e-4)


def test_mirrored_joints_are_of_the_other_side(joints):
    mirrored = Augmentation(scale=0, rotated=0, mirror=1, color=0, occlusion=0)

    (plain, wanted, *_), (crop, other, *_) = (
        crops(people(joints)),
        crops(people(joints), augmentation=mirrored),
    )

    assert (crop.flip(-1).float() - plain.float()).abs().mean() < 0.5
    left, right = MUPOTS_17.indices("left_wrist", "right_wrist")
    assert other[left, 0] == pytest.approx(float(255 / 4 - wanted[right, 0]), abs=1e-4)
    assert other[left, 1:].tolist() == pytest.approx(wanted[right, 1:].tolist(), abs=1e-4)


def test_colors_and_occluders_change_pixels_alone(joints):
    plain, wanted, *_ = crops(people(joints))
    colored, same, *_ = crops(
        people(joints), augmentation=Augmentation(0, 0, 0, 0, color=0.2, occlusion=0)
    )
    hidden, *_ = crops(people(joints), augmentation=Augmentation(0, 0, 0, 0, 0, occlusion=1))

    assert torch.equal(wanted, same)
    bright = plain.float() > 50
    ratios = (colored.float() / plain.float())[bright]
    assert 0.78 < ratios.min() < ratios.max() < 1.22
    assert (ratios - 1).abs().max() > 0.02
    changed = (hidden != plain).any(dim=0)
    rows, columns = changed.any(1).nonzero()[:, 0], changed.any(0).nonzero()[:, 0]
    inside = changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert inside.float().mean() > 0.95  # one rectangle
    assert inside.numel() <= 0.71 * changed.numel()


def test_what_is_outside_of_crop_or_volume_is_unknown(joints):
    joints[3, 2] += 3.0  # metres: beyond the volume
    joints[5] = [1.5, 0, 3.0]  # beyond the crop
    _, wanted, *_ = crops(people(joints))
    unknown = wanted.isnan()
    assert set(unknown.any(dim=1).nonzero()[:, 0].tolist()) >= {3, 5}
    assert torch.equal(unknown.any(dim=1), unknown.all(dim=1))


def test_rootnet_learns_what_k_is_to_be_multiplied_with(joints):
    person = people(joints)
    _, wanted, unit, millimetres = crops(person, "rootnet")

    distance = joints[MUPOTS_17.index("pelvis"), 2]
    k = 2000 * np.sqrt(200 * 210 / person.squares[0, 2] ** 2)
    assert wanted.shape == (1, 3)
    assert float(wanted[0, 2]) * k == pytest.approx(distance * 1000, rel=1e-5)
    assert float(unit) == pytest.approx(k, rel=1e-5)
    assert float(millimetres) == pytest.approx(k, rel=1e-5)

    _, wanted, unit, _ = crops(people(joints, camera=None), "rootnet")
    assert wanted[0].isnan().tolist() == [False, False, True]
    assert float(unit) == 0


def test_small_crops_have_cells_of_the_same_pixels(joints):
    (_, wanted, *_), (crop, small, *_) = crops(people(joints)), crops(people(joints), size=64)

    assert crop.shape == (3, 64, 64)
    np.testing.assert_allclose(small[:, :2], wanted[:, :2] / 4, rtol=1e-5)
    assert torch.equal(small[:, 2], wanted[:, 2])


def test_smaller_sets_are_repeated_to_the_size_of_the_largest():
    order = mixed_order([10, 4], np.random.default_rng(0))

    assert len(order) == 20
    large, small = (np.sort(order[order[:, 0] == n, 1]) for n in (0, 1))
    assert large.tolist() == list(range(10))
    assert set(np.bincount(small)) == {2, 3}


def test_loading_processes_change_nothing(joints):
    person = people(joints)
    learning = LearningSet(person, TASKS["posenet"].targets(person))
    data = Crops([learning], np.zeros((5, 2), int), 64, Augmentation(), (3,))
    batches = [[0, 1], [2, 3, 4]]

    alone, shared = (list(data.loader(batches, processes)) for processes in (0, 2))

    for one, other in zip(alone, shared, strict=True):
        for first, second in zip(one, other, strict=True):
            torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(alone[0][0][0], alone[0][0][1])  # each is changed otherwise
