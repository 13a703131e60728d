"""NanoDet in torch against the TensorFlow.js runtime; see nanodet_reference.mjs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pinet_ros.errors import ModelError
from pinet_training.originals.tfjs import load_tfjs

REFERENCE = Path(__file__).parent / "data" / "nanodet_reference.f32.gz"
SIZE = 416
KEEP_EVERY = 13  # cells
# Cells and numbers for each, of the six outputs sorted by name.
OUTPUTS = [(2704, 80), (676, 80), (169, 80), (2704, 44), (676, 44), (169, 44)]
MEAN = np.array([103.53, 116.28, 123.675]).reshape(3, 1, 1)
STD = np.array([57.375, 57.12, 58.395]).reshape(3, 1, 1)


def synthetic_image(seed: int) -> np.ndarray:
    """The recipe of nanodet_reference.mjs, (3,416,416) float32."""
    c, y, x = np.mgrid[:3, :SIZE, :SIZE]
    mixed = x * (3 + c + seed) + y * (5 + 2 * c) + x * y // (7 + seed)
    return ((mixed % 256 - MEAN) / STD).astype(np.float32)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.from_numpy(np.stack([synthetic_image(0), synthetic_image(1)]))


@pytest.fixture(scope="module")
def reference() -> list[list[np.ndarray]]:
    """For each image its six outputs, every 13th cell."""
    values = np.frombuffer(gzip.decompress(REFERENCE.read_bytes()), np.float32)
    shapes = [(-(-cells // KEEP_EVERY), numbers) for cells, numbers in OUTPUTS] * 2
    ends = np.cumsum([cells * numbers for cells, numbers in shapes])
    assert ends[-1] == len(values)
    parts = np.split(values, ends[:-1])
    kept = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return [kept[:6], kept[6:]]


def test_agrees_with_tfjs(
    fetched: Callable[[str], Path], images: torch.Tensor, reference: list[list[np.ndarray]]
) -> None:
    network = load_tfjs(fetched("nanodet"))
    with torch.inference_mode():
        batch = network(images)
        alone = network(images[1:])
    assert [tuple(output.shape) for output in batch] == [(2, *shape) for shape in OUTPUTS]
    for i, output in enumerate(batch):
        for image in range(2):
            actual = output[image, ::KEEP_EVERY]
            np.testing.assert_allclose(actual, reference[image][i], rtol=0, atol=1e-5)
        np.testing.assert_allclose(alone[i][0], output[1], rtol=0, atol=1e-5)


def test_scores_and_distances_by_name(
    fetched: Callable[[str], Path], images: torch.Tensor
) -> None:
    path = fetched("nanodet")
    with torch.inference_mode():
        every = load_tfjs(path)(images)
        distances, scores = load_tfjs(path, ["Identity_5", "Identity_2"])(images)
    torch.testing.assert_close((scores, distances), (every[2], every[5]), rtol=0, atol=1e-6)
    assert 0 <= scores.min() <= scores.max() <= 1


def write_graph(folder: Path, *nodes: dict, **changes: object) -> Path:
    """A graph model without weights."""
    output = {"outputs": {"out": {"name": "out:0"}}}
    content = {
        "format": "graph-model",
        "modelTopology": {"node": list(nodes)},
        "signature": output,
        "weightsManifest": [],
        **changes,
    }
    path = folder / "model.json"
    path.write_text(json.dumps(content))
    return path


def placeholder() -> dict:
    sizes = [{"size": str(size)} for size in (1, 3, 4, 4)]
    return {"name": "in", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": sizes}}}}


def test_runs_nodes_in_any_order(tmp_path: Path) -> None:
    nodes = [
        {"name": "out", "op": "Add", "input": ["half:0", "in"]},
        {"name": "half", "op": "Sigmoid", "input": ["in"]},
        placeholder(),
    ]
    x = torch.randn(2, 3, 4, 4)
    (output,) = load_tfjs(write_graph(tmp_path, *nodes))(x)
    torch.testing.assert_close(output, x + 1 / (1 + torch.exp(-x)))


def test_names_an_unsupported_operation(tmp_path: Path) -> None:
    path = write_graph(tmp_path, placeholder(), {"name": "out", "op": "Erf", "input": ["in"]})
    with pytest.raises(ModelError, match=r"model.json .* operation Erf is not supported"):
        load_tfjs(path)


def test_names_an_unsupported_form_of_an_operation(tmp_path: Path) -> None:
    relu = {"name": "out", "op": "LeakyRelu", "input": ["in"], "attr": {"alpha": {"f": 0.1}}}
    path = write_graph(tmp_path, placeholder(), relu)
    with pytest.raises(ModelError, match=r"operation LeakyRelu, .* must follow a convolution"):
        load_tfjs(path)


def test_refuses_incomplete_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_tfjs(tmp_path / "missing.json")
    with pytest.raises(ModelError, match="graph-model, got layers-model"):
        load_tfjs(write_graph(tmp_path, format="layers-model"))
    weights = [{"name": "w", "shape": [2], "dtype": "float32"}]
    (tmp_path / "w.bin").write_bytes(b"1234567890ab")
    manifest = [{"paths": ["w.bin"], "weights": weights}]
    with pytest.raises(ModelError, match="must be 8 bytes, got 12"):
        load_tfjs(write_graph(tmp_path, weightsManifest=manifest))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu(fetched: Callable[[str], Path], images: torch.Tensor) -> None:
    network = load_tfjs(fetched("nanodet"))
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        expected = network(images)
        actual = network.cuda()(images.cuda())
    for a, b in zip(actual, expected, strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=0, atol=1e-4)
