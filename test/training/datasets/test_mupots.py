from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from pinet_ros.errors import DatasetError
from pinet_training.datasets.annotations import read_annotations

FRAMES = 4


@pytest.fixture
def poses(made):
    """(frames,people,17,3) millimetres."""
    return np.stack([made.people_mm(seed) for seed in range(FRAMES)])


def test_reads_people_of_all_frames(made, poses, tmp_path):
    made.mupots(tmp_path / "TS3", poses, invalid=[(1, 0)])

    images = read_annotations(tmp_path).images

    assert [image.file_name for image in images] == [f"TS3/img_00000{n}.jpg" for n in range(4)]
    assert {image.sequence for image in images} == {"TS3"}
    for image, pose in zip(images, poses, strict=True):
        assert image.people.joint_set.name == "mupots_17"
        np.testing.assert_allclose(image.people.joints, pose / 1000, rtol=1e-6)
        np.testing.assert_allclose(image.people.joints_image, made.project(pose), rtol=1e-6)
        np.testing.assert_allclose(image.universal, 0.9 * pose / 1000, rtol=1e-6)
        pixels = made.project(pose)
        boxes = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
        np.testing.assert_allclose(image.people.boxes, boxes, rtol=1e-6)
        expected = np.where(np.arange(17) % 3 == 0, 0.0, 1.0)
        np.testing.assert_array_equal(image.people.confidence, [expected, expected])
    assert [image.valid.tolist() for image in images[:2]] == [[True, True], [False, True]]


def test_fits_the_camera_to_valid_people(made, poses, tmp_path):
    made.mupots(tmp_path / "TS1", poses)
    content = scipy.io.loadmat(tmp_path / "TS1" / "annot.mat")["annotations"]
    content[2, 1]["annot2"][0, 0] += 500  # of somebody who is not valid
    content[2, 1]["isValidFrame"][0, 0] = np.array([[0]])
    scipy.io.savemat(tmp_path / "TS1" / "annot.mat", {"annotations": content})

    camera = read_annotations(tmp_path).images[0].camera

    found = camera.matrix[[0, 1, 0, 1], [0, 1, 2, 2]]
    np.testing.assert_allclose(found, made.intrinsic, rtol=1e-6)
    assert (camera.width, camera.height) == (2040, 2060)


def test_a_camera_that_the_joints_do_not_decide_is_unknown(made, poses, tmp_path):
    made.mupots(tmp_path / "TS1", poses, invalid=list(np.ndindex(FRAMES, 2)))
    in_line = np.broadcast_to([100.0, 200.0, 3000.0], poses.shape)
    made.mupots(tmp_path / "TS2", in_line)

    assert {image.camera for image in read_annotations(tmp_path).images} == {None}


def test_sequences_come_by_number_and_need_no_occlusion(made, poses, tmp_path):
    for number in (10, 9):
        made.mupots(tmp_path / f"TS{number}", poses[:1], occlusion=False)
    (tmp_path / "TS_old").mkdir()

    annotations = read_annotations(tmp_path)

    assert annotations.sequences == ("TS9", "TS10")
    assert np.isnan(annotations.images[0].people.confidence).all()


def test_people_who_are_not_annotated_are_not_valid(made, poses, tmp_path):
    made.mupots(tmp_path / "TS1", poses)
    cells = scipy.io.loadmat(tmp_path / "TS1" / "annot.mat")["annotations"]
    cells[0, 1] = np.zeros((0, 0))  # MATLAB's []
    cells[1, 0]["annot3"][0, 0] = np.zeros((0, 0))
    cells[1, 0]["isValidFrame"][0, 0] = np.array([[0]])
    nested = np.empty((1, 1), object)
    nested[0, 0] = np.array([[1]])
    cells[2, 0]["isValidFrame"][0, 0] = nested
    scipy.io.savemat(tmp_path / "TS1" / "annot.mat", {"annotations": cells})

    images = read_annotations(tmp_path).images

    assert [image.valid.tolist() for image in images[:3]] == [
        [True, False],
        [False, True],
        [True, True],
    ]
    assert [image.people.known.tolist() for image in images[:2]] == [[True, False], [False, True]]


@pytest.mark.parametrize("field", ["annot2", "annot3", "univ_annot3", "isValidFrame"])
def test_a_missing_field_is_named(field, made, poses, tmp_path):
    made.mupots(tmp_path / "TS1", poses, dropped=field)

    message = rf"TS1/annot.mat: annotations, frame 0, person 0: lacks the field '{field}'"
    with pytest.raises(DatasetError, match=message):
        read_annotations(tmp_path)


def test_a_field_of_another_shape_is_named(made, poses, tmp_path):
    made.mupots(tmp_path / "TS1", poses[:, :, :16])

    with pytest.raises(DatasetError, match=r"person 0: annot2 must have shape \(2,17\), got"):
        read_annotations(tmp_path)


def test_missing_files_and_variables_are_named(made, poses, tmp_path):
    with pytest.raises(DatasetError, match=r"has none of the folders TS1 to TS20"):
        read_annotations(tmp_path)
    (tmp_path / "TS1").mkdir()
    with pytest.raises(DatasetError, match=r"there is no file .*annot.mat"):
        read_annotations(tmp_path)
    (tmp_path / "TS1" / "annot.mat").write_text("no matrices")
    with pytest.raises(DatasetError, match=r"annot.mat is not a MATLAB file"):
        read_annotations(tmp_path)
    scipy.io.savemat(tmp_path / "TS1" / "annot.mat", {"other": 1})
    with pytest.raises(DatasetError, match=r"annot.mat: lacks the field 'annotations'"):
        read_annotations(tmp_path)
    scipy.io.savemat(tmp_path / "TS1" / "annot.mat", {"annotations": np.zeros((3, 2))})
    with pytest.raises(DatasetError, match=r"annotations must be a cell array of frames x people"):
        read_annotations(tmp_path)


def _truncated(content):
    return content[: len(content) // 2]


def _damaged(content):
    middle = len(content) // 2
    return content[:middle] + bytes(200) + content[middle + 200 :]


def _of_another_version(content):
    return content[:124] + b"\x00\x03IM" + content[128:]


@pytest.mark.parametrize("damage", [_truncated, _damaged, _of_another_version])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_file_is_named(damage, compressed, made, poses, tmp_path):
    made.mupots(tmp_path / "TS1", poses)
    path = tmp_path / "TS1" / "annot.mat"
    cells = scipy.io.loadmat(path)["annotations"]
    scipy.io.savemat(path, {"annotations": cells}, do_compression=compressed)
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DatasetError, match=r"TS1/annot.mat"):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    ("shape", "flags", "message"),
    [
        ((FRAMES, 3), 17, r"must have the frames x people \(4, 2\) of annot.mat, got \(4, 3\)"),
        ((FRAMES, 2), 14, r"frame 0, person 0: must have 17 flags, got 14"),
    ],
)
def test_occlusions_of_other_people_or_joints_are_refused(
    shape, flags, message, made, poses, tmp_path
):
    made.mupots(tmp_path / "TS1", poses)
    cells = np.empty(shape, object)
    for place in np.ndindex(shape):
        cells[place] = np.zeros((1, flags))
    scipy.io.savemat(tmp_path / "TS1" / "occlusion.mat", {"occlusion_labels": cells})

    with pytest.raises(DatasetError, match=rf"occlusion.mat: occlusion_labels.* {message}"):
        read_annotations(tmp_path)
