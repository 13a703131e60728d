"""Live view in Rerun: the annotated image and the people in 3D."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import rerun

from pinet_ros.people import People, person_color

_JOINT_RADIUS = 0.025  # metres
_BONE_RADIUS = 0.015  # metres


class Viewer:
    """Shows one frame after another."""

    def __init__(self, *, spawn: bool = True) -> None:
        """Start a recording; `spawn` opens the window of the viewer."""
        rerun.init("pinet_ros")
        if spawn:  # the viewer is installed next to this Python, which may not be on PATH
            rerun.spawn(executable_path=shutil.which("rerun", path=Path(sys.executable).parent))
        rerun.log("world", rerun.ViewCoordinates.RDF, static=True)

    def show(self, seconds: float, image: np.ndarray, people: People) -> None:
        """Show one frame.

        Args:
            seconds: stamp of the frame.
            image: (H,W,3) uint8, BGR.
            people: the people in the frame, metres, camera optical frame.
        """
        rerun.set_time("stamp", timestamp=seconds)
        rerun.log("image", rerun.Image(image, color_model="BGR").compress(jpeg_quality=80))
        bones, bone_colors, joints, joint_colors = [], [], [], []
        for row, pose in enumerate(people.joints):
            color = person_color(people.number(row))
            known = np.isfinite(pose).all(axis=1)
            strips = [pose[list(bone)] for bone in people.known_bones(row)]
            bones += strips
            bone_colors += [color] * len(strips)
            joints += list(pose[known])
            joint_colors += [color] * int(known.sum())
        rerun.log("world/bones", rerun.LineStrips3D(bones, colors=bone_colors, radii=_BONE_RADIUS))
        rerun.log("world/joints", rerun.Points3D(joints, colors=joint_colors, radii=_JOINT_RADIUS))
