"""Boxes of NanoDet's cells, decoded one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pinet_ros.detection import nanodet_weights
from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_ros.detection.nanodet_weights import load_nanodet, nanodet_file, save_nanodet
from pinet_ros.errors import ModelError
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import save_blazepose


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return NanoDetNetwork().eval()


def decoded(logits):
    """Boxes (3549,4) of logits (3549,4,11), cell by cell."""
    boxes, row = [], 0
    for side in (52, 26, 13):
        stride = 416 // side
        for cell in range(side * side):
            distances = []
            for edge in range(4):
                bins = np.exp(logits[row, edge])
                distances.append(stride * sum(i * p for i, p in enumerate(bins / bins.sum())))
            y, x = (stride * (place + 0.5) for place in divmod(cell, side))
            left, top, right, bottom = distances
            boxes.append([x - left, y - top, x + right, y + bottom])
            row += 1
    return np.array(boxes)


def test_boxes_are_decoded_as_cell_by_cell(network):
    logits = torch.tensor(np.random.default_rng(0).normal(scale=3, size=(1, 3549, 4, 11))).float()
    np.testing.assert_allclose(network.boxes(logits)[0], decoded(logits[0].numpy()), atol=1e-3)


def test_scores_and_boxes_are_those_of_the_logits(network):
    images = torch.rand(2, *network.input_shape)
    with torch.inference_mode():
        scores, boxes = network(images)
        logits, distances = network.logits(images)
    assert scores.shape == logits.shape == (2, 3549)
    assert distances.shape == (2, 3549, 4, 11)
    torch.testing.assert_close(scores, logits.sigmoid())
    torch.testing.assert_close(boxes, network.boxes(distances))


def test_weights_are_kept_in_half_precision(network, tmp_path):
    file = tmp_path / "weights.safetensors"
    save_nanodet(file, network)
    assert {value.dtype for value in load_file(file).values()} == {torch.float16}
    loaded = load_nanodet(file)
    assert not loaded.training
    expected = {name: value.half().float() for name, value in network.state_dict().items()}
    torch.testing.assert_close(dict(loaded.state_dict()), expected, rtol=0, atol=0)


def test_other_weights_are_refused(tmp_path, monkeypatch):
    file = tmp_path / "weights.safetensors"
    save_blazepose(file, "blazepose_lite", BlazePoseNetwork("lite"))
    with pytest.raises(ModelError, match="must hold weights of nanodet, got those of blazepose_l"):
        NanoDet(weights=file)
    with pytest.raises(ModelError, match=r"no weights of nanodet at .*gone.*train-detector"):
        NanoDet(weights=tmp_path / "gone.safetensors")
    monkeypatch.setattr(nanodet_weights, "_SHIPPED", tmp_path)
    with pytest.raises(ModelError, match=r"nanodet.safetensors is missing, .*install the package"):
        nanodet_file()
