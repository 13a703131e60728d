"""Pastes people from other crops over a crop, so that they hide a part of whom it is of."""

from __future__ import annotations

import cv2
import numpy as np

from pinet_ros.skeleton import MUPOTS_17

_TORSO = MUPOTS_17.indices("left_shoulder", "right_shoulder", "right_hip", "left_hip")
_LIMB = 0.09  # width of a limb, as a fraction of the person's size in the image
_SOFT = 1.5  # pixels: width of the edge of what is pasted


def outline(points: np.ndarray, visible: np.ndarray, size: int) -> np.ndarray:
    """Draw a person's rough outline: limbs as wide lines, the trunk as a polygon.

    Args:
        points: (17,2) joints of MUPOTS_17 in the crop, pixels.
        visible: (17,) joints that nothing is in front of; others are left out.
        size: S, side of the crop, pixels.

    Returns:
        (S,S) float32 mask, 0 to 1, with soft edges.
    """
    mask = np.zeros((size, size), np.uint8)
    seen = points[visible]
    if not len(seen):
        return mask.astype(np.float32)
    width = max(2, int(_LIMB * np.ptp(seen, axis=0).max()))
    places = np.clip(points, -4 * size, 5 * size).round().astype(int)
    for start, end in MUPOTS_17.bones:
        if visible[start] and visible[end]:
            cv2.line(mask, places[start].tolist(), places[end].tolist(), 255, width)
    if visible[_TORSO].all():
        cv2.fillPoly(mask, [places[_TORSO]], 255)
    head, top = (MUPOTS_17.index(name) for name in ("head", "head_top"))
    if visible[head] and visible[top]:
        centre = (places[head] + places[top]) // 2
        cv2.circle(mask, centre.tolist(), int(1.1 * width), 255, -1)
    return cv2.GaussianBlur(mask, (0, 0), _SOFT).astype(np.float32) / 255


def paste(
    crop: np.ndarray, other: np.ndarray, mask: np.ndarray, visible: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Paste the masked part of another crop in front of a person.

    Args:
        crop, other: (S,S,3) uint8.
        mask: (S,S), 0 to 1, of the part that is pasted.
        visible: (17,) the person's joints that nothing was in front of.
        points: (17,2) the person's joints in the crop, pixels.

    Returns:
        The crop (S,S,3) uint8, and (17,) which joints nothing is in front of now.
    """
    pasted = crop + mask[..., None] * (other.astype(np.float32) - crop)
    x, y = points.round().astype(int).clip(0, len(crop) - 1).T
    return pasted.astype(np.uint8), visible & (mask[y, x] < 0.5)
