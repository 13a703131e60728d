"""People to train on: rendered ones, and a few who are drawn at random."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from pinet_ros.errors import PinetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter.person_samples import Group, gather_people
from pinet_training.rendering.scene_detections import detect
from pinet_training.rendering.scene_rendering import render_scenes

# made-up motion capture and bodies, of the tests of rendering
sys.path.append(str(Path(__file__).parents[1] / "rendering"))

SIZE = (160, 120)


class Noise:
    """Pictures of noise, a number each."""

    def __call__(self, number):
        return np.random.default_rng(number).integers(0, 256, (*SIZE[::-1], 3), np.uint8)


def drawn_people(count, seed=0, depth=True):
    """People whose joints are anywhere near the middle of their pictures."""
    rng = np.random.default_rng(seed)
    camera = Camera.from_focal(150, *SIZE)
    groups = []
    for number in range(count):
        joints = rng.normal([0, 0, 4], 0.3, (1, 17, 3))
        depths = joints[..., 2] if depth else np.full((1, 17), np.nan)
        box = np.array([[30.0, 10, 130, 110]])
        groups.append(
            Group(100 * seed + number, *SIZE, camera, box, camera.project(joints), depths)
        )
    return gather_people(MUPOTS_17, Noise(), groups)


@pytest.fixture(scope="session")
def drawn():
    return drawn_people


@pytest.fixture(scope="session")
def rendered_folder(tmp_path_factory) -> Path:
    """A hundred rendered scenes with about 300 people who can be seen, and detections."""
    from made_up_ingredients import made_up_ingredients

    folder = tmp_path_factory.mktemp("lifter")
    ingredients = made_up_ingredients(folder, 320, 240)
    try:
        rendered = render_scenes(folder / "rendered", ingredients, scenes=100, workers=1)
    except PinetError as error:
        pytest.skip(f"nothing can be rendered here: {error}")
    detect(rendered.folder, device="cpu", workers=1)
    return rendered.folder
