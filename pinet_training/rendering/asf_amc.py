"""Read motion capture in the Acclaim format as used by CMU: skeleton (.asf) and frames (.amc)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_ros.errors import DatasetError
from pinet_training.rendering.posture import SIDES
from pinet_training.rendering.recording import Line, Recording, accumulate, read_lines

AMC_FRAME_RATE = 120.0  # hertz, of CMU's captures; the files do not contain it

_TORSO = ("root", "thorax", "head")
_LIMBS = tuple(  # in the order of LIMBS
    f"{side[0]}{bone}"
    for side in SIDES
    for bone in ("clavicle", "humerus", "radius", "femur", "tibia", "foot")
)
_AXES = ("rx", "ry", "rz")
_CHANNELS = (*_AXES, "tx", "ty", "tz", "l")


@dataclass(frozen=True, eq=False)
class _Bone:
    """A bone of the skeleton.

    Attributes:
        direction: (3,) of the bone at rest, in the skeleton's frame.
        axes: (3,3) rotation from the axes that the bone rotates about to the skeleton's frame.
        channels: those of _CHANNELS that its numbers in a frame are, in their order.
    """

    direction: np.ndarray
    axes: np.ndarray
    channels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AcclaimSkeleton:
    """The skeleton of an .asf file.

    Attributes:
        bones: the bones by name, each after its parent.
        parents: the name of each bone's parent, by the bone's name; the root has none.
    """

    bones: dict[str, _Bone]
    parents: dict[str, str]


def read_asf(path: Path) -> AcclaimSkeleton:
    """Read the skeleton of an .asf file.

    Raises:
        DatasetError: the file is missing or damaged, or a required bone is missing; the message
            names the file, and the line where there is one.
    """
    path = Path(path)
    sections = _sections(path)
    degrees = _in_degrees(sections["units"])
    bones = {"root": _root(sections["root"], degrees)}
    bones |= dict(_bone(lines, degrees) for lines in _blocks(sections["bonedata"]))
    parents = _parents(sections["hierarchy"], bones)
    skeleton = AcclaimSkeleton({name: bones[name] for name in ("root", *parents)}, parents)
    for name in (*_TORSO, *_LIMBS):
        if name not in skeleton.bones:
            found = ", ".join(skeleton.bones)
            raise DatasetError(f"{path}: expected a bone {name} in the hierarchy, got {found}")
    return skeleton


def read_amc(
    path: Path, skeleton: AcclaimSkeleton, frame_rate: float = AMC_FRAME_RATE
) -> Recording:
    """Read the frames of an .amc file.

    Args:
        path: the .amc file.
        skeleton: that of the person in the file.
        frame_rate: of the capture, hertz.

    Returns:
        All frames of the file.

    Raises:
        DatasetError: the file is missing or damaged, or does not match the skeleton; the message
            names the file, and the line where there is one.
    """
    lines = read_lines(Path(path))
    degrees = not any(line.words == (":RADIANS",) for line in lines)
    values = _read_frames(lines, skeleton)
    rotations = _rotations(skeleton, values, degrees)
    rows = list(skeleton.bones).index
    return Recording.of_bones(
        torso=rotations[:, [rows(name) for name in _TORSO]],
        limbs=rotations[:, [rows(name) for name in _LIMBS]],
        rest=np.stack([skeleton.bones[name].direction for name in _LIMBS]),
        frame_time=1 / frame_rate,
    )


def _sections(path: Path) -> dict[str, list[Line]]:
    """The lines of each section by its name, without the line that opens it."""
    sections: dict[str, list[Line]] = {}
    for line in read_lines(path):
        if line.words[0].startswith(":"):
            lines = sections[line.words[0][1:]] = []
        elif not sections:
            raise line.error("a section such as :version")
        else:
            lines.append(line)
    for name in ("units", "root", "bonedata", "hierarchy"):
        if not sections.get(name):
            found = ", ".join(f":{each}" for each in sections)
            raise DatasetError(f"{path}: expected lines in a section :{name}, got {found}")
    return sections


def _in_degrees(lines: list[Line]) -> bool:
    for line in lines:
        if line.words[0] == "angle":
            if line.words[1:] not in (("deg",), ("rad",)):
                raise line.error("angle deg or angle rad")
            return line.words[1] == "deg"
    raise lines[-1].error("angle deg or angle rad in the section :units")


def _blocks(lines: list[Line]) -> Iterator[dict[str, Line]]:
    """Split lines into blocks from begin to end: the lines of each block by their first word."""
    block: dict[str, Line] | None = None
    for line in lines:
        word = line.words[0]
        if (word == "begin") != (block is None):
            raise line.error("begin" if block is None else "end before the next begin")
        if word == "begin":
            block = {"begin": line}
        elif word == "end":
            yield block
            block = None
        else:
            block[word] = line
    if block is not None:
        raise lines[-1].error("end after the last bone")


def _bone(block: dict[str, Line], degrees: bool) -> tuple[str, _Bone]:
    for word in ("name", "direction", "axis"):
        if word not in block:
            raise block["begin"].error(f"a bone with a line {word}")
    if len(block["name"].words) != 2:
        raise block["name"].error("name and one word")
    direction = block["direction"].numbers("direction and three numbers, not all 0", 3)
    if not direction.any():
        raise block["direction"].error("direction and three numbers, not all 0")
    channels = _channels(block["dof"]) if "dof" in block else ()
    return block["name"].words[1], _Bone(direction, _axes(block["axis"], degrees), channels)


def _root(lines: list[Line], degrees: bool) -> _Bone:
    by_word = {line.words[0]: line for line in lines}
    for word in ("order", "axis", "orientation"):
        if word not in by_word:
            raise lines[0].error(f"a root with a line {word}")
    _require_xyz(by_word["axis"], start=1)
    angles = by_word["orientation"].numbers("orientation and three angles", 3)
    axes = Rotation.from_euler("xyz", angles, degrees=degrees).as_matrix()
    channels = _channels(by_word["order"])
    if not set(_AXES) <= set(channels):
        raise by_word["order"].error("an order with RX, RY and RZ")
    return _Bone(np.zeros(3), axes, channels)


def _axes(line: Line, degrees: bool) -> np.ndarray:
    _require_xyz(line, start=4)
    angles = Line(line.path, line.number, line.words[:4]).numbers("axis and three angles", 3)
    return Rotation.from_euler("xyz", angles, degrees=degrees).as_matrix()


def _require_xyz(line: Line, start: int) -> None:
    if tuple(word.upper() for word in line.words[start:]) != ("XYZ",):
        raise line.error("an axis in the order XYZ, as in CMU's files")


def _channels(line: Line) -> tuple[str, ...]:
    channels = tuple(word.lower() for word in line.words[1:])
    if not set(channels) <= set(_CHANNELS) or len(set(channels)) < len(channels):
        raise line.error(f"{line.words[0]} and distinct channels of {' '.join(_CHANNELS)}")
    return channels


def _parents(lines: list[Line], bones: dict[str, _Bone]) -> dict[str, str]:
    """The parent of each bone in the hierarchy, ordered so that parents come first."""
    parents: dict[str, str] = {}
    for line in lines[1:-1]:
        parent, *children = line.words
        for name in line.words:
            if name not in bones:
                raise line.error(f"names of bones in :bonedata, not {name}")
        if parent != "root" and parent not in parents:
            raise line.error("a parent that an earlier line lists")
        if known := {"root", *parents} & set(children):
            raise line.error(f"bones that have no parent yet, not {', '.join(sorted(known))}")
        parents |= dict.fromkeys(children, parent)
    if (lines[0].words, lines[-1].words) != (("begin",), ("end",)):
        raise lines[0].error("begin as the section's first line and end as its last")
    return parents


def _read_frames(lines: list[Line], skeleton: AcclaimSkeleton) -> dict[str, np.ndarray]:
    """The numbers (F,C) of each bone that has channels, by its name."""
    counts = {name: len(bone.channels) for name, bone in skeleton.bones.items() if bone.channels}
    values: dict[str, list[np.ndarray]] = {name: [] for name in counts}
    frames = 0
    for line in lines:
        name = line.words[0]
        if name.startswith(":"):  # such as :DEGREES
            continue
        if len(line.words) == 1 and name.isdecimal():
            _require_complete(line, values, frames)
            frames += 1
        elif name in counts and len(values[name]) == frames - 1:
            values[name].append(line.numbers(f"{name} and {counts[name]} numbers", counts[name]))
        else:
            raise line.error("a frame number, or a bone of the skeleton once per frame")
    if not frames:
        raise lines[-1].error("frames, each after a line with its number")
    _require_complete(lines[-1], values, frames)
    return {name: np.stack(rows) for name, rows in values.items()}


def _require_complete(line: Line, values: dict[str, list[np.ndarray]], frames: int) -> None:
    if missing := [name for name, rows in values.items() if len(rows) < frames]:
        raise line.error(f"{', '.join(missing)} before the end of the frame")


def _rotations(
    skeleton: AcclaimSkeleton, values: dict[str, np.ndarray], degrees: bool
) -> np.ndarray:
    """Rotations (F,B,3,3) of the bones from their rest, in the skeleton's frame."""
    frames = len(next(iter(values.values())))
    local = np.tile(np.eye(3), (frames, len(skeleton.bones), 1, 1))
    for row, (name, bone) in enumerate(skeleton.bones.items()):
        angles = np.zeros((frames, 3))
        for column, channel in enumerate(bone.channels):
            if channel in _AXES:
                angles[:, _AXES.index(channel)] = values[name][:, column]
        rotation = Rotation.from_euler("xyz", angles, degrees=degrees).as_matrix()
        local[:, row] = bone.axes @ rotation @ bone.axes.T
    rows = {name: row for row, name in enumerate(skeleton.bones)}
    parents = [rows[skeleton.parents[name]] if name in skeleton.parents else -1 for name in rows]
    return accumulate(local, parents)
