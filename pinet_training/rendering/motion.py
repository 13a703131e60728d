"""Motion-capture clips that postures are sampled from."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pinet_ros.errors import DatasetError
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.datasets.visible_files import visible_files
from pinet_training.rendering.asf_amc import AMC_FRAME_RATE, read_amc, read_asf
from pinet_training.rendering.bvh import read_bvh
from pinet_training.rendering.clip_archive import read_archive
from pinet_training.rendering.clips import CLIP_RATE, Clip
from pinet_training.rendering.posture import Posture
from pinet_training.rendering.recording import Recording

_SUBJECTS_FOR_A_TEST = 5  # one subject in this many is for testing


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

    It may have:

    - clip_activity (C,): what the person does, instead of what clip_name says;
    - clip_rate (C,): frames per second, without it 30. All frames are kept;
    - roots (F,3): the pelvis in metres, in the axes of joints, with the floor at y = 0;
    - clip_root (C,): "height only" where the x and z of roots mean nothing;
    - clip_partner (C,): row of the other person of a couple, -1 for a person alone.

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
        return read_archive(path)
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
        clips.append(_clip(file, recording.at_rate(CLIP_RATE)))
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
