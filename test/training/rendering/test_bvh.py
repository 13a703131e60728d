"""Reading .bvh files."""

from __future__ import annotations

import numpy as np
import pytest
from captured_files import CapturedMotion, assert_same

from pinet_ros.errors import DatasetError
from pinet_training.rendering.bvh import read_bvh
from pinet_training.rendering.posture import Posture

Z_UP = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # x ahead, y left, z up


def postures(recording):
    return [
        Posture(*torso, limbs=limbs).facing_front()
        for torso, limbs in zip(recording.torso, recording.limbs, strict=True)
    ]


@pytest.mark.parametrize("order", ["ZYX", "ZXY", "XYZ"])
def test_postures_are_those_of_the_chain_of_rotations(tmp_path, order):
    motion = CapturedMotion(seed=1)
    path = tmp_path / "01_01.bvh"
    path.write_text(motion.bvh(frame_time=1 / 120, order=order))
    recording = read_bvh(path)
    assert recording.frame_time == pytest.approx(1 / 120, abs=1e-6)
    assert len(recording.limbs) == motion.frames
    for frame, posture in enumerate(postures(recording)):
        assert_same(posture, motion.posture(frame))


def test_axes_of_the_file_are_found_from_its_rest(tmp_path):
    motion = CapturedMotion(seed=2)
    path = tmp_path / "z_up.bvh"
    path.write_text(motion.bvh(space=Z_UP))
    for frame, posture in enumerate(postures(read_bvh(path))):
        assert_same(posture, motion.posture(frame))


def test_at_rest_nothing_is_turned(tmp_path):
    motion = CapturedMotion(seed=3, frames=1)
    motion.angles = {bone: 0 * angles for bone, angles in motion.angles.items()}
    path = tmp_path / "rest.bvh"
    path.write_text(motion.bvh())
    (posture,) = postures(read_bvh(path))
    for rotation in (posture.pelvis, posture.chest, posture.head):
        np.testing.assert_allclose(rotation, np.eye(3), atol=1e-9)
    assert posture.limb("left_upper_arm") @ [1, 0, 0] > 0.99
    assert posture.limb("right_foot") @ [0, -1, 0] > 0.9
    assert posture.limb("right_shin") @ [0, 0, -1] > 0.9


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MOTION", "", r"clip\.bvh:\d+: expected a line MOTION before the end"),
        ("JOINT Spine1", "JOINT Chest", "clip.bvh: expected a joint Spine1, got Hips, LowerBack"),
        (
            "JOINT Spine1",
            "JOINT Spine",
            r"clip\.bvh:\d+: expected a joint name that is not in use yet",
        ),
        ("OFFSET 0 0 0", "OFFSET 0 zero 0", r"clip\.bvh:4: expected OFFSET and three numbers"),
        ("OFFSET 0 0 0\n", "\n", r"clip\.bvh:5: expected .*OFFSET.*got 'CHANNELS 6"),
        ("CHANNELS 6", "CHANNELS 5", r"clip\.bvh:5: expected CHANNELS, their number"),
        ("Xposition", "Wposition", r"clip\.bvh:5: expected CHANNELS"),
        ("Xrotation", "Zrotation", r"clip\.bvh:5: expected CHANNELS"),
        ("Frames: 9", "Frames: 10", r"expected 10 frames \(at least 1\), not 9"),
        ("Frame Time: 0.0083333", "Frame Time: 0", "seconds above 0, got 'Frame Time: 0'"),
        ("Frame Time:", "Time:", "expected the lines Frames: and Frame Time:"),
        ("MOTION", "}\nMOTION", r"clip\.bvh:\d+: expected ROOT, JOINT"),
        ("}\nMOTION", "MOTION", "expected } for each {, 1 missing"),
        ("HIERARCHY", "HIERARCHIE", r"clip\.bvh:1: expected ROOT"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, old, new, message):
    content = CapturedMotion().bvh()
    assert old in content
    path = tmp_path / "clip.bvh"
    path.write_text(content.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        read_bvh(path)


@pytest.mark.parametrize("last", ["1 2 3", "nan " * 77 + "0 0", "", "x"])
def test_a_frame_of_other_numbers_is_an_error(tmp_path, last):
    lines = CapturedMotion().bvh().splitlines()
    path = tmp_path / "clip.bvh"
    path.write_text("\n".join([*lines[:-1], last]))
    with pytest.raises(DatasetError, match=r"clip\.bvh:\d+: expected"):
        read_bvh(path)


def test_joints_must_be_below_those_whose_limbs_they_end(tmp_path):
    content = CapturedMotion().bvh()
    for old, new in (("LeftArm", "-"), ("LeftForeArm", "LeftArm"), ("-", "LeftForeArm")):
        content = content.replace(f"JOINT {old}\n", f"JOINT {new}\n")
    path = tmp_path / "clip.bvh"
    path.write_text(content)
    with pytest.raises(
        DatasetError, match="expected LeftShoulder as the parent of LeftArm, got LeftForeArm"
    ):
        read_bvh(path)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00"])
def test_what_is_no_text_is_an_error(tmp_path, content):
    path = tmp_path / "clip.bvh"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"clip\.bvh is (empty|not a text file)"):
        read_bvh(path)
