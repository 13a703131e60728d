"""Networks written as ONNX."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from pinet_ros.cli.export_command import add_commands
from pinet_ros.errors import ModelError, PinetError
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import load_blazepose, save_blazepose
from pinet_ros.lifting.mppe.rootnet import RootNet
from pinet_ros.lifting.mppe.snapshots import save_snapshot
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, load_checkpoint


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(list(words))
    return arguments.run(arguments)


def test_export_writes_a_network_for_any_number_of_images(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    output = tmp_path / "new" / "lite.onnx"
    assert run("export", "blazepose_lite", "--output", str(output)) == 0
    assert str(output) in capsys.readouterr().out

    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    assert (images.name, images.shape) == ("images", ["batch", 3, 256, 256])
    names = [entry.name for entry in session.get_outputs()]
    assert names == ["image", "world", "visibility", "presence", "log_deviations"]
    for batch in (1, 4):
        values = session.run(None, {"images": np.zeros((batch, 3, 256, 256), np.float32)})
        shapes = [(batch, 33, 2), (batch, 33, 3), (batch, 33), (batch, 1), (batch, 18)]
        assert [value.shape for value in values] == shapes


def test_export_writes_given_weights_of_blazepose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = BlazePoseNetwork("lite").eval()
    weights, output = tmp_path / "weights.safetensors", tmp_path / "lite.onnx"
    save_blazepose(weights, "blazepose_lite", network)
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    words = ("--weights", str(weights), "--output", str(output))
    assert run("export", "blazepose_lite", *words) == 0
    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    images = torch.rand(2, 3, 256, 256)
    with torch.inference_mode():
        expected = load_blazepose("blazepose_lite", weights)(images)
    found = session.run(list(network.output_names), {"images": images.numpy()})
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=5e-3)
    with pytest.raises(ModelError, match="must hold weights of blazepose_full, got those of blaz"):
        run("export", "blazepose_full", *words)


def test_export_writes_pinet_for_any_number_of_people(tmp_path: Path) -> None:
    output = tmp_path / "pinet.onnx"
    assert run("export", "pinet", "--output", str(output)) == 0
    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    network = load_checkpoint(DEFAULT_WEIGHTS).network
    for sequences, people in ((1, 1), (7, 7), (2, 5)):
        tokens = np.random.default_rng(0).normal(size=(sequences, people, 75)).astype(np.float32)
        with torch.inference_mode():
            expected = network.eval()(torch.from_numpy(tokens))[:, 0].numpy()
        poses, attention = session.run(["poses", "attention"], {"sequences": tokens})
        np.testing.assert_allclose(poses, expected, atol=1e-4)
        np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-5)


def test_export_writes_snapshots_that_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    rootnet, output = RootNet("resnet18").eval(), tmp_path / "root.onnx"
    save_snapshot(rootnet, tmp_path / "root.pth.tar")
    weights = ("--weights", str(tmp_path / "root.pth.tar"))
    assert run("export", "rootnet", *weights, "--output", str(output)) == 0
    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    images = torch.rand(3, 3, 256, 256)
    with torch.inference_mode():
        expected = rootnet(images).numpy()
    np.testing.assert_allclose(
        session.run(["root"], {"images": images.numpy()})[0], expected, atol=1e-3
    )


def test_export_says_which_networks_want_weights(tmp_path: Path) -> None:
    output = ("--output", str(tmp_path / "x.onnx"))
    with pytest.raises(PinetError, match="posenet has no weights in the package; give"):
        run("export", "posenet", *output)
    with pytest.raises(ModelError, match=r"there are no weights of nanodet at x\.pth"):
        run("export", "nanodet", "--weights", "x.pth", *output)
    with pytest.raises(ModelError, match="cannot be read as a torch file"):
        run("export", "rootnet", "--weights", str(tmp_path / "missing.pth"), *output)


@pytest.mark.parametrize("name", ["blazepose", "demo_clip"])
def test_export_refuses_what_is_no_network(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"no network '{name}', only nanodet, blazepose_lite, "):
        run("export", name, "--output", str(tmp_path / "x.onnx"))
    assert not list(tmp_path.iterdir())
