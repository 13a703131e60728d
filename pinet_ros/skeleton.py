"""Joint sets: names, bones, mirror pairs, and the conversions between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pinet_ros.errors import PinetError

HIPS = ("left_hip", "right_hip")
EARS = ("left_ear", "right_ear")
SHOULDERS = ("left_shoulder", "right_shoulder")
_LIMB_JOINTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


class UnknownJointSetError(PinetError):
    """The joint set, or the conversion between two joint sets, is not supported."""


@dataclass(frozen=True)
class JointSet:
    """An ordered set of body joints.

    Attributes:
        name: identifier used in messages and files.
        joints: name of each joint; `left_` and `right_` are the person's own sides.
        bones: (parent, child) joint indices, for drawing.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Index of a joint; raises ValueError if the set does not have it."""
        return self.joints.index(joint)

    def indices(self, *joints: str) -> list[int]:
        """Indices of several joints, see `index`."""
        return [self.joints.index(joint) for joint in joints]

    @cached_property
    def root(self) -> int:
        """Index of the root joint, the pelvis.

        Raises:
            ValueError: the set has no pelvis joint; see `pelvis`.
        """
        return self.index("pelvis")

    @cached_property
    def pelvis(self) -> list[int]:
        """Indices of the joints whose mean is the pelvis: the pelvis itself, or both hips."""
        return [self.root] if "pelvis" in self.joints else self.indices(*HIPS)

    @cached_property
    def limbs(self) -> list[int]:
        """Indices (12,) of both shoulders, elbows, wrists, hips, knees and ankles."""
        return self.indices(*(f"{side}_{j}" for side in ("right", "left") for j in _LIMB_JOINTS))

    @cached_property
    def mirror(self) -> list[int]:
        """Permutation (J,) that swaps left and right joints."""
        swap = {"left": "right", "right": "left"}
        mirrored = []
        for joint in self.joints:
            side, _, rest = joint.partition("_")
            mirrored.append(f"{swap[side]}_{rest}" if side in swap else joint)
        return self.indices(*mirrored)


def _joint_set(name: str, joints: str, bones: str) -> JointSet:
    """Build a joint set from space-separated names and `parent-child` pairs."""
    names = tuple(joints.split())
    pairs = (bone.split("-") for bone in bones.split())
    return JointSet(name, names, tuple((names.index(a), names.index(b)) for a, b in pairs))


_LIMBS = (
    "right_shoulder-right_elbow right_elbow-right_wrist left_shoulder-left_elbow "
    "left_elbow-left_wrist right_hip-right_knee right_knee-right_ankle left_hip-left_knee "
    "left_knee-left_ankle "
)
_TORSO = (
    "pelvis-spine spine-thorax thorax-head head-head_top thorax-right_shoulder "
    "thorax-left_shoulder pelvis-right_hip pelvis-left_hip "
)

# The 17 joints of MuPoTS-3D (Mehta et al., 3DV 2018), in the order that 3DMPPE and PI-Net use.
MUPOTS_17 = _joint_set(
    "mupots_17",
    "head_top thorax right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle pelvis spine head",
    _LIMBS + _TORSO,
)

# The 21 joints of MuCo-3DHP, as used to train 3DMPPE's PoseNet.
MUCO_21 = _joint_set(
    "muco_21",
    "head_top thorax right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle pelvis spine head "
    "right_hand left_hand right_toe left_toe",
    _LIMBS + _TORSO + "right_wrist-right_hand left_wrist-left_hand right_ankle-right_toe "
    "left_ankle-left_toe",
)

# The 17 joints of Human3.6M (Ionescu et al., TPAMI 2014), then the middle of the shoulders, as
# used to train 3DMPPE's networks.
H36M_18 = _joint_set(
    "h36m_18",
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine neck nose "
    "head_top left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist thorax",
    _LIMBS + "pelvis-right_hip pelvis-left_hip pelvis-spine spine-thorax thorax-neck neck-nose "
    "nose-head_top neck-right_shoulder neck-left_shoulder",
)

# The 33 landmarks of BlazePose (model card of MediaPipe's BlazePose GHUM 3D).
BLAZEPOSE_33 = _joint_set(
    "blazepose_33",
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer "
    "left_ear right_ear left_mouth right_mouth left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index left_thumb "
    "right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle left_heel "
    "right_heel left_foot_index right_foot_index",
    _LIMBS + "left_shoulder-right_shoulder left_hip-right_hip left_shoulder-left_hip "
    "right_shoulder-right_hip left_wrist-left_index right_wrist-right_index left_ankle-left_heel "
    "right_ankle-right_heel left_heel-left_foot_index right_heel-right_foot_index "
    "nose-left_ear nose-right_ear left_mouth-right_mouth",
)

# The 17 keypoints of COCO (Lin et al., ECCV 2014).
COCO_17 = _joint_set(
    "coco_17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle",
    _LIMBS + "left_shoulder-right_shoulder left_hip-right_hip left_shoulder-left_hip "
    "right_shoulder-right_hip nose-left_eye nose-right_eye left_eye-left_ear "
    "right_eye-right_ear",
)

JOINT_SETS = {s.name: s for s in (MUPOTS_17, MUCO_21, H36M_18, BLAZEPOSE_33, COCO_17)}


def joint_set(name: str) -> JointSet:
    """Look up a joint set by name.

    Raises:
        UnknownJointSetError: the name is unknown; the message lists the known ones.
    """
    if name not in JOINT_SETS:
        raise UnknownJointSetError(
            f"joint set {name!r} is not known; use one of {', '.join(JOINT_SETS)}"
        )
    return JOINT_SETS[name]


# Where MuPoTS-3D's joints are relative to the surface landmarks that some estimators give. Fitted
# to rendered bodies with known bones.
THORAX_ABOVE_SHOULDERS = 0.12  # fraction of the distance from mid-hip to mid-shoulder
HEAD_TOP_ABOVE_EARS = 0.13  # metres along the line from mid-shoulder to mid-ear
HEAD_BETWEEN_THORAX_AND_TOP = 0.36  # fraction of the distance from thorax to head top

# Joints that a missing joint is computed from; these may be computed from others in turn.
_COMPUTED_FROM = {
    "pelvis": HIPS,
    "spine": (*HIPS, "thorax"),
    "thorax": HIPS + SHOULDERS,
    "head": ("thorax", "head_top"),
    "head_top": SHOULDERS + EARS,
}


def _lacking(source: JointSet, target: JointSet) -> list[str]:
    """Joints of `target` that are neither in `source` nor can be computed from its joints."""
    return [j for j in target.joints if not set(_sources_of(j, source)) <= set(source.joints)]


def convert(
    source: JointSet,
    target: JointSet,
    joints: np.ndarray,
    joints_image: np.ndarray,
    confidence: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Convert people from one joint set to another.

    Joints of the same name are copied. If the source has only surface points (ears, shoulders,
    hips), thorax, pelvis, spine, head and head top are computed from them; a missing head from
    thorax and head top. If a joint is unknown (NaN), so are the joints computed from it.

    Args:
        source: joint set of the given arrays, S joints.
        target: joint set to convert to, T joints.
        joints: (N,S,3) metres, camera optical frame.
        joints_image: (N,S,2) pixels.
        confidence: (N,S), 0 to 1. A computed joint gets the lowest of the joints it comes from.

    Returns:
        Joints (N,T,3) in metres, 2D joints (N,T,2) in pixels and confidences (N,T).

    Raises:
        UnknownJointSetError: the source lacks joints that the target needs.
    """
    if source == target:
        return joints, joints_image, confidence
    if lacking := _lacking(source, target):
        raise UnknownJointSetError(
            f"{source.name} cannot be converted to {target.name}: it has neither "
            f"{', '.join(lacking)} nor the joints to compute them from"
        )
    neck = _middle(source, joints, EARS) - _middle(source, joints, SHOULDERS)
    # One factor serves metres and pixels: projection hardly changes ratios along a short line.
    stretch = HEAD_TOP_ABOVE_EARS / (np.linalg.norm(neck, axis=-1, keepdims=True) + 1e-9)
    lowest = [
        confidence[:, source.indices(*_sources_of(joint, source))].min(axis=1)
        for joint in target.joints
    ]
    return (
        _convert_points(source, target, joints, stretch),
        _convert_points(source, target, joints_image, stretch),
        np.stack(lowest, axis=1),
    )


