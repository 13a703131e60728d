"""Changes of how crops look, and people pasted in front of others."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from made_up_poses import box_around, landmarks, samples, to_joints

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter import appearance
from pinet_training.lifter.appearance import Effect, change_appearance
from pinet_training.lifter.pasted_people import outline, paste
from pinet_training.lifter.pose_crops import PoseCrops

SIZE = 64


@pytest.fixture(scope="module")
def crop():
    """A crop with edges and colors."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.stack([4 * x, 4 * y, 255 * ((x // 8 + y // 8) % 2)], axis=-1).astype(np.uint8)


def test_every_change_keeps_shape_and_type_and_happens(crop, monkeypatch):
    """Each effect as often as it should be, over 200 crops; each of them does something."""
    changes = {}

    def counted(number, effect):
        def change(image, rng):
            changed = effect.change(image, rng)
            assert changed.shape == image.shape
            assert changed.dtype == np.uint8
            different = not np.array_equal(changed, image)
            changes.setdefault(number, []).append(different)
            return changed

        return Effect(effect.share, change)

    effects = appearance._EFFECTS
    counting = tuple(counted(number, effect) for number, effect in enumerate(effects))
    monkeypatch.setattr(appearance, "_EFFECTS", counting)
    before = crop.copy()
    for seed in range(200):
        changed = change_appearance(crop, np.random.default_rng(seed))
        assert changed.shape == crop.shape
        assert changed.dtype == np.uint8
    np.testing.assert_array_equal(crop, before)
    for number, effect in enumerate(effects):
        share = len(changes[number]) / 200
        assert share == pytest.approx(effect.share, abs=0.11)
        assert np.mean(changes[number]) > 0.5


def test_changes_depend_on_the_seed_only(crop):
    first, again, other = (
        change_appearance(crop, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_crops_stay_recognisable(crop):
    """Half of the crops resemble what they were before."""
    gray = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).ravel()
    alike = []
    for seed in range(60):
        changed = change_appearance(crop, np.random.default_rng(seed))
        changed = cv2.cvtColor(changed, cv2.COLOR_BGR2GRAY).ravel()
        alike.append(np.corrcoef(gray, changed)[0, 1])
    assert np.median(alike) > 0.8


@pytest.fixture(scope="module")
def person():
    """The joints (17,2) of a person in a crop of 64 pixels."""
    joints = to_joints(landmarks(1))
    people = samples(landmarks(1))
    crops = PoseCrops(people, np.array([0]), joints, augment=False)
    assert box_around(joints).shape == (1, 4)
    return crops[0]["points"].numpy() * SIZE / 256


def test_an_outline_covers_the_body_and_nothing_far(person):
    mask = outline(person, np.ones(17, bool), SIZE)
    assert mask.shape == (SIZE, SIZE)
    assert mask.dtype == np.float32
    assert mask.min() == 0
    x, y = person.round().astype(int).T
    assert (mask[y, x] > 0.4).all()
    trunk = person[MUPOTS_17.index("spine")].round().astype(int)
    assert mask[trunk[1], trunk[0]] > 0.9
    assert mask[:3].max() < 0.01
    assert 0.03 < mask.mean() < 0.5


def test_hidden_parts_are_not_in_the_outline(person):
    visible = np.ones(17, bool)
    visible[MUPOTS_17.indices("left_ankle", "left_knee")] = False
    whole, part = (outline(person, each, SIZE) for each in (np.ones(17, bool), visible))
    x, y = person[MUPOTS_17.index("left_ankle")].round().astype(int)
    assert whole[y, x] > 0.4
    assert part.sum() < whole.sum()
    assert outline(person, np.zeros(17, bool), SIZE).max() == 0


def test_pasted_people_hide_joints(crop, person):
    other = np.full_like(crop, 200)
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[: SIZE // 2] = 1
    visible = np.ones(17, bool)
    visible[MUPOTS_17.index("right_ankle")] = False
    pasted, seen = paste(crop, other, mask, visible, person)
    assert pasted.dtype == np.uint8
    assert (pasted[: SIZE // 2] == 200).all()
    np.testing.assert_array_equal(pasted[SIZE // 2 :], crop[SIZE // 2 :])
    np.testing.assert_array_equal(seen, visible & (person[:, 1].round() >= SIZE // 2))
    assert not seen[MUPOTS_17.index("head_top")]
    assert seen[MUPOTS_17.index("left_ankle")]
