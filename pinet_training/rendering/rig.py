"""Poses bodies: bones follow a posture, and skin follows the bones by linear blend skinning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.bodies import Bodies
from pinet_training.rendering.clothing import Wardrobe
from pinet_training.rendering.posture import Posture

# Fraction of the rotation from the pelvis to the chest that each bone of the spine has, and from
# the chest to the head that each bone of the neck has.
_SPINE = {"spine05": 0.1, "spine04": 0.3, "spine03": 0.55, "spine02": 0.8, "spine01": 1.0}
_NECK = {"neck01": 0.3, "neck02": 0.55, "neck03": 0.8, "head": 1.0}

# Bones that the posture's limbs rotate: (bone, leading bone that carries it, bone at its tip, limb
# of the posture, fraction of the rotation). The fraction is below 1 for a clavicle, as the
# shoulder blade slides, and for a foot, which bends in its middle.
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
# MuPoTS-3D's trunk joints that are between bones: thorax, as a fraction of the way from the
# shoulders to the root of the neck, and head, as a fraction of that from the thorax to the head's
# top.
_MANY = 4000  # vertices, of which every fourth is enough to find the lowest one
_THORAX_TO_NECK = 0.65
_HEAD_TO_TOP = 0.36


@dataclass(frozen=True, eq=False)
class Pose:
    """The bones of one body in one posture, in the body frame; the root stays where it rests.

    Attributes:
        rotations: (B,3,3) of each bone from its rest pose.
        positions: (B,3) metres, the head of each bone.
        bone_heads: (B,3) metres, the head of each bone in the rest pose.
        joints: (17,3) metres, MUPOTS_17.
    """

    rotations: np.ndarray
    positions: np.ndarray
    bone_heads: np.ndarray
    joints: np.ndarray


class Rig:
    """Poses bodies and deforms their skin by linear blend skinning.

    Attributes:
        bodies: the bodies to pose.
        wardrobe: the clothing for them.
    """

    def __init__(self, bodies: Bodies) -> None:
        self.bodies = bodies
        self.wardrobe = Wardrobe(bodies)
        self._bone = {str(label): bone for bone, label in enumerate(bodies.labels)}
        self._leader, self._ancestry = self._hierarchy()
        self._fingers = self._finger_bones()
        self._weights = csr_matrix(bodies.weights)
        self._sparse = 4 if len(bodies.template_vertices) > _MANY else 1
        self._sparse_weights = self._weights[:: self._sparse]
        trunk = [str(label).startswith(("root", "spine")) for label in bodies.labels]
        self._trunk = bodies.weights[:, trunk].sum(axis=1) > 0.6
        of_head = bodies.weights[:, self._bone["head"]] > 0.5
        self._top = int(np.where(of_head, bodies.template_vertices[:, 2], -np.inf).argmax())

    def bone(self, label: str) -> int:
        """Return the index of a bone, by its name."""
        return self._bone[label]

    def pose(self, body: int, posture: Posture, curl: tuple[float, float] = (0.0, 0.0)) -> Pose:
        """Pose a body.

        Each limb takes the smallest rotation from the direction in which its parent bone carries
        it to the direction that the posture gives. This way bones twist as little as possible.

        Args:
            body: index of the body in `bodies`.
            posture: rotations of pelvis, chest and head, and directions of the limbs.
            curl: radians that each finger joint is bent by, of the left and of the right hand.
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

    def lowest(self, body: int, pose: Pose) -> float:
        """Return the height, metres, of the lowest point of a posed body without clothes."""
        bare = self.bodies.vertices[body][:: self._sparse]
        rest = np.einsum("bij,bj->bi", pose.rotations, pose.bone_heads)
        heights = np.concatenate(
            [pose.rotations[:, 2], (pose.positions - rest)[:, 2:]], axis=1
        ).astype(np.float32)
        blended = self._sparse_weights @ heights
        return float((np.einsum("vi,vi->v", blended[:, :3], bare) + blended[:, 3]).min())

    @cached_property
    def statures(self) -> np.ndarray:
        """Heights (N,) of the bodies, metres."""
        return np.ptp(self.bodies.vertices[..., 2], axis=1)

    def depth(self, body: int) -> tuple[float, float]:
        """Return how far the trunk reaches to the front and to the back of the hips, metres."""
        trunk = self.bodies.vertices[body][self._trunk, 1]
        hips = self.bodies.bone_heads[body, self._bone["upperleg01.L"], 1]
        return float(hips - trunk.min()), float(trunk.max() - hips)

    def skin(
        self, pose: Pose, rest_vertices: np.ndarray, rest_normals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Deform a body's skin.

        Args:
            pose: of the body, from `pose`.
            rest_vertices: (V,3) metres, in the rest pose.
            rest_normals: (V,3) unit vectors, in the rest pose.

        Returns:
            Vertices (V,3) in metres and unit normals (V,3) of the posed body, body frame.
        """
        rest = np.einsum("bij,bj->bi", pose.rotations, pose.bone_heads)
        transforms = np.concatenate([pose.rotations, (pose.positions - rest)[..., None]], axis=2)
        blended = self._weights @ transforms.reshape(-1, 12).astype(np.float32)
        blended = blended.reshape(-1, 3, 4)
        rotations = blended[..., :3]
        vertices = np.einsum("vij,vj->vi", rotations, rest_vertices) + blended[..., 3]
        normals = np.einsum("vij,vj->vi", rotations, rest_normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        return vertices, normals

    def _hierarchy(self) -> tuple[np.ndarray, np.ndarray]:
        """The index in _LEADERS that each bone (B,) rotates with, and each bone's ancestors (B,B).

        Row b of the second array is 1 for bone b and all bones between it and the root.
        """
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
            axis = np.cross(first - palm, third - second)  # fingers are slightly bent at rest
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
    """The finger bones of a hand, three per finger, and the axis (3,) that they bend about."""

    bones: np.ndarray
    axis: np.ndarray

    def bent(self, angle: float) -> np.ndarray:
        """(bones,3,3) rotations: each bone bends by `angle` radians relative to the one before."""
        bends = Rotation.from_rotvec(self.axis * angle * np.arange(1, 4)[:, None]).as_matrix()
        return np.tile(bends, (len(self.bones) // 3, 1, 1))


def swing(start: np.ndarray, end: np.ndarray, part: float = 1.0) -> np.ndarray:
    """Return the smallest rotation (3,3) from one direction to another.

    Args:
        start, end: (3,) vectors of any length but 0.
        part: fraction of the rotation's angle.
    """
    axis = _cross_matrix(start) @ end
    sine, cosine = math.sqrt(axis @ axis), float(start @ end)
    if sine < 1e-9 * math.sqrt((start @ start) * (end @ end)):
        # the directions are parallel or opposite: any perpendicular axis will do
        axis = _cross_matrix(start) @ np.eye(3)[np.abs(start).argmin()]
    angle = math.atan2(sine, cosine) * part
    cross = _cross_matrix(axis / math.sqrt(axis @ axis))
    # Rodrigues' formula
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def _cross_matrix(vector: np.ndarray) -> np.ndarray:
    """The matrix (3,3) that multiplies a vector to the cross product of `vector` (3,) and it."""
    x, y, z = vector
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


def _between(start: np.ndarray, end: np.ndarray, parts: list[float]) -> np.ndarray:
    """Rotations (len(parts),3,3) at fractions of the shortest path from start (3,3) to end."""
    path = Rotation.from_matrix(start.T @ end).as_rotvec()
    return start @ Rotation.from_rotvec(np.array(parts)[:, None] * path).as_matrix()
