"""Read an archive of motion-capture clips (.npz)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_ros.cli.predictions.records import Record, read_arrays
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.rendering.clips import CLIP_RATE, Clip
from pinet_training.rendering.posture import axes_to_body, unit

# Rotation from an archive's space, and start and end joint of each of LIMBS, see load_clips.
_TO_BODY = axes_to_body(left=[1, 0, 0], up=[0, 1, 0])
_LIMB_STARTS = [20, 21, 22, 2, 3, 4, 29, 30, 31, 8, 9, 10]
_LIMB_ENDS = [21, 22, 23, 3, 4, 5, 30, 31, 32, 9, 10, 11]
_JOINTS = 38
_FIELDS = ("joints", "rotations", "clip_start", "clip_name", "clip_split")
_OPTIONAL_FIELDS = ("roots", "clip_root", "clip_rate", "clip_partner", "clip_activity")
_HEIGHT_ONLY = "height only"  # in clip_root: the clip's root was kept from moving over the floor
_ALONE = -1  # in clip_partner


def read_archive(path: Path) -> list[Clip]:
    """Read all clips of an archive, see `load_clips`.

    Raises:
        DatasetError: the file is missing, damaged or incomplete; the message names the array.
    """
    file = read_arrays(path, (*_FIELDS, *_OPTIONAL_FIELDS))
    joints = file.array("joints", None, _JOINTS, 3)
    bones = joints[:, _LIMB_ENDS] - joints[:, _LIMB_STARTS]
    if not np.isfinite(bones).all() or not bones.any(axis=-1).all():
        raise file.error("joints must be finite, and no limb may have length 0")
    limbs = unit(bones) @ _TO_BODY.T
    torso = _to_body_rotations(file, file.array("rotations", len(joints), 3, 3, 3))
    parts = _clips_of(file, len(joints))
    activities, rates = _activities(file), _rates(file, len(parts))
    roots = _roots(file, len(joints), len(parts))
    clips = [
        Clip(
            name=name,
            activity=activities[row],
            split=split,
            torso=torso[frames],
            limbs=limbs[frames],
            rate=float(rates[row]),
            roots=None if roots[row] is None else roots[row][frames],
        )
        for row, (name, split, frames) in enumerate(parts)
    ]
    _make_couples(file, clips)
    return clips


def _to_body_rotations(file: Record, rows: np.ndarray) -> np.ndarray:
    """Convert an archive's row-vector rotations (F,3,3,3) to rotations in the body frame."""
    columns = _TO_BODY @ np.swapaxes(rows, -1, -2) @ _TO_BODY.T
    squares = columns @ np.swapaxes(columns, -1, -2)
    if not np.allclose(squares, np.eye(3), atol=0.02) or not (np.linalg.det(columns) > 0).all():
        raise file.error("rotations must be rotation matrices: orthogonal and not mirrored")
    # the stored values are rounded and therefore not exactly orthogonal
    exact = Rotation.from_matrix(columns.reshape(-1, 3, 3)).as_matrix()
    return exact.reshape(rows.shape)


def _clips_of(file: Record, frame_count: int) -> list[tuple[str, str, slice]]:
    """Name, split and frames of each clip."""
    names = [str(name) for name in file["clip_name"]]
    splits = [str(split) for split in file["clip_split"]]
    starts = file.whole_numbers("clip_start", len(names) + 1, low=0, high=frame_count)
    if len(splits) != len(names) or not set(splits) <= set(SPLITS):
        raise file.error("clip_split must be 'train' or 'test' for each clip in clip_name")
    if starts[0] != 0 or starts[-1] != frame_count or (np.diff(starts) < 1).any():
        raise file.error(f"clip_start must increase from 0 to the number of frames, {frame_count}")
    frames = map(slice, starts[:-1], starts[1:])
    return list(zip(names, splits, frames, strict=True))


def _activities(file: Record) -> list[str]:
    """Activity of each clip: as the file says, or its name without the number at its end."""
    names = np.asarray(file["clip_name"], str)
    if "clip_activity" in file:
        activities = np.asarray(file["clip_activity"], str)
        if activities.shape != names.shape:
            raise file.error(f"clip_activity must have shape {names.shape}")
        return activities.tolist()
    activities = [re.sub(r"_?\d+$", "", name) for name in names]
    return ["walking" if name.startswith("walking") else name for name in activities]


def _rates(file: Record, count: int) -> np.ndarray:
    """(C,) frames per second."""
    if "clip_rate" not in file:
        return np.full(count, CLIP_RATE)
    rates = file.array("clip_rate", count)
    if not ((rates > 0) & np.isfinite(rates)).all():
        raise file.error("clip_rate must be above 0")
    return rates


def _roots(file: Record, frames: int, count: int) -> list[np.ndarray | None]:
    """For each clip the roots of all frames (F,3), body frame, or None if they are unknown."""
    if "roots" not in file:
        return [None] * count
    roots = file.array("roots", frames, 3) @ _TO_BODY.T
    if not np.isfinite(roots).all():
        raise file.error("roots must be finite")
    kinds = np.asarray(file["clip_root"] if "clip_root" in file else np.full(count, ""), str)
    if kinds.shape != (count,):
        raise file.error(f"clip_root must have shape ({count}), got {kinds.shape}")
    return [None if kind == _HEIGHT_ONLY else roots for kind in kinds]


def _make_couples(file: Record, clips: Sequence[Clip]) -> None:
    """Make the clips of couples each other's partners."""
    if "clip_partner" not in file:
        return
    rows = file.whole_numbers("clip_partner", len(clips), low=_ALONE, high=len(clips) - 1)
    for row in np.flatnonzero(rows != _ALONE):
        clip, partner = clips[row], clips[rows[row]]
        if rows[rows[row]] != row or len(partner) != len(clip) or partner.split != clip.split:
            raise file.error(
                f"clip_partner, row {row}: partners must name each other, and have equally many "
                "frames and one split"
            )
        object.__setattr__(clip, "partner", partner)  # as neither can be made before the other
