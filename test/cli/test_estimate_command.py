from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import torch

from pinet_ros.cli.main import main
from pinet_ros.errors import PinetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.geometry.calibration import write_calibration
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.attention_picture import attention_picture
from pinet_ros.imaging.drawing import draw_people
from pinet_ros.models import networks
from pinet_ros.positioning.floor import Floor
from pinet_ros.refinement.checkpoint import build_network, save_checkpoint
from pinet_ros.refinement.formulation import Formulation
from pinet_ros.refinement.model import NetworkConfig
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.util.device import select_device

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, photo, calibration):
    """A folder with a photo of people, a black image of the same size, and their calibration."""
    folder = tmp_path_factory.mktemp("pictures")
    cv2.imwrite(str(folder / "hall.png"), photo)
    cv2.imwrite(str(folder / "black.png"), np.zeros_like(photo))
    write_calibration(folder / "camera.yaml", calibration)
    return folder


def estimate(*arguments):
    """Run `pinet estimate` to its exit status or message."""
    with pytest.raises(SystemExit) as end:
        main(["estimate", *map(str, arguments), "--device", "cpu"])
    return end.value.code


def test_people_are_written_and_drawn(pictures, photo, calibration, tmp_path, capsys):
    images = [pictures / "hall.png", pictures / "black.png"]
    written, drawn = tmp_path / "new" / "people.json", tmp_path / "drawn"
    options = ["--calibration", pictures / "camera.yaml", "--json", written, "--draw", drawn]
    assert estimate(*images, *options) == 0

    camera = calibration.camera(1088, 1920)
    device = select_device("cpu")
    initial = PoseEstimator(device=device)(photo, camera).people
    refined = Refiner(device=device)(initial).people
    people, nobody = (json.loads(written.read_text())[str(image)] for image in images)
    assert nobody == []
    assert len(people) == len(initial) >= 2
    for row, person in enumerate(people):
        np.testing.assert_allclose(person["score"], initial.scores[row], rtol=1e-6)
        np.testing.assert_allclose(person["box"], initial.boxes[row], rtol=1e-6)
        np.testing.assert_allclose(person["joints_image"], initial.joints_image[row], rtol=1e-5)
        np.testing.assert_allclose(person["initial"], initial.joints[row], atol=1e-5)
        np.testing.assert_allclose(person["refined"], refined.joints[row], atol=1e-5)

    assert sorted(p.name for p in drawn.iterdir()) == ["black_people.png", "hall_people.png"]
    assert not cv2.imread(str(drawn / "black_people.png")).any()
    changed = (cv2.imread(str(drawn / "hall_people.png")) != photo).any(axis=2)
    for x, y in camera.project(refined.joints[0]).round().astype(int):
        assert changed[y - 2 : y + 3, x - 2 : x + 3].all()
    said = capsys.readouterr().out
    assert f"hall.png: {len(initial)} people" in said
    assert "black.png: 0 people" in said


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory):
    """Files of weights without meaning: one network with attention, one without."""
    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        for name in ("gru3", "no_attention"):
            network = build_network(NetworkConfig(attention=name != "no_attention"))
            for parameter in network.parameters():
                torch.nn.init.normal_(parameter, std=0.08)
            save_checkpoint(folder / f"{name}.safetensors", network, Formulation())
    return folder


def test_attention_is_written_and_drawn(pictures, random_weights, calibration, tmp_path):
    images = [pictures / "hall.png", pictures / "black.png"]
    weights = random_weights / "gru3.safetensors"
    written, drawn, plain = tmp_path / "people.json", tmp_path / "attention", tmp_path / "people"
    options = ["--calibration", pictures / "camera.yaml", "--json", written, "--draw", plain]
    assert estimate(*images, *options, "--weights", weights, "--attention", drawn) == 0

    photo = cv2.imread(str(images[0]))
    camera = calibration.camera(1088, 1920)
    initial = PoseEstimator(device=select_device("cpu"))(photo, camera).people
    expected = Refiner(weights, "cpu")(initial)
    people, nobody = (json.loads(written.read_text())[str(image)] for image in images)
    assert nobody == []
    rows = np.array([person["attention"] for person in people])
    assert rows.shape == (len(initial), len(initial))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rows, expected.attention, atol=1e-4)
    assert np.ptp(rows) > 0.01

    assert sorted(p.name for p in drawn.iterdir()) == ["black_attention.png", "hall_attention.png"]
    picture = cv2.imread(str(drawn / "hall_attention.png"))
    np.testing.assert_array_equal(
        picture, attention_picture(photo, expected.people, expected.attention, camera)
    )
    assert cv2.imread(str(drawn / "black_attention.png")).shape[1] == 1088
    with_people = cv2.imread(str(plain / "hall_people.png"))  # free of the attention's colors
    draw_people(photo, expected.people, camera)
    np.testing.assert_array_equal(with_people, photo)


