"""Rendering a data set: from motion capture and bodies to shards, by the command."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
from made_up_bodies import made_up_bodies
from made_up_ingredients import made_up_ingredients

from pinet_ros.cli.main import main
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.geometry.camera import Camera
from pinet_training.cli import scenes_command as commands
from pinet_training.rendering.scene_rendering import GENERATOR, Ingredients, render_scenes
from pinet_training.rendering.shards import RenderedScenes

pytestmark = pytest.mark.slow

SCENES = 60  # two shards


@pytest.fixture(scope="module")
def ingredients(opengl, tmp_path_factory) -> Ingredients:
    """Clips of several subjects, so that both splits have some, and bodies of both splits."""
    return made_up_ingredients(tmp_path_factory.mktemp("ingredients"), 160, 120)


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
            if not people.any():
                continue
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
    _require_same(rendered, again, 1)


def _require_same(first: RenderedScenes, second: RenderedScenes, number: int) -> None:
    one, other = first.read(number), second.read(number)
    for name, values in one.truth.items():
        same = np.array_equal(values, other.truth[name], equal_nan=values.dtype.kind == "f")
        assert same, name
    for scene in range(len(one)):
        assert np.array_equal(one.image(scene), other.image(scene))


def test_two_runs_over_one_folder_render_what_one_does(ingredients, rendered, tmp_path):
    folder = tmp_path / "shared"
    with ThreadPoolExecutor(2) as pool:
        arguments = (folder, ingredients, SCENES, 1)
        runs = [pool.submit(render_scenes, *arguments) for _ in range(2)]
    for run in runs:
        assert run.result().shards() == rendered.shards()
    names = sorted(path.name for path in (folder / "shards").iterdir())
    assert names == ["00000", "00001"]  # nothing is left of what the slower run has written
    for number in rendered.shards():
        _require_same(rendered, RenderedScenes(folder), number)


def test_other_ingredients_are_another_data_set(ingredients, rendered):
    other = replace(ingredients, seed=4)
    with pytest.raises(DatasetError, match="seed is 3, expected 4"):
        render_scenes(rendered.folder, other, SCENES, workers=1)


def _changed(ingredients: Ingredients, tmp_path, name: str) -> Ingredients:
    """With one ingredient that cannot be used."""
    (tmp_path / "damaged").write_bytes(b"nothing to render with")
    (tmp_path / "empty").mkdir()
    path = {
        "motion": tmp_path / "empty",
        "bodies": tmp_path / "damaged",
        "backgrounds": tmp_path / "empty",
    }[name]
    return replace(ingredients, **{name: path})


@pytest.mark.parametrize("name", ["motion", "bodies", "backgrounds"])
def test_ingredients_are_checked_before_anything_is_written(name, ingredients, tmp_path):
    folder = tmp_path / "data"
    missing = replace(ingredients, **{name: tmp_path / "nowhere"})
    with pytest.raises(DatasetError, match=r"there is no file or folder .*nowhere; check"):
        render_scenes(folder, missing, SCENES, workers=1)
    with pytest.raises(PinetError, match=r"empty|damaged"):
        render_scenes(folder, _changed(ingredients, tmp_path, name), SCENES, workers=1)
    assert not folder.exists()


def test_a_damaged_background_is_named_before_anything_is_written(ingredients, tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(b"nothing")
    damaged = replace(ingredients, backgrounds=tmp_path)

    with pytest.raises(DatasetError, match=r"pictures cannot be used; mend them, or remove"):
        render_scenes(tmp_path / "data", damaged, SCENES, workers=1)

    assert not (tmp_path / "data").exists()


def test_a_hidden_file_does_not_make_another_data_set(ingredients, tmp_path):
    backgrounds = tmp_path / "backgrounds"
    backgrounds.mkdir()
    for number in range(20):
        cv2.imwrite(str(backgrounds / f"{number}.png"), np.full((40, 60, 3), 100, np.uint8))
    pictured = replace(ingredients, backgrounds=backgrounds)
    render_scenes(tmp_path / "data", pictured, 1, workers=1)
    (backgrounds / ".DS_Store").write_bytes(b"of a Mac")

    assert render_scenes(tmp_path / "data", pictured, 1, workers=1).shards() == [0]


def test_what_decides_the_pictures_is_kept_without_the_version(rendered):
    settings = json.loads((rendered.folder / "dataset.json").read_text())
    assert settings["generator"] == GENERATOR
    assert set(settings) == {
        *("format", "generator", "seed", "size", "scenes_per_shard"),
        *("motion", "bodies", "backgrounds", "frames", "rate"),
    }


def test_shards_of_another_generator_are_not_gone_on_with(ingredients, rendered, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(rendered.folder, folder)
    settings = json.loads((folder / "dataset.json").read_text())
    del settings["generator"]
    (folder / "dataset.json").write_text(json.dumps(settings))
    with pytest.raises(DatasetError, match=f"generator is None, expected {GENERATOR}; continue"):
        render_scenes(folder, ingredients, SCENES, workers=1)


def test_a_shape_of_picture_into_which_nobody_comes_is_an_error(ingredients, tmp_path):
    flat = replace(ingredients, width=6000, height=1)
    with pytest.raises(PinetError, match=r"no person was in the image in 100 .*; choose another "):
        render_scenes(tmp_path / "data", flat, 1, workers=1)


def _run(*arguments) -> object:
    """Run `pinet scenes render` to its exit status or message."""
    with pytest.raises(SystemExit) as end:
        main(["scenes", "render", *map(str, arguments)])
    return end.value.code


def test_the_command_renders_and_draws_a_contact_sheet(ingredients, opengl, tmp_path, capsys):
    code = _run(
        *(tmp_path / "data", "--scenes", 3, "--size", "96x72", "--workers", 1),
        *("--motion", ingredients.motion, "--bodies", ingredients.bodies),
    )
    assert code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"rendering with {opengl}\n")
    assert "1 shards" in out
    sheet = cv2.imread(str(tmp_path / "data" / "contact_sheet.jpg"))
    assert sheet.shape == (6 * 36, 6 * 48, 3)
    assert sheet.std() > 15


@pytest.fixture
def make_bodies(monkeypatch, tmp_path):
    """In place of Anny's two minutes; counts how often bodies are made, for an empty cache."""
    made = []

    def make(*arguments):
        made.append(arguments)
        return made_up_bodies(sizes=(1.0, 0.9, 1.1), splits=["train", "train", "test"])

    monkeypatch.setenv("PINET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(commands, "make_bodies", make)
    return made


def test_bodies_are_made_once_for_each_generator(ingredients, make_bodies, tmp_path, monkeypatch):
    arguments = ("--scenes", 1, "--size", "96x72", "--workers", 1, "--motion", ingredients.motion)
    for folder in "ab":
        assert _run(tmp_path / folder, *arguments) == 0
    assert len(make_bodies) == 1
    monkeypatch.setattr(commands, "GENERATOR", GENERATOR + 1)
    assert _run(tmp_path / "c", *arguments) == 0
    assert len(make_bodies) == 2
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize("option", ["--motion", "--backgrounds", "--bodies"])
def test_a_wrong_path_is_told_before_bodies_are_made(option, make_bodies, tmp_path):
    paths = {"--motion": tmp_path, option: tmp_path / "nowhere"}
    options = [each for pair in paths.items() for each in pair]
    message = _run(tmp_path / "data", *options)
    assert "there is no file or folder" in message
    assert "nowhere" in message
    assert make_bodies == []
    assert not (tmp_path / "data").exists()


def test_a_negative_seed_is_refused(capsys):
    assert _run("data", "--motion", "m", "--seed=-1") == 2
    assert "argument --seed: must be at least 0, got -1" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["640", "640x", "0x480", "axb"])
def test_a_wrong_size_is_refused(size, capsys):
    with pytest.raises(SystemExit):
        main(["scenes", "render", "data", "--motion", "m", "--size", size])
    assert "WxH" in capsys.readouterr().err
