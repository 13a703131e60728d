"""A data set of sequences, rendered by the command, and its truth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from made_up_ingredients import made_up_ingredients

from pinet_ros.cli.main import main
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.scene_rendering import render_scenes
from pinet_training.rendering.shards import RenderedScenes, Shard

pytestmark = pytest.mark.slow

FRAMES, RATE, SEQUENCES = 16, 15, 3  # in one shard


@pytest.fixture(scope="module")
def ingredients(opengl, tmp_path_factory):
    made = made_up_ingredients(tmp_path_factory.mktemp("ingredients"), 96, 72)
    return replace(made, frames=FRAMES, rate=float(RATE))


@pytest.fixture(scope="module")
def folder(ingredients, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequences")
    arguments = ["--scenes", SEQUENCES, "--frames", FRAMES, "--rate", RATE, "--seed", 3]
    arguments += ["--motion", ingredients.motion, "--bodies", ingredients.bodies]
    with pytest.raises(SystemExit) as end:
        main(["scenes", "render", *map(str, [folder, *arguments, "--size", "96x72"])])
    assert end.value.code == 0
    return folder


@pytest.fixture(scope="module")
def shards(folder) -> list[Shard]:
    rendered = RenderedScenes(folder)
    return [rendered.read(number) for number in rendered.shards()]


def test_frames_follow_each_other_in_time_and_sequences_are_whole(shards):
    numbers = np.concatenate([shard.truth["scene_sequence"] for shard in shards])
    assert numbers.tolist() == np.repeat(range(SEQUENCES), FRAMES).tolist()
    for shard in shards:
        assert shard.truth["scene_frame"].tolist() == [*range(FRAMES)] * SEQUENCES
        np.testing.assert_allclose(
            shard.truth["scene_time"], shard.truth["scene_frame"] / RATE, rtol=1e-6
        )


def _people(shards):
    """Truth, rows and scenes of each person of each sequence."""
    for shard in shards:
        truth = shard.truth
        of_person = truth["scene_sequence"][truth["person_scene"]]
        for sequence in np.unique(of_person):
            for number in np.unique(truth["person_id"][of_person == sequence]):
                rows = np.flatnonzero((of_person == sequence) & (truth["person_id"] == number))
                yield truth, rows, truth["person_scene"][rows]


def test_a_person_has_one_number_and_one_body_in_every_frame(shards):
    spine = [MUPOTS_17.index(name) for name in ("left_hip", "left_knee", "left_ankle")]
    count = 0
    for truth, rows, scenes in _people(shards):
        count += 1
        assert truth["scene_frame"][scenes].tolist() == list(range(FRAMES))
        assert len(set(truth["person_body"][rows])) == 1
        bones = np.linalg.norm(np.diff(truth["person_joints"][rows][:, spine], axis=1), axis=-1)
        np.testing.assert_allclose(bones, bones[:1].repeat(FRAMES, axis=0), atol=1e-3)
    assert count >= 4


def test_the_pose_of_the_camera_puts_the_people_on_the_floor_and_into_the_image(shards):
    for shard in shards:
        truth = shard.truth
        for scene in range(len(shard)):
            rotation = truth["scene_camera_rotation"][scene]
            position = truth["scene_camera_position"][scene]
            assert position[2] == pytest.approx(truth["scene_camera_height"][scene], abs=1e-6)
            rows = truth["person_scene"] == scene
            joints = truth["person_joints"][rows].astype(float)
            world = joints @ rotation + position
            assert world[..., 2].min() > -0.01
            assert world[..., 2].min(axis=1).max() < 0.35
            pixels = shard.camera(scene).project((world - position) @ rotation.T)
            inside = truth["person_in_image"][rows]
            np.testing.assert_allclose(
                pixels[inside], truth["person_joints_image"][rows][inside], atol=0.05
            )


def test_a_sequence_does_not_flicker_or_change_its_place(shards):
    for shard in shards:
        images = np.array([shard.image(scene).mean() for scene in range(len(shard))])
        by_sequence = images.reshape(SEQUENCES, FRAMES)
        assert np.abs(np.diff(by_sequence, axis=1)).max() < 12
        lenses = shard.truth["scene_intrinsics"].reshape(SEQUENCES, FRAMES, 4)
        assert (lenses == lenses[:, :1]).all()
        assert not np.array_equal(shard.image(0), shard.image(1))


def test_the_same_seed_gives_the_same_frames(ingredients, shards, tmp_path):
    again = render_scenes(tmp_path / "again", ingredients, 1, workers=1).read(0)
    for name, values in shards[0].truth.items():
        same = np.array_equal(values, again.truth[name], equal_nan=values.dtype.kind == "f")
        assert same, name
    assert np.array_equal(again.image(FRAMES - 1), shards[0].image(FRAMES - 1))


def test_the_video_shows_the_first_sequence(folder):
    video = cv2.VideoCapture(str(folder / "sequence.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
    frames = 0
    while video.read()[0]:
        frames += 1
    assert frames == FRAMES


@pytest.mark.parametrize("rate", ["0", "-3", "fast", "nan"])
def test_a_rate_that_is_none_is_an_error(rate, capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["scenes", "render", str(tmp_path), "--motion", "m.npz", "--rate", rate])
    assert "must be from 1 to 1000 frames per second" in capsys.readouterr().err
