"""A rendered data set as the project's own writer makes it, of made-up people."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pinet_ros.errors import PinetError
from pinet_training.rendering.renderer import describe_renderer

SIZE = (640, 480)
SETTINGS = {"seed": 5, "size": list(SIZE), "scenes_per_shard": 2}


def made_up_truth(people, seed=0):
    """What is true of scenes with so many people each, drawn at random; joints are not in line."""
    rng = np.random.default_rng(seed)
    scenes, count = len(people), sum(people)
    order = [[*range(n)[i:], *range(n)[:i], *[-1] * (8 - n)] for n in people for i in range(n)]
    return {
        "scene_split": np.full(scenes, "train"),
        "scene_cameras": np.full(scenes, "level"),
        "scene_intrinsics": np.tile([550.0, 552.0, 321.0, 238.0], (scenes, 1)),
        "scene_distortion": np.tile([-0.05, 0.01, 0.001, 0, 0, 0, 0, 0], (scenes, 1)),
        "scene_camera_height": rng.uniform(0.5, 3, scenes),
        "scene_camera_pitch": rng.uniform(-0.2, 0.6, scenes),
        "scene_camera_roll": rng.normal(0, 0.05, scenes),
        "scene_camera_position": rng.normal(0, 1, (scenes, 3)),
        "scene_camera_rotation": np.tile(np.eye(3), (scenes, 1, 1)),
        "scene_sequence": np.arange(scenes),
        "scene_frame": np.zeros(scenes),
        "scene_time": np.zeros(scenes),
        "person_id": np.concatenate([np.arange(0), *map(np.arange, people)]),
        "person_scene": np.repeat(np.arange(scenes), people),
        "person_joints": rng.normal([0, 0, 4], 0.4, (count, 17, 3)),
        "person_joints_image": rng.uniform(0, 480, (count, 17, 2)),
        "person_in_image": rng.random((count, 17)) < 0.9,
        "person_visible": rng.random((count, 17)) < 0.7,
        "person_hidden_by": rng.integers(0, 4, (count, 17)),
        "person_box": np.where(
            rng.random((count, 1)) < 0.2, np.nan, rng.uniform(0, 480, (count, 4))
        ),
        "person_body": rng.integers(0, 100, count),
        "person_motion": np.array([f"walk_{n}" for n in range(count)], str),
        "person_stance": np.full(count, "captured"),
        "person_stature": rng.uniform(1.0, 1.9, count),
        "person_clothes": np.full(count, "skirt,cap"),
        "person_order": np.array(order).reshape(count, 8),
    }


def gray_pictures(count, seed=0):
    """Smooth pictures, which a JPEG keeps nearly, each with its quality."""
    shades = np.random.default_rng(seed).integers(0, 256, count)
    return [(np.full((*SIZE[::-1], 3), shade, np.uint8), 95) for shade in shades]


@pytest.fixture(scope="session")
def made_up():
    """The functions and values above."""
    return SimpleNamespace(
        size=SIZE, settings=SETTINGS, truth=made_up_truth, pictures=gray_pictures
    )


@pytest.fixture(scope="session")
def opengl() -> str:
    """What draws pictures here; tests that need it are skipped where nothing does."""
    try:
        return describe_renderer()
    except PinetError as error:
        pytest.skip(f"nothing can be rendered here: {error}")
