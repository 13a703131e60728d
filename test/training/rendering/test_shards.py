from __future__ import annotations

import os
import time

import cv2
import numpy as np
import pytest

from pinet_ros.errors import DatasetError
from pinet_training.rendering.shard_truth import TRUTH
from pinet_training.rendering.shards import RenderedScenes


@pytest.fixture
def scenes(made_up, tmp_path):
    return RenderedScenes.begin(tmp_path / "rendered", made_up.settings)


def test_what_is_written_is_read_again(scenes, made_up):
    truth, pictures = made_up.truth([2, 0, 3]), made_up.pictures(3)

    scenes.write(4, pictures, truth)

    shard = RenderedScenes(scenes.folder).read(4)
    assert len(shard) == 3
    assert set(shard.truth) == set(TRUTH)
    assert shard.truth["scene_image"].tolist() == ["000.jpg", "001.jpg", "002.jpg"]
    for name, expected in truth.items():
        read = shard.truth[name]
        assert read.dtype.kind == np.dtype(TRUTH[name][0]).kind
        if read.dtype.kind == "f":
            np.testing.assert_allclose(read, expected, rtol=1e-6)
        else:
            np.testing.assert_array_equal(read, expected)
    for scene, (picture, _) in enumerate(pictures):
        np.testing.assert_allclose(shard.image(scene).astype(int), picture, atol=2)


def test_cameras_have_the_intrinsics_and_the_distortion_of_their_scenes(scenes, made_up):
    truth = made_up.truth([1, 1])
    truth["scene_intrinsics"][1] = [600, 610, 320, 240]
    scenes.write(0, made_up.pictures(2), truth)

    camera = scenes.read(0).camera(1)

    assert (camera.width, camera.height) == made_up.size
    assert camera.matrix.tolist() == [[600, 0, 320], [0, 610, 240], [0, 0, 1]]
    assert camera.distortion.tolist() == truth["scene_distortion"][1].tolist()


def test_a_better_jpeg_is_larger(scenes, made_up):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)

    scenes.write(0, [(noise, 30), (noise, 90)], made_up.truth([1, 1]))

    folder = scenes.read(0).folder
    assert (folder / "000.jpg").stat().st_size < (folder / "001.jpg").stat().st_size / 2


def _partial(scenes, name, age):
    """What a run has written of a shard so far, `age` seconds ago."""
    partial = scenes.folder / "shards" / name
    partial.mkdir(parents=True)
    (partial / "000.jpg").write_bytes(b"half of a picture")
    os.utime(partial, (time.time() - age,) * 2)
    return partial


def test_missing_shards_are_those_that_are_not_whole(scenes, made_up):
    assert (scenes.shards(), scenes.missing_shards(3)) == ([], [0, 1, 2])
    scenes.write(1, made_up.pictures(2), made_up.truth([1, 1]))
    _partial(scenes, ".00002.k1lled.partial", age=10)

    assert (scenes.shards(), scenes.missing_shards(3)) == ([1], [0, 2])
    scenes.write(2, made_up.pictures(1), made_up.truth([1]))

    assert (scenes.shards(), scenes.missing_shards(3)) == ([1, 2], [0])
    assert sorted(p.name for p in scenes.read(2).folder.iterdir()) == ["000.jpg", "truth.npz"]


def test_what_killed_runs_left_is_removed_but_not_what_others_are_writing(scenes, made_up):
    killed = _partial(scenes, ".00002.k1lled.partial", age=2 * 3600)
    written = _partial(scenes, ".00003.wr1tes.partial", age=60)

    RenderedScenes.begin(scenes.folder, made_up.settings)

    assert not killed.exists()
    assert (written / "000.jpg").exists()


def test_a_shard_whose_writing_is_interrupted_is_not_there(scenes, made_up):
    class Interrupted(list):
        def __iter__(self):
            yield self[0]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scenes.write(0, Interrupted(made_up.pictures(2)), made_up.truth([1, 1]))

    assert list((scenes.folder / "shards").iterdir()) == []


def test_a_shard_that_is_there_stays(scenes, made_up):
    scenes.write(0, made_up.pictures(1), made_up.truth([1]))
    first = {path: path.read_bytes() for path in scenes.read(0).folder.iterdir()}

    scenes.write(0, made_up.pictures(1, seed=1), made_up.truth([2], seed=1))

    assert {path: path.read_bytes() for path in scenes.read(0).folder.iterdir()} == first
    assert [path.name for path in (scenes.folder / "shards").iterdir()] == ["00000"]


