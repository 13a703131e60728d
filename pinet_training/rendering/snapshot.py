"""One image of a scene: what the camera sees of people and things, and what is true of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.lighting import Light
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.photograph import Lens
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.truth import person_truth
from pinet_training.rendering.viewpoint import Viewpoint


@dataclass(frozen=True, eq=False)
class Shot:
    """An image of a scene with its ground truth.

    Attributes:
        image: (H,W,3) uint8 BGR.
        quality: JPEG quality to save it with, 1 to 100.
        scene: the scene's row of TRUTH, value by name; without image, split, sequence, frame and
            time.
        people: the P people's rows of TRUTH, array by name; without person_scene.
    """

    image: np.ndarray
    quality: int
    scene: dict[str, object]
    people: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a camera sees.

    Attributes:
        light: (H,W,3) float32 linear RGB, through the camera's lens.
        people: the arrays of TRUTH that `person_truth` computes.
    """

    light: np.ndarray
    people: dict[str, np.ndarray]


def take_snapshot(
    renderer: Renderer,
    people: Sequence[tuple[Mesh, np.ndarray]],
    things: Sequence[Mesh],
    viewpoint: Viewpoint,
    lens: Lens,
    light: Light,
    behind: Callable[[], np.ndarray],
) -> Snapshot:
    """Render what a camera sees, and compute what is true of it.

    Args:
        renderer: renders images of the camera's size.
        people: mesh, and joints (17,3) in metres, of each person, world frame.
        things: all other meshes, world frame.
        viewpoint: the camera.
        lens: its lens.
        light: in the world frame.
        behind: gives what is seen behind all meshes (H,W,3) by the lens' pinhole, linear RGB; it
            is not asked where meshes cover the image.
    """
    meshes = [*(mesh for mesh, _ in people), *things]
    rendering = renderer.render(
        [mesh.transformed(viewpoint.rotation, viewpoint.translation) for mesh in meshes],
        lens.matrix,
        light.turned(viewpoint.rotation),
        viewpoint.rotation[:, 2],
    )
    seen = rendering.color
    if rendering.coverage.min() < 1:
        seen = seen + (1 - rendering.coverage)[..., None] * behind()
    joints = np.array([joints for _, joints in people]).reshape(-1, 17, 3)
    return Snapshot(lens.bend(seen), person_truth(joints, viewpoint, lens, rendering))


def scene_truth(viewpoint: Viewpoint) -> dict[str, object]:
    """The scene's row of TRUTH that depends on its camera, value by name."""
    camera = viewpoint.camera
    return {
        "scene_cameras": viewpoint.kind,
        "scene_intrinsics": camera.matrix[[0, 1, 0, 1], [0, 1, 2, 2]],
        "scene_distortion": camera.distortion,
        "scene_camera_height": viewpoint.position[2],
        "scene_camera_pitch": viewpoint.pitch,
        "scene_camera_roll": viewpoint.roll,
        "scene_camera_position": viewpoint.position,
        "scene_camera_rotation": viewpoint.rotation,
    }
