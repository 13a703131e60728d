"""Clips of motion capture, from an archive or a folder."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from captured_files import CapturedMotion, assert_same
from scipy.spatial.transform import Rotation

from pinet_ros.errors import DatasetError
from pinet_training.rendering.clips import Clip
from pinet_training.rendering.motion import Motions, load_clips

# Where an archive's joints are, metres from the pelvis: x left, y up, z ahead.
STANDING = np.zeros((38, 3))
STANDING[2:6] = [(0.1, -0.1, 0), (0.1, -0.5, 0), (0.1, -0.9, 0), (0.1, -0.95, 0.15)]
STANDING[20:24] = [(0, 0.5, 0), (0.2, 0.5, 0), (0.2, 0.2, 0), (0.2, 0.2, 0.25)]
STANDING[7:13], STANDING[29:38] = (
    STANDING[part] * [-1, 1, 1] for part in (slice(1, 7), slice(20, 29))
)
NAMES = ["walking_1", "walking_new_2", "walking_3", "juggling_10", "juggling_2"]
SPLITS = ["train", "train", "test", "train", "test"]
FRAMES = [3, 1, 2, 4, 1]


def archive(**changes):
    """Fields of an archive: in frame n everybody has turned n tenths of a radian to the left."""
    count = sum(FRAMES)
    turns = Rotation.from_rotvec(np.arange(count)[:, None] * [0, 0.1, 0])
    nod = Rotation.from_euler("x", 0.2)  # of the head, down
    columns = np.stack([turns.as_matrix(), turns.as_matrix(), (turns * nod).as_matrix()], axis=1)
    joints = np.einsum("fij,nj->fni", turns.as_matrix(), STANDING)
    return {
        "joints": joints.astype(np.float16),
        "rotations": np.swapaxes(columns, -1, -2).astype(np.float16),
        "clip_start": np.cumsum([0, *FRAMES]),
        "clip_name": np.array(NAMES),
        "clip_split": np.array(SPLITS),
        **changes,
    }


@pytest.fixture
def archive_path(tmp_path):
    path = tmp_path / "motion.npz"
    np.savez(path, **archive())
    return path


def test_an_archive_in_the_body_frame(archive_path):
    clips = load_clips(archive_path)
    assert [clip.name for clip in clips] == NAMES
    assert [clip.split for clip in clips] == SPLITS
    assert [clip.activity for clip in clips] == ["walking"] * 3 + ["juggling"] * 2
    assert [len(clip) for clip in clips] == FRAMES
    for clip in clips:
        posture = clip.posture(len(clip) - 1)
        np.testing.assert_allclose(posture.pelvis, np.eye(3), atol=1e-3)
        np.testing.assert_allclose(posture.chest, np.eye(3), atol=1e-3)
        down = [0, -np.cos(0.2), -np.sin(0.2)]
        np.testing.assert_allclose(posture.head @ [0, -1, 0], down, atol=1e-3)
        for name, expected in {
            "left_clavicle": [1, 0, 0],
            "right_clavicle": [-1, 0, 0],
            "left_upper_arm": [0, 0, -1],
            "right_forearm": [0, -1, 0],
            "left_thigh": [0, 0, -1],
            "right_shin": [0, 0, -1],
            "left_foot": np.array([0, -0.15, -0.05]) / np.hypot(0.15, 0.05),
        }.items():
            np.testing.assert_allclose(posture.limb(name), expected, atol=4e-3, err_msg=name)


def test_an_archive_without_more_has_30_hertz_and_knows_no_roots_and_couples(archive_path):
    for clip in load_clips(archive_path):
        assert clip.rate == 30
        assert clip.roots is None
        assert clip.partner is None


MORE = {
    "roots": np.arange(33).reshape(11, 3),
    "clip_root": ["captured", "keyed", "height only", "captured", "captured"],
    "clip_rate": [60, 30, 60, 60, 60],
    "clip_partner": [-1, 4, -1, -1, 1],
    "clip_activity": ["walking", "marching", "walking", "juggling", "juggling"],
}


def test_what_an_archive_may_have(tmp_path):
    splits = ["train", "test", "test", "train", "test"]
    np.savez(tmp_path / "motion.npz", **archive(clip_split=splits, **MORE))
    clips = load_clips(tmp_path / "motion.npz")
    assert [clip.rate for clip in clips] == MORE["clip_rate"]
    assert [clip.activity for clip in clips] == MORE["clip_activity"]
    assert [clip.partner for clip in clips] == [None, clips[4], None, None, clips[1]]
    assert clips[2].roots is None
    # x stays left, ahead (z) becomes -y, up (y) becomes z
    np.testing.assert_array_equal(clips[0].roots, [[0, -2, 1], [3, -5, 4], [6, -8, 7]])
    np.testing.assert_array_equal(clips[4].roots, [[30, -32, 31]])


def test_rotations_of_an_archive_are_made_exact(archive_path):
    for clip in load_clips(archive_path):
        squares = clip.torso @ np.swapaxes(clip.torso, -1, -2)
        np.testing.assert_allclose(squares, np.broadcast_to(np.eye(3), squares.shape), atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(clip.limbs, axis=-1), 1)


def test_clips_by_split(archive_path):
    motions = Motions.load(archive_path)
    names = {split: [clip.name for clip in part.clips] for split, part in motions.items()}
    assert names == {"train": [NAMES[0], NAMES[1], NAMES[3]], "test": [NAMES[2], NAMES[4]]}
    with pytest.raises(DatasetError, match="expected at least one motion-capture clip, got none"):
        Motions([])


def test_a_split_without_clips_is_an_error_that_says_how_they_are_split(tmp_path):
    np.savez(tmp_path / "motion.npz", **archive(clip_split=["train"] * 5))
    with pytest.raises(
        DatasetError, match=r"none of its 5 clips is for the test split; .*clip_sp"
    ):
        Motions.load(tmp_path / "motion.npz")
    (tmp_path / "walking").mkdir()
    (tmp_path / "walking" / "01_01.bvh").write_text(CapturedMotion(frames=2).bvh())
    with pytest.raises(
        DatasetError, match=r"walking: none of its 1 clips .* more subjects .one subject in 5 "
    ):
        Motions.load(tmp_path / "walking")


def test_activities_then_clips_then_frames_are_drawn_equally_often(archive_path):
    motions = Motions.load(archive_path)["train"]
    rng = np.random.default_rng(5)
    drawn = [motions.sample(rng)[1:] for _ in range(3000)]
    counts = Counter((clip.name, frame) for clip, frame in drawn)
    expected = {("walking_1", n): 1 / 12 for n in range(3)}  # one of 2, one of 2, one of 3
    expected |= {("walking_new_2", 0): 1 / 4} | {("juggling_10", n): 1 / 8 for n in range(4)}
    assert counts.keys() == expected.keys()
    for key, part in expected.items():
        assert counts[key] / 3000 == pytest.approx(part, abs=0.03), key


def test_a_draw_is_the_posture_of_its_frame_and_repeats_with_the_seed(archive_path):
    motions = Motions.load(archive_path)["train"]
    posture, clip, frame = motions.sample(np.random.default_rng(1))
    assert_same(posture, clip.posture(frame))
    other, *same = motions.sample(np.random.default_rng(1))
    assert same == [clip, frame]
    assert_same(other, posture)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": np.zeros((11, 38, 3))}, "no limb may have length 0"),
        ({"joints": np.full((11, 38, 3), np.nan)}, "joints must be finite"),
        ({"joints": np.zeros((11, 37, 3))}, r"joints must have shape \(any,38,3\)"),
        ({"rotations": np.zeros((3, 3, 3, 3))}, r"rotations must have shape \(11,3,3,3\)"),
        ({"rotations": np.zeros((11, 3, 3, 3))}, "rotations must be rotation matrices"),
        ({"rotations": np.full((11, 3, 3, 3), -np.eye(3))}, "rotations must be .* not mirrored"),
        ({"clip_start": np.arange(5)}, r"clip_start must have shape \(6\)"),
        ({"clip_start": [0, 3, 3, 6, 10, 11]}, "clip_start must increase from 0 to .* 11"),
        ({"clip_start": [0, 3, 4, 6, 9, 10]}, "clip_start must increase from 0 to .* 11"),
        ({"clip_split": ["train"] * 4}, "clip_split must be 'train' or 'test' for each clip"),
        ({"clip_split": ["all"] * 5}, "clip_split must be 'train' or 'test' for each clip"),
        ({"roots": np.zeros((10, 3))}, r"roots must have shape \(11,3\)"),
        ({"roots": np.full((11, 3), np.nan)}, "roots must be finite"),
        ({"roots": np.zeros((11, 3)), "clip_root": ["keyed"]}, r"clip_root must have shape \(5\)"),
        ({"clip_rate": [60, 60, 0, 60, 60]}, "clip_rate must be above 0"),
        ({"clip_partner": [-1, 5, -1, -1, 1]}, "clip_partner must hold integers from -1 to 4"),
        ({"clip_partner": [-1, 4, -1, -1, -1]}, "clip_partner, row 1: partners must name each"),
        ({"clip_partner": [2, -1, 0, -1, -1]}, "clip_partner, row 0: partners .* equally many"),
        ({"clip_activity": ["walking"]}, r"clip_activity must have shape \(5,\)"),
    ],
)
def test_a_damaged_archive_is_an_error(tmp_path, changes, message):
    path = tmp_path / "motion.npz"
    np.savez(path, **archive(**changes))
    with pytest.raises(DatasetError, match=message):
        load_clips(path)


@pytest.mark.parametrize("field", ["joints", "rotations", "clip_start", "clip_name", "clip_split"])
def test_an_archive_that_lacks_a_field_is_an_error(tmp_path, field):
    fields = archive()
    del fields[field]
    np.savez(tmp_path / "motion.npz", **fields)
    with pytest.raises(DatasetError, match=f"lacks the field '{field}'"):
        load_clips(tmp_path / "motion.npz")


def write_folder(folder, motion):
    """Two subjects, one of them in both formats, in folders named by what they do."""
    (folder / "dancing").mkdir()
    (folder / "running").mkdir()
    (folder / "01.asf").write_text(motion.asf())
    (folder / "dancing" / "01_02.amc").write_text(motion.amc())
    (folder / "dancing" / "01_03.bvh").write_text(motion.bvh(frame_time=1 / 60))
    (folder / "running" / "35.asf").write_text(motion.asf())
    (folder / "running" / "35_1.AMC").write_text(motion.amc())
    (folder / "running" / "readme.txt").write_text("nothing")


def test_a_folder_of_both_formats(tmp_path):
    motion = CapturedMotion(frames=9)
    write_folder(tmp_path, motion)
    clips = {clip.name: clip for clip in load_clips(tmp_path)}
    assert {name: clip.activity for name, clip in clips.items()} == {
        "01_02": "dancing",
        "01_03": "dancing",
        "35_1": "running",
    }
    kept = {"01_02": range(0, 9, 4), "01_03": range(0, 9, 2), "35_1": range(0, 9, 4)}  # at 30 Hz
    for name, frames in kept.items():
        assert len(clips[name]) == len(frames)
        for row, frame in enumerate(frames):
            assert_same(clips[name].posture(row), motion.posture(frame))


def test_hidden_files_are_no_motion_capture(tmp_path):
    write_folder(tmp_path, CapturedMotion(frames=9))
    (tmp_path / "running" / "._36_1.bvh").write_bytes(b"of a Mac")
    (tmp_path / "37_1.bvh").mkdir()

    assert len(load_clips(tmp_path)) == 3


def test_another_frame_rate_of_amc_files(tmp_path):
    write_folder(tmp_path, CapturedMotion(frames=9))
    clips = {clip.name: clip for clip in load_clips(tmp_path, amc_frame_rate=60)}
    assert [len(clips[name]) for name in ("01_02", "01_03", "35_1")] == [5, 5, 5]


def test_a_fifth_of_the_subjects_is_for_testing_wherever_their_files_are(tmp_path):
    content = CapturedMotion(frames=1).bvh()
    for subject in range(60):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{subject:02}_{folder}.bvh").write_text(content)
    splits = {clip.name: clip.split for clip in load_clips(tmp_path)}
    assert all(splits[f"{n:02}_a"] == splits[f"{n:02}_b"] for n in range(60))
    assert 6 <= [splits[f"{n:02}_a"] for n in range(60)].count("test") <= 18
    for file in tmp_path.glob("*/[1-5]*.bvh"):
        file.unlink()
    fewer = {clip.name: clip.split for clip in load_clips(tmp_path)}
    assert len(fewer) == 20
    assert fewer.items() <= splits.items()


def test_a_missing_skeleton_folder_or_file_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"expected \.amc or \.bvh files in .* got none"):
        load_clips(tmp_path)
    with pytest.raises(DatasetError, match=r"there is no file .*elsewhere"):
        load_clips(tmp_path / "elsewhere")
    (tmp_path / "02_01.amc").write_text(CapturedMotion().amc())
    with pytest.raises(DatasetError, match=r"02_01\.amc: expected its skeleton at .*02\.asf"):
        load_clips(tmp_path)


def test_a_posture_faces_the_front_whichever_way_the_clip_goes():
    turn = Rotation.from_euler("z", 2.0).as_matrix()
    clip = Clip("a_1", "a", "train", np.array([[turn] * 3]), np.tile(turn[:, 0], (1, 12, 1)))
    np.testing.assert_allclose(clip.posture(0).pelvis, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(clip.posture(0).limb("left_shin"), [1, 0, 0], atol=1e-12)
