"""Pictures of the worst failures, on a rendered data set of made-up people."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pinet_ros.errors import DatasetError
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scenes import Scene, Scenes
from pinet_training.evaluation.failure_drawing import draw_failures
from pinet_training.evaluation.failures import find_failures
from pinet_training.evaluation.pose_drawing import POSE_COLORS
from pinet_training.evaluation.scene_errors import SceneErrors
from pinet_training.rendering.shards import RenderedScenes


def _moved(poses: np.ndarray, metres: float) -> np.ndarray:
    """Everybody, and one wrist still farther, so that the pose is wrong too."""
    moved = poses + np.float32([metres, 0, metres])
    moved[:, MUPOTS_17.index("right_wrist"), 1] += metres
    return moved


@pytest.fixture
def rendered(made_up, tmp_path) -> tuple[RenderedScenes, dict]:
    pictures = RenderedScenes.begin(tmp_path / "rendered", made_up.settings)
    truth = made_up.truth([2, 1])
    pictures.write(0, made_up.pictures(2), truth)
    return pictures, truth


def _scenes(truth: dict) -> Scenes:
    scenes = []
    for number in range(2):
        rows = truth["person_scene"] == number
        joints = truth["person_joints"][rows].astype(np.float32)
        boxes, bodies = np.zeros((len(joints), 4), np.float32), truth["person_body"][rows]
        image = f"00000/00{number}.jpg"
        scenes.append(Scene(joints, joints, boxes, bodies, "level", "test", image=image))
    return Scenes(tuple(scenes))


def test_the_three_poses_are_drawn_where_the_camera_sees_them(rendered, tmp_path):
    pictures, truth = rendered
    scenes = _scenes(truth)
    estimates = [_moved(scene.truth, 0.5) for scene in scenes]
    scenes = Scenes(tuple(replace(s, estimates=e) for s, e in zip(scenes, estimates, strict=True)))
    refined = [_moved(scene.truth, 1.0) for scene in scenes]

    draw_failures(tmp_path / "drawn", find_failures(SceneErrors(scenes, refined), 2), pictures)

    names = {f"{kind}_0{n}.jpg" for kind in ("highest", "worsened") for n in range(2)}
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == {*names, "sheet.jpg"}
    tile = cv2.imread(str(tmp_path / "drawn" / "highest_00.jpg"))
    for view in np.hsplit(tile.astype(int), 2):
        for color in POSE_COLORS.values():
            near = np.abs(view - color).max(axis=-1) < 60
            assert near[:, 60:].sum() > 100  # beside the legend
    sheet = cv2.imread(str(tmp_path / "drawn" / "sheet.jpg"))
    assert sheet.shape == (2 * tile.shape[0], 2 * tile.shape[1], 3)


def test_scenes_of_other_pictures_are_refused(rendered, tmp_path):
    pictures, truth = rendered
    scenes = _scenes(truth)

    def draw(**changes) -> None:
        changed = Scenes(tuple(replace(scene, **changes) for scene in scenes))
        errors = SceneErrors(changed, [scene.estimates for scene in changed])
        draw_failures(tmp_path / "drawn", find_failures(errors, 1), pictures)

    with pytest.raises(DatasetError, match=r"named as in 00000/000.jpg, got ''"):
        draw(image="")
    with pytest.raises(DatasetError, match=r"has no picture 00000/007.jpg of the same people"):
        draw(image="00000/007.jpg")
    with pytest.raises(DatasetError, match=r"no picture 00000/000.jpg of the same people"):
        draw(image="00000/000.jpg", bodies=np.array([1000]))
