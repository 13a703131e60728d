"""Camera calibration files: the YAML of ROS, and the XML of Qualisys."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from pinet_ros.errors import one_line
from pinet_ros.geometry.camera import Camera, CameraError
from pinet_ros.util.files import read_yaml, write_text

_QUALISYS_SUBPIXELS = 64  # Qualisys writes lengths in 1/64 pixel


@dataclass(frozen=True)
class Calibration:
    """A camera calibration as in a file, with the fields of sensor_msgs/CameraInfo.

    Attributes:
        width, height: size of the image, pixels.
        k: 9 numbers, intrinsics row by row, pixels.
        d: distortion coefficients.
        distortion_model: plumb_bob, rational_polynomial or equidistant.
        r: 9 numbers, rectification; the identity by default.
        p: 12 numbers, projection of the rectified image; (K | 0) by default.
    """

    width: int
    height: int
    k: list[float]
    d: list[float]
    distortion_model: str = "plumb_bob"
    r: list[float] = field(default_factory=lambda: np.eye(3).ravel().tolist())
    p: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.p:
            k = self.k
            object.__setattr__(self, "p", [*k[0:3], 0.0, *k[3:6], 0.0, *k[6:9], 0.0])

    def require_size(self, width: int, height: int) -> None:
        """Check that the calibration is for images of this size, pixels.

        Raises:
            CameraError: it is for another size.
        """
        if (width, height) != (self.width, self.height):
            raise CameraError(
                f"the calibration is for {self.width}x{self.height} pixels, the image has "
                f"{width}x{height}; calibrate at the image size in use"
            )

    def camera(self, width: int, height: int) -> Camera:
        """Create the camera for images of this size, pixels.

        Raises:
            CameraError: the calibration is for another size or cannot be used.
        """
        self.require_size(width, height)
        return Camera.from_info(
            width=width,
            height=height,
            k=self.k,
            d=self.d,
            distortion_model=self.distortion_model,
        )


def read_calibration(path: str | Path) -> Calibration:
    """Read the YAML that ROS's camera_calibration and camera_info_manager write.

    Raises:
        CameraError: the file is missing or is not such a YAML, or a field is missing or has the
            wrong length.
    """
    try:
        fields = read_yaml(path)
        matrices = {
            name: [float(number) for number in fields[name]["data"]]
            for name in (
                "camera_matrix",
                "distortion_coefficients",
                "rectification_matrix",
                "projection_matrix",
            )
            if name in fields or name in ("camera_matrix", "distortion_coefficients")
        }
        width, height = int(fields["image_width"]), int(fields["image_height"])
    except (OSError, UnicodeDecodeError) as error:
        raise CameraError(f"the calibration {path} cannot be read: {error}") from error
    except KeyError as error:
        raise CameraError(
            f"the calibration {path} lacks {error}; it must be YAML as camera_calibration writes "
            "it, with image_width, image_height, camera_matrix, distortion_model, "
            "distortion_coefficients"
        ) from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CameraError(
            f"the calibration {path} is not a camera_info YAML: {one_line(error)}; give a file "
            "that camera_calibration wrote"
        ) from error
    lengths = {"camera_matrix": 9, "rectification_matrix": 9, "projection_matrix": 12}
    for name, length in lengths.items():
        if name in matrices and len(matrices[name]) != length:
            raise CameraError(
                f"{name} in {path} must have {length} numbers, got {len(matrices[name])}"
            )
    optional = {"r": "rectification_matrix", "p": "projection_matrix"}
    return Calibration(
        width,
        height,
        k=matrices["camera_matrix"],
        d=matrices["distortion_coefficients"],
        distortion_model=_distortion_model(path, fields, matrices["distortion_coefficients"]),
        **{short: matrices[name] for short, name in optional.items() if name in matrices},
    )


def _distortion_model(path: str | Path, fields: dict, coefficients: list[float]) -> str:
    """The model that the file names; its coefficients mean nothing without one.

    The file of ROS 1 Melodic names it as camera_model, where pinhole is plumb_bob.
    """
    model = fields.get("distortion_model") or fields.get("camera_model")
    if model == "pinhole" or (model is None and not any(coefficients)):
        return "plumb_bob"
    if not isinstance(model, str):
        raise CameraError(
            f"the calibration {path} has distortion_coefficients but no distortion_model that "
            "says what they mean; add the key with plumb_bob, rational_polynomial or equidistant"
        )
    return "equidistant" if model == "fisheye" else model


def write_calibration(path: str | Path, calibration: Calibration) -> None:
    """Write the YAML that `read_calibration` reads."""

    def matrix(rows: int, data: list[float]) -> dict:
        return {"rows": rows, "cols": len(data) // rows, "data": data}

    fields = {
        "image_width": calibration.width,
        "image_height": calibration.height,
        "camera_name": Path(path).stem,
        "camera_matrix": matrix(3, calibration.k),
        "distortion_model": calibration.distortion_model,
        "distortion_coefficients": matrix(1, calibration.d),
        "rectification_matrix": matrix(3, calibration.r),
        "projection_matrix": matrix(3, calibration.p),
    }
    write_text(Path(path), yaml.safe_dump(fields, sort_keys=False, default_flow_style=None))


def read_qualisys(path: str | Path) -> dict[str, Calibration]:
    """Read the cameras of a Qualisys calibration (.qca.txt), by their attribute `serial`.

    Raises:
        CameraError: the file is not a Qualisys calibration.
    """
    try:
        found = ElementTree.parse(path).getroot().findall("cameras/camera")
        cameras = {camera.attrib["serial"]: _qualisys_camera(camera) for camera in found}
    except (OSError, ElementTree.ParseError, LookupError, AttributeError, ValueError) as error:
        raise CameraError(f"{path} is not a Qualisys calibration: {error!r}") from error
    if not cameras:
        raise CameraError(f"{path} is not a Qualisys calibration: it has no cameras")
    return cameras


def _attributes(camera: ElementTree.Element, name: str) -> dict[str, str]:
    child = camera.find(name)
    if child is None:
        raise KeyError(name)
    return child.attrib


def _qualisys_camera(camera: ElementTree.Element) -> Calibration:
    view, intrinsic = _attributes(camera, "fov_video"), _attributes(camera, "intrinsic")
    fx, fy, cx, cy = (
        float(intrinsic[name]) / _QUALISYS_SUBPIXELS
        for name in ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
    )
    radial = [float(intrinsic[f"radialDistortion{order}"]) for order in (1, 2, 3)]
    tangential = [float(intrinsic[f"tangentalDistortion{order}"]) for order in (1, 2)]
    return Calibration(
        width=int(view["right"]) - int(view["left"]) + 1,
        height=int(view["bottom"]) - int(view["top"]) + 1,
        k=[fx, 0.0, cx - int(view["left"]), 0.0, fy, cy - int(view["top"]), 0.0, 0.0, 1.0],
        d=[*radial[:2], *tangential, radial[2]],
    )
