"""Places people where all that is known about their distances says they are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pinet_ros.people import People
from pinet_ros.positioning.floor import Floor, distances_by_floor
from pinet_ros.positioning.fusion import Source, fuse

_SIZE_DEVIATION = 0.15  # of the logarithm of a distance, from an estimator that gives none
_SIZE_DOUBT = 0.05  # that somebody has an unusual size, as children have


def place(people: People, floor: Floor) -> People:
    """Move people along their viewing rays, by scaling them about the camera.

    What is seen of them in the image stays the same. The estimated distance is one source, from
    the size that people usually have; the floor is another. Of a floor of unknown height people
    only learn which way is up.

    Args:
        people: N people in MUPOTS_17, camera optical frame.
        floor: of the same camera.

    Returns:
        The people with joints and deviations scaled, with the deviation that the distance has
        now, and with `up`.
    """
    people = replace(people, up=floor.up)
    if math.isnan(floor.height):
        return people
    given = people.distance_deviations
    deviations = np.where(np.isfinite(given), given, _SIZE_DEVIATION)
    size = Source(np.zeros(len(people)), deviations, _SIZE_DOUBT)
    logarithms, deviations = fuse([size, distances_by_floor(people, floor)])
    factors = np.exp(logarithms)
    return replace(
        people,
        joints=people.joints * factors[:, None, None],
        deviations=people.deviations * factors[:, None],
        root_deviations=people.root_deviations * factors,
        distance_deviations=deviations,
    )
