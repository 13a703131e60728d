"""Rendering a data set: from motion capture and bodies to shards, by the command."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from captured_files import CapturedMotion
from made_up_bodies import made_up_bodies

from pinet_ros.camera import Camera
from pinet_ros.cli import main
from pinet_ros.errors import PinetError
from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.rendering.render import Ingredients, render_scenes
from pinet_ros.training.rendering.renderer import Renderer
from pinet_ros.training.rendering.shards import RenderedScenes

SCENES = 60  # two shards


@pytest.fixture(scope="module")
def ingredients(tmp_path_factory) -> Ingredients:
    """Clips of several subjects, so that both splits have some, and bodies of both splits."""
    try:
        Renderer(32, 24)
    except PinetError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("ingredients")
    motion = folder / "walking"
    motion.mkdir()
    for subject in range(12):
        (motion / f"{subject:02d}_01.bvh").write_text(CapturedMotion(subject).bvh())
    sizes = (1.0, 0.9, 1.1, 0.8, 1.05, 0.95)
    bodies = made_up_bodies(sizes=sizes, splits=["train"] * 4 + ["test"] * 2)
    bodies.save(folder / "bodies.npz")
    return Ingredients(motion, folder / "bodies.npz", None, 160, 120, seed=3)


@pytest.fixture(scope="module")
def rendered(ingredients, tmp_path_factory) -> RenderedScenes:
    return render_scenes(tmp_path_factory.mktemp("rendered"), ingredients, SCENES, workers=1)


def _shards(rendered: RenderedScenes) -> list:
    return [rendered.read(number) for number in rendered.shards()]


def test_whole_shards_are_rendered(rendered):
    shards = _shards(rendered)
    assert sum(map(len, shards)) >= SCENES
    for shard in shards:
        pictures = [shard.image(scene) for scene in range(len(shard))]
        assert len({picture.tobytes() for picture in pictures}) == len(shard)
        assert np.mean([picture.std() for picture in pictures]) > 15


def test_one_scene_in_eight_is_for_testing_with_other_bodies(rendered):
    for shard in _shards(rendered):
        splits = shard.truth["scene_split"]
        assert 0.1 < np.mean(splits == "test") < 0.16
        bodies = shard.truth["person_body"]
        test = splits[shard.truth["person_scene"]] == "test"
        assert set(bodies[test]) <= {0, 1}  # numbered within their split
        assert set(bodies[~test]) <= {0, 1, 2, 3}


def test_no_clip_is_in_both_splits(rendered):
    clips = {"train": set(), "test": set()}
    for shard in _shards(rendered):
        of_person = shard.truth["scene_split"][shard.truth["person_scene"]]
        for split in clips:
            clips[split] |= set(shard.truth["person_motion"][of_person == split])
    assert clips["train"]
    assert clips["test"]
    assert not clips["train"] & clips["test"]


def test_joints_in_the_image_are_those_in_space(rendered):
    for shard in _shards(rendered):
        truth = shard.truth
        for scene in range(len(shard)):
            people = truth["person_scene"] == scene
            assert people.sum() >= 1
            camera: Camera = shard.camera(scene)
            expected, _ = cv2.projectPoints(
                truth["person_joints"][people].reshape(-1, 3).astype(float),
                np.zeros(3),
                np.zeros(3),
                camera.matrix,
                camera.distortion,
            )
            before = (truth["person_joints"][people][..., 2] > 0).ravel()
            near = truth["person_in_image"][people].ravel() & before
            seen = truth["person_joints_image"][people].reshape(-1, 2)
            assert seen[near] == pytest.approx(expected[near, 0], abs=0.05)


def test_what_is_seen_lies_within_the_boxes(rendered):
    for shard in _shards(rendered):
        truth = shard.truth
        x, y = np.moveaxis(truth["person_joints_image"], -1, 0)
        box = truth["person_box"][:, None]
        inside = (x > box[..., 0] - 8) & (x < box[..., 2] + 8)
        inside &= (y > box[..., 1] - 8) & (y < box[..., 3] + 8)
        # a joint may lie in a gap of these bodies, which are boxes about their bones
        assert np.mean(inside[truth["person_visible"]]) > 0.9


def test_some_are_hidden_and_most_are_not(rendered):
    hidden = np.concatenate([shard.truth["person_hidden_by"] for shard in _shards(rendered)])
    assert {0, 2, 3} <= set(hidden.ravel())
    assert np.mean(hidden == 0) > 0.4


def test_a_run_that_was_stopped_is_gone_on_with(ingredients, rendered, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(rendered.folder, folder)
    shutil.rmtree(folder / "shards" / "00001")
    kept = (folder / "shards" / "00000" / "truth.npz").stat().st_mtime_ns
    again = render_scenes(folder, ingredients, SCENES, workers=1)
    assert (folder / "shards" / "00000" / "truth.npz").stat().st_mtime_ns == kept
    first, second = rendered.read(1), again.read(1)
    for name, values in first.truth.items():
        assert np.array_equal(values, second.truth[name], equal_nan=values.dtype.kind == "f"), name
    for scene in range(len(first)):
        assert np.array_equal(first.image(scene), second.image(scene))


def test_other_ingredients_are_another_data_set(ingredients, rendered):
    other = Ingredients(**(vars(ingredients) | {"seed": 4}))
    with pytest.raises(DatasetError, match="seed"):
        render_scenes(rendered.folder, other, SCENES, workers=1)


def test_the_command_renders_and_draws_a_contact_sheet(ingredients, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(
            [
                *("scenes", "render", str(tmp_path / "data"), "--scenes", "3", "--size", "96x72"),
                *("--motion", str(ingredients.motion), "--bodies", str(ingredients.bodies)),
                *("--workers", "1"),
            ]
        )
    assert end.value.code == 0
    assert "1 shards" in capsys.readouterr().out
    sheet = cv2.imread(str(tmp_path / "data" / "contact_sheet.jpg"))
    assert sheet.shape == (6 * 36, 6 * 48, 3)
    assert sheet.std() > 15


@pytest.mark.parametrize("size", ["640", "640x", "0x480", "axb"])
def test_a_wrong_size_is_refused(size, capsys):
    with pytest.raises(SystemExit):
        main(["scenes", "render", "data", "--motion", "m", "--size", size])
    assert "WxH" in capsys.readouterr().err
