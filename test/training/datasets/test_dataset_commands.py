from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.cli.main import main
from pinet_ros.cli.predictions.predictions import (
    Predictions,
    read_predictions,
    write_predictions,
)
from pinet_ros.estimator import PoseEstimator
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import save_checkpoint
from pinet_ros.refinement.formulation import Distance, Formulation
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.model import PINet
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17
from pinet_ros.util.device import select_device
from pinet_training.datasets.annotations import read_annotations
from pinet_training.datasets.pairing import load_training_scenes


def run(*arguments):
    """Run `pinet` to its exit status or message."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code


@pytest.fixture
def photos(photo, calibration, made, tmp_path):
    """A .json of a photo of people and a black image, beside their pictures."""
    height, width = photo.shape[:2]
    matrix = calibration.camera(width, height).matrix
    content = made.coco({"hall/people.png": [], "hall/black.png": []})
    for image in content["images"]:
        fx, fy, cx, cy = matrix[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
        image |= {"width": width, "height": height, "intrinsic": [fx, fy, cx, cy]}
    (tmp_path / "hall").mkdir()
    cv2.imwrite(str(tmp_path / "hall" / "people.png"), photo)
    cv2.imwrite(str(tmp_path / "hall" / "black.png"), np.zeros_like(photo))
    return made.write_json(tmp_path / "photos.json", content)


def test_predict_writes_the_people_of_all_images(photos, photo, tmp_path, capsys):
    output = tmp_path / "new" / "found.npz"
    command = ["predict", photos, "--images", tmp_path, "--output", output, "--device", "cpu"]
    assert run(*command) == 0

    found = read_predictions(output)
    camera = read_annotations(photos).images[0].camera
    expected = PoseEstimator(device=select_device("cpu"))(photo, camera).people
    assert len(expected) >= 2
    for name in ("joints", "joints_image", "boxes", "scores", "confidence"):
        np.testing.assert_array_equal(
            getattr(found.images["hall_people"], name), getattr(expected, name)
        )
    assert len(found.images["hall_black"]) == 0
    assert f"wrote {len(expected)} people in 2 images to {output}" in capsys.readouterr().out


def test_predict_takes_the_pictures_of_mupots_from_its_folder(photos, photo, made, tmp_path):
    folder = tmp_path / "MuPoTS"
    made.mupots(folder / "TS4", np.stack([made.people_mm(seed) for seed in range(3)]))
    for frame in range(3):
        cv2.imwrite(str(folder / "TS4" / f"img_00000{frame}.jpg"), np.zeros_like(photo))
    cv2.imwrite(str(folder / "TS4" / "img_000001.jpg"), photo)
    output = tmp_path / "found.json"

    assert run("predict", folder, "--output", output, "--device", "cpu") == 0

    found = {key: len(people) for key, people in read_predictions(output).images.items()}
    assert found.pop("TS4_img_000001") >= 2
    assert found == {"TS4_img_000000": 0, "TS4_img_000002": 0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no picture", "people.png"),
        (cv2.imencode(".png", np.zeros((50, 40, 3), np.uint8))[1].tobytes(), "1088x1920 pixels"),
    ],
)
def test_predict_writes_the_rest_and_names_a_picture_that_is_bad(
    content, message, photos, tmp_path, capsys
):
    (tmp_path / "hall" / "people.png").write_bytes(content)
    output = tmp_path / "found.npz"

    assert run("predict", photos, "--images", tmp_path, "--output", output, "--device=cpu") == 1

    assert list(read_predictions(output).images) == ["hall_black"]
    said = capsys.readouterr()
    assert message in said.err
    assert "1 images are left out" in said.err
    assert "wrote 0 people in 1 images" in said.out


def test_predict_takes_some_sequences(photos, tmp_path):
    command = ["predict", photos, "--images", tmp_path, "--output", tmp_path / "found.npz"]

    assert "has no sequence 'yard'; there are hall" in run(*command, "--sequences", "yard")


def test_predict_says_what_is_wrong_and_writes_nothing(photos, made, tmp_path):
    output = tmp_path / "found.npz"
    command = ["predict", photos, "--output", output, "--device", "cpu"]
    message = run(*command)
    assert "does not say where its images are; give their folder with --images DIR" in message
    assert "written to a .npz or .json file" in run(
        "predict", photos, "--output", tmp_path / "a.txt"
    )
    message = run(*command, "--images", tmp_path / "hall")
    assert "hall lacks 2 of 2 pictures, such as hall/people.png; give the folder" in message
    for name in ("people.png", "black.png"):
        (tmp_path / "hall" / name).write_bytes(b"no picture")
    message = run(*command, "--images", tmp_path)
    assert "none of the 2 pictures can be used" in message
    assert "people.png" in message

    content = made.coco({"a.jpg": [], "b.jpg": []})
    del content["images"][1]["intrinsic"]
    path = made.write_json(tmp_path / "blind.json", content)
    message = run("predict", path, "--images", tmp_path, "--output", output)
    assert "blind.json: the camera of the image 'b.jpg' is not known (1 of 2" in message
    assert not output.exists()


@pytest.fixture
def crowd(excerpt, tmp_path):
    """People of some scenes, one of them with an unknown joint, in MuPoTS's joints."""
    scenes = [scene for scene in excerpt if len(scene) > 1][:5]
    rng = np.random.default_rng(0)
    images = {}
    for number, scene in enumerate(scenes):
        pixels = rng.uniform(0, 900, (len(scene), 17, 2))
        images[f"image_{number}"] = People.from_joints(
            MUPOTS_17, scene.estimates.copy(), joints_image=pixels
        )
    images["image_3"].joints[0, 4] = np.nan
    return images