def convert_deviations(source: JointSet, target: JointSet, deviations: np.ndarray) -> np.ndarray:
    """Convert standard deviations (N,S) of joints relative to the pelvis to (N,T), see `convert`.

    A computed joint gets the root mean square of the joints it comes from, which is exact if their
    errors are equal; a computed pelvis gets 0. What comes from an unknown one (NaN) is unknown.
    """
    if source == target:
        return deviations
    sources = [source.indices(*_sources_of(joint, source)) for joint in target.joints]
    counts = np.array([len(rows) for rows in sources])
    squares = np.square(deviations[:, np.concatenate(sources)], dtype=float)
    sums = np.add.reduceat(squares, np.cumsum(counts) - counts, axis=1)
    converted = np.sqrt(sums / counts)
    if "pelvis" in target.joints and "pelvis" not in source.joints:
        known = np.isfinite(converted[:, target.root])
        converted[:, target.root] = np.where(known, 0.0, np.nan)
    return converted


def _sources_of(joint: str, source: JointSet) -> tuple[str, ...]:
    """The joint itself if the source has it, else the joints it is computed from."""
    if joint in source.joints or joint not in _COMPUTED_FROM:
        return (joint,)
    return sum((_sources_of(part, source) for part in _COMPUTED_FROM[joint]), ())


def _middle(source: JointSet, points: np.ndarray, pair: tuple[str, ...]) -> np.ndarray:
    """Mean (N,D) of two joints; NaN if the joint set does not have them.

    One known ear stands for both: from the side, estimators see only one.
    """
    if not set(pair) <= set(source.joints):
        return np.full_like(points[:, 0], np.nan)
    both = points[:, source.indices(*pair)]
    if pair == EARS:
        both = np.where(np.isnan(both), both[:, ::-1], both)
    return both.mean(axis=1)


def _convert_points(
    source: JointSet, target: JointSet, points: np.ndarray, stretch: np.ndarray
) -> np.ndarray:
    """Convert points (N,S,D) to (N,T,D).

    `stretch` (N,1) is the distance from ears to head top over that from shoulders to ears.
    """
    ear, shoulder, hip = (_middle(source, points, pair) for pair in (EARS, SHOULDERS, HIPS))
    known = {joint: points[:, source.index(joint)] for joint in source.joints}
    thorax = known.get("thorax", shoulder + THORAX_ABOVE_SHOULDERS * (shoulder - hip))
    top = known.get("head_top", ear + stretch * (ear - shoulder))
    converted = {
        "pelvis": hip,
        "spine": (hip + thorax) / 2,
        "thorax": thorax,
        "head": thorax + HEAD_BETWEEN_THORAX_AND_TOP * (top - thorax),
        "head_top": top,
    }
    converted |= known
    return np.stack([converted[joint] for joint in target.joints], axis=1)
