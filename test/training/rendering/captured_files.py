"""One captured motion as .bvh and as .asf with .amc, and its true pose by a chain of rotations."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_training.rendering.posture import Posture

# Bone of .asf, joint of .bvh, parent, where the bone goes (x left, y up, z ahead), what it turns
# about; "*" and "@" stand for the sides.
_MIDDLE = [
    ("root", "Hips", None, (0, 0, 0), "rx ry rz"),
    ("lowerback", "LowerBack", "root", (0, 2, -0.1), "rx ry rz"),
    ("upperback", "Spine", "lowerback", (0, 2.1, 0), "rx ry rz"),
    ("thorax", "Spine1", "upperback", (0.05, 2, 0.1), "rx ry rz"),
    ("lowerneck", "Neck", "thorax", (0, 1.6, 0.2), "rx ry rz"),
    ("upperneck", "Neck1", "lowerneck", (0, 1.5, -0.3), "rx ry rz"),
    ("head", "Head", "upperneck", (0, 1.6, 0), "rx ry rz"),
]
_SIDE = [
    ("*hipjoint", "*HipJoint", "root", (2.4, -2, 0.8), ""),
    ("*femur", "@UpLeg", "*hipjoint", (2.6, -7, 0), "rx ry rz"),
    ("*tibia", "@Leg", "*femur", (2.5, -7.1, 0), "rx"),
    ("*foot", "@Foot", "*tibia", (0.3, -0.6, 2.2), "rx rz"),
    ("*toes", "@ToeBase", "*foot", (0, -0.1, 1.1), "rx"),
    ("*clavicle", "@Shoulder", "thorax", (3.6, 0.4, -0.2), "ry rz"),
    ("*humerus", "@Arm", "*clavicle", (5, 0, 0), "rx ry rz"),
    ("*radius", "@ForeArm", "*humerus", (3.3, 0, 0), "rx"),
    ("*wrist", "@Hand", "*radius", (1.7, 0, 0), "ry"),
]


def _of_side(side, row):
    bone, joint, parent, (x, *rest), turns = row
    letter, sign = side[0].lower(), 1 if side == "Left" else -1
    joint = joint.replace("*", side[0]).replace("@", side)
    return bone.replace("*", letter), joint, parent.replace("*", letter), (sign * x, *rest), turns


BONES = [*_MIDDLE, *(_of_side(side, row) for side in ("Left", "Right") for row in _SIDE)]
_CHILDREN = {row[0]: [each for each in BONES if each[2] == row[0]] for row in BONES}
_LIMBS = [
    f"{side}{bone}"
    for side in "lr"
    for bone in ("clavicle", "humerus", "radius", "femur", "tibia", "foot")
]
_TO_BODY = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # body frame: x left, y back, z up


class CapturedMotion:
    """Random rotations of all bones, about axes that are random too."""

    def __init__(self, seed=0, frames=9):
        rng = np.random.default_rng(seed)
        self.frames = frames
        self.axis = {row[0]: rng.uniform(-60, 60, 3).round(4) for row in BONES}
        self.axis["root"] = np.zeros(3)
        self.angles = {}  # about x, y and z of those axes, degrees
        for bone, *_, turns in BONES:
            angles = rng.uniform(-70, 70, (frames, 3)).round(4)
            self.angles[bone] = angles * [axis in turns.split() for axis in ("rx", "ry", "rz")]

    def local(self, bone, frame):
        """A bone's rotation from its parent's."""
        x, y, z = (
            Rotation.from_rotvec(r) for r in np.radians(self._about(self.angles[bone][frame]))
        )
        a, b, c = (Rotation.from_rotvec(r) for r in np.radians(self._about(self.axis[bone])))
        axes = c * b * a
        return axes * (z * y * x) * axes.inv()

    @staticmethod
    def _about(angles):
        return np.diag(angles)

    def posture(self, frame):
        """The truth, by placing every bone of the chain."""
        turned = {None: Rotation.identity()}
        starts, ends = {}, {None: np.zeros(3)}
        for bone, _, parent, direction, _ in BONES:
            turned[bone] = turned[parent] * self.local(bone, frame)
            starts[bone] = ends[parent]
            ends[bone] = starts[bone] + turned[bone].apply(direction)
        limbs = np.array([ends[bone] - starts[bone] for bone in _LIMBS]) @ _TO_BODY.T
        torso = (
            _TO_BODY @ turned[bone].as_matrix() @ _TO_BODY.T for bone in ("root", "thorax", "head")
        )
        limbs /= np.linalg.norm(limbs, axis=1, keepdims=True)
        return Posture(*torso, limbs=limbs).facing_front()

    def bvh(self, frame_time=1 / 120, space=None, order="ZYX"):
        """Content of a .bvh file, its axes turned by a (3,3) into another space."""
        space = np.eye(3) if space is None else space
        joints, channels = [], []

        def write(row, offset, indent):
            bone, joint, parent, direction, _ = row
            pad = "  " * indent
            place = () if parent else ("Xposition", "Yposition", "Zposition")
            names = [*place, *(f"{axis}rotation" for axis in order)]
            joints.append(f"{pad}{'JOINT' if parent else 'ROOT'} {joint}")
            joints.append(f"{pad}{{")
            joints.append(f"{pad}  OFFSET {_text(space @ offset)}")
            joints.append(f"{pad}  CHANNELS {len(names)} {' '.join(names)}")
            channels.append((bone, len(place)))
            for child in _CHILDREN[bone]:
                write(child, np.array(direction), indent + 1)
            if not _CHILDREN[bone]:
                end = [f"{pad}  End Site", f"{pad}  {{", f"{pad}  }}"]
                joints.extend([*end[:2], f"{pad}    OFFSET {_text(space @ direction)}", end[2]])
            joints.append(f"{pad}}}")

        write(BONES[0], np.zeros(3), 0)
        rows = []
        for frame in range(self.frames):
            row = []
            for bone, places in channels:
                turn = space @ self.local(bone, frame).as_matrix() @ space.T
                angles = Rotation.from_matrix(turn).as_euler(order, degrees=True)
                row.extend([*np.arange(places), *angles])
            rows.append(_text(row))
        head = ["MOTION", f"Frames: {self.frames}", f"Frame Time: {frame_time:.7f}"]
        return "\n".join(["HIERARCHY", *joints, *head, *rows]) + "\n"

    def asf(self):
        """Content of an .asf file."""
        lines = ["# a skeleton", ":version 1.10", ":name test", ":units"]
        lines += ["  mass 1.0", "  length 0.45", "  angle deg", ":documentation", "  made here"]
        lines += [":root", "  order TX TY TZ RX RY RZ", "  axis XYZ", "  position 0 0 0"]
        lines += ["  orientation 0 0 0", ":bonedata"]
        for number, (bone, _, _, direction, turns) in enumerate(BONES[1:], 1):
            length = np.linalg.norm(direction)
            lines += ["  begin", f"     id {number}", f"     name {bone}"]
            lines += [f"     direction {_text(np.array(direction) / length)}"]
            lines += [f"     length {length:.6f}", f"     axis {_text(self.axis[bone])}  XYZ"]
            if turns:
                lines += [f"    dof {turns}", "    limits (-160.0 20.0)"]
                lines += ["           (-70.0 70.0)"] * (len(turns.split()) - 1)
            lines += ["  end"]
        lines += [":hierarchy", "  begin"]
        for bone, children in _CHILDREN.items():
            if children:
                lines.append(f"    {bone} {' '.join(child[0] for child in children)}")
        return "\n".join([*lines, "  end"]) + "\n"

    def amc(self):
        """Content of an .amc file."""
        lines = ["#!OML:ASF somewhere", ":FULLY-SPECIFIED", ":DEGREES"]
        for frame in range(self.frames):
            lines.append(str(frame + 1))
            for bone, *_, turns in BONES:
                used = [axis in turns.split() for axis in ("rx", "ry", "rz")]
                place = [1.5, 17.0, -3.0] if bone == "root" else []
                if turns:
                    lines.append(f"{bone} {_text([*place, *self.angles[bone][frame][used]])}")
        return "\n".join(lines) + "\n"


def _text(numbers):
    return " ".join(f"{number:.9g}" for number in numbers)


def assert_same(posture, expected, tolerance=1e-6):
    """Both are of the same rotations and directions."""
    for name in ("pelvis", "chest", "head", "limbs"):
        np.testing.assert_allclose(
            getattr(posture, name), getattr(expected, name), atol=tolerance, err_msg=name
        )
