from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.errors import DatasetError
from pinet_training.datasets.annotations import read_annotations
from pinet_training.datasets.compose import draw_sources, merge, paste

PELVIS = 14
SINGLES = 12


def single_poses(made, spread=2500):
    """One pose (1,17,3) in millimetres for each file name, pelvises spread over the ground."""
    rng = np.random.default_rng(3)
    images = {}
    for number in range(SINGLES):
        pose = made.people_mm(number, count=1)
        pose += [rng.uniform(-spread, spread), 0, rng.uniform(0, spread)]
        images[f"{number}.jpg"] = pose
    return images


@pytest.fixture
def singles(made, tmp_path):
    """Annotations of one person each, some by a second camera; change the content first."""

    def read(change=lambda content: None, **options):
        content = made.coco(single_poses(made, **options))
        for image in content["images"][-4:]:
            image["intrinsic"] = [1400.0, 1400.0, 1000.0, 1000.0]
        change(content)
        return read_annotations(made.write_json(tmp_path / "single.json", content))

    return read


def names(composites):
    return [[source.file_name for source in sources] for sources in composites]


def test_one_to_four_different_people_of_one_camera_stand_apart(singles):
    composites = draw_sources(singles(), 300, seed=1)

    assert len(composites) == 300
    assert {len(sources) for sources in composites} == {1, 2, 3, 4}
    for sources in composites:
        assert len({source.file_name for source in sources}) == len(sources)
        assert len({source.camera.matrix[0, 0] for source in sources}) == 1
        for row, one in enumerate(sources):
            for other in sources[:row]:
                between = one.people.joints[0, PELVIS] - other.people.joints[0, PELVIS]
                assert np.hypot(between[0], between[2]) >= 0.5


def test_people_without_room_beside_each_other_stay_alone(singles):
    composites = draw_sources(singles(spread=0), 50, seed=1)

    roots = [image.people.joints[0, PELVIS, [0, 2]] for image in singles(spread=0).images]
    apart = np.linalg.norm(np.subtract.outer(roots, roots).diagonal(axis1=1, axis2=3), axis=-1)
    near = dict(zip([f"{n}.jpg" for n in range(SINGLES)], (apart < 0.5).all(axis=1), strict=True))
    assert any(near.values())
    assert all(len(s) == 1 for s in composites if any(near[n.file_name] for n in s))


def test_the_seed_decides(singles):
    drawn = names(draw_sources(singles(), 20, seed=4))

    assert names(draw_sources(singles(), 20, seed=4)) == drawn
    assert names(draw_sources(singles(), 20, seed=5)) != drawn


def test_a_composite_has_the_annotations_of_its_people(singles, made):
    initial = made.people_mm(50, count=1)[0].tolist()

    def change(content):
        for annotation in content["annotations"]:
            annotation["keypoints_cam_posenet"] = initial

    sources = max(draw_sources(singles(change), 20, seed=0), key=len)
    image = merge(sources, "000003.jpg")

    poses = single_poses(made)
    truth = np.concatenate([poses[source.file_name] for source in sources])
    np.testing.assert_allclose(image.people.joints, truth / 1000, rtol=1e-6)
    np.testing.assert_allclose(image.people.joints_image[0], sources[0].people.joints_image[0])
    np.testing.assert_allclose(image.initial.joints, [np.array(initial) / 1000] * 4, rtol=1e-6)
    assert (image.key, image.width, image.height) == ("000003", 2048, 2040)
    assert image.valid.tolist() == [True] * 4


def test_initial_poses_are_there_when_all_have_them(singles, made):
    def change(content):
        content["annotations"][0]["keypoints_cam_posenet"] = made.people_mm(50)[0].tolist()

    drawn = draw_sources(singles(change), 100, seed=0)

    with_first = [s for s in drawn if any(source.file_name == "0.jpg" for source in s)]
    alone = [merge(s, "a.jpg").initial is not None for s in with_first if len(s) == 1]
    in_company = [merge(s, "a.jpg").initial is not None for s in with_first if len(s) > 1]
    assert alone
    assert all(alone)
    assert in_company
    assert not any(in_company)


