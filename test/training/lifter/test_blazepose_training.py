"""Training BlazePose, on a few people who are made up without rendering."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial

import command_line
import cv2
import numpy as np
import pytest
import torch
from killed_training import killed_after
from made_up_poses import write_scenes

from pinet_ros.lifting.blazepose_weights import load_blazepose, save_blazepose, weights_file
from pinet_ros.models.cache import sha256_of
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.cli import train_lifter_command as command
from pinet_training.lifter.blazepose_losses import LossWeights
from pinet_training.lifter.blazepose_recipe import BlazePoseRecipe
from pinet_training.lifter.blazepose_training import (
    PoseData,
    blazepose_configuration,
    train_blazepose,
)
from pinet_training.lifter.pose_samples import read_pose_samples
from pinet_training.lifter.real_validation import validation_on_pictures
from pinet_training.originals import fetch
from pinet_training.originals.blazepose_original import published_network
from pinet_training.runs.on_cpu import keep_freed_memory
from pinet_training.runs.recipes import RecipeError
from pinet_training.runs.run_folder import RunFolder

fails = partial(command_line.fails, "train-lifter")
run = partial(command_line.run, "train-lifter")

SMALL = BlazePoseRecipe(
    network="blazepose_lite",
    epochs=2,
    steps=2,
    batch_size=2,
    warm_up=1,
    nobody=0.3,
    decay=0.5,
    fitted=20,
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    fetch.fetch(["blazepose_lite"])
    folder = tmp_path_factory.mktemp("training") / "scenes"
    write_scenes(folder, [1, 2, 2], ["train", "train", "test"])
    return folder


@pytest.fixture(scope="module")
def data(scenes):
    train, test = (read_pose_samples(scenes, split) for split in ("train", "test"))
    return PoseData(train, test, lambda network: {"real_found": 3.0})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"steps": -1}, "steps must be positive, got -1"),
        ({"batch_size": 0}, "batch_size must be positive"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"warm_up": 0}, "warm_up must be positive"),
        ({"gradient": 0}, "gradient must be positive"),
        ({"fitted": 0}, "fitted must be positive"),
        ({"decay": 1.0}, r"decay must be 0 or more and below 1, got 1\.0"),
        ({"nobody": -0.1}, "nobody must be 0 or more and below 1"),
        ({"taught": 1.5}, "taught must be 0 or more and below 1"),
        ({"frozen": 0}, "frozen must be 1 to 3, got 0"),
        ({"frozen": 4}, "frozen must be 1 to 3, got 4"),
        ({"seed": -1}, "seed must not be negative"),
        ({"network": "blazepose_heavy"}, "one of blazepose_lite, blazepose_full, got 'blazepose_"),
    ],
)
def test_recipes_out_of_range_are_refused(values, message):
    with pytest.raises(RecipeError, match=message):
        BlazePoseRecipe(**values)


def test_the_learning_rate_rises_and_falls():
    recipe = BlazePoseRecipe(epochs=10, steps=100, warm_up=100, learning_rate=1.0)
    assert recipe.learning_rate_at(0) == pytest.approx(0.01)
    assert recipe.learning_rate_at(0.05) == pytest.approx(0.51, abs=0.02)
    assert recipe.learning_rate_at(0.5) == pytest.approx(0.5)
    assert recipe.learning_rate_at(1) == pytest.approx(0, abs=1e-9)
    rates = [recipe.learning_rate_at(progress) for progress in np.linspace(0.1, 1, 50)]
    assert (np.diff(rates) < 0).all()


def test_the_weight_of_presence_rises_when_poses_are_learnt():
    recipe = BlazePoseRecipe(epochs=8, weights=LossWeights(presence=0.1), presence_late=0.5)
    found = [recipe.weights_at(epoch)["presence"] for epoch in range(1, 9)]
    assert found == pytest.approx([0.1] * 5 + [0.3] + [0.5] * 2)
    assert all(recipe.weights_at(epoch)["pose"] == 1 for epoch in (1, 8))


def test_a_stopped_training_is_resumed_as_if_it_had_not_been(data, tmp_path, monkeypatch):
    wanted = blazepose_configuration(SMALL, data)

    def folder(name, resume=False):
        return RunFolder(tmp_path / name, wanted, resume=resume, weights="weights.safetensors")

    said = []
    trained, expected = train_blazepose(data, SMALL, folder=folder("a"), log=said.append)
    with killed_after(3, monkeypatch):
        train_blazepose(data, SMALL, folder=folder("b"), log=None)
    _, resumed = train_blazepose(data, SMALL, folder=folder("b", resume=True), log=None)

    assert resumed == expected
    networks = [
        load_blazepose("blazepose_lite", folder(name, resume=True).weights) for name in "ab"
    ]
    states = [network.state_dict() for network in networks]
    published = published_network("blazepose_lite").state_dict()
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name
        torch.testing.assert_close(value, trained.state_dict()[name].half().float())
        frozen = name.startswith(("stem", "first", "stages.0.", "stages.1."))
        if frozen:
            assert torch.equal(value, published[name].half().float()), name
    assert not torch.equal(states[0]["world.weight"], published["world.weight"].half().float())
    assert states[0]["deviations.weight"].abs().max() > 0

    assert [record["epoch"] for record in expected] == [1, 2]
    for record in expected:
        assert math.isfinite(record["loss"])
        assert all(map(math.isfinite, record["validation"].values()))
        assert record["validation"]["real_found"] == 3
    assert all("mpjpe_mm" in line and "real_found 3.0" in line for line in said)
    assert expected[-1]["validation"]["mpjpe_mm"] < 2000
    stored = json.loads((tmp_path / "a" / "configuration.json").read_text())
    assert json.dumps(asdict(SMALL)) in json.dumps(stored)


def test_a_training_goes_on_from_earlier_weights(data, tmp_path):
    """With their deviations; they are a part of what identifies the run."""
    network = load_blazepose("blazepose_lite", weights_file("blazepose_lite"))
    torch.nn.init.constant_(network.deviations.bias, -2.5)
    begun = tmp_path / "earlier.safetensors"
    save_blazepose(begun, "blazepose_lite", network)
    recipe = replace(SMALL, epochs=1, steps=1, learning_rate=1e-12)
    trained, _ = train_blazepose(data, recipe, initial=str(begun), log=None)
    expected = load_blazepose("blazepose_lite", begun).state_dict()
    for name, value in trained.state_dict().items():
        if not name.startswith("deviations"):  # they are fitted at the end
            torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-5)
    identities = [blazepose_configuration(recipe, data)["initial"]]
    identities += [blazepose_configuration(recipe, data, str(begun))["initial"]]
    assert identities == ["published", sha256_of(begun)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--backbone", "resnet18"),
            "--backbone is for posenet and rootnet, not for blazepose_lite",
        ),
        (("--size", 64), "--size is for posenet and rootnet, not for blazepose_lite"),
        (("--initial", "random"), "there are no weights of blazepose_lite at random; give a"),
        (("--images", "."), "--images is for posenet and rootnet"),
        (("second",), "BlazePose is trained on one data set, got 2"),
        (("--epochs", 0), "epochs must be positive, got 0"),
        (("--pictures", "nowhere"), "nowhere"),
        ((), "nothing holds no rendered scenes; give the folder that `pinet scenes render`"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ("nothing", *arguments, "--network", "blazepose_lite", "--output", "run")
    assert message in fails(*given, "--device", "cpu")
    assert not (tmp_path / "run").exists()


def test_pictures_are_for_blazepose(tmp_path):
    given = (tmp_path, "--network", "posenet", "--pictures", tmp_path, "--device", "cpu")
    said = fails(*given, "--output", tmp_path / "run")
    assert "--pictures is for BlazePose, not for posenet" in said


def test_the_command_reads_scenes_and_writes_weights(scenes, tmp_path, monkeypatch, capsys):
    given = []

    def trained(data, recipe, device, *, folder, **options):
        given.append((data, recipe, device, options))
        network = load_blazepose("blazepose_lite", weights_file("blazepose_lite"))
        folder.begin()
        folder.finish(lambda path: save_blazepose(path, recipe.network, network), [])

    monkeypatch.setattr(command, "train_blazepose", trained)
    monkeypatch.setattr(command, "prepare", lambda *_: None)
    arguments = ("--network", "blazepose_lite", "--epochs", 3, "--batch-size", 5, "--seed", 7)
    run(scenes, *arguments, "--output", tmp_path / "run", "--device", "cpu", "--loaders", 0)
    ((data, recipe, device, options),) = given
    assert recipe == BlazePoseRecipe(network="blazepose_lite", epochs=3, batch_size=5, seed=7)
    assert len(data.train.joints) == 3
    assert len(data.held_out.joints) == 2
    assert data.real is None
    assert device == torch.device("cpu")
    assert options["processes"] == 0
    assert f"wrote {tmp_path / 'run' / 'weights.safetensors'}" in capsys.readouterr().out
    load_blazepose("blazepose_lite", tmp_path / "run" / "weights.safetensors")


@pytest.fixture
def pictures(photo, calibration, tmp_path):
    """The photo, with a person of the loose kind far from anybody in it."""
    cv2.imwrite(str(tmp_path / "a_1.png"), photo)
    camera = calibration.camera(1088, 1920)
    joints = np.random.default_rng(0).normal([0, 0, 4], 0.3, (1, 17, 3))
    joints[:, MUPOTS_17.root] = [0, 0, 4]
    np.savez(
        tmp_path / "truth.npz",
        picture=["a_1.png"],
        picture_camera_matrix=camera.matrix[None],
        picture_distortion=np.zeros((1, 5)),
        person_picture=["a_1.png"],
        person_joints=joints,
        person_strict=[False],
    )
    return tmp_path


def test_networks_are_measured_on_real_people(pictures):
    """Kinds of people of whom nobody is found have counts, but no errors."""
    validate = validation_on_pictures(pictures, "blazepose_lite", torch.device("cpu"))
    network = load_blazepose("blazepose_lite", weights_file("blazepose_lite"))
    found = validate(network)
    assert found["loose_found"] == 0
    assert "strict_found" not in found  # there are none
    assert all(math.isfinite(value) for value in found.values())


def test_keeping_freed_memory_changes_nothing_else():
    """In a process of its own, as it cannot be undone."""
    code = (
        "import numpy as np; from pinet_training.runs.on_cpu import keep_freed_memory; "
        "keep_freed_memory(); print(sum(np.ones(10**6).sum() for _ in range(20)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "20000000.0\n"


def test_on_other_systems_memory_is_not_touched(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("ctypes.CDLL", lambda _: pytest.fail("a library was opened"))
    keep_freed_memory()
