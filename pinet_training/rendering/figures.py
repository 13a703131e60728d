"""Figures: dressed people in a posture, ready to be placed in a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.posture import Posture
from pinet_training.rendering.rig import Rig

_CURL = (-0.05, 0.5)  # radians: lowest and highest flexion of each finger joint


@dataclass(frozen=True, eq=False)
class Figure:
    """A person in the body frame, with the pelvis over the origin and the lowest point at z = 0.

    Attributes:
        mesh: the dressed body, metres.
        joints: (17,3) metres, those of MUPOTS_17.
    """

    mesh: Mesh
    joints: np.ndarray


def make_figure(rig: Rig, body: int, posture: Posture, rng: np.random.Generator) -> Figure:
    """Dress a body at random and put it into a posture.

    Args:
        rig: of all bodies.
        body: index in the rig's bodies.
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
        colors=outfit.colors,
        surface=rig.bodies.template_vertices,
        pattern=outfit.pattern,
    )
    return Figure(mesh, pose.joints - origin)
