"""The command `pinet train-lifter`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial

import command_line
import cv2
import numpy as np
import pytest
from made_up_poses import write_detections

from pinet_ros.lifting.mppe.snapshots import load_posenet, load_rootnet
from pinet_training.rendering.shards import RenderedScenes

pytestmark = pytest.mark.slow

SMALL = (
    "--backbone", "resnet18", "--size", 64, "--batch-size", 16, "--initial", "random",
    "--device", "cpu", "--loaders", 0,
)  # fmt: skip


run = partial(command_line.run, "train-lifter")
fails = partial(command_line.fails, "train-lifter")


@pytest.fixture(scope="module")
def few(rendered_folder, tmp_path_factory):
    """A shard of a few scenes of both splits."""
    rendered = RenderedScenes(rendered_folder)
    shard = rendered.read(0)
    people = shard.truth["person_scene"] < 10
    truth = {
        name: array[:10] if name.startswith("scene") else array[people]
        for name, array in shard.truth.items()
    }
    settings = rendered.settings | {"scenes_per_shard": 10}
    less = RenderedScenes.begin(tmp_path_factory.mktemp("few"), settings)
    less.write(0, [(shard.image(scene), 90) for scene in range(10)], truth)
    write_detections(less.folder, np.zeros((0, 4)), np.zeros(0, int))
    return less.folder


@pytest.fixture
def coco(tmp_path):
    """COCO's own annotations of one picture with two people."""
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "a.jpg"), rng.integers(0, 256, (120, 160, 3), np.uint8))
    annotations = []
    for n in range(2):
        keypoints = np.column_stack([rng.uniform(20, 100, (17, 2)), np.full(17, 2)])
        annotations.append(
            {"id": n, "image_id": 1, "bbox": [20, 20, 80, 80], "iscrowd": 0,
             "num_keypoints": 17, "keypoints": keypoints.ravel().tolist()}
        )  # fmt: skip
    images = [{"id": 1, "file_name": "a.jpg", "width": 160, "height": 120}]
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_trains_on_rendered_scenes_and_coco(few, coco, tmp_path, capsys):
    output = tmp_path / "run"

    run("--network", "posenet", few, coco, "--images", tmp_path, "--output", output,
        "--epochs", 1, *SMALL)  # fmt: skip

    assert load_posenet(output / "snapshot.pth.tar").joint_count == 17
    configuration = json.loads((output / "configuration.json").read_text())
    assert configuration["recipe"]["network"] == "posenet"
    assert configuration["data"]["sets"][1]["people"] == 2
    (epoch,) = json.loads((output / "metrics.json").read_text())["epochs"]
    assert epoch["validation"]["depth_mm"] > 0  # on the rendered test split
    assert f"wrote {output}/snapshot.pth.tar" in capsys.readouterr().out


def test_a_lifters_run_is_resumed_with_the_same_options_only(few, tmp_path):
    arguments = ("--network", "rootnet", few, "--output", tmp_path / "run", *SMALL)
    run(*arguments, "--epochs", 1)
    metrics = (tmp_path / "run" / "metrics.json").read_bytes()

    assert "already contains a training; resume it with --resume" in fails(
        *arguments, "--epochs", 1
    )
    message = fails(*arguments, "--epochs", 2, "--resume")
    assert "recipe.epochs is 1, expected 2" in message
    run(*arguments, "--epochs", 1, "--resume")

    assert (tmp_path / "run" / "metrics.json").read_bytes() == metrics
    load_rootnet(tmp_path / "run" / "snapshot.pth.tar")


def test_two_workers_train_together(few, tmp_path):
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone")
    arguments = ("--network", "rootnet", few, "--epochs", 2, "--output", tmp_path / "run", *SMALL)

    subprocess.run(
        [*torchrun, "--nproc-per-node", "2", "-m", "pinet_ros.cli", "train-lifter",
         *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
    )  # fmt: skip

    epochs = json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert epochs[1]["loss"] < epochs[0]["loss"]
    load_rootnet(tmp_path / "run" / "snapshot.pth.tar")


def test_bad_arguments_of_a_lifters_training_are_errors(few, coco, tmp_path):
    common = ("--network", "posenet", "--output", tmp_path / "run", *SMALL)
    message = fails(few, coco, *common)
    assert "once for each data set that is a file, 1 times, got 0" in message
    message = fails(coco, "--images", tmp_path, *common)
    assert "the first data set must have depth" in message
    assert "there is no file" in fails(tmp_path / "a.json", "--images", tmp_path, *common)
    assert "epochs must be positive" in fails(few, *common, "--epochs", 0)
    message = fails(few, "--network", "posenet", "--output", tmp_path / "run", "--epochs", 1,
                    "--initial", tmp_path / "none.pth", "--device", "cpu")  # fmt: skip
    assert "none.pth" in message
    damaged = tmp_path / "damaged"
    shutil.copytree(few, damaged)
    (damaged / "shards" / "00000" / "001.jpg").write_bytes(b"no picture")
    message = fails(damaged, *common, "--epochs", 1)
    assert "1 images are missing or damaged, such as" in message
    assert "001.jpg; remove the folders" in message
    assert not (tmp_path / "run").exists()
