"""The published NanoDet in our network."""

from __future__ import annotations

from functools import partial

import command_line
import pytest
import torch

from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_ros.detection.nanodet_weights import load_nanodet
from pinet_ros.errors import ModelError
from pinet_training.originals import fetch, nanodet_original
from pinet_training.originals.nanodet_original import import_nanodet, published_nanodet
from pinet_training.originals.tfjs import load_tfjs

run = partial(command_line.run, "models", "import")


@pytest.fixture(scope="module")
def path():
    fetch.fetch(["nanodet"])
    return fetch.path("nanodet")


def test_scores_and_distances_are_those_of_the_published_graph(path, people_crops):
    outputs = ["Identity", "Identity_1", "Identity_2", "Identity_3", "Identity_4", "Identity_5"]
    graph, network = load_tfjs(path, outputs), published_nanodet()
    images = torch.nn.functional.interpolate(4 * people_crops.flip(1) - 2, size=(416, 416))
    with torch.inference_mode():
        parts = graph(images)
        logits, distances = network.logits(images)
    count = sum(each.numel() for each in graph.buffers())
    others = 3 * 79 * 129  # classes of three heads
    assert sum(each.numel() for each in network.parameters()) == count - others
    probabilities = torch.cat(parts[:3], dim=1)[..., 0]
    assert probabilities.max() > 0.5
    torch.testing.assert_close(logits.sigmoid(), probabilities, rtol=0, atol=1e-4)
    expected = torch.cat(parts[3:], dim=1).unflatten(2, (4, 11))
    torch.testing.assert_close(distances, expected, rtol=0, atol=1e-2)


def test_another_network_is_refused(path, monkeypatch):
    part = load_tfjs(path, ["Identity"])
    monkeypatch.setattr(nanodet_original, "load_tfjs", lambda *_: part)
    with pytest.raises(ModelError, match="does not have the layers of this variant of NanoDet"):
        import_nanodet(NanoDetNetwork(), path)


def test_the_command_writes_its_weights(path, tmp_path):
    run("nanodet", "--output", tmp_path / "nanodet.safetensors")
    network, expected = load_nanodet(tmp_path / "nanodet.safetensors"), published_nanodet()
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value, rtol=1e-3, atol=1e-4)
