"""Couples that were captured together: both in one scene, as they were to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.acting import Act
from pinet_training.rendering.crowd import Step
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.performers import Performer
from pinet_training.rendering.places import COUPLE
from pinet_training.rendering.posture import SIDES, heading, yaw_rotation

_JOINED = 0.35  # metres between palms that were joined in the capture, at most
_PELVISES = 0.35  # metres between pelvises, at least


@dataclass(frozen=True, eq=False)
class Couple:
    """Two people at one moment of a capture.

    Attributes:
        acts: what the two do.
        step: from the place of the first one to that of the second.
    """

    acts: tuple[Act, Act]
    step: Step


def random_couple(motions: Motions, rng: np.random.Generator) -> Couple | None:
    """Draw a moment of a couple; None if the motions have no couple.

    Args:
        motions: the clips.
        rng: decides clip, frame, and whether it is mirrored.
    """
    couples = [c for c in motions.clips if c.partner and c.roots is not None]
    if not couples:
        return None
    first = couples[rng.integers(len(couples))]
    second = first.partner
    frame = int(rng.integers(min(len(first), len(second))))
    postures = [clip.posture(frame) for clip in (first, second)]
    yaws = [heading(-clip.torso[frame, 0, :2, 1]) for clip in (first, second)]
    x, y, _ = yaw_rotation(-yaws[0]) @ (second.roots[frame] - first.roots[frame])
    turn = yaws[1] - yaws[0]
    if rng.random() < 0.5:
        postures, x, turn = [posture.mirrored() for posture in postures], -x, -turn
    acts = [
        Act(posture, COUPLE, clip.name)
        for posture, clip in zip(postures, (first, second), strict=True)
    ]
    return Couple((acts[0], acts[1]), Step(float(x), float(y), float(turn)))


def as_close_as_captured(first: Performer, second: Performer) -> tuple[Performer, Performer]:
    """Keep the bodies of a couple apart, and join the hands that were joined in the capture.

    The capture's bodies were of other sizes, so hands that held each other miss by decimetres.
    """
    pairs = sorted(
        (float(np.linalg.norm(first.palm(one) - second.palm(two))), one, two)
        for one in SIDES
        for two in SIDES
    )
    way = second.place.position - first.place.position
    distance = float(np.linalg.norm(way))
    if distance < _PELVISES:
        way = way / distance if distance > 1e-3 else first.front[:2]
        second = second.at(first.place.position + _PELVISES * way)
    joined: set[str] = set()
    for gap, one, two in pairs:
        if gap > _JOINED or f"first {one}" in joined or f"second {two}" in joined:
            continue
        joined |= {f"first {one}", f"second {two}"}
        middle = (first.palm(one) + second.palm(two)) / 2
        first = first.with_palm_at(one, middle, first.elbow(one))
        second = second.with_palm_at(two, middle, second.elbow(two))
    return first, second