def test_refine_gives_what_the_refiner_gives(crowd, tmp_path, capsys):
    images = {**crowd, "nobody": People.empty(MUPOTS_17)}
    write_predictions(tmp_path / "found.json", Predictions(None, images))
    output = tmp_path / "refined.npz"

    options = ["--output", output, "--device", "cpu", "--refine-unknown"]
    assert run("refine", tmp_path / "found.json", *options) == 0

    refined = read_predictions(output).images
    refiner = Refiner(device="cpu", config=EVERYBODY)
    changed = 0
    for key, people in images.items():
        expected = refiner(people).people
        np.testing.assert_allclose(refined[key].joints, expected.joints, atol=2e-5)
        np.testing.assert_allclose(refined[key].joints_image, people.joints_image, atol=1e-4)
        changed += np.sum(np.abs(refined[key].joints - people.joints).max(axis=(1, 2)) > 1e-3)
    total = sum(map(len, images.values()))
    assert changed == total - 1
    said = capsys.readouterr().out
    assert "passed through unrefined, for unknown joints or an implausible depth: 1 people" in said
    assert f"wrote {total} people in 6 images to {output}" in said


def test_refine_takes_millimetres_and_other_joints(crowd, tmp_path):
    people = crowd["image_0"]
    joints = np.random.default_rng(0).normal(size=(len(people), 33, 3)).astype(np.float32)
    joints[..., 2] += 4
    pixels = np.random.default_rng(1).uniform(0, 900, (len(people), 33, 2)).astype(np.float32)
    np.savez(
        tmp_path / "mm.npz",
        joints=1000 * joints,
        unit="mm",
        frame=["a"] * len(people),
        person=np.arange(len(people)) + 10,
        joints_image=pixels,
    )

    command = ["refine", tmp_path / "mm.npz", "--output", tmp_path / "refined.npz"]
    assert run(*command, "--device", "cpu") == 0

    people = People.from_joints(BLAZEPOSE_33, joints, joints_image=pixels)
    expected = Refiner(device="cpu")(people).people
    refined = read_predictions(tmp_path / "refined.npz").images["a"]
    assert refined.joint_set == MUPOTS_17
    np.testing.assert_allclose(refined.joints, expected.joints, atol=1e-4)
    np.testing.assert_allclose(refined.joints_image, expected.joints_image, atol=1e-3)
    assert refined.track_ids.tolist() == (np.arange(len(people)) + 10).tolist()


