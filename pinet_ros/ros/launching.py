"""What pinet.launch.py starts: launch arguments in, processes out.

Needs neither ROS nor torch, so that it runs, and is tested, everywhere. The launch file only turns
these arguments and processes into actions of ROS's launch.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from pinet_ros.errors import PinetError
from pinet_ros.ros.frames import camera_frame
from pinet_ros.ros.launch_arguments import ARGUMENTS
from pinet_ros.ros.parameter_files import (
    Entry,
    check_entries,
    override,
    read_parameter_file,
    value_in,
)

_WEIGHTS = Path(str(resources.files("pinet_ros"))) / "refinement" / "weights"
RESPAWN_DELAY = 2.0  # seconds
_SHOWN = ("people/markers", "people/image")  # topics in pinet.rviz
_LIVE_NODES = ("pose_estimator", "pose_refiner", "pose_overlay")


@dataclass(frozen=True)
class Process:
    """A process to start.

    Attributes:
        package: package of the executable.
        executable: name of the executable.
        namespace: namespace of its nodes.
        params_file: file with parameters; None for none.
        parameters: parameters by key and name; they win over those in the file.
        remappings: topics, from and to.
        arguments: command-line arguments.
        ros_arguments: those after --ros-args.
        respawn: whether to start it again when it ends.
        required: whether nothing may go on without it.
    """

    package: str
    executable: str
    namespace: str = ""
    params_file: str | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    ros_arguments: tuple[str, ...] = ()
    respawn: bool = False
    required: bool = True

    def parameter_files(self) -> list[str]:
        """Paths of parameter files for the process; its own parameters are written to one."""
        files = [self.params_file] if self.params_file else []
        if self.parameters:
            written = {key: {"ros__parameters": own} for key, own in self.parameters.items()}
            # JSON is YAML in which no string can be taken for a number
            with tempfile.NamedTemporaryFile(
                "w", prefix="pinet_", suffix=".yaml", delete=False, encoding="utf-8"
            ) as file:
                json.dump(written, file, ensure_ascii=False)  # YAML has no surrogate escapes
            files.append(file.name)
        return files

    def reason_to_stop(self, status: int) -> str | None:
        """Why everything else must stop, now that this process has ended; None if it goes on.

        Raises:
            PinetError: it failed, so that the launch must fail too.
        """
        if self.respawn or not self.required:
            return None
        if status:
            raise PinetError(
                f"{self.executable} ended with status {status}, and nothing goes on without it; "
                "see its messages above (respawn:=true would start it again)"
            )
        return f"{self.executable} has ended"


def plan(
    arguments: Mapping[str, str], *, share: Path, find_package: Callable[[str], Any]
) -> list[Process]:
    """Decide what to start.

    Args:
        arguments: launch arguments by name; the default holds for one that is missing.
        share: the share folder of this package, which has config/.
        find_package: fails with a LookupError if ROS has no package of that name.

    Raises:
        PinetError: the arguments or params_file cannot be used, or a package is missing.
    """
    processes = _Plan({each.name: each.default for each in ARGUMENTS} | dict(arguments), share)
    started = processes.all()
    for package in {process.package: None for process in started}:
        try:
            find_package(package)
        except LookupError as error:
            raise PinetError(
                f"the ROS package {package} is not installed, so nothing was started; install "
                f"it (apt install ros-$ROS_DISTRO-{package.replace('_', '-')}) or launch without "
                "it"
            ) from error
    return started


class _Plan:
    """The processes that launch arguments select."""

    def __init__(self, arguments: Mapping[str, str], share: Path) -> None:
        self._share = share
        self._arguments = arguments
        namespace = arguments["namespace"].strip("/")
        self._namespace = f"/{namespace}" if namespace else ""
        for each in ARGUMENTS:
            if each.choices and arguments[each.name] not in each.choices:
                raise PinetError(
                    f"{each.name} must be one of {', '.join(filter(None, each.choices))}, got "
                    f"{arguments[each.name]!r}"
                )
        self._params_file = self._path("params_file")
        self._entries: list[Entry] = []
        if self._params_file:
            known = {e.node: e.values for e in read_parameter_file(share / "config/pinet.yaml")}
            self._entries = read_parameter_file(self._params_file)
            check_entries(self._entries, known, self._namespace, self._params_file)

    def all(self) -> list[Process]:
        """All processes to start."""
        processes = []
        if source := self._source():
            processes.append(self._player(source))
        if self._on("one_process"):
            processes.append(self._process("pose_pipeline", "pose_estimator", "pose_refiner"))
        else:
            processes += [self._process("pose_estimator"), self._process("pose_refiner")]
        if self._on("overlay"):
            processes.append(self._process("pose_overlay"))
        if self._on("rviz"):
            processes.append(self._rviz())
        return processes

    def _on(self, name: str) -> bool:
        return self._arguments[name] == "true"

    def _path(self, name: str) -> str:
        """A path among the arguments, which must exist; "" if it is not chosen."""
        given = self._arguments[name]
        if not given:
            return ""
        try:
            path = Path(given).expanduser()
            path.stat()
            path.absolute().as_posix().encode()
        except (OSError, RuntimeError, UnicodeEncodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise PinetError(
                f"{name}:={given} cannot be used ({reason}); give another path"
            ) from error
        return str(path.absolute())

    def _source(self) -> str:
        """Source of the images to play; "" if there is none."""
        camera, video = self._arguments["camera"], self._path("video")
        if camera and video:
            raise PinetError("camera and video cannot both be played; give one of them")
        for name in ("calibration", "rate"):
            if self._arguments[name] and not camera and not video:
                raise PinetError(
                    f"{name} is for the images that camera or video plays; give one of these, "
                    f"such as camera:=0. A camera driver has a {name} of its own"
                )
        device = Path(camera).resolve() if camera.startswith("/dev/") else camera
        index = re.fullmatch(r"(?:/dev/video)?(\d+)", str(device))
        if camera and not index:
            raise PinetError(
                f"camera:={camera} is not a webcam; give its index (0) or device (/dev/video0), "
                "or video:= for a file"
            )
        return index[1] if index else video

    def _chosen(self, node: str) -> dict[str, Any]:
        """Parameters of a node that the arguments choose."""
        names = {
            "pose_estimator": ("device", "detector", "lifter"),
            "pose_refiner": ("device",),
        }.get(node, ())
        switches = ("use_sim_time", "autostart") if node in _LIVE_NODES else ("use_sim_time",)
        values: dict[str, Any] = {n: self._arguments[n] for n in names if self._arguments[n]}
        lifter = self._arguments["lifter"]
        learnt = node == "pose_refiner" and (_WEIGHTS / f"{lifter}.safetensors").is_file()
        if learnt and value_in(self._entries, f"{self._namespace}/{node}", "weights") is None:
            values["weights"] = lifter
        return values | {name: self._on(name) for name in switches if self._arguments[name]}

    def _process(self, executable: str, *nodes: str, **parameters: Any) -> Process:
        """A process of this package; its node has the executable's name, if none are given."""
        overriding: dict[str, dict[str, Any]] = {}
        for node in nodes or (executable,):
            values = self._chosen(node) | parameters
            reached = override(self._entries, f"{self._namespace}/{node}", values)
            for key, own in reached.items():
                overriding.setdefault(key, {}).update(own)
        level = self._arguments["log_level"]
        return Process(
            package="pinet_ros",
            executable=executable,
            namespace=self._namespace,
            params_file=self._params_file or None,
            parameters=overriding,
            remappings=tuple(
                (name, self._arguments[name])
                for name in ("image", "camera_info")
                if self._arguments[name]
            ),
            ros_arguments=("--log-level", level) if level else (),
            respawn=self._on("respawn"),
        )

    def _in_file(self, parameter: str) -> Any:
        """Value of a parameter of camera_player in params_file; None if it is not there."""
        return value_in(self._entries, f"{self._namespace}/camera_player", parameter)

    def _player(self, source: str) -> Process:
        """camera_player, which publishes where the other nodes subscribe."""
        values: dict[str, Any] = {"source": source}
        if calibration := self._path("calibration"):
            values["calibration"] = calibration
        if self._arguments["rate"]:
            values["rate"] = self._rate()
        if self._arguments["video"] and self._in_file("wait_for_subscribers") is None:
            # until networks are loaded; the overlay, which has none, subscribes if RViz shows it
            values["wait_for_subscribers"] = 2 if self._on("overlay") and self._on("rviz") else 1
        process = self._process("camera_player", **values)
        topics = dict(process.remappings)
        image = topics.get("image", "image")
        beside = f"{image.rpartition('/')[0]}/camera_info".lstrip("/")
        absolute = "/" if image.startswith("/") else ""
        return replace(
            process,
            remappings=tuple(({"camera_info": f"{absolute}{beside}"} | topics).items()),
            respawn=process.respawn and not self._arguments["video"],  # a video has an end
        )

    def _rate(self) -> float:
        """The rate to play at, Hz."""
        try:
            rate = float(self._arguments["rate"])
        except ValueError:
            rate = math.nan
        if not 0 < rate < math.inf:
            raise PinetError(
                f"rate must be a positive number of images per second, got "
                f"{self._arguments['rate']!r}"
            )
        return rate

    def _rviz(self) -> Process:
        """RViz, which may be closed while the nodes go on."""
        chosen = self._arguments["fixed_frame"] or self._in_file("frame_id")
        frame = chosen or camera_frame(self._namespace)
        values = self._chosen("rviz2")
        return Process(
            package="rviz2",
            executable="rviz2",
            namespace=self._namespace,
            params_file=self._params_file or None,
            parameters={"/**": values} if values else {},
            # the topics in pinet.rviz are absolute, so a namespace does not apply to them
            remappings=tuple((f"/{topic}", topic) for topic in _SHOWN),
            arguments=("-d", str(self._share / "config" / "pinet.rviz"), "-f", frame),
            required=False,
        )