def test_who_is_not_refined_has_no_attention(pictures, tmp_path):
    written = tmp_path / "far.json"
    assert estimate(pictures / "hall.png", "--focal", 100000, "--json", written) == 0
    (people,) = json.loads(written.read_text()).values()
    assert [person["attention"] for person in people] == [None] * len(people)
    assert min(person["initial"][14][2] for person in people) > 100  # m: too far to be refined


def test_a_network_without_attention_gives_none(pictures, random_weights, tmp_path):
    weights = ["--weights", random_weights / "no_attention.safetensors"]
    written, drawn = tmp_path / "people.json", tmp_path / "attention"
    options = [pictures / "hall.png", "--focal", 900, *weights, "--json", written]
    assert estimate(*options) == 0
    (people,) = json.loads(written.read_text()).values()
    assert [person["attention"] for person in people] == [None] * len(people)

    written.unlink()
    message = estimate(*options, "--attention", drawn)
    assert "no_attention.safetensors has no attention" in message
    assert not written.exists()


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_the_runtime_is_of_no_effect_on_the_people(pictures, photo, calibration, runtime):
    camera, device = calibration.camera(1088, 1920), select_device("cpu")
    people = PoseEstimator(EstimatorConfig(runtime=runtime), device)(photo, camera).people
    expected = PoseEstimator(device=device)(photo, camera).people
    assert len(people) == len(expected) >= 2
    np.testing.assert_allclose(people.joints, expected.joints, atol=1e-3)


def test_an_unknown_runtime_is_refused():
    with pytest.raises(PinetError, match="one of auto, torch, onnx, got 'litert'"):
        EstimatorConfig(runtime="litert")


def test_the_stages_of_images_are_timed_but_not_warming_up(pictures, photo, calibration):
    estimator = PoseEstimator(device="cpu")
    estimator.warm_up()
    start = time.perf_counter()
    times = estimator(photo, calibration.camera(1088, 1920)).times
    assert list(times) == ["upload", "detect", "lift"]
    assert 0 < sum(times.values()) < time.perf_counter() - start


@pytest.mark.parametrize("unknown", [{"detector": "hog"}, {"lifter": "blazepose"}])
def test_an_unknown_network_is_refused(unknown):
    ((kind, name),) = unknown.items()
    with pytest.raises(PinetError, match=f"{kind} must be one of .*, got '{name}'"):
        EstimatorConfig(**unknown)


def test_people_stand_on_the_floor_under_a_camera(pictures, photo, calibration, tmp_path):
    written = tmp_path / "people.json"
    options = ["--calibration", pictures / "camera.yaml", "--json", written]
    mounting = ["--camera-height", 1.4, "--camera-pitch", 5, "--camera-roll", -1]
    assert estimate(pictures / "hall.png", *options, *mounting) == 0
    (people,) = json.loads(written.read_text()).values()
    floor = Floor.of_camera(1.4, np.radians(5), np.radians(-1))
    estimator = PoseEstimator(device=select_device("cpu"))
    placed = estimator(photo, calibration.camera(1088, 1920), floor=floor)
    assert list(placed.times) == ["upload", "detect", "lift", "place"]
    for person, joints in zip(people, placed.people.joints, strict=True):
        np.testing.assert_allclose(person["initial"], joints, atol=1e-5)
    message = estimate(pictures / "hall.png", *options, "--camera-height", -1)
    assert "the camera must be above the floor, got a height of -1 m" in message


def test_poses_are_refined_for_a_camera_whose_tilt_is_known(pictures, tmp_path):
    initial, refined = [], []
    for number, tilt in enumerate(([], ["--camera-pitch", 5], ["--camera-pitch", 30])):
        written = tmp_path / f"{number}.json"
        options = ["--calibration", pictures / "camera.yaml", "--json", written]
        assert estimate(pictures / "hall.png", *options, *tilt) == 0
        (people,) = json.loads(written.read_text()).values()
        initial.append([person["initial"] for person in people])
        refined.append(np.array([person["refined"] for person in people]))
    assert initial[0] == initial[1] == initial[2]
    assert np.abs(refined[1] - refined[0]).max() > 1e-3
    assert np.abs(refined[2] - refined[1]).max() > 1e-3


