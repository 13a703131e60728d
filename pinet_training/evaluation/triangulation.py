"""Several calibrated views of the same people: who is who, and where their joints are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pinet_ros.geometry.camera import Camera

# The rays of two views that meet at a smaller angle, or face each other so, fix no depth.
_MIN_ANGLE = np.radians(20.0)
_LEAST = 1e-3  # of the confidence of a view that agrees
_MIN_JOINTS = 1 / 3  # of a person's that have to agree in another view


@dataclass(frozen=True, eq=False)
class View:
    """A camera in the world.

    Attributes:
        camera: intrinsics and distortion.
        rotation: (3,3), world to camera optical frame.
        position: (3,) metres, of the camera in the world.
    """

    camera: Camera
    rotation: np.ndarray
    position: np.ndarray

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (...,3) to the camera optical frame (...,3), metres."""
        return (points - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (...,3) metres to distorted pixels (...,2)."""
        return self.camera.project(self.to_camera(points))

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Distorted pixels (...,2) to unit rays (...,3) in the world."""
        return self.camera.rays(pixels) @ self.rotation


@dataclass(frozen=True, eq=False)
class Triangulation:
    """The joints of one person.

    Attributes:
        points: (J,3) metres in the world, NaN where no two views agree.
        used: (V,J), which views agree on a joint.
        errors: (V,J) pixels, reprojection errors in the views that are used, NaN elsewhere.
    """

    points: np.ndarray
    used: np.ndarray
    errors: np.ndarray


def triangulate(
    views: Sequence[View], pixels: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """World points (J,3) metres that fit their pixels (V,J,2) in all of V >= 2 views.

    Linear least squares of the normalised image coordinates, each view counting by its weight
    (V,J), alike without them. A pixel that is NaN, or that no ray through the lens has, counts
    for nothing; a point that fewer than two views see is NaN. Source: Hartley and Zisserman,
    Multiple View Geometry, 2004, section 12.2 (inhomogeneous method).
    """
    weights = np.ones(pixels.shape[:2]) if weights is None else weights
    flat = np.stack([v.camera.undistort(p) for v, p in zip(views, pixels, strict=True)])
    counts = np.isfinite(flat).all(axis=-1) & (weights > 0)  # (V,J)
    weights, flat = np.where(counts, weights, 0.0), np.where(counts[..., None], flat, 0.0)
    rows, targets = [], []
    for view, seen, weight in zip(views, flat, weights, strict=True):
        for axis in range(2):
            row = view.rotation[axis] - seen[:, axis, None] * view.rotation[2]  # (J,3)
            rows.append(weight[:, None] * row)
            targets.append(weight * (row @ view.position))
    matrix, target = np.stack(rows, axis=1), np.stack(targets, axis=1)  # (J,2V,3), (J,2V)
    points = (np.linalg.pinv(matrix) @ target[..., None])[..., 0]
    points[counts.sum(axis=0) < 2] = np.nan
    return points


def reprojection_errors(
    views: Sequence[View], points: np.ndarray, pixels: np.ndarray
) -> np.ndarray:
    """(V,J) distance in pixels of points (J,3) from where they were seen (V,J,2)."""
    projected = np.stack([view.project(points) for view in views])
    return np.linalg.norm(projected - pixels, axis=-1)


def triangulate_robustly(
    views: Sequence[View],
    pixels: np.ndarray,
    confidence: np.ndarray | None = None,
    *,
    max_error: float = 25.0,
) -> Triangulation:
    """Triangulate each joint from the views that agree on it.

    Each pair of views proposes a point; the one that most views see near, the nearer and the
    more confident the better, chooses the views (all pairs of RANSAC, with MSAC's cost: Torr and
    Zisserman, Computer Vision and Image Understanding, 2000).

    Args:
        views: V of them.
        pixels: (V,J,2), NaN where a view does not see a joint.
        confidence: (V,J) of the pixels, 0 to 1; alike if not given.
        max_error: pixels; a view that is farther from a point does not agree.
    """
    confidence = np.ones(pixels.shape[:2]) if confidence is None else confidence
    used = np.zeros(pixels.shape[:2], bool)
    best = np.zeros(pixels.shape[1])
    for pair in combinations(range(len(views)), 2):
        chosen, seen = [views[view] for view in pair], pixels[list(pair)]
        errors = reprojection_errors(views, triangulate(chosen, seen), pixels)
        near = errors < max_error
        support = (confidence * (1 - (errors / max_error) ** 2)).sum(axis=0, where=near)
        better = near[list(pair)].all(axis=0) & _wide(chosen, seen) & (support > best)
        used[:, better], best[better] = near[:, better], support[better]
    points = triangulate(views, pixels, np.where(used, np.maximum(confidence, _LEAST), 0.0))
    errors = np.where(used, reprojection_errors(views, points, pixels), np.nan)
    return Triangulation(points, used, errors)


def _wide(pair: Sequence[View], pixels: np.ndarray) -> np.ndarray:
    """(J,) whether the rays of two views through pixels (2,J,2) meet at a wide enough angle."""
    first, second = (view.rays(seen) for view, seen in zip(pair, pixels, strict=True))
    return np.linalg.norm(np.cross(first, second), axis=-1) > np.sin(_MIN_ANGLE)


def associate(
    views: Sequence[View], pixels: Sequence[np.ndarray], *, max_error: float = 25.0
) -> list[dict[int, int]]:
    """Find which people of different views are the same.

    Each two people of different views propose a person; those whom most joints support, in all
    views, are taken first. A person may be partly wrong in a view: a third of the joints do.

    Args:
        views: V of them.
        pixels: for each view (N,J,2), its people.
        max_error: pixels; a joint that is farther from its proposed place does not agree.

    Returns:
        Groups of at least two views: the person's row in each view.
    """
    proposals = _proposals(views, pixels, max_error)
    groups: list[dict[int, int]] = []
    taken: set[tuple[int, int]] = set()
    for _, group in sorted(proposals, key=lambda proposal: -proposal[0]):
        if taken.isdisjoint(group.items()):
            groups.append(group)
            taken |= group.items()
    return groups


def _proposals(
    views: Sequence[View], pixels: Sequence[np.ndarray], max_error: float
) -> list[tuple[float, dict[int, int]]]:
    """Support and rows by view of what each two people of different views propose."""
    people = [(view, row) for view, of_view in enumerate(pixels) for row in range(len(of_view))]
    proposals = []
    for pair in combinations(people, 2):
        if pair[0][0] == pair[1][0]:
            continue
        points = triangulate(
            [views[view] for view, _ in pair], np.stack([pixels[v][row] for v, row in pair])
        )
        support, group = 0.0, {}
        for view, of_view in enumerate(pixels):
            rows = [row for v, row in pair if v == view] or range(len(of_view))
            distances = np.linalg.norm(of_view - views[view].project(points), axis=-1)
            agree = np.maximum(0.0, 1 - (np.nan_to_num(distances, nan=np.inf) / max_error) ** 2)
            row = max(rows, key=lambda row, a=agree: a[row].sum(), default=None)
            if row is not None and (agree[row] > 0).mean() >= _MIN_JOINTS:
                support += agree[row].sum()
                group[view] = row
        if set(pair) <= group.items():
            proposals.append((float(support), group))
    return proposals
