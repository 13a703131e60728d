"""People who move on through clip after clip: they do not slide, jump or flip."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_walks import PELVIS, motions, walk, wave

from pinet_training.rendering.motion import Motions
from pinet_training.rendering.posture import LIMBS
from pinet_training.rendering.repertoire import Repertoire
from pinet_training.rendering.takes import Take
from pinet_training.rendering.walks import Walker

RATE, LEG = 30.0, 0.85
FRAMES = 400  # several clips


def _speed(take: Take) -> complex:
    return complex(take.moves[3:-3].mean()) * RATE


def test_a_walk_goes_as_fast_as_its_feet_do_not_slide():
    for speed in (0.8, 1.2, 1.6):
        take = Take.of(walk(speed), RATE)
        assert len(take) == pytest.approx(3 * RATE, abs=1)
        assert _speed(take) == pytest.approx(-1j * speed, abs=0.12 * speed)


def test_a_walk_on_the_spot_goes_on_as_its_feet_do():
    still = np.tile([0.0, 0.0, PELVIS], (180, 1))
    assert _speed(Take.of(walk(1.2, roots=still), RATE)) == pytest.approx(-1.2j, abs=0.15)


def test_captured_roots_are_scaled_to_the_person():
    times = np.arange(180) / 60
    roots = 2 * np.stack([0 * times, -1.2 * times, 0 * times + PELVIS], axis=1)  # of a giant
    assert _speed(Take.of(walk(1.2, roots=roots), RATE)) == pytest.approx(-1.2j, abs=1e-3)


def test_a_jump_is_known_from_the_captured_height():
    clip = wave()
    roots = np.tile([0.0, 0.0, PELVIS], (len(clip), 1))
    roots[60:90, 2] += 0.3
    lifts = Take.of(walk(0.0, roots=roots), RATE).lifts
    assert lifts[33:42].min() > 0.2
    assert lifts[:28].max() == lifts[48:].max() == 0


def _turning_walk(turn: float) -> list:
    walks = Repertoire.of(motions(), RATE).walks
    walker = Walker(walks, LEG, 1 + 2j, 0.5, np.random.default_rng(4))
    moments = [walker.moment()]
    for _ in range(FRAMES - 1):
        walker.step(turn / RATE)
        moments.append(walker.moment())
    return moments


def _ankles(moment) -> np.ndarray:
    """(2,3) metres, world frame but for the height of the pelvis."""
    posture = moment.posture
    places = []
    for side, sign in (("left", 1), ("right", -1)):
        leg = (posture.limb(f"{side}_thigh") + posture.limb(f"{side}_shin")) / 2
        offset = LEG * (sign * 0.12 * posture.pelvis[:, 0] + leg)
        places.append(offset + np.array([moment.position.real, moment.position.imag, 0]))
    return np.array(places)


@pytest.mark.parametrize("turn", [0.0, 0.8, -0.8])
def test_feet_slide_little_also_in_turns_and_from_clip_to_clip(turn):
    moments = _turning_walk(turn)
    assert len({moment.clip for moment in moments}) > 1
    ankles = np.array([_ankles(moment) for moment in moments])
    speeds = np.linalg.norm(np.diff(ankles[..., :2], axis=0), axis=-1) * RATE
    standing = ankles[:-1, :, 2].argmin(axis=1)
    slides = speeds[np.arange(FRAMES - 1), standing]
    assert np.median(slides) < 0.1
    assert np.mean(slides) < 0.25  # a foot swings at twice the speed of the person
    speed = np.abs(np.diff([moment.position for moment in moments])) * RATE
    assert 0.7 < speed.min() < speed.max() < 1.6


def test_nothing_jumps_from_frame_to_frame():
    moments = _turning_walk(0.5)
    limbs = np.array([moment.posture.limbs for moment in moments])
    angles = np.arccos(np.clip((limbs[1:] * limbs[:-1]).sum(axis=-1), -1, 1))
    own = np.array([walk(1.4).limbs[frame] for frame in range(0, 180, 2)])
    fastest = np.arccos(np.clip((own[1:] * own[:-1]).sum(axis=-1), -1, 1)).max()
    assert angles.max() < 1.5 * fastest
    assert LIMBS[int(angles.max(axis=0).argmax())].split("_")[1] in ("thigh", "shin", "foot")


def test_a_turn_is_made():
    moments = _turning_walk(0.5)
    path = np.diff([moment.position for moment in moments])
    turned = np.unwrap(np.angle(path))
    assert (turned[-1] - turned[10]) * RATE / (FRAMES - 11) == pytest.approx(0.5, abs=0.05)


def test_who_stays_comes_back():
    stays = Repertoire.of(motions(), RATE).stays["waving"]
    walker = Walker(stays, LEG, 3j, 0.0, np.random.default_rng(0))
    for _ in range(FRAMES):
        walker.stay()
        assert abs(walker.position - 3j) < 0.1
        assert walker.moment().clip == "waving_1"


def test_without_walks_and_people_on_their_feet_all_clips_are_used():
    clip = wave()
    lying = np.tile(clip.limbs[:1, :, [0, 2, 1]], (len(clip), 1, 1))
    motions = Motions([type(clip)("a_1", "a", "train", clip.torso, lying)])
    repertoire = Repertoire.of(motions, RATE)
    assert repertoire.walks is None
    assert list(repertoire.stays) == ["a"]
