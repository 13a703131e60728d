"""Bones that follow a posture, and skin that follows the bones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.bodies import Bodies
from pinet_training.rendering.clothing import Wardrobe
from pinet_training.rendering.posture import Posture

# How far each bone of the spine has turned from the pelvis to the chest, and of the neck from the
# chest to the head.
_SPINE = {"spine05": 0.1, "spine04": 0.3, "spine03": 0.55, "spine02": 0.8, "spine01": 1.0}
_NECK = {"neck01": 0.3, "neck02": 0.55, "neck03": 0.8, "head": 1.0}

# Bones that point where the posture says: (bone, bone that it hangs on, bone that it points to,
# limb of the posture, part of the way). A shoulder blade slides and a foot bends in its middle, so
# that neither goes all the way.
_SWUNG = tuple(
    (f"{bone}.{letter}", parent.format(letter), f"{tip}.{letter}", f"{side}_{limb}", part)
    for letter, side in (("L", "left"), ("R", "right"))
    for bone, parent, tip, limb, part in (
        ("clavicle", "spine01", "upperarm01", "clavicle", 0.5),
        ("upperarm01", "clavicle.{}", "lowerarm01", "upper_arm", 1.0),
        ("lowerarm01", "upperarm01.{}", "wrist", "forearm", 1.0),
        ("upperleg01", "root", "lowerleg01", "thigh", 1.0),
        ("lowerleg01", "upperleg01.{}", "foot", "shin", 1.0),
        ("foot", "lowerleg01.{}", "toe2-1", "foot", 0.8),
    )
)
_LEADERS = ("root", *_SPINE, *_NECK, *(bone for bone, *_ in _SWUNG))

_BONE_OF_JOINT = {
    f"{side}_{joint}": f"{bone}.{letter}"
    for letter, side in (("L", "left"), ("R", "right"))
    for joint, bone in (
        ("shoulder", "upperarm01"),
        ("elbow", "lowerarm01"),
        ("wrist", "wrist"),
        ("hip", "upperleg01"),
        ("knee", "lowerleg01"),
        ("ankle", "foot"),
    )
}
# MuPoTS-3D's joints of the trunk between bones: of the way from the shoulders to the neck's root,
# and from the thorax to the head's top.
_THORAX_TO_NECK = 0.65
_HEAD_TO_TOP = 0.36


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the bones of one body are in one posture, in the body frame, the root where it rests.

    Attributes:
        rotations: (B,3,3) of each bone from its rest.
        positions: (B,3) metres, where each bone begins.
        bone_heads: (B,3) metres, where each began at rest.
        joints: (17,3) metres of MUPOTS_17.
    """

    rotations: np.ndarray
    positions: np.ndarray
    bone_heads: np.ndarray
    joints: np.ndarray


