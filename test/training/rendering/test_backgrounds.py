"""Backgrounds are made, or taken from pictures that are only ever in one split."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.errors import DatasetError
from pinet_training.rendering.backgrounds import Backgrounds
from pinet_training.rendering.viewpoint import random_viewpoint


@pytest.fixture(scope="module")
def viewpoint():
    return random_viewpoint(np.random.default_rng(0), 160, 120)


@pytest.fixture
def folder(tmp_path):
    """Pictures each of one gray, in folders."""
    (tmp_path / "deeper").mkdir()
    for gray in range(40):
        name = f"{'deeper/' if gray % 2 else ''}picture_{gray}.png"
        cv2.imwrite(str(tmp_path / name), np.full((90, 200, 3), 50 + 5 * gray, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_made_backgrounds_fill_the_image_and_differ(viewpoint):
    backgrounds = Backgrounds.load(None, "train")
    made = [backgrounds(np.random.default_rng(seed), viewpoint) for seed in range(12)]
    for image in made:
        assert image.shape == (120, 160, 3)
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.min() >= 0
        assert 0.01 < image.mean() < 2
    assert len({image.tobytes() for image in made}) == 12
    np.testing.assert_array_equal(backgrounds(np.random.default_rng(3), viewpoint), made[3])


def test_a_picture_is_in_one_split_and_stays_there(folder, viewpoint):
    splits = {split: Backgrounds.load(folder, split).pictures for split in ("train", "test")}
    assert len(splits["train"]) + len(splits["test"]) == 40
    assert not set(splits["train"]) & set(splits["test"])
    assert 2 <= len(splits["test"]) <= 16
    for file in splits["train"][:10]:
        file.unlink()
    assert Backgrounds.load(folder, "test").pictures == splits["test"]


def test_a_background_is_part_of_a_picture_in_linear_light(folder, viewpoint):
    backgrounds = Backgrounds.load(folder, "test")
    grays = [cv2.imread(str(file))[0, 0, 0] for file in backgrounds.pictures]
    made = [backgrounds(np.random.default_rng(seed), viewpoint) for seed in range(30)]
    even = [image[0, 0, 0] for image in made if np.ptp(image) < 1e-6]
    assert len(even) > 15
    known = (np.array(grays) / 255) ** 2.2
    assert np.abs(np.array(even)[:, None] - known).min(axis=1).max() < 1e-5


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="none of its 0 pictures"):
        Backgrounds.load(tmp_path, "train")


def test_damaged_pictures_are_named_all_at_once(folder):
    backgrounds = Backgrounds.load(folder, "train")
    backgrounds.require_readable()
    for damaged in backgrounds.pictures[:2]:
        damaged.write_bytes(b"nothing")

    with pytest.raises(DatasetError, match=r"2 of \d+ pictures cannot be used.*") as failed:
        backgrounds.require_readable()

    assert all(str(damaged) in str(failed.value) for damaged in backgrounds.pictures[:2])


def test_hidden_files_and_folders_are_no_pictures(folder):
    expected = Backgrounds.load(folder, "train").pictures
    for number in range(20):
        (folder / f"._picture_{number}.png").write_bytes(b"of a Mac")
        (folder / f"folder_{number}.png").mkdir()
    (folder / ".trash").mkdir()
    (folder / ".trash" / "picture_0.png").write_bytes(b"thrown away")

    assert Backgrounds.load(folder, "train").pictures == expected
