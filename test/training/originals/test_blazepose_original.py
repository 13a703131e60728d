"""Published BlazePose models in the format of our own weights."""

from __future__ import annotations

from functools import partial

import command_line
import cv2
import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from heatmap_refinement import moved_by_heatmap
from safetensors.torch import load_file

from pinet_ros.errors import ModelError
from pinet_ros.imaging.frame import Frame
from pinet_ros.lifting.blazepose import BlazePose
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, load_blazepose, network_of
from pinet_training.originals import fetch
from pinet_training.originals.blazepose_original import (
    import_blazepose,
    published_network,
    published_weights,
)

BOX = np.array([405, 400, 750, 1125], np.float32)  # of a man in the photo

run = partial(command_line.run, "models", "import")


@pytest.fixture(scope="module", autouse=True)
def _fetched():
    fetch.fetch(["blazepose_lite"])


def test_weights_of_another_variant_are_refused():
    with pytest.raises(ModelError, match="does not have the layers of this variant of BlazePose"):
        import_blazepose(BlazePoseNetwork("full"), fetch.path("blazepose_lite"))


def test_published_weights_know_no_deviations_and_lose_nothing_in_half_precision():
    file = published_weights("blazepose_lite")
    network = load_blazepose("blazepose_lite", file)
    assert network.deviations is None
    exact = published_network("blazepose_lite").state_dict()
    torch.testing.assert_close(dict(network.state_dict()), dict(exact), rtol=1e-3, atol=1e-6)
    written = file.stat().st_mtime_ns
    assert published_weights("blazepose_lite") == file
    assert file.stat().st_mtime_ns == written  # made only once


def test_the_command_writes_them(tmp_path, capsys):
    path = tmp_path / "published.safetensors"
    run("blazepose_lite", "--output", path)
    assert f"wrote {path}" in capsys.readouterr().out
    assert network_of(path) == "blazepose_lite"
    ours, cached = load_file(path), load_file(published_weights("blazepose_lite"))
    assert all(torch.equal(ours[name], cached[name]) for name in cached)


@pytest.mark.parametrize("name", BLAZEPOSE)
def test_landmarks_are_those_of_litert_on_a_crop(name, photo):
    fetch.fetch([name])
    x0, y0, x1, y1 = BOX
    scale = 1.2 * (y1 - y0) / 256
    corner = np.array([x0 + x1, y0 + y1]) / 2 - 128 * scale
    to_crop = np.array([[1, 0, -corner[0]], [0, 1, -corner[1]]]) / scale
    bgr = cv2.warpAffine(photo, to_crop, (256, 256), flags=cv2.INTER_LINEAR)
    litert = Interpreter(str(fetch.path(name)))
    litert.allocate_tensors()
    crop = bgr[None, ..., ::-1] / np.float32(255)
    litert.set_tensor(litert.get_input_details()[0]["index"], crop)
    litert.invoke()
    named = {o["name"]: litert.get_tensor(o["index"])[0] for o in litert.get_output_details()}
    points = named["Identity"].reshape(39, 5)[:33]
    heatmaps = 1 / (1 + np.exp(-named["Identity_3"].transpose(2, 0, 1)))
    moved = [moved_by_heatmap(p[:2], m) for p, m in zip(points, heatmaps[:33], strict=True)]

    lifter = BlazePose(name, weights=published_weights(name))
    found = lifter.landmarks([Frame.from_array(photo)], [BOX[None]])[0]
    np.testing.assert_allclose(found.image[0], np.array(moved) * scale + corner, atol=0.05)
    np.testing.assert_allclose(found.world[0], named["Identity_4"].reshape(39, 3)[:33], atol=5e-4)
    np.testing.assert_allclose(found.visibility[0], 1 / (1 + np.exp(-points[:, 3])), atol=1e-3)
    np.testing.assert_allclose(found.presence, named["Identity_1"], atol=1e-3)
