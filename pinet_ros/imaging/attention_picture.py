"""Picture of the refiner's attention: for each person, the weight of every other person."""

from __future__ import annotations

import math

import cv2
import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.drawing import draw_skeleton, draw_text, image_points, line_width
from pinet_ros.people import People

_COLOR_MAP = cv2.COLORMAP_VIRIDIS  # perceptually even, from dark (0) to bright (1)
_UNKNOWN = (128, 128, 128)
_MAX_WIDTH = 1600  # pixels


def weight_color(weight: float) -> tuple[int, int, int]:
    """Color (blue, green, red), 0 to 255, of a weight, 0 to 1; gray for NaN."""
    if np.isnan(weight):
        return _UNKNOWN
    value = np.array([[round(255 * min(max(weight, 0.0), 1.0))]], np.uint8)
    blue, green, red = cv2.applyColorMap(value, _COLOR_MAP)[0, 0].tolist()
    return blue, green, red


def attention_picture(
    image: np.ndarray, people: People, attention: np.ndarray, camera: Camera | None = None
) -> np.ndarray:
    """Draw one panel for each refined person, with all people in the color of their weight.

    A box marks the refined person of the panel. People that were not refined are gray.

    Args:
        image: (H,W,3) uint8, BGR; not changed.
        people: N refined people.
        attention: (N,N), see `Refinement.attention`.
        camera: camera to project the 3D joints with; None draws the 2D joints.

    Returns:
        (H',W',3) uint8, BGR, with a color bar at the bottom; at most 1600 pixels wide.
    """
    refined = np.flatnonzero(np.isfinite(attention).all(axis=1))
    # people that were not refined have no weight, which differs from weight zero
    weights = np.where(np.isin(np.arange(len(people)), refined), attention, np.nan)
    unknown = np.full(len(people), np.nan)
    panels = [_panel(image, people, weights[row], row, camera) for row in refined.tolist()]
    grid = _grid(panels or [_panel(image, people, unknown, None, camera)])
    scale = min(1.0, _MAX_WIDTH / grid.shape[1])
    grid = cv2.resize(grid, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.concatenate([grid, _color_bar(grid.shape[1], line_width(grid))])


def _panel(
    image: np.ndarray,
    people: People,
    weights: np.ndarray,
    interest: int | None,
    camera: Camera | None,
) -> np.ndarray:
    """Draw all people in the colors of the weights (N,) of one person's refinement."""
    panel = _backdrop(image)
    points, unit = image_points(people, camera), line_width(image)
    for row in np.argsort(weights):  # the largest weight last, on top
        color = weight_color(weights[row])
        draw_skeleton(panel, points[row], people.joint_set.bones, color, unit)
        known = points[row][np.isfinite(points[row]).all(axis=1)]
        if not len(known):
            continue
        left, top = known.min(axis=0)
        if row == interest:
            right, bottom = known.max(axis=0)
            corners = np.clip([left, top, right, bottom], -1e4, 1e4).round().astype(int)
            cv2.rectangle(panel, corners[:2], corners[2:], (255, 255, 255), 2 * unit)
        if not np.isnan(weights[row]):
            draw_text(panel, f"{weights[row]:.2f}", (left, top), color, unit)
    return panel


def _backdrop(image: np.ndarray) -> np.ndarray:
    """The image in light gray, on which the dark color of weight 0 can be seen too."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) // 2 + 96, cv2.COLOR_GRAY2BGR)


def _grid(panels: list[np.ndarray]) -> np.ndarray:
    height, width = panels[0].shape[:2]
    square = math.sqrt(len(panels) * height / width)  # columns that make the picture about square
    columns = min(len(panels), math.ceil(square))
    empty = np.zeros_like(panels[0])
    panels = panels + [empty] * (-len(panels) % columns)
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def _color_bar(width: int, unit: int) -> np.ndarray:
    """Color bar (16*unit,width,3) for weights from 0 to 1."""
    ramp = np.linspace(0, 255, width).round().astype(np.uint8)
    bar = cv2.applyColorMap(np.tile(ramp, (16 * unit, 1)), _COLOR_MAP)
    for text, left, color in (("0", 0, (255, 255, 255)), ("1", width - 12 * unit, (0, 0, 0))):
        origin = (left + 2 * unit, 13 * unit)
        cv2.putText(
            bar, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * unit, color, unit, cv2.LINE_AA
        )
    return bar
