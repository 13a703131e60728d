from __future__ import annotations

import pytest

from pinet_ros.cli.predictions.prediction_fields import image_key
from pinet_ros.errors import DatasetError
from pinet_training.datasets.annotated_image import sequence_of
from pinet_training.datasets.annotations import read_annotations


@pytest.mark.parametrize(
    ("file_name", "key", "sequence"),
    [
        ("TS1/img_000007.jpg", "TS1_img_000007", "TS1"),
        ("TS1_img_000007", "TS1_img_000007", ""),
        ("unaugmented/3/12.JPG", "unaugmented_3_12", "unaugmented"),
        ("./TS2\\img.png", "TS2_img", "TS2"),
        ("clip.0001.png", "clip.0001", ""),
        ("clip.0001", "clip.0001", ""),
    ],
)
def test_keys_and_sequences_of_file_names(file_name, key, sequence):
    assert image_key(file_name) == key
    assert sequence_of(file_name) == sequence


def test_images_have_keys_and_sequences(made, tmp_path):
    content = made.coco({"TS1/img_000000.jpg": made.people_mm(0), "TS2/img_000003.jpg": []})
    annotations = read_annotations(made.write_json(tmp_path / "a.json", content))

    first, second = annotations.images
    assert annotations.by_key == {"TS1_img_000000": first, "TS2_img_000003": second}
    assert annotations.sequences == ("TS1", "TS2")


def test_two_images_of_one_key_are_refused(made, tmp_path):
    content = made.coco({"TS1/img.jpg": [], "TS1_img.png": []})

    with pytest.raises(DatasetError, match=r"a.json: 2 images have the key 'TS1_img'"):
        read_annotations(made.write_json(tmp_path / "a.json", content))


@pytest.mark.parametrize("name", ["missing", "missing.json", "scenes.npz"])
def test_what_is_no_data_set_is_named(name, tmp_path):
    with pytest.raises(DatasetError, match=name):
        read_annotations(tmp_path / name)
