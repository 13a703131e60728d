"""The true pose, the estimate and the refined pose of one person, drawn in one picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pinet_ros.imaging.drawing import draw_skeleton, draw_text, line_width
from pinet_ros.skeleton import MUPOTS_17

POSE_COLORS = {"truth": (0, 200, 0), "before": (0, 0, 255), "after": (255, 128, 0)}  # BGR


def draw_poses(image: np.ndarray, points: Mapping[str, np.ndarray]) -> None:
    """Draw the poses of POSE_COLORS, each (17,2) pixels, into (H,W,3) BGR."""
    for pose, color in POSE_COLORS.items():
        draw_skeleton(image, points[pose], MUPOTS_17.bones, color, line_width(image))


def draw_legend(image: np.ndarray) -> None:
    """Write into a corner of (H,W,3) BGR which pose has which color."""
    unit = line_width(image)
    for row, (pose, color) in enumerate(POSE_COLORS.items()):
        draw_text(image, pose, (0, 25 * unit * (row + 1)), color, unit)
