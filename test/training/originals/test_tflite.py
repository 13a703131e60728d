"""BlazePose in torch against LiteRT, the runtime that its files are made for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tflite
import torch

from pinet_ros.errors import ModelError
from pinet_training.originals.graph_module import GraphModule
from pinet_training.originals.tflite import load_tflite

LANDMARKS, PRESENCE, SEGMENTATION, HEATMAPS, WORLD = (
    "Identity",
    "Identity_1",
    "Identity_2",
    "Identity_3",
    "Identity_4",
)
# Largest accepted differences: pixels (and logits), probability, metres.
TOLERANCES = {LANDMARKS: 1e-2, PRESENCE: 1e-4, HEATMAPS: 1e-2, WORLD: 1e-3}


@pytest.fixture(params=["lite", "full"])
def blazepose(request: pytest.FixtureRequest, fetched: Callable[[str], Path]) -> Path:
    return fetched(f"blazepose_{request.param}")


def run(network: GraphModule, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        return network(images)


def run_litert(path: Path, images: torch.Tensor) -> dict[str, np.ndarray]:
    """Every output for all images, one image after the other; maps as (B,C,H,W)."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    outputs: dict[str, list[np.ndarray]] = {}
    for image in images:
        interpreter.set_tensor(entry["index"], image.permute(1, 2, 0)[None].numpy())
        interpreter.invoke()
        for detail in interpreter.get_output_details():
            value = interpreter.get_tensor(detail["index"])
            value = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
            outputs.setdefault(detail["name"], []).append(value)
    return {name: np.concatenate(values) for name, values in outputs.items()}


def test_agrees_with_litert(blazepose: Path, people_crops: torch.Tensor) -> None:
    expected = run_litert(blazepose, people_crops)
    assert (expected[PRESENCE] > 0.9).all(), "the pictures must show people"
    actual = dict(zip(expected, run(load_tflite(blazepose), people_crops), strict=True))
    for name, tolerance in TOLERANCES.items():
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=tolerance)
    scale = np.abs(expected[SEGMENTATION]).max()  # logits of hundreds
    np.testing.assert_allclose(
        actual[SEGMENTATION], expected[SEGMENTATION], rtol=0, atol=1e-3 * scale
    )


def test_batch_equals_single_images(blazepose: Path, people_crops: torch.Tensor) -> None:
    network = load_tflite(blazepose, list(TOLERANCES))
    together = run(network, people_crops)
    for i in range(len(people_crops)):
        alone = run(network, people_crops[i : i + 1])
        for a, b, tolerance in zip(alone, together, TOLERANCES.values(), strict=True):
            torch.testing.assert_close(a[0], b[i], rtol=0, atol=tolerance)


def test_empty_batch_has_empty_outputs(fetched: Callable[[str], Path]) -> None:
    network = load_tflite(fetched("blazepose_lite"), [LANDMARKS, WORLD])
    landmarks, world = run(network, torch.zeros(0, 3, 256, 256))
    assert landmarks.shape == (0, 195)
    assert world.shape == (0, 117)


def test_outputs_come_in_the_order_asked_for_and_cost_nothing_else(
    fetched: Callable[[str], Path], people_crops: torch.Tensor
) -> None:
    path = fetched("blazepose_lite")
    whole, part = load_tflite(path), load_tflite(path, [WORLD, LANDMARKS])
    landmarks, *_, world = run(whole, people_crops)
    actual = run(part, people_crops)
    torch.testing.assert_close(actual, (world, landmarks), rtol=0, atol=0)
    assert len(part.operations) < len(whole.operations)


def test_weights_are_not_trained_and_follow_the_module(fetched: Callable[[str], Path]) -> None:
    network = load_tflite(fetched("blazepose_lite"))
    assert not list(network.parameters())
    network.to(torch.float64)
    assert {b.dtype for b in network.buffers()} == {torch.float64}


def test_refuses_another_image_size(fetched: Callable[[str], Path]) -> None:
    network = load_tflite(fetched("blazepose_lite"))
    with pytest.raises(ValueError, match=r"\(B, 3, 256, 256\), got \(1, 3, 224, 224\)"):
        network(torch.zeros(1, 3, 224, 224))


def test_names_an_unknown_output(fetched: Callable[[str], Path]) -> None:
    with pytest.raises(ModelError, match="no output 'landmarks', only Identity, Identity_1"):
        load_tflite(fetched("blazepose_lite"), ["landmarks"])


def test_names_an_unsupported_operation(fetched: Callable[[str], Path], tmp_path: Path) -> None:
    content = bytearray(fetched("blazepose_lite").read_bytes())
    model = tflite.Model.GetRootAsModel(content, 0)
    codes = map(model.OperatorCodes, range(model.OperatorCodesLength()))
    logistic = next(c for c in codes if c.BuiltinCode() == tflite.BuiltinOperator.LOGISTIC)
    table = logistic._tab
    for field in (4, 10):  # vtable slots of the deprecated and of the present code
        if offset := table.Offset(field):
            content[table.Pos + offset] = tflite.BuiltinOperator.TANH
    changed = tmp_path / "changed.tflite"
    changed.write_bytes(content)
    with pytest.raises(ModelError, match=r"changed.tflite .* operation TANH is not supported"):
        load_tflite(changed)


def test_refuses_another_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "text.tflite"
    path.write_text("not a flatbuffer")
    with pytest.raises(ModelError, match="identifier must be"):
        load_tflite(path)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_tflite(tmp_path / "missing.tflite")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu(blazepose: Path, people_crops: torch.Tensor) -> None:
    network = load_tflite(blazepose, list(TOLERANCES))
    expected = run(network, people_crops)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        actual = run(network.cuda(), people_crops.cuda())
    for a, b, tolerance in zip(actual, expected, TOLERANCES.values(), strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=0, atol=tolerance)
