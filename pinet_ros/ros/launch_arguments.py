"""The arguments of pinet.launch.py."""

from __future__ import annotations

from dataclasses import dataclass

_SWITCH = ("false", "true")
_NOT_CHOSEN = ""  # leaves a parameter to params_file


@dataclass(frozen=True)
class Argument:
    """A launch argument.

    Attributes:
        name: its name.
        default: its default; empty if nothing is chosen.
        description: one phrase.
        choices: allowed values; empty if all are.
    """

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


def _optional_switch(name: str, description: str) -> Argument:
    return Argument(name, _NOT_CHOSEN, description, (_NOT_CHOSEN, *_SWITCH))


ARGUMENTS = (
    Argument("camera", "", "webcam to start camera_player with: 0, /dev/video0 ..."),
    Argument("video", "", "video file or folder of images to start camera_player with"),
    Argument("calibration", "", "camera_info YAML of that camera or video"),
    Argument("rate", "", "images per second of that camera or video"),
    Argument("image", "image", "image topic of the camera"),
    Argument("camera_info", "", "camera_info topic; if empty, the one next to the image topic"),
    Argument("namespace", "", "namespace of all nodes"),
    Argument("params_file", "", "YAML file with parameters of the nodes"),
    Argument("device", "", "auto, cpu, cuda or cuda:N"),
    Argument("detector", "", "detector of pose_estimator"),
    Argument("lifter", "", "lifter of pose_estimator"),
    _optional_switch("autostart", "false leaves the nodes to a lifecycle manager"),
    _optional_switch("use_sim_time", "take the time from /clock"),
    Argument(
        "log_level",
        "",
        "least severe messages to log",
        (_NOT_CHOSEN, "debug", "info", "warn", "error", "fatal"),
    ),
    Argument("one_process", "false", "run estimator and refiner in one process", _SWITCH),
    Argument("overlay", "false", "draw the people onto the image, as people/image", _SWITCH),
    Argument("rviz", "false", "start RViz", _SWITCH),
    Argument("fixed_frame", "", "fixed frame of RViz; without tf, the frame_id of your images"),
    Argument("respawn", "false", "start a node again that has ended", _SWITCH),
)
