from __future__ import annotations

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pinet_ros.models.catalog import ModelError
from pinet_ros.refinement.checkpoint import (
    build_network,
    load_checkpoint,
    save_checkpoint,
    weights_for,
)
from pinet_ros.refinement.formulation import PUBLISHED, Formulation, Target
from pinet_ros.refinement.refiner import Refiner
from pinet_training.refiner.variants import VARIANTS


@pytest.mark.parametrize(
    "formulation", [Formulation(), Formulation("all_people", Target.POSE)], ids=str
)
def test_weights_and_their_meaning_come_back(formulation, network, tmp_path):
    save_checkpoint(tmp_path / "weights.safetensors", network, formulation)

    loaded, meaning = load_checkpoint(tmp_path / "weights.safetensors")

    assert meaning == formulation
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_comes_back_as_it_was(name, tmp_path):
    variant = VARIANTS[name]
    formulation = variant.formulation("all_people", Target.CORRECTION)
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, build_network(variant.network), formulation)

    loaded, meaning = load_checkpoint(path)

    assert loaded.config == variant.network
    assert meaning == formulation


@pytest.mark.parametrize("name", ["gru2", "gru4", "lstm3", "unidirectional", "no_attention"])
def test_a_released_snapshot_of_a_recurrent_variant_is_recognised(name, tmp_path):
    network = build_network(VARIANTS[name].network)
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"network": state}, tmp_path / "snapshot.pth.tar")

    loaded, meaning = load_checkpoint(tmp_path / "snapshot.pth.tar")

    assert loaded.config == VARIANTS[name].network
    assert meaning == PUBLISHED


def test_the_default_weights_are_root_centred_corrections():
    assert Refiner().formulation == Formulation("root_centred", Target.CORRECTION)


def test_a_missing_file_says_what_to_give(tmp_path):
    with pytest.raises(ModelError, match=r"no refiner weights at .*pinet train"):
        load_checkpoint(tmp_path / "nothing.safetensors")


def test_a_file_of_another_kind_names_the_known_ones(tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"")

    with pytest.raises(ModelError, match=r"end in .safetensors, .pth or .tar, got weights.onnx"):
        load_checkpoint(path)


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"no weights")

    with pytest.raises(ModelError, match=r"broken.safetensors is damaged or not a safe"):
        load_checkpoint(path)


def test_weights_of_another_network_are_refused(network, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file(dict(network.state_dict()), path, {"architecture": "resnet"})

    with pytest.raises(ModelError, match=r"architecture=pinet, got resnet"):
        load_checkpoint(path)


def test_weights_that_cannot_be_written_leave_nothing_behind(network, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.mkdir()

    with pytest.raises(IsADirectoryError):
        save_checkpoint(path, network, Formulation())
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": None}, "it lacks unit"),
        ({"order": None}, "it lacks order"),
        ({"unit": "rnn"}, "unit cannot be 'rnn'"),
        ({"layers": "three"}, "layers cannot be 'three'"),
        ({"attention": "yes"}, "attention cannot be 'yes'"),
    ],
)
def test_metadata_that_do_not_describe_a_network_are_refused(change, message, network, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, network, Formulation())
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() | change
    known = {name: value for name, value in metadata.items() if value is not None}
    save_file(dict(network.state_dict()), path, known)

    with pytest.raises(ModelError, match=rf"weights.safetensors cannot be used: {message}"):
        load_checkpoint(path)


def test_a_snapshot_that_does_not_fit_names_the_parameters(network, tmp_path):
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    state["module.backbone.conv1.weight"] = state.pop("module.linear3.weight")
    torch.save({"network": state}, tmp_path / "posenet.pth.tar")

    with pytest.raises(ModelError, match=r"(?s)linear3.weight.*backbone.conv1.weight"):
        load_checkpoint(tmp_path / "posenet.pth.tar")


@pytest.mark.parametrize(
    ("lifter", "weights"),
    [
        ("blazepose_lite", "blazepose_full"),
        ("blazepose_full", "blazepose_full"),
        ("blazepose_heavy", "blazepose_heavy"),
    ],
)
def test_the_package_has_weights_for_each_blazepose(lifter, weights):
    assert weights_for(lifter) == weights


def test_of_another_lifter_the_weights_must_be_given():
    with pytest.raises(ModelError, match=r"for the lifter mppe: give weights, .*`pinet train` on"):
        weights_for("mppe")
