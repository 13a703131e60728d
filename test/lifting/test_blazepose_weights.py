"""Files of BlazePose's weights, and what an estimator gives with weights that know deviations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from pinet_ros.errors import ModelError, PinetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.lifting import blazepose_weights
from pinet_ros.lifting.blazepose import BlazePose
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import (
    BLAZEPOSE,
    load_blazepose,
    network_of,
    save_blazepose,
    weights_file,
)
from pinet_ros.skeleton import MUPOTS_17


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return BlazePoseNetwork("lite").eval()


@pytest.fixture
def file(network, tmp_path):
    save_blazepose(tmp_path / "weights.safetensors", "blazepose_lite", network)
    return tmp_path / "weights.safetensors"


def test_weights_are_kept_in_half_precision(network, file):
    assert network_of(file) == "blazepose_lite"
    assert {value.dtype for value in load_file(file).values()} == {torch.float16}
    loaded = load_blazepose("blazepose_lite", file)
    assert not loaded.training
    expected = {name: value.half().float() for name, value in network.state_dict().items()}
    torch.testing.assert_close(dict(loaded.state_dict()), expected, rtol=0, atol=0)
    with torch.inference_mode():
        crops = torch.rand(1, *network.input_shape)
        assert loaded(crops)[-1].shape == (1, 18)  # the deviations are kept
        torch.testing.assert_close(loaded(crops), network(crops), rtol=1e-2, atol=1e-2)


def test_weights_that_half_precision_cannot_hold_are_not_written(tmp_path):
    network = BlazePoseNetwork("lite")
    torch.nn.init.constant_(network.presence.bias, 7e4)
    with pytest.raises(ModelError, match=r"presence.bias of blazepose_lite are too large"):
        save_blazepose(tmp_path / "large.safetensors", "blazepose_lite", network)
    assert not (tmp_path / "large.safetensors").exists()


def test_weights_without_deviations_stay_without(tmp_path):
    plain = BlazePoseNetwork("lite", deviations=False)
    save_blazepose(tmp_path / "plain.safetensors", "blazepose_lite", plain)
    assert load_blazepose("blazepose_lite", tmp_path / "plain.safetensors").deviations is None


@pytest.mark.parametrize("name", BLAZEPOSE)
def test_the_package_has_weights_that_know_deviations(name):
    file = weights_file(name)
    assert network_of(file) == name
    assert {value.dtype for value in load_file(file).values()} == {torch.float16}
    assert load_blazepose(name, file).deviations.weight.abs().max() > 0


def test_a_package_without_its_weights_is_not_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(blazepose_weights, "_SHIPPED", tmp_path)
    message = r"blazepose_full.safetensors is missing, .*; install the package again"
    with pytest.raises(ModelError, match=message):
        weights_file("blazepose_full")


def test_files_of_another_network_are_refused(file):
    message = r"must hold weights of blazepose_full, got those of blazepose_lite; give"
    with pytest.raises(ModelError, match=message):
        load_blazepose("blazepose_full", file)
    whole = {name: value.clone() for name, value in load_file(file).items()}  # was mapped
    state = {name: value for name, value in whole.items() if "stages.3" not in name}
    file.write_bytes(save(state, {"network": "blazepose_lite"}))
    with pytest.raises(ModelError, match=r"(?s)weights.safetensors.*stages\.3"):
        load_blazepose("blazepose_lite", file)
    file.write_bytes(save(state, {"architecture": "pinet"}))
    with pytest.raises(ModelError, match="must hold weights of blazepose_lite, got those of None"):
        load_blazepose("blazepose_lite", file)
    with pytest.raises(ModelError, match="one of blazepose_lite, blazepose_full, got those of no"):
        network_of(file)


@pytest.mark.parametrize("kept", [0, 4, 500, -100])
def test_damaged_files_are_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"weights.safetensors is damaged or not a safetensors"):
        load_blazepose("blazepose_lite", file)


def test_missing_files_are_named(tmp_path):
    path = tmp_path / "gone.safetensors"
    with pytest.raises(ModelError, match=r"no weights of blazepose_full at .*gone.safetensors; "):
        BlazePose(weights=path)
    with pytest.raises(PinetError, match="lifter_weights is a file of a BlazePose lifter; give"):
        EstimatorConfig(lifter="mppe", posenet="p", rootnet="r", lifter_weights=str(path))


def with_constant_deviations():
    """The lite network with a head that gives the same deviations for everybody."""
    network = load_blazepose("blazepose_lite", weights_file("blazepose_lite"))
    torch.nn.init.zeros_(network.deviations.weight)
    with torch.no_grad():
        network.deviations.bias.copy_(torch.linspace(0.01, 0.18, 18).log())
    return network


@pytest.mark.parametrize("mirror", [False, True])
def test_people_have_deviations_if_the_weights_know_them(photo, calibration, tmp_path, mirror):
    path, without = tmp_path / "weights.safetensors", tmp_path / "without.safetensors"
    network = with_constant_deviations()
    save_blazepose(path, "blazepose_lite", network)
    network.deviations = None
    save_blazepose(without, "blazepose_lite", network)
    options = {"lifter": "blazepose_lite", "mirror": mirror, "runtime": "torch"}
    camera = calibration.camera(1088, 1920)
    trained, plain = (
        PoseEstimator(EstimatorConfig(**options, lifter_weights=str(each)), "cpu")(photo, camera)
        for each in (path, without)
    )
    people = trained.people
    assert len(people) >= 2
    np.testing.assert_allclose(people.joints, plain.people.joints, atol=0.02)
    expected = np.linspace(0.01, 0.18, 18)
    if mirror:  # the geometric mean of left and right
        expected[:17] = np.sqrt(expected[:17] * expected[:17][MUPOTS_17.mirror])
    joints = np.arange(17) != MUPOTS_17.root
    np.testing.assert_allclose(people.deviations[:, joints].T.std(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(people.deviations[0, joints], expected[:17][joints], rtol=2e-3)
    assert (people.deviations[:, MUPOTS_17.root] == 0).all()
    np.testing.assert_allclose(people.root_deviations, expected[MUPOTS_17.root], rtol=2e-3)
    np.testing.assert_allclose(people.distance_deviations, expected[17], rtol=2e-3)
    assert people.estimator.startswith("blazepose_lite/")
    assert people.estimator != plain.people.estimator
    covariances = people.position_covariances
    assert (np.linalg.eigvalsh(covariances) > 0).all()
    assert np.isnan(plain.people.deviations).all()
    assert np.isnan(plain.people.position_covariances).all()
