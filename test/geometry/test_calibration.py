from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.geometry.calibration import (
    Calibration,
    read_calibration,
    read_qualisys,
    write_calibration,
)
from pinet_ros.geometry.camera import CameraError

# As camera_calibration writes it.
YAML = """\
image_width: 640
image_height: 480
camera_name: narrow_stereo/left
camera_matrix:
  rows: 3
  cols: 3
  data: [517.3, 0.0, 318.6, 0.0, 516.5, 255.3, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.2624, -0.9531, -5.4e-03, 2e-03, 1.1633]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1., 0., 0., 0., 1., 0., 0., 0., 1.]
projection_matrix:
  rows: 3
  cols: 4
  data: [520.1, 0., 319.0, 0., 0., 521.2, 254.0, 0., 0., 0., 1., 0.]
"""

QUALISYS = """\
<?xml version='1.0' encoding='ASCII'?>
<calibration>
  <cameras>
    <camera serial="21401" model="Miqus Video">
      <fov_video left="100" top="20" right="1899" bottom="1079"/>
      <transform x="0" y="0" z="0"/>
      <intrinsic focalLengthU="64000" focalLengthV="64640" centerPointU="60800"
        centerPointV="34560" radialDistortion1="-0.05" radialDistortion2="0.14"
        radialDistortion3="0.01" tangentalDistortion1="0.001" tangentalDistortion2="0.002"/>
    </camera>
  </cameras>
</calibration>
"""


@pytest.fixture
def file(tmp_path):
    """Writes a text to a file."""

    def write(text):
        path = tmp_path / "camera.yaml"
        path.write_text(text)
        return path

    return write


def test_reads_what_camera_calibration_writes(file):
    calibration = read_calibration(file(YAML))
    assert (calibration.width, calibration.height) == (640, 480)
    assert calibration.k == [517.3, 0, 318.6, 0, 516.5, 255.3, 0, 0, 1]
    assert calibration.d == [0.2624, -0.9531, -0.0054, 0.002, 1.1633]
    assert calibration.distortion_model == "plumb_bob"
    assert calibration.r == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert calibration.p == [520.1, 0, 319, 0, 0, 521.2, 254, 0, 0, 0, 1, 0]


def test_the_camera_of_a_calibration(file):
    calibration = read_calibration(file(YAML))
    points = np.random.default_rng(0).uniform([-0.5, -0.4, 1], [0.5, 0.4, 2], size=(9, 3))
    k, zero = np.reshape(calibration.k, (3, 3)), np.zeros(3)
    expected, _ = cv2.projectPoints(points, zero, zero, k, np.array(calibration.d))
    np.testing.assert_allclose(calibration.camera(640, 480).project(points), expected[:, 0])
    with pytest.raises(CameraError, match="for 640x480 pixels, the image has 320x240"):
        calibration.camera(320, 240)


def test_rectification_and_projection_may_be_left_out(file):
    calibration = read_calibration(file(YAML[: YAML.index("rectification_matrix")]))
    assert calibration.r == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert calibration.p == [517.3, 0, 318.6, 0, 0, 516.5, 255.3, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("d", "model"), [([0.1, -1e-5, 0, 0, 0], "plumb_bob"), ([0.1] * 8, "rational_polynomial")]
)
def test_what_is_written_is_read_back(tmp_path, d, model):
    k = [600.1, 0.0, 321.7, 0.0, 599.9, 238.2, 0.0, 0.0, 1.0]
    calibration = Calibration(640, 480, k, d, model)
    write_calibration(tmp_path / "camera.yaml", calibration)
    assert read_calibration(tmp_path / "camera.yaml") == calibration


FOUR = YAML.replace("[0.2624, -0.9531, -5.4e-03, 2e-03, 1.1633]", "[-0.4, 0.5, -0.3, 0.1]")


@pytest.mark.parametrize(
    ("key", "model"),
    [
        ("camera_model: fisheye", "equidistant"),  # as ROS 1 Melodic writes it
        ("distortion_model: fisheye", "equidistant"),
        ("distortion_model: equidistant", "equidistant"),
        ("camera_model: plumb_bob", "plumb_bob"),
        ("camera_model: pinhole", "plumb_bob"),
    ],
)
def test_the_lens_is_that_which_the_file_names(file, key, model):
    read = read_calibration(file(FOUR.replace("distortion_model: plumb_bob", key)))
    assert read.distortion_model == model
    assert read.camera(640, 480).fisheye == (model == "equidistant")


def test_coefficients_without_a_model_are_refused(file):
    nameless = FOUR.replace("distortion_model: plumb_bob\n", "")
    with pytest.raises(CameraError, match=r"no distortion_model .* add the key"):
        read_calibration(file(nameless))
    read = read_calibration(file(nameless.replace("[-0.4, 0.5, -0.3, 0.1]", "[0, 0, 0, 0, 0]")))
    assert read.distortion_model == "plumb_bob"


@pytest.mark.parametrize(
    "field", ["image_width", "image_height", "camera_matrix", "distortion_coefficients"]
)
def test_a_missing_field_is_named(file, field):
    with pytest.raises(CameraError, match=f"lacks '{field}'"):
        read_calibration(file(YAML.replace(f"{field}:", f"other_{field}:")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (YAML.replace("517.3, ", ""), "camera_matrix .* must have 9 numbers, got 8"),
        (YAML.replace("1., 0., 0., 0., 1.,", "1.,"), "rectification_matrix .* must have 9"),
        (YAML.replace("520.1, ", ""), "projection_matrix .* must have 12"),
        (YAML.replace("517.3", "wide"), "is not a camera_info YAML"),
        (YAML.replace("data:", "values:"), "lacks 'data'"),
        (YAML.replace("517.3", "9" * 400), "is not a camera_info YAML"),
        (YAML.replace("640", ".inf"), "is not a camera_info YAML"),
        (YAML.replace("[517.3", "&a [*a"), "is not a camera_info YAML"),
        (YAML.replace("517.3", "2001-99-99"), "is not a camera_info YAML"),
        ("a: [1", "is not a camera_info YAML"),
        ("", "is not a camera_info YAML"),
        ("- 1", "is not a camera_info YAML"),
    ],
)
def test_what_is_no_calibration_is_refused(file, text, message):
    with pytest.raises(CameraError, match=message):
        read_calibration(file(text))


def test_unreadable_files_are_refused(tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name in "nothing.yaml", "binary.yaml":
        with pytest.raises(CameraError, match=f"{name} cannot be read"):
            read_calibration(tmp_path / name)


def test_reads_qualisys_cameras(file):
    camera = read_qualisys(file(QUALISYS))["21401"]
    assert (camera.width, camera.height) == (1800, 1060)
    # pixels in 64ths, counted from the corner of the whole sensor
    assert camera.k == [1000, 0, 950 - 100, 0, 1010, 540 - 20, 0, 0, 1]
    assert camera.d == [-0.05, 0.14, 0.001, 0.002, 0.01]
    assert camera.distortion_model == "plumb_bob"


@pytest.mark.parametrize(
    "text",
    [
        "no XML",
        QUALISYS.replace("ASCII", "ASKII"),
        "<calibration><cameras/></calibration>",
        QUALISYS.replace("serial", "number"),
        QUALISYS.replace("fov_video", "fov_marker"),
        QUALISYS.replace("focalLengthU", "focalLength"),
        QUALISYS.replace("64000", "long"),
    ],
)
def test_what_is_not_from_qualisys_is_refused(file, text):
    with pytest.raises(CameraError, match="is not a Qualisys calibration"):
        read_qualisys(file(text))
