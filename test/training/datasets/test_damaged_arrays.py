"""Files that are no .npz file, or a broken one, where predictions or scenes are expected."""

from __future__ import annotations

import io

import numpy as np
import pytest

from pinet_ros.cli.predictions.predictions import read_predictions
from pinet_ros.errors import DatasetError
from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.datasets.scenes import ScenesError


def _archive(save=np.savez, **changes):
    """What both readers would read first, as the bytes of an .npz file."""
    stream = io.BytesIO()
    numbers = np.random.default_rng(0).normal(size=(40, 17, 3))
    save(stream, **{"joints": numbers, "scene_split": numbers.astype(str)} | changes)
    return stream.getvalue()


def _truncated():
    return _archive()[:-30]


def _damaged_member(save):
    content = bytearray(_archive(save))
    for name in (b"joints.npy", b"scene_split.npy"):
        start = content.index(name) + 400
        content[start : start + 50] = bytes(50)
    return bytes(content)


def _single_array():
    stream = io.BytesIO()
    np.save(stream, np.zeros((3, 17, 3)))
    return stream.getvalue()


def _objects():
    objects = np.array([None, {}], dtype=object)
    return _archive(joints=objects, scene_split=objects)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ""),
        (b"not an archive", ""),
        (_truncated(), "not a zip file"),
        (_damaged_member(np.savez), "Bad CRC-32 for file '(joints|scene_split).npy'"),
        (_damaged_member(np.savez_compressed), ""),
        (_single_array(), "a single array, as in an .npy file"),
        (_objects(), "Object arrays cannot be loaded"),
    ],
    ids=["empty", "text", "truncated", "damaged", "damaged compressed", "npy", "objects"],
)
@pytest.mark.parametrize(
    ("read", "error"), [(read_predictions, DatasetError), (load_scenes, ScenesError)]
)
def test_the_file_and_the_reason_are_named(content, reason, read, error, tmp_path):
    path = tmp_path / "file.npz"
    path.write_bytes(content)

    message = rf"file.npz is not an .npz file that NumPy can read: .*{reason}"
    with pytest.raises(error, match=message):
        read(path)
