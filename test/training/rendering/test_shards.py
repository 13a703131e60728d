from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.rendering.shards import TRUTH, RenderedScenes


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


def test_missing_shards_are_those_that_are_not_whole(scenes, made_up):
    assert (scenes.shards(), scenes.missing_shards(3)) == ([], [0, 1, 2])
    scenes.write(1, made_up.pictures(2), made_up.truth([1, 1]))
    killed = scenes.folder / "shards" / ".00002.partial"  # what a run that was killed leaves
    killed.mkdir()
    (killed / "000.jpg").write_bytes(b"half of a picture")

    assert (scenes.shards(), scenes.missing_shards(3)) == ([1], [0, 2])
    scenes.write(2, made_up.pictures(1), made_up.truth([1]))

    assert (scenes.shards(), scenes.missing_shards(3)) == ([1, 2], [0])
    assert not killed.exists()
    assert sorted(p.name for p in scenes.read(2).folder.iterdir()) == ["000.jpg", "truth.npz"]


def test_a_shard_whose_writing_is_interrupted_is_not_there(scenes, made_up):
    class Interrupted(list):
        def __iter__(self):
            yield self[0]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scenes.write(0, Interrupted(made_up.pictures(2)), made_up.truth([1, 1]))

    assert list((scenes.folder / "shards").iterdir()) == []


def test_a_shard_is_not_written_twice(scenes, made_up):
    scenes.write(0, made_up.pictures(1), made_up.truth([1]))

    with pytest.raises(DatasetError, match=r"00000 is there already; remove it"):
        scenes.write(0, made_up.pictures(1), made_up.truth([1]))


def test_the_same_settings_go_on_and_others_do_not(scenes, made_up):
    again = RenderedScenes.begin(scenes.folder, made_up.settings | {"size": (640, 480)})

    assert (again.size, again.settings["seed"]) == (made_up.size, 5)
    with pytest.raises(DatasetError, match=r"dataset.json: seed is 5 there and 6 now; .*folder"):
        RenderedScenes.begin(scenes.folder, made_up.settings | {"seed": 6})
    with pytest.raises(DatasetError, match=r"furniture is None there and 0\.5 now"):
        RenderedScenes.begin(scenes.folder, made_up.settings | {"furniture": 0.5})


def test_a_folder_without_a_data_set_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no file .*nothing/dataset.json"):
        RenderedScenes(tmp_path / "nothing")


def test_a_data_set_of_another_format_is_refused(scenes):
    settings = scenes.folder / "dataset.json"
    settings.write_text(settings.read_text().replace('"format": 1', '"format": 2'))

    with pytest.raises(DatasetError, match=r"dataset.json: must be of format 1, got 2; render"):
        RenderedScenes(scenes.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"person_joints": np.zeros((3, 16, 3))}, r"person_joints must have shape \(3,17,3\)"),
        ({"person_joints": np.full((3, 17, 3), np.nan)}, "person_joints must be finite"),
        ({"person_scene": [0, 1, 2]}, "person_scene must be whole and from 0 to 1, got 2"),
        ({"person_hidden_by": np.full((3, 17), 4)}, "person_hidden_by must be .* 0 to 3, got 4"),
        ({"person_order": np.full((3, 6), -2)}, "person_order must be whole and from -1 to 5"),
        ({"person_motion": ["walk"]}, r"person_motion must have shape \(3,\), got \(1,\)"),
        ({"person_hair": np.zeros(3)}, r"too many or too few: \['person_hair'\]"),
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
