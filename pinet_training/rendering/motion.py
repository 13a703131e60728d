"""Motion-capture clips that postures are sampled from."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from pinet_ros.cli.predictions.records import Record, read_arrays
from pinet_ros.errors import DatasetError
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.datasets.visible_files import visible_files
from pinet_training.rendering.asf_amc import AMC_FRAME_RATE, read_amc, read_asf
from pinet_training.rendering.bvh import read_bvh
from pinet_training.rendering.posture import Posture, axes_to_body, unit
from pinet_training.rendering.recording import Recording

# Rotation from an archive's space, and start and end joint of each of LIMBS, see load_clips.
_TO_BODY = axes_to_body(left=[1, 0, 0], up=[0, 1, 0])
_LIMB_STARTS = [20, 21, 22, 2, 3, 4, 29, 30, 31, 8, 9, 10]
_LIMB_ENDS = [21, 22, 23, 3, 4, 5, 30, 31, 32, 9, 10, 11]
_JOINTS = 38
_FRAME_RATE = 30.0  # hertz, that clips of .amc and .bvh files are reduced to
_SUBJECTS_FOR_A_TEST = 5  # one subject in this many is for testing
_FIELDS = ("joints", "rotations", "clip_start", "clip_name", "clip_split")


@dataclass(frozen=True, eq=False)
class Clip:
    """F frames of one person's motion, in the body frame except for the heading, as captured.

    Attributes:
        name: of the clip; clips of the two splits may have the same name.
        activity: what the person does, such as "walking".
        split: "train" or "test".
        torso: (F,3,3,3) rotations of pelvis, chest and head, as in Posture.
        limbs: (F,12,3) unit directions of LIMBS.
    """

    name: str
    activity: str
    split: str
    torso: np.ndarray
    limbs: np.ndarray

    def __len__(self) -> int:
        return len(self.limbs)

    def posture(self, frame: int) -> Posture:
        """The posture of a frame, rotated to face the front (-y)."""
        return Posture(*self.torso[frame], limbs=self.limbs[frame]).facing_front()


@dataclass(frozen=True, eq=False)
class Motions:
    """Clips to sample postures from.

    Attributes:
        clips: at least one.

    Raises:
        DatasetError: there are no clips.
    """

    clips: Sequence[Clip]

    def __post_init__(self) -> None:
        if not self.clips:
            raise DatasetError("expected at least one motion-capture clip, got none")

    @classmethod
    def load(cls, path: Path) -> dict[str, Motions]:
        """Read the clips of each split, see `load_clips`.

        Args:
            path: the archive or the folder.

        Returns:
            The motions of each of SPLITS, by its name.

        Raises:
            DatasetError: the clips cannot be read, or a split has none.
        """
        clips = load_clips(path)
        parts = {split: [clip for clip in clips if clip.split == split] for split in SPLITS}
        for split, part in parts.items():
            if not part:
                raise DatasetError(
                    f"{path}: none of its {len(clips)} clips is for the {split} split; in an .npz "
                    "archive change clip_split, in a folder add motion capture of more subjects "
                    f"(one subject in {_SUBJECTS_FOR_A_TEST} is for testing, chosen by the file "
                    "name up to the first underscore)"
                )
        return {split: cls(part) for split, part in parts.items()}

    def sample(self, rng: np.random.Generator) -> tuple[Posture, Clip, int]:
        """Draw a posture.

        All activities are equally likely, then all clips of the activity, then all frames of the
        clip.

        Returns:
            The posture facing the front (-y), its clip, and the frame in that clip.
        """
        activities = sorted({clip.activity for clip in self.clips})
        activity = activities[rng.integers(len(activities))]
        clips = [clip for clip in self.clips if clip.activity == activity]
        clip = clips[rng.integers(len(clips))]
        frame = int(rng.integers(len(clip)))
        return clip.posture(frame), clip, frame


def load_clips(path: Path, *, amc_frame_rate: float = AMC_FRAME_RATE) -> list[Clip]:
    """Read an .npz archive of clips, or all .amc and .bvh files in a folder and its subfolders.

    The skeleton of 01_02.amc is 01.asf in the same folder or its parent folder. A clip's activity
    is the name of its folder. Its split depends on its subject only, which is the file name up to
    the first underscore. Frames are reduced to 30 Hz.

    An archive has F frames of C clips, one clip after another:

    - joints (F,38,3): in any unit and from any origin, with x to the left, y up and z ahead in the
      space of the capture. Used are hip, knee, ankle and toes, left 2 to 5 and right 8 to 11, and
      clavicle, shoulder, elbow and wrist, left 20 to 23 and right 29 to 32;
    - rotations (F,3,3,3): of pelvis, chest and head in that space, from standing upright and
      facing z, for row vectors: a vector v at rest becomes v @ R;
    - clip_start (C+1,): the first frame of each clip, and F at the end;
    - clip_name (C,): activity and number, such as "jumping_3"; all names that start with "walking"
      are the activity walking;
    - clip_split (C,): "train" or "test".

    Frames of an archive are used as they are, whatever their rate.

    Args:
        path: the archive or the folder.
        amc_frame_rate: hertz, which .amc files do not contain.

    Returns:
        All clips, those of a folder sorted by path.

    Raises:
        DatasetError: there is nothing to read, or a file is damaged or incomplete; the message
            names the file, and the line or array where there is one.
    """
    path = Path(path)
    if not path.is_dir():
        return _read_archive(path)
    files = visible_files(path, (".amc", ".bvh"))
    if not files:
        raise DatasetError(f"expected .amc or .bvh files in {path} or its subfolders, got none")
    skeletons = functools.cache(read_asf)  # each skeleton is read once
    clips = []
    for file in tqdm(files, desc="motion capture", unit="file", disable=None):
        if file.suffix.lower() == ".bvh":
            recording = read_bvh(file)
        else:
            recording = read_amc(file, skeletons(_skeleton_of(file)), amc_frame_rate)
        clips.append(_clip(file, recording.at_rate(_FRAME_RATE)))
    return clips


def _skeleton_of(file: Path) -> Path:
    """The .asf file for an .amc file.

    Raises:
        DatasetError: there is none.
    """
    name = f"{_subject(file)}.asf"
    places = [file.parent / name, file.parent.parent / name]
    for place in places:
        if place.is_file():
            return place
    raise DatasetError(f"{file}: expected its skeleton at {places[0]} or {places[1]}, got neither")


def _clip(file: Path, recording: Recording) -> Clip:
    # a hash, so that a clip stays in its split when others are added
    digest = hashlib.sha256(_subject(file).encode()).digest()
    split = "test" if digest[0] % _SUBJECTS_FOR_A_TEST == 0 else "train"
    return Clip(file.stem, file.parent.name, split, recording.torso, recording.limbs)


def _subject(file: Path) -> str:
    return file.stem.partition("_")[0]


def _read_archive(path: Path) -> list[Clip]:
    """Read the clips of an archive, see `load_clips`."""
    file = read_arrays(path, _FIELDS)
    joints = file.array("joints", None, _JOINTS, 3)
    bones = joints[:, _LIMB_ENDS] - joints[:, _LIMB_STARTS]
    if not np.isfinite(bones).all() or not bones.any(axis=-1).all():
        raise file.error("joints must be finite, and no limb may have length 0")
    limbs = unit(bones) @ _TO_BODY.T
    torso = _to_body_rotations(file, file.array("rotations", len(joints), 3, 3, 3))
    return [
        Clip(name, _activity(name), split, torso[frames], limbs[frames])
        for name, split, frames in _clips_of(file, len(joints))
    ]


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


def _activity(name: str) -> str:
    """Activity of a clip: its name without the number at its end."""
    activity = re.sub(r"_?\d+$", "", name)
    return "walking" if activity.startswith("walking") else activity