@pytest.fixture
def outlined(singles, tmp_path):
    """Annotations whose person n fills a square about (300 + 100 n, 500), and their pictures.

    The picture of person n is n + 1 all over in blue, and in the square 200 in green as well.
    """

    def change(content):
        for n, (image, annotation) in enumerate(
            zip(content["images"], content["annotations"], strict=True)
        ):
            left, top, right, bottom = 300 + 100 * n - 90, 410, 300 + 100 * n + 90, 590
            annotation["segmentation"] = [[left, top, right, top, right, bottom, left, bottom]]
            picture = np.zeros((2040, 2048, 3), np.uint8)
            picture[..., 0] = n + 1
            picture[top : bottom + 1, left : right + 1, 1] = 200
            name = image["file_name"] = f"{n}.png"  # pixels stay as they are
            cv2.imwrite(str(tmp_path / name), picture)

    return singles(change)


def test_people_are_pasted_from_far_to_near_onto_the_first_picture(outlined, tmp_path):
    composites = draw_sources(outlined, 40, seed=2)
    sources = next(
        s
        for s in composites
        if len(s) == 4 and min(s, key=_depth) is not s[0] and max(s, key=_depth) is not s[0]
    )

    picture = paste(sources, tmp_path)

    rows, columns = np.mgrid[:2040, :2048]
    depth = np.full((2040, 2048), np.inf)
    expected = np.zeros((2040, 2048, 3), np.uint8)
    expected[..., 0] = _number(sources[0]) + 1
    for source in sources:  # the nearest of those who cover a pixel
        inside = abs(columns - 300 - 100 * _number(source)) <= 90
        inside &= (abs(rows - 500) <= 90) & (_depth(source) < depth)
        depth[inside] = _depth(source)
        expected[inside] = [_number(source) + 1, 200, 0]
    np.testing.assert_array_equal(picture, expected)


def _depth(source):
    return source.people.joints[0, PELVIS, 2]


def _number(source):
    return int(source.file_name.removesuffix(".png"))


def test_a_picture_of_another_size_is_an_error(outlined, tmp_path):
    cv2.imwrite(str(tmp_path / "5.png"), np.zeros((20, 30, 3), np.uint8))

    with pytest.raises(DatasetError, match=r"5.png must have 2048x2040 pixels .*got 30x20"):
        paste((outlined.images[5],), tmp_path)


@pytest.mark.parametrize("outline", [None, {"counts": "RLE", "size": [1, 1]}, [[1, 2, 3]]])
def test_a_person_without_polygons_is_an_error(outline, outlined, singles, tmp_path):
    def change(content):
        content["images"][0]["file_name"] = "0.png"
        content["annotations"][0]["segmentation"] = outline

    source = singles(change).images[0]

    with pytest.raises(DatasetError, match=r"image '0.png': a picture needs .*polygons"):
        paste((source,), tmp_path)


def test_people_who_are_not_valid_are_left_out(singles):
    def change(content):
        for annotation in content["annotations"][1:]:
            annotation["is_valid"] = 0

    assert names(draw_sources(singles(change), 3, seed=0)) == [["0.jpg"]] * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"].pop(2), "'2.jpg' must have one person, .* got 0 people"),
        (lambda c: c["annotations"][1].update(image_id=100), "'0.jpg' must .* got 2 people"),
        (lambda c: c["images"][3].pop("intrinsic"), "'3.jpg' must .* camera unknown"),
        (
            lambda c: c["annotations"][4]["keypoints_cam"].__setitem__(0, [None] * 3),
            "'4.jpg' has joints that are not known",
        ),
        (
            lambda c: [a.update(is_valid=0) for a in c["annotations"]],
            "single.json has no image with a valid person",
        ),
    ],
)
def test_images_that_cannot_be_composed_are_named(change, message, singles):
    with pytest.raises(DatasetError, match=message):
        draw_sources(singles(change), 1, seed=0)
