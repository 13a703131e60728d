"""Figures: people in clothes and postures, ready to be placed in a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.posture import Posture
from pinet_training.rendering.rig import Rig

_CURL = (-0.05, 0.5)  # radians at each joint of the fingers


@dataclass(frozen=True, eq=False)
class Figure:
    """A person in the body frame, the middle of the hips over the origin, on the ground z = 0.

    Attributes:
        mesh: what is seen.
        joints: (17,3) metres of MUPOTS_17.
    """

    mesh: Mesh
    joints: np.ndarray


def make_figure(rig: Rig, body: int, posture: Posture, rng: np.random.Generator) -> Figure:
    """Dress a body at random and bring it into a posture.

    Args:
        rig: of the bodies.
        body: number in its bodies.
        posture: in the body frame.
        rng: decides clothes, skin, hair and how far the fingers are bent.
    """
    outfit = rig.wardrobe.dress(body, rng)
    pose = rig.pose(body, posture, curl=tuple(rng.uniform(*_CURL, 2)))
    vertices, normals = rig.skin(pose, outfit.vertices, outfit.normals)
    origin = pose.joints[MUPOTS_17.index("pelvis")].copy()
    origin[2] = vertices[:, 2].min()
    mesh = Mesh(
        vertices=(vertices - origin).astype(np.float32),
        normals=normals,
        faces=rig.bodies.faces,
        colours=outfit.colours,
        surface=rig.bodies.template_vertices,
        pattern=outfit.pattern,
    )
    return Figure(mesh, pose.joints - origin)
