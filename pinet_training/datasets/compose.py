"""Compositor: scenes of several people from images of one person each.

Source: Mehta et al., Single-Shot Multi-Person 3D Pose Estimation From Monocular RGB, 3DV 2018,
section on MuCo-3DHP: one to four people whom one camera recorded are put into one image, in
camera coordinates as they were, the nearer ones in front of the farther ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.cli.predictions.prediction_fields import image_key
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_training.datasets.annotated_image import AnnotatedImage, read_picture, sequence_of
from pinet_training.datasets.annotations import Annotations

_MOST_PEOPLE = 4
_CLEARANCE = 0.5  # metres between two roots on the ground: people do not stand in each other
_CANDIDATES = 50  # people who are tried beside the first

Sources = tuple[AnnotatedImage, ...]  # of one composite; the first gives the background


def draw_sources(annotations: Annotations, count: int, seed: int) -> list[Sources]:
    """Draw who stands in each of `count` composites, one to four people of one camera.

    The number of people is drawn evenly; fewer stand there when nobody else finds room.

    Args:
        annotations: images of one person each; those whose person is not valid are left out.
        count: of composites.
        seed: the same gives the same composites.

    Raises:
        DatasetError: an image has not one person, or its camera, size or joints are not known.
    """
    groups = _by_camera(annotations)
    rng = np.random.default_rng(seed)
    sizes = np.array([len(group) for group in groups])
    drawn = rng.choice(len(groups), count, p=sizes / sizes.sum())
    return [_draw(groups[number], rng) for number in drawn]


def _by_camera(annotations: Annotations) -> list[list[AnnotatedImage]]:
    """Usable images, those of the same intrinsics and size together."""
    groups = defaultdict(list)
    for image in annotations.images:
        if len(image.people) != 1 or image.camera is None or image.width is None:
            raise DatasetError(
                f"{annotations.source}: image {image.file_name!r} must have one person, a camera "
                f"and a size, got {len(image.people)} people, camera "
                f"{'unknown' if image.camera is None else 'known'}, width {image.width}"
            )
        if not image.valid[0]:
            continue
        if not image.people.known[0]:
            raise DatasetError(
                f"{annotations.source}: image {image.file_name!r} has joints that are not known"
            )
        camera = image.camera.matrix.tobytes(), image.width, image.height
        groups[camera].append(image)
    if not groups:
        raise DatasetError(f"{annotations.source} has no image with a valid person")
    return list(groups.values())


def _draw(group: list[AnnotatedImage], rng: np.random.Generator) -> Sources:
    wanted = rng.integers(1, _MOST_PEOPLE + 1)
    order = rng.choice(len(group), min(_CANDIDATES + 1, len(group)), replace=False)
    chosen: list[AnnotatedImage] = []
    for number in order:
        candidate = group[number]
        if len(chosen) < wanted and all(_clear(candidate, other) for other in chosen):
            chosen.append(candidate)
    return tuple(chosen)


def _clear(one: AnnotatedImage, other: AnnotatedImage) -> bool:
    """Whether two people stand apart; x and z of the camera stand for the ground."""
    return bool(np.linalg.norm((_root(one) - _root(other))[[0, 2]]) >= _CLEARANCE)


def _root(image: AnnotatedImage) -> np.ndarray:
    return image.people.joints[0, image.people.joint_set.index("pelvis")]


def merge(sources: Sources, file_name: str) -> AnnotatedImage:
    """The annotations of a composite; with initial poses where every source has them."""
    first = sources[0]
    initial = [image.initial for image in sources if image.initial is not None]
    return AnnotatedImage(
        key=image_key(file_name),
        file_name=file_name,
        sequence=sequence_of(file_name),
        width=first.width,
        height=first.height,
        camera=first.camera,
        people=People.concatenate([image.people for image in sources]),
        valid=np.ones(len(sources), bool),
        initial=People.concatenate(initial) if len(initial) == len(sources) else None,
    )


def paste(sources: Sources, folder: Path) -> np.ndarray:
    """The picture (H,W,3) uint8 BGR of a composite: people from far to near, by their outlines.

    Args:
        sources: whose segmentations are COCO's polygons.
        folder: of their pictures.

    Raises:
        DatasetError: a source has no polygons, or its picture has another size.
        PictureError: a picture cannot be read.
    """
    picture = read_picture(sources[0], folder)
    for source in sorted(sources, key=lambda image: -_root(image)[2]):
        inside = _mask(source)
        picture[inside] = read_picture(source, folder)[inside]
    return picture


def require_outlines(composites: Sequence[Sources]) -> None:
    """Raise a DatasetError if `paste` lacks the outline of somebody."""
    for sources in composites:
        for source in sources:
            _mask(source)


def _mask(source: AnnotatedImage) -> np.ndarray:
    """(H,W) bool, inside the polygons."""
    mask = np.zeros((source.height, source.width), np.uint8)
    cv2.fillPoly(mask, list(_polygons(source)), 1)
    return mask.astype(bool)


def _polygons(source: AnnotatedImage) -> Iterator[np.ndarray]:
    """Corners (C,1,2) int32 of each polygon, pixels."""
    outline = source.segmentations[0] if source.segmentations else None
    try:
        polygons = [np.asarray(flat, float).reshape(-1, 1, 2) for flat in outline or ()]
    except (TypeError, ValueError):
        polygons = []
    if not polygons:
        raise DatasetError(
            f"image {source.file_name!r}: a picture needs the person's segmentation as polygons "
            f"[[x, y, x, y, ...], ...], got {type(outline).__name__}; leave the pictures out to "
            "compose annotations alone"
        )
    for corners in polygons:
        yield corners.round().astype(np.int32)
