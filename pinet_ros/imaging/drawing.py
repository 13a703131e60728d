"""Drawing people onto images."""

from __future__ import annotations

import cv2
import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_ros.people import People, person_color

_LUMINANCE = (0.114, 0.587, 0.299)  # weights of blue, green and red, ITU-R BT.601
_DARK = 100  # luminance below which black text cannot be read
_TO_BGR = {
    "rgb": cv2.COLOR_RGB2BGR,
    "rgba": cv2.COLOR_RGBA2BGR,
    "bgra": cv2.COLOR_BGRA2BGR,
    "mono": cv2.COLOR_GRAY2BGR,
}


def to_bgr(image: np.ndarray, channels: str) -> np.ndarray:
    """Copy an image (H,W,C) in any channel order of Frame to (H,W,3) BGR."""
    return image.copy() if channels == "bgr" else cv2.cvtColor(image, _TO_BGR[channels])


def draw_people(image: np.ndarray, people: People, camera: Camera | None = None) -> None:
    """Draw skeletons, boxes and distances onto an image.

    Args:
        image: (H,W,3) uint8, BGR, changed in place.
        people: the people to draw.
        camera: camera to project the 3D joints with; None draws the 2D joints.
    """
    points, unit = image_points(people, camera), line_width(image)
    for row in range(len(people)):
        color = tuple(round(255 * c) for c in reversed(person_color(people.number(row))))
        draw_skeleton(image, points[row], people.joint_set.bones, color, unit)
        _draw_label(image, people, row, color, unit)


def image_points(people: People, camera: Camera | None) -> np.ndarray:
    """Pixels (N,J,2) of the projected 3D joints or, without a camera, of the 2D joints."""
    return people.joints_image if camera is None else camera.project(people.joints)


def line_width(image: np.ndarray) -> int:
    """Line width in pixels that suits the size of an image."""
    return max(1, round(min(image.shape[:2]) / 360))


def draw_skeleton(
    image: np.ndarray,
    points: np.ndarray,
    bones: tuple[tuple[int, int], ...],
    color: tuple[int, ...],
    unit: int,
) -> None:
    """Draw joints and bones of one person onto an image; unknown joints are left out.

    Args:
        image: (H,W,3) uint8, BGR, changed in place.
        points: (J,2) pixels, NaN for unknown joints.
        bones: pairs of joint indices.
        color: BGR, 0 to 255.
        unit: line width, see `line_width`.
    """
    limit = 4 * max(image.shape)  # OpenCV's coordinates overflow far outside
    shown = np.isfinite(points).all(axis=1) & (np.abs(np.nan_to_num(points)) < limit).all(axis=1)
    pixels = [tuple(int(v) for v in point) for point in np.nan_to_num(points).round()]
    for start, end in bones:
        if shown[start] and shown[end]:
            cv2.line(image, pixels[start], pixels[end], color, 2 * unit, cv2.LINE_AA)
    for pixel, visible in zip(pixels, shown, strict=True):
        if visible:
            cv2.circle(image, pixel, 3 * unit, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(image, pixel, 2 * unit, color, -1, cv2.LINE_AA)


def _draw_label(
    image: np.ndarray, people: People, row: int, color: tuple[int, ...], unit: int
) -> None:
    box = people.boxes[row]
    if not np.isfinite(box).all():
        return
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (int(v) for v in np.clip(box, 0, [width - 1, height - 1] * 2).round())
    cv2.rectangle(image, (x0, y0), (x1, y1), color, unit, cv2.LINE_AA)
    text = f"{people.number(row)}  {people.distance(row):.1f} m"
    draw_text(image, text, (x0, y0), color, unit)


def draw_text(
    image: np.ndarray, text: str, corner: tuple[float, float], color: tuple[int, ...], unit: int
) -> None:
    """Write text onto a filled patch, in black, or in white if the patch is dark.

    Args:
        image: (H,W,3) uint8, BGR, changed in place.
        text: the text.
        corner: lower left corner of the patch, pixels.
        color: BGR of the patch, 0 to 255.
        unit: line width, see `line_width`.
    """
    height, width = image.shape[:2]
    x0, y0 = (int(v) for v in np.clip(corner, 0, [width - 1, height - 1]).round())
    scale = 0.5 * unit
    (text_width, text_height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, unit)
    top = max(0, y0 - text_height - 4 * unit)
    bottom = (x0 + text_width + 4 * unit, top + text_height + 4 * unit)
    cv2.rectangle(image, (x0, top), bottom, color, -1)
    origin = (x0 + 2 * unit, top + text_height + 2 * unit)
    ink = (255, 255, 255) if np.dot(color, _LUMINANCE) < _DARK else (0, 0, 0)
    cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, unit, cv2.LINE_AA)