def test_refine_says_what_is_wrong_and_writes_nothing(crowd, tmp_path):
    source, output = tmp_path / "found.npz", tmp_path / "refined.npz"
    write_predictions(source, Predictions(None, crowd))

    assert "written to a .npz or .json file" in run(
        "refine", source, "--output", tmp_path / "a.mat"
    )
    assert "there is no file" in run("refine", tmp_path / "none.npz", "--output", output)
    message = run("refine", source, "--output", output, "--weights", tmp_path / "none.pth.tar")
    assert "none.pth.tar" in message
    weights = tmp_path / "boxes.safetensors"
    save_checkpoint(weights, PINet(), Formulation(distance=Distance.BOXES))
    unboxed = People.from_joints(MUPOTS_17, crowd["image_0"].joints)
    write_predictions(source, Predictions(None, {"a": unboxed}))
    message = run("refine", source, "--output", output, "--weights", weights, "--device", "cpu")
    assert "found.npz: image 'a': these weights order people by the distance of" in message
    assert not output.exists()


@pytest.fixture
def singles(made, tmp_path):
    """A .json of three people with an outline and an initial pose each, and their pictures."""
    rng = np.random.default_rng(0)
    images = {f"{n}.jpg": made.people_mm(n, count=1, x=800 * n) for n in range(3)}
    square = [[100, 100, 200, 100, 200, 200, 100, 200]]
    content = made.coco(images, segmentation=square)
    for image, annotation in zip(content["images"], content["annotations"], strict=True):
        image |= {"width": 300, "height": 240}
        annotation["keypoints_cam_posenet"] = annotation["keypoints_cam"]
        picture = rng.integers(0, 255, (240, 300, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / image["file_name"]), picture)
    return made.write_json(tmp_path / "singles.json", content)


def test_compose_writes_a_data_set_to_train_on(singles, tmp_path, capsys):
    command = ["compose", singles, "--images", tmp_path, "--count", 12, "--seed", 3]

    assert run(*command, "--output", tmp_path / "one") == 0
    assert run(*command, "--output", tmp_path / "two") == 0

    written = tmp_path / "one" / "composites.json"
    assert written.read_bytes() == (tmp_path / "two" / "composites.json").read_bytes()
    annotations = read_annotations(written)
    assert len(annotations) == 12
    for image in annotations.images:
        picture = cv2.imread(str(tmp_path / "one" / "images" / image.file_name))
        assert picture.shape == (240, 300, 3)
        assert picture.any()
    scenes = load_training_scenes(written)
    assert len(scenes) == 12
    assert max(map(len, scenes)) > 1
    people = sum(map(len, scenes))
    assert f"wrote 12 images with {people} people to {written}" in capsys.readouterr().out


def test_compose_writes_the_rest_and_names_a_picture_that_is_bad(singles, tmp_path, capsys):
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    output = tmp_path / "out"

    assert run("compose", singles, "--images", tmp_path, "--count", 12, "--output", output) == 1

    annotations = read_annotations(output / "composites.json")
    assert 0 < len(annotations) < 12
    for image in annotations.images:
        assert (output / "images" / image.file_name).is_file()
    left_out = 12 - len(annotations)
    said = capsys.readouterr().err
    assert "1.jpg cannot be read" in said
    assert f"{left_out} composites are left out" in said


def test_compose_needs_no_pictures(singles, tmp_path):
    assert run("compose", singles, "--count", 2, "--output", tmp_path / "out") == 0

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["composites.json"]


def test_compose_says_what_is_wrong_and_writes_nothing(singles, made, tmp_path, capsys):
    output = tmp_path / "out"
    command = ["compose", singles, "--count", 2, "--output", output]
    assert "pictures, such as" in run(*command, "--images", tmp_path / "nowhere")
    assert not (output / "composites.json").exists()
    assert run(*command) == 0
    assert "composites.json exists already; choose another folder" in run(*command)
    assert run("compose", singles, "--count", 0, "--output", output) == 2
    assert "must be at least 1, got 0" in capsys.readouterr().err

    content = made.coco({"0.jpg": made.people_mm(0, count=1)})
    path = made.write_json(tmp_path / "bare.json", content)
    command = ["compose", path, "--count", 2, "--output", tmp_path / "bare"]
    assert "a picture needs the person's segmentation" in run(*command, "--images", tmp_path)
    assert not (tmp_path / "bare").exists()
