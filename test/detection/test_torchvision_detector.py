"""The adapter to torchvision's detectors, with random weights."""

from __future__ import annotations

from urllib.error import URLError

import numpy as np
import pytest
import torch

from pinet_ros.detection.torchvision_detector import TORCHVISION_DETECTORS, TorchvisionDetector
from pinet_ros.errors import ModelError, PinetError
from pinet_ros.imaging.frame import Frame

pytestmark = pytest.mark.slow

SMALL = "ssdlite320_mobilenet_v3_large"
PERSON = 1
CLASSES = 91  # of COCO's numbers


def detector(name, **options):
    """One with random weights, which take much for people."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        found = TorchvisionDetector(name, weights="random", **options)
        found.network.transform.min_size = (160,)  # quick
        for part, layer in found.network.named_modules():
            bias = getattr(layer, "bias", None)
            if "classification" in part and bias is not None and len(bias) % CLASSES == 0:
                bias.view(-1, CLASSES)[:, PERSON] += 2
    return found


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", TORCHVISION_DETECTORS)
def test_gives_the_people_of_what_the_network_finds(name, image):
    found = detector(name, score_threshold=0.0, min_area=100.0)
    network = found.network
    people = found([Frame.from_array(image, channels="bgr")])[0]
    pixels = torch.from_numpy(image[..., ::-1] / np.float32(255)).permute(2, 0, 1)
    with torch.inference_mode():
        (expected,) = network([pixels])
    assert set(expected) == {"boxes", "labels", "scores"}  # no masks, no keypoints
    boxes, labels, scores = (expected[key].numpy() for key in ("boxes", "labels", "scores"))
    sides = boxes[:, 2:] - boxes[:, :2]
    wanted = (labels == PERSON) & (sides.prod(axis=1) >= 100)
    assert wanted.any() or name != SMALL
    order = np.argsort(-scores[wanted], kind="stable")
    np.testing.assert_allclose(people.boxes, boxes[wanted][order][:100], atol=1e-3)
    np.testing.assert_allclose(people.scores, scores[wanted][order][:100], atol=1e-6)


class Finds(torch.nn.Module):
    """Stands for a network: finds the same in every image."""

    def __init__(self, boxes, scores, labels):
        super().__init__()
        self.found = {
            "boxes": torch.tensor(boxes).float(),
            "scores": torch.tensor(scores),
            "labels": torch.tensor(labels),
        }

    def forward(self, images):
        return [self.found for _ in images]


def test_keeps_people_who_are_large_enough_and_the_most_certain(image):
    found = detector(SMALL, top_k=2)
    boxes = [[0, 0, 50, 50], [0, 0, 39, 40], [5, 0, 100, 90], [1, 0, 90, 90], [0, 0, 60, 60]]
    found.network = Finds(boxes, [0.5, 0.9, 0.8, 0.95, 0.7], [1, 1, 1, 2, 1])
    people = found([Frame.from_array(image)])[0]
    np.testing.assert_array_equal(people.boxes, [boxes[2], boxes[4]])
    np.testing.assert_allclose(people.scores, [0.8, 0.7])


def test_the_threshold_may_change_at_any_time(image):
    found = detector(SMALL, score_threshold=0.0, min_area=0.0)
    frame = Frame.from_array(image)
    scores = found([frame])[0].scores
    assert len(scores) > 0
    found.score_threshold = float(scores.max()) + 0.01
    assert len(found([frame])[0]) == 0
    found.score_threshold = 0.0
    np.testing.assert_array_equal(found([frame])[0].scores, scores)


def test_several_images_are_detected_as_each_alone(image):
    found = detector(SMALL, score_threshold=0.0)
    frames = [Frame.from_array(picture) for picture in (image, image[::-1].copy())]
    for together, frame in zip(found(frames), frames, strict=True):
        alone = found([frame])[0]
        assert len(alone) > 0
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=1e-2)
        np.testing.assert_allclose(together.scores, alone.scores, atol=1e-5)


def test_weights_come_from_a_file(image, tmp_path):
    source = detector(SMALL, score_threshold=0.0)
    torch.save(source.network.state_dict(), tmp_path / "weights.pth")
    found = TorchvisionDetector(SMALL, weights=tmp_path / "weights.pth", score_threshold=0.0)
    frame = Frame.from_array(image)
    np.testing.assert_allclose(found([frame])[0].boxes, source([frame])[0].boxes)


def test_files_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    with pytest.raises(ModelError, match=r"weights\.pth cannot be read as a torch file"):
        TorchvisionDetector(SMALL, weights=path)
    torch.save({"backbone.weight": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"does not fit the network SSD: .* first backbone\."):
        TorchvisionDetector(SMALL, weights=path)
    torch.save([1, 2], path)
    with pytest.raises(ModelError, match="must contain a state dict, got list"):
        TorchvisionDetector(SMALL, weights=path)
    torch.save({"backbone.weight": 0.5}, path)
    with pytest.raises(ModelError, match="must hold tensors by their names, got float"):
        TorchvisionDetector(SMALL, weights=path)


def test_a_failed_download_says_how_to_do_without(monkeypatch, tmp_path):
    def fail(*arguments, **options):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    message = "cannot download .*no network.* set detector_weights to the file"
    with pytest.raises(PinetError, match=message):
        TorchvisionDetector(SMALL)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"detector must be one of maskrcnn_.*, got 'yolo'"):
        TorchvisionDetector("yolo")
