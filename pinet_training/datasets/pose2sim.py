"""Pose2Sim's demo clips: people filmed by four calibrated, synchronised cameras.

Both clips show one recording of one man, frame for frame; into `multi_person` a woman was
rendered, who hides him at times. A second woman stands in the background. The calibration is the
same for both; the background of `single_person` is up to 10 pixels away from that of
`multi_person` (cam03, cam01), and two of its videos are 8 columns narrower.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import numpy as np

from pinet_ros.geometry.calibration import read_qualisys
from pinet_ros.imaging.video import SourceError, VideoFile
from pinet_training.evaluation.triangulation import View
from pinet_training.originals import fetch
from pinet_training.originals.catalog import POSE2SIM_CALIBRATION, POSE2SIM_CLIPS

CLIPS = tuple(POSE2SIM_CLIPS)
CAMERAS = ("cam01", "cam02", "cam03", "cam04")
FRAMES = 100  # of each clip

_MODEL = "pose2sim_clips"
# Qualisys's cameras look along -z with y up.
_TO_OPTICAL = np.diag([1.0, -1.0, -1.0])

Images = dict[str, dict[str, np.ndarray]]  # by clip and camera, (H,W,3) BGR


def load_views() -> dict[str, View]:
    """The cameras by name, in a world whose z axis points up.

    Raises:
        ModelError: the clips have not been fetched.
    """
    path = fetch.path(_MODEL, POSE2SIM_CALIBRATION)
    transforms = {
        camera.attrib["serial"]: {k: float(v) for k, v in camera.find("transform").attrib.items()}
        for camera in ElementTree.parse(path).getroot().findall("cameras/camera")
    }
    views = {}
    for name, calibration in read_qualisys(path).items():
        transform = transforms[name]
        stored = [[transform[f"r{i}{j}"] for j in (1, 2, 3)] for i in (1, 2, 3)]
        views[name] = View(
            calibration.camera(calibration.width, calibration.height),
            _TO_OPTICAL @ np.array(stored),
            np.array([transform[axis] for axis in "xyz"]) / 1000,  # millimetres in the file
        )
    return views


def read_moments(count: int) -> Iterator[tuple[int, Images]]:
    """So many moments, evenly over the recording: the frame's number and all images of it.

    Raises:
        ModelError: the clips have not been fetched.
        SourceError: a clip ends too early.
    """
    videos = {
        (clip, camera): VideoFile(fetch.path(_MODEL, POSE2SIM_CLIPS[clip][camera]))
        for clip in CLIPS
        for camera in CAMERAS
    }
    wanted = np.linspace(0, FRAMES - 1, min(count, FRAMES)).round().astype(int).tolist()
    for number in range(wanted[-1] + 1):
        images: Images = {clip: {} for clip in CLIPS}
        for (clip, camera), video in videos.items():
            image = video.read()
            if image is None:
                raise SourceError(f"{clip}'s {camera} ends before frame {number} of {FRAMES}")
            images[clip][camera] = image.image
        if number in wanted:
            yield number, images
