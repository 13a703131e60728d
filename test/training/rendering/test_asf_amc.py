"""Reading .asf and .amc files."""

from __future__ import annotations

import numpy as np
import pytest
from captured_files import CapturedMotion, assert_same

from pinet_ros.errors import DatasetError
from pinet_training.rendering.asf_amc import read_amc, read_asf
from pinet_training.rendering.bvh import read_bvh
from pinet_training.rendering.posture import Posture


def read(folder, asf, amc):
    (folder / "01.asf").write_text(asf)
    (folder / "01_02.amc").write_text(amc)
    return read_amc(folder / "01_02.amc", read_asf(folder / "01.asf"))


def posture(recording, frame):
    return Posture(*recording.torso[frame], limbs=recording.limbs[frame]).facing_front()


def test_postures_are_those_of_the_chain_of_rotations(tmp_path):
    motion = CapturedMotion(seed=4)
    recording = read(tmp_path, motion.asf(), motion.amc())
    assert recording.frame_time == 1 / 120
    assert len(recording.limbs) == motion.frames
    for frame in range(motion.frames):
        assert_same(posture(recording, frame), motion.posture(frame))


def test_the_same_motion_as_bvh_gives_the_same_postures(tmp_path):
    motion = CapturedMotion(seed=5)
    recording = read(tmp_path, motion.asf(), motion.amc())
    (tmp_path / "01_02.bvh").write_text(motion.bvh())
    other = read_bvh(tmp_path / "01_02.bvh")
    for frame in range(motion.frames):
        assert_same(posture(recording, frame), posture(other, frame))


def test_angles_in_radians(tmp_path):
    motion = CapturedMotion(seed=6)
    expected = read(tmp_path, motion.asf(), motion.amc())
    motion.axis = {bone: np.radians(angles) for bone, angles in motion.axis.items()}
    motion.angles = {bone: np.radians(angles) for bone, angles in motion.angles.items()}
    asf = motion.asf().replace("angle deg", "angle rad")
    recording = read(tmp_path, asf, motion.amc().replace(":DEGREES", ":RADIANS"))
    np.testing.assert_allclose(recording.torso, expected.torso, atol=1e-7)
    np.testing.assert_allclose(recording.limbs, expected.limbs, atol=1e-7)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":units", ":unities", r"01\.asf: expected lines in a section :units, got :version"),
        (":version 1.10", "version", r"01\.asf:2: expected a section such as :version"),
        (
            "angle deg",
            "angle grad",
            r"01\.asf:7: expected angle deg or angle rad, got 'angle grad'",
        ),
        ("angle deg", "angles", r"01\.asf:7: expected angle deg or angle rad in the section"),
        ("axis XYZ", "axis ZYX", r"01\.asf:12: expected an axis in the order XYZ"),
        ("TZ RX RY RZ", "TZ RX RY", r"01\.asf:11: expected an order with RX, RY and RZ"),
        ("orientation 0 0 0", "orientation 0", r"01\.asf:14: expected orientation and three"),
        ("  orientation 0 0 0\n", "", r"01\.asf:11: expected a root with a line orientation"),
        ("name thorax", "name chest", r"expected names of bones in :bonedata, not thorax"),
        ("  XYZ", "  YXZ", r"01\.asf:\d+: expected an axis in the order XYZ"),
        ("  end\n  begin", "  begin", r"01\.asf:\d+: expected end before the next begin"),
        (
            "dof rx ry rz",
            "dof rx ry rw",
            r"01\.asf:\d+: expected dof and distinct channels of rx ry rz",
        ),
        ("     direction 0 ", "     direction ", r"expected direction and three numbers, not all"),
        ("     name lowerback\n", "", r"01\.asf:16: expected a bone with a line name"),
        ("    thorax ", "    head ", r"01\.asf:\d+: expected a parent that an earlier line"),
        ("    root ", "    root root ", r"expected bones that have no parent yet, not root"),
        (" lclavicle rclavicle", " lclavicle", r"01\.asf:\d+: expected a parent that an earlier"),
        ("  end\n", "", r"01\.asf:\d+: expected end"),
    ],
)
def test_damage_of_a_skeleton_is_named_with_its_line(tmp_path, old, new, message):
    content = CapturedMotion().asf()
    assert old in content
    path = tmp_path / "01.asf"
    path.write_text(content.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        read_asf(path)


def test_a_skeleton_without_a_bone_of_ours_is_an_error(tmp_path):
    path = tmp_path / "01.asf"
    path.write_text(CapturedMotion().asf().replace("lfoot", "lpaw"))
    with pytest.raises(DatasetError, match="expected a bone lfoot in the hierarchy, got root"):
        read_asf(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\nthorax ", "\nchest ", r"02\.amc:\d+: expected a frame number, or a bone of the"),
        ("\nthorax ", "\nhead ", r"02\.amc:\d+: expected a frame number, or a bone of the"),
        ("\nthorax ", "\nthorax 1 ", r"02\.amc:\d+: expected thorax and 3 numbers, got 'thorax 1"),
        ("\nthorax ", "\nthorax x ", r"02\.amc:\d+: expected thorax and 3 numbers"),
        (
            "\nthorax ",
            "\n# ",
            r"02\.amc:\d+: expected thorax before the end of the frame, got '2'",
        ),
        ("\n1\n", "\n", r"02\.amc:4: expected a frame number"),
    ],
)
def test_damage_of_frames_is_named_with_its_line(tmp_path, old, new, message):
    motion = CapturedMotion()
    content = motion.amc()
    assert old in content
    with pytest.raises(DatasetError, match=message):
        read(tmp_path, motion.asf(), content.replace(old, new, 1))


def test_a_cut_off_last_frame_and_no_frame_are_errors(tmp_path):
    motion = CapturedMotion()
    lines = motion.amc().splitlines()
    with pytest.raises(DatasetError, match=r"expected rwrist before the end of the frame"):
        read(tmp_path, motion.asf(), "\n".join(lines[:-1]))
    with pytest.raises(DatasetError, match=r"02\.amc.*expected frames"):
        read(tmp_path, motion.asf(), "\n".join(lines[:3]))