class Rig:
    """Poses bodies and moves their skin by linear blending.

    Attributes:
        bodies: to be posed.
        wardrobe: that dresses them.
    """

    def __init__(self, bodies: Bodies) -> None:
        self.bodies = bodies
        self.wardrobe = Wardrobe(bodies)
        self._bone = {str(label): bone for bone, label in enumerate(bodies.labels)}
        self._leader, self._ancestry = self._hierarchy()
        self._fingers = self._finger_bones()
        self._weights = csr_matrix(bodies.weights)
        of_head = bodies.weights[:, self._bone["head"]] > 0.5
        self._top = int(np.where(of_head, bodies.template_vertices[:, 2], -np.inf).argmax())

    def pose(self, body: int, posture: Posture, curl: tuple[float, float] = (0.0, 0.0)) -> Pose:
        """Bring a body into a posture.

        A limb swings: it takes the smallest turn that brings it from where the bone that it hangs
        on has carried it to where it shall point. So bones do not twist more than they must.

        Args:
            body: number in `bodies`.
            posture: pelvis, chest, head, and where limbs point.
            curl: radians that each joint of the left and of the right hand's fingers is bent.
        """
        heads = self.bodies.bone_heads[body].astype(float)
        leading = self._leading_rotations(heads, posture)
        rotations = np.stack([leading[leader] for leader in _LEADERS])[self._leader]
        for fingers, angle in zip(self._fingers, curl, strict=True):
            rotations[fingers.bones] = rotations[fingers.bones] @ fingers.bent(angle)
        parents = self.bodies.parents.clip(min=0)
        steps = np.einsum("bij,bj->bi", rotations[parents], heads - heads[parents])
        steps[self.bodies.parents < 0] = heads[self.bodies.parents < 0]
        positions = self._ancestry @ steps
        return Pose(rotations, positions, heads, self._joints(body, rotations, positions))

    def skin(
        self, pose: Pose, rest_vertices: np.ndarray, rest_normals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and unit normals (V,3) float32 of the posed body from those at rest (V,3)."""
        rest = np.einsum("bij,bj->bi", pose.rotations, pose.bone_heads)
        transforms = np.concatenate([pose.rotations, (pose.positions - rest)[..., None]], axis=2)
        blended = self._weights @ transforms.reshape(-1, 12).astype(np.float32)
        blended = blended.reshape(-1, 3, 4)
        turns = blended[..., :3]
        vertices = np.einsum("vij,vj->vi", turns, rest_vertices) + blended[..., 3]
        normals = np.einsum("vij,vj->vi", turns, rest_normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        return vertices, normals

    def _hierarchy(self) -> tuple[np.ndarray, np.ndarray]:
        """Which of _LEADERS each bone (B,) turns with, and (B,B) which bones lead to which."""
        count = len(self._bone)
        leader, ancestry = np.zeros(count, int), np.eye(count)
        for bone, (label, parent) in enumerate(
            zip(self.bodies.labels, self.bodies.parents, strict=True)
        ):
            if parent >= 0:
                ancestry[bone] += ancestry[parent]
            leader[bone] = _LEADERS.index(label) if label in _LEADERS else leader[parent]
        return leader, ancestry

    def _finger_bones(self) -> tuple[_Fingers, _Fingers]:
        heads = self.bodies.template_bone_heads.astype(float)
        hands = []
        for letter in "LR":
            names = [f"finger{f}-{k}.{letter}" for f in range(2, 6) for k in range(1, 4)]
            bones = [self._bone[name] for name in names]
            palm = heads[self._bone[f"metacarpal3.{letter}"]]
            first, second, third = heads[bones[3:6]]
            axis = np.cross(first - palm, third - second)  # they are bent a little at rest
            hands.append(_Fingers(np.array(bones), axis / np.linalg.norm(axis)))
        return tuple(hands)

    def _leading_rotations(self, heads: np.ndarray, posture: Posture) -> dict[str, np.ndarray]:
        spine = _between(posture.pelvis, posture.chest, list(_SPINE.values()))
        neck = _between(posture.chest, posture.head, list(_NECK.values()))
        rotations = {"root": posture.pelvis}
        rotations |= dict(zip(_SPINE, spine, strict=True)) | dict(zip(_NECK, neck, strict=True))
        for bone, parent, tip, limb, part in _SWUNG:
            carried = rotations[parent] @ (heads[self._bone[tip]] - heads[self._bone[bone]])
            rotations[bone] = swing(carried, posture.limb(limb), part) @ rotations[parent]
        return rotations

    def _joints(self, body: int, rotations: np.ndarray, positions: np.ndarray) -> np.ndarray:
        at = {joint: positions[self._bone[bone]] for joint, bone in _BONE_OF_JOINT.items()}
        head = self._bone["head"]
        lever = self.bodies.vertices[body, self._top] - self.bodies.bone_heads[body, head]
        at["head_top"] = positions[head] + rotations[head] @ lever
        shoulders = (at["left_shoulder"] + at["right_shoulder"]) / 2
        neck = positions[self._bone["neck01"]]
        at["thorax"] = shoulders + _THORAX_TO_NECK * (neck - shoulders)
        at["pelvis"] = (at["left_hip"] + at["right_hip"]) / 2
        at["spine"] = (at["pelvis"] + at["thorax"]) / 2
        at["head"] = at["thorax"] + _HEAD_TO_TOP * (at["head_top"] - at["thorax"])
        return np.stack([at[joint] for joint in MUPOTS_17.joints])


@dataclass(frozen=True, eq=False)
class _Fingers:
    """The finger bones of a hand, three by three, and the axis (3,) that they bend about."""

    bones: np.ndarray
    axis: np.ndarray

    def bent(self, angle: float) -> np.ndarray:
        """(bones,3,3): each bone bends by `angle` radians from the one before."""
        bends = Rotation.from_rotvec(self.axis * angle * np.arange(1, 4)[:, None]).as_matrix()
        return np.tile(bends, (len(self.bones) // 3, 1, 1))


def swing(start: np.ndarray, end: np.ndarray, part: float = 1.0) -> np.ndarray:
    """The smallest rotation (3,3) that takes direction start (3,) to end (3,), or part of it."""
    axis = _cross_matrix(start) @ end
    sine, cosine = math.sqrt(axis @ axis), float(start @ end)
    if sine < 1e-9 * math.sqrt((start @ start) * (end @ end)):
        # any axis square to it will do
        axis = _cross_matrix(start) @ np.eye(3)[np.abs(start).argmin()]
    angle = math.atan2(sine, cosine) * part
    turn = _cross_matrix(axis / math.sqrt(axis @ axis))
    # Rodrigues' formula
    return np.eye(3) + math.sin(angle) * turn + (1 - math.cos(angle)) * turn @ turn


def _cross_matrix(vector: np.ndarray) -> np.ndarray:
    """The matrix (3,3) that gives the cross product of vector (3,) with another."""
    x, y, z = vector
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


def _between(start: np.ndarray, end: np.ndarray, parts: list[float]) -> np.ndarray:
    """Rotations (len(parts),3,3) on the shortest way from start (3,3) to end (3,3)."""
    way = Rotation.from_matrix(start.T @ end).as_rotvec()
    return start @ Rotation.from_rotvec(np.array(parts)[:, None] * way).as_matrix()
