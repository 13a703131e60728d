"""Figures: dressed people in a posture, ready to be placed in a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.accessories import HANGING, Worn
from pinet_training.rendering.arms import palm
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.posture import SIDES, Posture
from pinet_training.rendering.rig import Pose, Rig
from pinet_training.rendering.shapes import join

_CURL = (-0.05, 0.5)  # radians: lowest and highest flexion of each finger joint


@dataclass(frozen=True, eq=False)
class Figure:
    """A person in the body frame, with the pelvis over the origin and the lowest point at z = 0.

    Attributes:
        mesh: the dressed body, metres.
        joints: (17,3) metres, those of MUPOTS_17.
        clothes: names of the garments and accessories that not everybody wears.
    """

    mesh: Mesh
    joints: np.ndarray
    clothes: tuple[str, ...] = ()


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
        vertices=vertices.astype(np.float32),
        normals=normals,
        faces=rig.bodies.faces,
        colors=outfit.colors,
        surface=rig.bodies.template_vertices,
        pattern=outfit.pattern,
    )
    parts = [mesh, *_worn(rig, pose, outfit.worn, origin[2], rng)]
    if outfit.drape is not None:
        legs = np.array([[posture.limb(f"{s}_{p}") for p in ("thigh", "shin")] for s in SIDES])
        parts.append(rig.wardrobe.draper.hang(outfit.drape, vertices, posture.pelvis, legs))
    whole = join(parts) if len(parts) > 1 else mesh
    whole = whole.transformed(np.eye(3), -origin)
    return Figure(whole, pose.joints - origin, outfit.names)


def _worn(
    rig: Rig, pose: Pose, worn: Sequence[Worn], ground: float, rng: np.random.Generator
) -> list[Mesh]:
    """The meshes of hats and bags in the pose's frame; `ground` is the lowest height, metres."""
    meshes = []
    for thing in worn:
        if thing.bone == HANGING:
            hand = palm(rig, pose, SIDES[rng.integers(2)])
            if hand[2] + thing.mesh.vertices[:, 2].min() > ground:  # it hangs free
                meshes.append(thing.mesh.transformed(np.eye(3), hand))
            continue
        bone = rig.bone(thing.bone)
        rotation = pose.rotations[bone]
        shift = pose.positions[bone] - rotation @ pose.bone_heads[bone]
        meshes.append(thing.mesh.transformed(rotation, shift))
    return meshes
