"""Still image: a frame next to the skeletons of its people, seen from two sides."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes

from pinet_ros.people import People, person_color

_MARGIN = 0.4  # metres around the people
# Elevation and azimuth in degrees.
_VIEWS = {"from behind the camera": (18, -75), "from the right": (12, -10)}


def save_still(path: str | Path, image: np.ndarray, people: People) -> None:
    """Write the still image of one frame.

    Args:
        path: path of the image file, .png or .jpg.
        image: (H,W,3) uint8, BGR, shown on the left.
        people: shown on the right, in metres: x right, z forward, -y up.
    """
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shape = min(image.shape[1] / image.shape[0], 1.4)  # of the image's column
    figure = pyplot.figure(figsize=(6 * (shape + 2), 6), dpi=120)
    grid = figure.add_gridspec(1, 3, width_ratios=[shape, 1, 1], wspace=0.05)
    flat = figure.add_subplot(grid[0])
    flat.imshow(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    flat.set_axis_off()
    for cell, (title, (elevation, azimuth)) in zip(
        (grid[1], grid[2]), _VIEWS.items(), strict=True
    ):
        axes = figure.add_subplot(cell, projection="3d")
        _draw(axes, people)
        axes.view_init(elevation, azimuth)
        axes.set_title(title)
    figure.savefig(path, bbox_inches="tight")
    pyplot.close(figure)


def _draw(axes: Axes, people: People) -> None:
    points = people.joints[..., [0, 2, 1]] * [1, 1, -1]  # right, forward, up
    for row, joints in enumerate(points):
        number = people.number(row)
        color = person_color(number)
        for bone in people.joint_set.bones:
            axes.plot(*joints[list(bone)].T, color=color, linewidth=2.5)
        axes.scatter(*joints.T, color=color, s=12)
        if np.isfinite(joints).any():
            x, y, height = joints[np.nanargmax(joints[:, 2])]
            axes.text(x, y, height + 0.15, f"{number}: {people.distance(row):.1f} m")
    axes.set_xlabel("x right (m)")
    axes.set_ylabel("z forward (m)")
    axes.set_zlabel("-y up (m)")
    if np.isfinite(points).any():
        low, high = np.nanmin(points, (0, 1)) - _MARGIN, np.nanmax(points, (0, 1)) + _MARGIN
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
        axes.set_box_aspect(high - low)  # equal metres on all axes
