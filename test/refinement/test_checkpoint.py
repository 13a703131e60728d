from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from command_line import fails, run
from safetensors import safe_open
from safetensors.torch import save_file

from pinet_ros.errors import ModelError
from pinet_ros.refinement.checkpoint import (
    build_network,
    load_checkpoint,
    save_checkpoint,
    weights_for,
)
from pinet_ros.refinement.formulation import PUBLISHED, Formulation, Target
from pinet_ros.refinement.inference import AS_PREDICTED, InferenceOptions
from pinet_ros.refinement.model import NetworkConfig, PINet
from pinet_ros.refinement.refiner import Refiner

VARIANTS = pytest.importorskip("pinet_training.refiner.variants").VARIANTS


@pytest.mark.parametrize(
    "formulation", [Formulation(), Formulation("all_people", Target.POSE)], ids=str
)
def test_weights_and_their_meaning_come_back(formulation, network, tmp_path):
    save_checkpoint(tmp_path / "weights.safetensors", network, formulation)

    loaded, meaning, _ = load_checkpoint(tmp_path / "weights.safetensors")

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

    loaded, meaning, _ = load_checkpoint(path)

    assert loaded.config == variant.network
    assert meaning == formulation


@pytest.mark.parametrize("name", ["gru2", "gru4", "lstm3", "unidirectional", "no_attention"])
def test_a_released_snapshot_of_a_recurrent_variant_is_recognised(name, tmp_path):
    network = build_network(VARIANTS[name].network)
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"network": state}, tmp_path / "snapshot.pth.tar")

    loaded, meaning, _ = load_checkpoint(tmp_path / "snapshot.pth.tar")

    assert loaded.config == VARIANTS[name].network
    assert meaning == PUBLISHED


def test_the_default_weights_are_corrections_of_people_who_are_faced():
    assert Refiner(device="cpu").formulation == Formulation("facing", Target.CORRECTION)


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
        ({"hidden": "0"}, "hidden must be at least 2, got 0"),
        ({"joints": "-1"}, "joints must be at least 1, got -1"),
        ({"layers": "1000000000"}, "the weights are too few for layers = 1000000000"),
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


@pytest.mark.parametrize(("name", "value"), [("hidden", 2**31 - 1), ("joints", 10**12)])
def test_a_size_that_fits_into_no_memory_is_refused(name, value, network, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, network, Formulation())
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() | {name: str(value)}
    save_file(dict(network.state_dict()), path, metadata)

    with pytest.raises(ModelError, match=rf"weights.safetensors .* too few for {name} = {value}"):
        load_checkpoint(path)


def test_scales_that_do_not_fit_their_weights_are_refused(network, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, network, Formulation(), half=True)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    state["Wa.weight.scale"] = state["Wa.weight.scale"][:7]
    save_file(state, path, metadata)

    with pytest.raises(ModelError, match=r"weights.safetensors is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("odd", [torch.tensor(1.0), torch.zeros(3, 0), torch.zeros(5)])
def test_a_snapshot_with_an_odd_recurrent_weight_is_refused(odd, network, tmp_path):
    state = dict(network.state_dict()) | {"rnn.weight_hh_l0": odd}
    torch.save({"network": state}, tmp_path / "snapshot.pth.tar")

    with pytest.raises(ModelError, match=r"rnn.weight_hh_l0 is"):
        load_checkpoint(tmp_path / "snapshot.pth.tar")


def test_a_snapshot_that_does_not_fit_names_the_parameters(network, tmp_path):
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    state["module.backbone.conv1.weight"] = state.pop("module.linear3.weight")
    torch.save({"network": state}, tmp_path / "posenet.pth.tar")

    with pytest.raises(ModelError, match=r"(?s)linear3.weight.*backbone.conv1.weight"):
        load_checkpoint(tmp_path / "posenet.pth.tar")


@pytest.mark.parametrize("lifter", ["blazepose_lite", "blazepose_full"])
def test_the_package_has_weights_for_each_blazepose(lifter):
    assert weights_for(lifter) == lifter
    assert load_checkpoint(lifter).estimators == (lifter,)


def test_of_another_lifter_the_weights_must_be_given():
    with pytest.raises(ModelError, match=r"for the lifter mppe; give a file .*`pinet train` on"):
        weights_for("mppe")


@pytest.mark.parametrize("deviations", [True, False])
def test_weights_of_another_formulation_are_refused(deviations, tmp_path):
    path = tmp_path / "mixed.safetensors"
    formulation = Formulation("root_centred" if deviations else "facing")
    save_checkpoint(path, PINet(NetworkConfig(deviations=deviations)), formulation)

    with pytest.raises(ModelError, match=f"deviations = {deviations} does not go with"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", ["gru3", "lstm1", "gcn"])
def test_weights_in_half_precision_are_half_as_large_and_give_the_same_poses(
    name, make_people, tmp_path
):
    network = build_network(VARIANTS[name].network)
    save_checkpoint(tmp_path / "full.safetensors", network, Formulation())
    half = tmp_path / "half.safetensors"
    run("export", "pinet", "--weights", tmp_path / "full.safetensors", "--output", half)

    size = (tmp_path / "full.safetensors").stat().st_size
    assert half.stat().st_size == pytest.approx(size / 2, rel=0.15)
    full, halved = (Refiner(tmp_path / f"{n}.safetensors", "cpu") for n in ("full", "half"))
    for seed in range(5):
        people = make_people(3, seed)
        expected = full(people).people.joints
        np.testing.assert_allclose(halved(people).people.joints, expected, atol=1e-4)


def test_weights_stored_as_float16_are_read(network, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, network, Formulation())
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({k: v.half() for k, v in network.state_dict().items()}, path, metadata)

    loaded, _, _ = load_checkpoint(path)

    for name, value in loaded.state_dict().items():
        assert torch.equal(value, network.state_dict()[name].half().float())


def test_only_pinet_is_exported_as_weights(tmp_path):
    message = fails("export", "nanodet", "--output", tmp_path / "nanodet.safetensors")
    assert "only pinet is written as .safetensors; write nanodet as .onnx" in message


def test_options_of_inference_in_todays_weights_are_ignored_with_a_line_in_the_log(
    network, tmp_path, caplog
):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, network, Formulation())
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() | {"symmetric": "true", "turn_threshold": "6.0"}
    save_file(dict(network.state_dict()), path, metadata)

    with caplog.at_level(logging.INFO, logger="pinet_ros"):
        refiner = Refiner(path, "cpu", inference=AS_PREDICTED)

    assert refiner.inference == AS_PREDICTED
    (record,) = caplog.records
    assert record.getMessage() == (
        "weights.safetensors: ignoring symmetric, turn_threshold, which have no effect any more"
    )


def test_published_networks_are_run_as_published(network, tmp_path):
    torch.save({"network": network.state_dict()}, tmp_path / "snapshot.pth.tar")

    assert Refiner(tmp_path / "snapshot.pth.tar", "cpu").inference == AS_PREDICTED
    assert Refiner(device="cpu").inference == InferenceOptions(symmetric=True)
