"""The refinement of landmarks by heat maps, and what the network returns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from heatmap_refinement import moved_by_heatmap

from pinet_ros.lifting.blazepose_network import VARIANTS, BlazePoseNetwork, refine_by_heatmaps


def refined(points: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    return refine_by_heatmaps(torch.as_tensor(points), torch.as_tensor(heatmaps)).numpy()


def blob(x: float, y: float, height: float = 1.0, deviation: float = 1.0) -> np.ndarray:
    """A heat map (64,64) with one peak, in cells."""
    cells = np.arange(64)
    square = (cells[:, None] - y) ** 2 + (cells - x) ** 2
    return height * np.exp(-square / (2 * deviation**2))


def test_landmarks_move_as_cell_by_cell():
    rng = np.random.default_rng(0)
    points = rng.uniform(-20, 276, size=(2, 8, 2))
    points[:, 0] = [[0, 4], [255.9, -0.5]]
    heatmaps = rng.uniform(size=(2, 8, 64, 64)) * rng.choice([1e-3, 0.1, 1], size=(2, 8, 1, 1))
    found = refined(points, heatmaps)
    for person in range(2):
        for number in range(8):
            expected = moved_by_heatmap(points[person, number], heatmaps[person, number])
            np.testing.assert_allclose(found[person, number], expected, atol=1e-9)


def test_small_changes_of_the_landmark_move_the_result_little():
    """Also across the borders of cells, and where the map is only just sure."""
    heatmap = blob(30.3, 28.8, 0.5) + blob(36.0, 31.0, 0.8)
    steps = np.arange(90, 160, 0.01)
    points = np.column_stack([steps, np.full(len(steps), 118.0)])
    found = refined(points[None], np.broadcast_to(heatmap, (1, len(steps), 64, 64)))[0]
    assert np.abs(np.diff(found, axis=0)).max() < 0.03
    assert np.abs(found - points).max() > 3  # the map matters


def test_small_changes_of_the_map_move_the_result_little():
    rng = np.random.default_rng(1)
    heatmaps = np.stack([height * blob(31.5, 32.2) for height in np.arange(0, 1, 0.02)])[None]
    points = np.broadcast_to([122.0, 131.0], (1, heatmaps.shape[1], 2))
    changed = heatmaps + rng.uniform(-1e-3, 1e-3, heatmaps.shape)
    assert np.abs(refined(points, changed) - refined(points, heatmaps)).max() < 0.05
    assert np.abs(np.diff(refined(points, heatmaps)[0], axis=0)).max() < 0.25


def test_an_empty_map_leaves_the_landmark():
    points = np.random.default_rng(2).uniform(-50, 300, (3, 33, 2))
    np.testing.assert_array_equal(refined(points, np.zeros((3, 33, 64, 64))), points)


def test_a_sure_map_pulls_the_landmark_almost_to_its_peak():
    """A faint one hardly does; and what is far from the landmark does not count."""
    start, peak = np.array([[[120.0, 128.0]]]), np.array([31.5 * 4, 31.0 * 4])
    before = np.linalg.norm(start - peak)
    sure, faint = (refined(start, blob(31.5, 31.0, h)[None, None]) for h in (1.0, 0.02))
    assert np.linalg.norm(sure - peak) < 0.4 * before
    assert np.linalg.norm(faint - peak) > 0.95 * before
    np.testing.assert_allclose(refined(start, blob(55, 10)[None, None]), start, atol=1e-9)


@pytest.mark.parametrize("deviations", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_network_begun_and_finished_in_two_is_the_whole(variant, deviations):
    torch.manual_seed(0)
    network = BlazePoseNetwork(variant, deviations=deviations).eval()
    shapes = {
        "image": (2, 33, 2),
        "world": (2, 33, 3),
        "visibility": (2, 33),
        "presence": (2, 1),
        "log_deviations": (2, 18),
    }
    with torch.inference_mode():
        crops = torch.rand(2, *network.input_shape)
        whole = network(crops)
        assert len(whole) == len(network.output_names) == (5 if deviations else 4)
        for name, value in zip(network.output_names, whole, strict=True):
            assert value.shape == shapes[name]
        for stages in (1, 3):
            scales = network.begin(crops, stages)
            assert len(scales) == stages
            torch.testing.assert_close(network.finish(scales), whole)


def test_the_beginning_has_the_parts_that_begin_runs():
    network = BlazePoseNetwork("lite").eval()
    crops = torch.rand(1, *network.input_shape)
    for part in network.beginning(2):
        part.requires_grad_(False)
    assert not any(each.requires_grad for each in network.begin(crops, 2))
    assert all(each.requires_grad for each in network.finish(network.begin(crops, 2)))