def test_a_longer_focal_length_puts_people_farther_away(pictures, tmp_path):
    depth = []
    for focal in 800, 1600:
        written = tmp_path / f"{focal}.json"
        assert estimate(pictures / "hall.png", "--focal", focal, "--json", written) == 0
        (people,) = json.loads(written.read_text()).values()
        depth.append(np.array(people[0]["initial"])[:, 2].mean())
    assert depth[1] / depth[0] == pytest.approx(2, rel=0.1)


def test_3dmppe_takes_its_files_and_weights_that_know_it(
    pictures, random_weights, mppe_snapshots, photo, tmp_path, monkeypatch
):
    # as where ONNX Runtime is not installed: exporting takes long
    monkeypatch.setattr(networks, "_missing_packages", lambda: ["onnxruntime"])
    written = tmp_path / "people.json"
    files = dict(zip(("posenet", "rootnet"), map(str, mppe_snapshots), strict=True))
    options = [pictures / "hall.png", "--focal", 1500, "--lifter", "mppe", "--json", written]
    assert "set posenet and rootnet" in estimate(*options, "--weights", "blazepose_full")
    options += [word for name, file in files.items() for word in (f"--{name}", file)]
    assert "the package has no refiner weights for the lifter mppe" in estimate(*options)
    assert not written.exists()

    assert estimate(*options, "--weights", random_weights / "gru3.safetensors") == 0

    device, camera = select_device("cpu"), Camera.from_focal(1500, *photo.shape[1::-1])
    initial = PoseEstimator(EstimatorConfig(lifter="mppe", **files), device)(photo, camera).people
    (people,) = json.loads(written.read_text()).values()
    assert len(people) == len(initial) >= 2
    for row, person in enumerate(people):
        np.testing.assert_allclose(person["initial"], initial.joints[row], atol=1e-3)


def test_pictures_of_one_name_are_not_drawn_over_each_other(pictures, tmp_path):
    others = [pictures / "hall.png", tmp_path / "hall.jpg"]
    drawn = tmp_path / "drawn"
    message = estimate(*others, "--focal", 900, "--draw", drawn)
    assert re.search(r"hall\.png and .*hall\.jpg would both be drawn to hall_\.\.\.png", message)
    assert not drawn.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png", "--focal", "900"], "missing.png does not exist"),
        (["hall.png", "--focal", "0"], "positive focal lengths"),
        (["hall.png", "--calibration", "missing.yaml"], "missing.yaml cannot be read"),
        (["hall.png", "--focal", "900", "--weights", "missing.pth"], "no refiner weights"),
        (["hall.png", "--focal", "900", "--draw", "camera.yaml/x"], "cannot be created"),
        (["hall.png", "--focal", "900", "--json", "camera.yaml/x.json"], "cannot be created"),
    ],
)
def test_an_error_is_one_line(pictures, monkeypatch, arguments, message):
    monkeypatch.chdir(pictures)
    said = estimate(*arguments)
    assert said.startswith("pinet: ")
    assert message in said
    assert "\n" not in said


def test_a_camera_is_required(capsys):
    assert estimate("hall.png") == 2
    assert "--focal --calibration" in capsys.readouterr().err


def test_the_size_of_the_calibration_is_checked(pictures, tmp_path):
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), np.zeros((480, 640, 3), np.uint8))
    message = estimate(small, "--calibration", pictures / "camera.yaml")
    assert "for 1088x1920 pixels, the image has 640x480" in message


def test_a_bad_picture_loses_none_of_the_others(pictures, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), np.zeros((480, 640, 3), np.uint8))
    images = [tmp_path / "broken.jpg", pictures / "hall.png", tmp_path / "gone.jpg", small]
    written = tmp_path / "out.json"
    options = ["--calibration", pictures / "camera.yaml", "--json", written]
    assert estimate(*images, *options) == 1
    assert list(json.loads(written.read_text())) == [str(pictures / "hall.png")]
    said = capsys.readouterr().err
    assert "broken.jpg cannot be read" in said
    assert "gone.jpg does not exist" in said
    assert "the image has 640x480" in said


def test_nothing_but_json_goes_to_the_output_where_it_is_asked_for(pictures):
    command = [sys.executable, "-m", "pinet_ros.cli", "estimate", pictures / "hall.png"]
    options = ["--calibration", pictures / "camera.yaml", "--json", "/dev/stdout"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert len(json.loads(ended.stdout)[str(pictures / "hall.png")]) >= 2
    assert "hall.png: " in ended.stderr
