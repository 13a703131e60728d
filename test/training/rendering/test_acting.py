"""What people do where they stand: whom they reach for, with which arms, and whom they look at."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from made_up_bodies import made_up_bodies

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.acting import REACHING, random_act
from pinet_training.rendering.places import TOUCHING, Place
from pinet_training.rendering.posture import LIMBS, Posture, unit, yaw_rotation
from pinet_training.rendering.rig import Rig

SEEDS = 300
HANGING = {"left": np.array([0.1, 0, -1]), "right": np.array([-0.1, 0, -1])}


class Standing:
    """Motion of somebody who stands still: upright, arms hanging."""

    def sample(self, rng):
        limbs = {
            f"{side}_{limb}": HANGING[side] for side, limb in (n.split("_", 1) for n in LIMBS)
        }
        posture = Posture(np.eye(3), np.eye(3), np.eye(3), np.zeros((len(LIMBS), 3)))
        return posture.with_limbs(limbs), SimpleNamespace(name="standing"), 0


def acts(other, relation=TOUCHING):
    """What somebody at (0, 4) with yaw 0.7 does beside another at (2,) from there, by seeds."""
    first = Place(*(np.array([0.0, 4.0]) + other), yaw=0.0)
    place = Place(0.0, 4.0, 0.7, relation, partner=0)
    places = [first, place]
    return place, [
        random_act(place, places, Standing(), np.random.default_rng(seed)) for seed in range(SEEDS)
    ]


def lifted(posture):
    """The sides whose arm does not hang any more (more than 35 degrees from it)."""
    cosine = np.cos(np.radians(35))
    return {
        side
        for side, down in HANGING.items()
        if max(posture.limb(f"{side}_{part}") @ unit(down) for part in ("upper_arm", "forearm"))
        < cosine
    }


@pytest.mark.parametrize("angle", [-60, 0, 60])
def test_some_reach_with_both_arms_and_most_with_one(angle):
    turn = yaw_rotation(0.7 + np.radians(angle))
    _, made = acts((turn @ [0, -0.5, 0])[:2])
    numbers = [len(lifted(act.posture)) for act in made if act.stance == REACHING]
    assert len(numbers) > 0.6 * SEEDS
    assert np.mean(np.array(numbers) == 2) == pytest.approx(0.3, abs=0.1)
    assert np.mean(np.array(numbers) == 1) == pytest.approx(0.7, abs=0.12)


def test_hands_of_those_who_touch_get_to_the_other_person():
    distance = 0.5
    other = distance * (yaw_rotation(0.7) @ [0, -1, 0])[:2]
    place, made = acts(other)
    rig = Rig(made_up_bodies())
    gaps = []
    for act in made:
        if act.stance == REACHING:
            pose = rig.pose(0, act.posture.turned(place.yaw))
            joints = pose.joints - pose.joints[MUPOTS_17.index("pelvis")]
            hands = joints[[MUPOTS_17.index(f"{side}_wrist") for side in HANGING], :2]
            gaps.append(np.linalg.norm(hands - other, axis=1).min())
    assert np.median(gaps) < 0.2  # metres from the middle of the other: on the body
    assert np.mean(np.array(gaps) < 0.35) > 0.95


def test_four_in_ten_look_at_their_partner():
    other = np.array([0.8, -0.6])  # within what the neck can turn from yaw 0.7
    place, made = acts(other, "apart")
    ahead = [(yaw_rotation(place.yaw) @ act.posture.head @ [0, -1, 0])[:2] for act in made]
    looks = np.mean(np.array(ahead) @ other / np.linalg.norm(ahead, axis=1) > 0.999)
    assert looks == pytest.approx(0.4, abs=0.08)


def test_the_same_seed_gives_the_same_act():
    _, first = acts(np.array([0.5, 0.1]))
    _, again = acts(np.array([0.5, 0.1]))
    for one, other in zip(first[:20], again[:20], strict=True):
        assert one.stance == other.stance
        np.testing.assert_array_equal(one.posture.limbs, other.posture.limbs)
