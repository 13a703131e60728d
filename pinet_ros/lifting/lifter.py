"""Interface of the lifters: images and boxes of people in, absolute 3D poses out."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

from pinet_ros.detection.detections import Detections
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.frame import Frame
from pinet_ros.people import People

_DIGITS = 8  # of the hash of the weights, in the name of an estimator
NEAREST = 0.3  # metres; a root closer than this is a failed fit, not a person


class Lifter(Protocol):
    """One or several networks that lift people to 3D.

    Attributes:
        name: `People.estimator` of its people, see `estimator_name`.
    """

    name: str

    def __call__(
        self,
        frames: Sequence[Frame],
        detections: Sequence[Detections],
        cameras: Sequence[Camera],
    ) -> list[People]:
        """Lift the people of several images in one batch.

        Args:
            frames: the images.
            detections: the people detected in each image.
            cameras: the camera of each image.

        Returns:
            The people of each image in MUPOTS_17, metres, camera optical frame. Detections in
            which the lifter sees no person are left out.
        """


def estimator_name(lifter: str, hashes: Sequence[str]) -> str:
    """Name a lifter and its weights, for `People.estimator`.

    Args:
        lifter: name of the lifter, such as blazepose_full.
        hashes: SHA-256 of each of its weights files, in hexadecimal. Of several files, that of
            their concatenated hashes counts.
    """
    digest = hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode()).hexdigest()
    return f"{lifter}/{digest[:_DIGITS]}"
