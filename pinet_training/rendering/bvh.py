"""Read motion capture in the Biovision format (.bvh), with the joint names of CMU conversions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_ros.errors import DatasetError
from pinet_training.rendering.posture import SIDES
from pinet_training.rendering.recording import Line, Recording, accumulate, read_lines

_TORSO = ("Hips", "Spine1", "Head")
_LIMBS_OF_A_SIDE = (  # start and end joint of each limb, in the order of LIMBS
    ("Shoulder", "Arm"),
    ("Arm", "ForeArm"),
    ("ForeArm", "Hand"),
    ("UpLeg", "Leg"),
    ("Leg", "Foot"),
    ("Foot", "ToeBase"),
)
_LIMBS = tuple(
    (f"{side.capitalize()}{start}", f"{side.capitalize()}{end}")
    for side in SIDES
    for start, end in _LIMBS_OF_A_SIDE
)
_CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}


@dataclass(frozen=True, eq=False)
class _Joint:
    """A joint of the hierarchy.

    Attributes:
        parent: the parent's name, None for the root.
        offset: (3,) from the parent at rest, in the unit of the file.
        channels: what the joint's numbers in a frame are, such as "Xrotation".
    """

    parent: str | None
    offset: np.ndarray
    channels: tuple[str, ...]


def read_bvh(path: Path) -> Recording:
    """Read a .bvh file.

    Returns:
        All frames of the file.

    Raises:
        DatasetError: the file is missing or damaged, or a required joint is missing; the message
            names the file, and the line where there is one.
    """
    path = Path(path)
    lines = read_lines(path)
    motion = next((n for n, line in enumerate(lines) if line.words == ("MOTION",)), None)
    if motion is None:
        raise lines[-1].error("a line MOTION before the end of the file")
    joints = _read_hierarchy(lines[:motion])
    for start, end in (*((name, None) for name in _TORSO), *_LIMBS):
        _require_limb(path, joints, start, end)
    values, frame_time = _read_motion(lines[motion:], joints)
    rotations = _rotations(joints, values)
    rows = list(joints).index
    return Recording.of_bones(
        torso=rotations[:, [rows(name) for name in _TORSO]],
        limbs=rotations[:, [rows(start) for start, _ in _LIMBS]],
        rest=np.stack([joints[end].offset for _, end in _LIMBS]),
        frame_time=frame_time,
    )


def _read_hierarchy(lines: list[Line]) -> dict[str, _Joint]:
    """The joints by name, each after its parent."""
    joints: dict[str, _Joint] = {}
    above: list[str | None] = []  # the joint of each open brace, None for an end site
    name: str | None = None
    offset: np.ndarray | None = None
    for line in lines:
        match line.words:
            case ("HIERARCHY",) | ("End", "Site"):
                name = None
            case ("ROOT" | "JOINT", *words) if words:
                name, offset = " ".join(words), None
                if name in joints:
                    raise line.error("a joint name that is not in use yet")
            case ("{",):
                above.append(name)
            case ("}",) if above:
                above.pop()
            case ("OFFSET", *_) if above:
                offset = line.numbers("OFFSET and three numbers", 3)
            case ("CHANNELS", count, *channels) if above and above[-1] and offset is not None:
                if count != str(len(channels)) or not _are_channels(channels):
                    raise line.error(
                        "CHANNELS, their number, and distinct names such as Xrotation"
                    )
                parent = above[-2] if len(above) > 1 else None
                if len(above) > 1 and parent not in joints:
                    raise line.error("a parent with CHANNELS before its children")
                joints[above[-1]] = _Joint(parent, offset, tuple(channels))
            case _:
                raise line.error("ROOT, JOINT, End Site, {, }, OFFSET, or CHANNELS after OFFSET")
    if above:
        raise lines[-1].error(f"}} for each {{, {len(above)} missing")
    return joints


def _are_channels(names: list[str]) -> bool:
    return set(names) <= _CHANNELS and len(set(names)) == len(names)


def _require_limb(path: Path, joints: dict[str, _Joint], start: str, end: str | None) -> None:
    for name in filter(None, (start, end)):
        if name not in joints:
            raise DatasetError(f"{path}: expected a joint {name}, got {', '.join(joints)}")
    if end and joints[end].parent != start:
        raise DatasetError(
            f"{path}: expected {start} as the parent of {end}, got {joints[end].parent}"
        )
    if end and not joints[end].offset.any():
        raise DatasetError(f"{path}: expected an OFFSET of {end} other than 0 0 0, got 0 0 0")


def _read_motion(lines: list[Line], joints: dict[str, _Joint]) -> tuple[np.ndarray, float]:
    """The numbers (F,C) of the frames, and the seconds from one frame to the next."""
    end = lines[-1]
    head, rows = lines[1:3], lines[3:]
    if len(head) < 2 or head[0].words[0] != "Frames:" or head[1].words[:2] != ("Frame", "Time:"):
        raise (head or lines)[-1].error("the lines Frames: and Frame Time: after MOTION")
    count = head[0].numbers("Frames: and their number", 1)[0]
    frame_time = head[1].numbers("Frame Time: and seconds above 0", 1, start=2)[0]
    if not frame_time > 0:
        raise head[1].error("Frame Time: and seconds above 0")
    if not rows or len(rows) != count:
        raise end.error(f"{count:g} frames (at least 1), not {len(rows)}")
    columns = sum(len(joint.channels) for joint in joints.values())
    expected = f"the {columns} numbers of the hierarchy's channels"
    return np.stack([row.numbers(expected, columns, start=0) for row in rows]), float(frame_time)


def _rotations(joints: dict[str, _Joint], values: np.ndarray) -> np.ndarray:
    """Rotations (F,B,3,3) of the joints from their rest, from the frames' numbers (F,C)."""
    local = np.tile(np.eye(3), (len(values), len(joints), 1, 1))
    column = 0
    for row, joint in enumerate(joints.values()):
        rotating = [n for n, name in enumerate(joint.channels) if name.endswith("rotation")]
        if rotating:
            axes = "".join(joint.channels[n][0] for n in rotating)
            angles = values[:, [column + n for n in rotating]]
            local[:, row] = Rotation.from_euler(axes, angles, degrees=True).as_matrix()
        column += len(joint.channels)
    rows = {name: row for row, name in enumerate(joints)}
    return accumulate(local, [rows.get(joint.parent, -1) for joint in joints.values()])