def test_two_runs_may_write_the_same_shard_at_the_same_time(scenes, made_up):
    pictures, truth = made_up.pictures(2), made_up.truth([1, 1])

    class Interleaved(list):
        def __iter__(self):
            yield self[0]
            RenderedScenes(scenes.folder).write(0, pictures, truth)
            yield self[1]

    scenes.write(0, Interleaved(pictures), truth)

    assert [path.name for path in (scenes.folder / "shards").iterdir()] == ["00000"]
    assert [scenes.read(0).image(scene).shape for scene in range(2)] == [(480, 640, 3)] * 2


def test_the_same_settings_go_on_and_others_do_not(scenes, made_up):
    scenes.write(0, made_up.pictures(1), made_up.truth([1]))
    again = RenderedScenes.begin(scenes.folder, made_up.settings | {"size": (640, 480)})

    assert (again.size, again.settings["seed"]) == (made_up.size, 5)
    with pytest.raises(
        DatasetError, match=r"dataset.json: seed is 5, expected 6; .* remove the folder .*red"
    ):
        RenderedScenes.begin(scenes.folder, made_up.settings | {"seed": 6})
    with pytest.raises(DatasetError, match=r"furniture is None, expected 0\.5"):
        RenderedScenes.begin(scenes.folder, made_up.settings | {"furniture": 0.5})


def test_settings_without_a_shard_are_replaced(scenes, made_up):
    other = RenderedScenes.begin(scenes.folder, made_up.settings | {"seed": 6})

    assert RenderedScenes(scenes.folder).settings == other.settings
    assert other.settings["seed"] == 6
    # a run that had begun with the settings from before must not add its shards to these
    with pytest.raises(DatasetError, match=r"another run restarted .*: seed is 6, expected 5"):
        scenes.write(0, made_up.pictures(1), made_up.truth([1]))
    assert other.shards() == []


def test_a_folder_without_a_data_set_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no file .*nothing/dataset.json"):
        RenderedScenes(tmp_path / "nothing")


def test_a_data_set_of_another_format_is_refused(scenes):
    settings = scenes.folder / "dataset.json"
    settings.write_text(settings.read_text().replace('"format": 2', '"format": 1'))

    with pytest.raises(DatasetError, match=r"dataset.json: must be of format 2, got 1; render"):
        RenderedScenes(scenes.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"person_joints": np.zeros((3, 16, 3))}, r"person_joints must have shape \(3,17,3\)"),
        ({"person_joints": np.full((3, 17, 3), np.nan)}, "person_joints must be finite"),
        ({"person_scene": [0, 1, 2]}, "person_scene must hold integers from 0 to 1, got 2"),
        ({"person_hidden_by": np.full((3, 17), 4)}, "person_hidden_by must hold .* 0 to 3, got 4"),
        ({"person_order": np.full((3, 8), -2)}, "person_order must hold integers from -1 to 7"),
        ({"person_motion": ["walk"]}, r"person_motion must have shape \(3,\), got \(1,\)"),
        ({"person_hair": np.zeros(3)}, r"missing or unexpected: \['person_hair'\]"),
    ],
)
def test_truth_that_does_not_fit_is_not_written(change, message, scenes, made_up):
    with pytest.raises(DatasetError, match=message):
        scenes.write(0, made_up.pictures(2), made_up.truth([2, 1]) | change)

    assert scenes.shards() == []


def test_pictures_of_another_size_are_not_written(scenes, made_up):
    small = np.zeros((48, 64, 3), np.uint8)

    with pytest.raises(DatasetError, match=r"640x480 pixels, uint8 BGR, got \(48, 64, 3\) uint8"):
        scenes.write(0, [(small, 90)], made_up.truth([1]))


def test_a_damaged_shard_is_named(scenes, made_up):
    scenes.write(0, made_up.pictures(2), made_up.truth([1, 1]))
    shard = scenes.read(0)
    (shard.folder / "000.jpg").write_bytes(b"no picture")
    (shard.folder / "001.jpg").unlink()

    for scene in range(2):
        with pytest.raises(DatasetError, match=rf"00{scene}.jpg must be .*640x480.* remove the"):
            shard.image(scene)
    (shard.folder / "truth.npz").write_bytes(b"no arrays")
    with pytest.raises(DatasetError, match=r"truth.npz is not an .npz .*; remove the folder .*0"):
        scenes.read(0)
    with pytest.raises(DatasetError, match=r"there is no file .*00007"):
        scenes.read(7)


@pytest.mark.parametrize("end", [1000, 100_000, -2])
def test_a_picture_that_is_cut_off_is_refused(end, scenes, made_up):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    scenes.write(0, [(noise, 90)], made_up.truth([1]))
    shard = scenes.read(0)
    path = shard.folder / "000.jpg"
    whole = path.read_bytes()
    path.write_bytes(whole[:end])
    assert cv2.imread(str(path)).shape == noise.shape  # OpenCV alone does not refuse it

    with pytest.raises(DatasetError, match=r"000.jpg must be .*, got a .*damaged file; remove"):
        shard.image(0)
