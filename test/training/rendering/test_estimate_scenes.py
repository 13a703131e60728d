from __future__ import annotations

import hashlib
import json
import multiprocessing
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from pinet_ros.cli.main import main
from pinet_ros.detection.nanodet_weights import nanodet_file
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.lifting.blazepose_weights import weights_file
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.cli import scenes_command as commands
from pinet_training.datasets.scene_fields import read_scene_fields
from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.rendering.gathering import write_estimates
from pinet_training.rendering.scene_estimates import Estimation, estimate, folder_name
from pinet_training.rendering.shards import RenderedScenes
from pinet_training.runs import processes

pytestmark = pytest.mark.slow

TOPS = (0, 500, 300, 700)  # of the photo's parts
EMPTY = 2  # number of the part that is painted over, so that nobody is found

DONE = Estimation(scenes=4, people=6, found=5, duplicates=1, wrong=0)
ARRAYS = {
    "estimate_initial_joints": "joints",
    "estimate_joints_image": "joints_image",
    "estimate_confidence": "confidence",
    "estimate_box": "boxes",
    "estimate_score": "scores",
}
DEVIATIONS = {
    "estimate_deviation": "deviations",
    "estimate_distance_deviation": "distance_deviations",
    "estimate_root_deviation": "root_deviations",
}


@pytest.fixture(scope="module")
def pictures(photo, made_up):
    """Parts of the photo of real people, (480,640,3)."""
    parts = [photo[top : top + 816].copy() for top in TOPS]
    parts[EMPTY][:] = 128
    return [cv2.resize(part, made_up.size, interpolation=cv2.INTER_AREA) for part in parts]


@pytest.fixture(scope="module")
def rendered(pictures, made_up, tmp_path_factory):
    """Two shards of two pictures each, with nobody of whom the truth would be right."""
    scenes = RenderedScenes.begin(tmp_path_factory.mktemp("rendered"), made_up.settings)
    for number in range(2):
        images = [(picture, 95) for picture in pictures[2 * number :][:2]]
        scenes.write(number, images, made_up.truth([1, 2], seed=number))
    return scenes


@pytest.fixture
def unestimated(rendered, tmp_path):
    """A data set with the shards of `rendered` and no estimates yet."""
    (tmp_path / "data").mkdir()
    for name in ("dataset.json", "shards"):
        (tmp_path / "data" / name).symlink_to(rendered.folder / name)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def found(rendered):
    """Whom the estimator finds in each picture when it is called by itself."""
    estimator = PoseEstimator(device="cpu")
    shards = [rendered.read(number) for number in range(2)]
    return [estimator(s.image(n), s.camera(n)).people for s in shards for n in range(2)]


def _kept(folder):
    return folder / "estimates" / "nanodet_0.5+blazepose_full"


def _require_equal(path, found, people_of_scenes):
    with np.load(path) as fields:
        sizes = [len(people) for people in found]
        assert fields["estimate_scene"].tolist() == np.repeat(range(len(found)), sizes).tolist()
        for name, array in ARRAYS.items():
            expected = np.concatenate([getattr(people, array) for people in found])
            np.testing.assert_allclose(fields[name], expected, rtol=1e-3, atol=1e-3)
        assert np.bincount(fields["person_scene"]).tolist() == people_of_scenes


def test_estimates_are_those_of_the_estimator_with_each_scenes_camera(
    unestimated, found, tmp_path
):
    summary = estimate(unestimated, tmp_path / "scenes.npz", device="cpu", workers=2)

    counts = [len(people) for people in found]
    assert counts[EMPTY] == 0
    assert max(counts) > 1
    _require_equal(tmp_path / "scenes.npz", found, [1, 2, 1, 2])
    assert (summary.scenes, summary.people) == (4, 6)
    assert summary.found + summary.duplicates + summary.wrong == sum(counts)
    kept = sorted(path.name for path in _kept(unestimated).iterdir())
    assert kept == ["00000.npz", "00001.npz", "settings.json"]


def _until_first(finished):
    """Ctrl-C when the first shard is finished."""
    yield next(finished)
    raise KeyboardInterrupt


def test_a_run_that_was_stopped_is_gone_on_with(unestimated, found, tmp_path, monkeypatch):
    output = tmp_path / "scenes.npz"
    with monkeypatch.context() as patch:
        patch.setattr(processes, "tqdm", lambda finished, **_: _until_first(finished))
        with pytest.raises(KeyboardInterrupt):
            estimate(unestimated, output, device="cpu", workers=1)

    assert not output.exists()
    assert multiprocessing.active_children() == []
    first = _kept(unestimated) / "00000.npz"
    finished = first.stat().st_mtime_ns
    estimate(unestimated, output, device="cpu", workers=1)

    assert first.stat().st_mtime_ns == finished
    _require_equal(output, found, [1, 2, 1, 2])


def test_a_damaged_picture_is_named_and_what_is_finished_is_kept(pictures, made_up, tmp_path):
    scenes = RenderedScenes.begin(tmp_path / "data", made_up.settings)
    for number in range(4):
        scenes.write(number, [(pictures[2], 95)], made_up.truth([1]))
    damaged = scenes.read(0).folder / "000.jpg"
    damaged.write_bytes(damaged.read_bytes()[:200])
    (scenes.read(2).folder / "000.jpg").unlink()

    with pytest.raises(DatasetError, match=r"2 images are .*00000/000.jpg; remove .*/00002 to"):
        estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu", workers=1)

    kept = sorted(path.name for path in _kept(scenes.folder).iterdir())
    assert kept == ["00001.npz", "00003.npz", "settings.json"]
    assert not (tmp_path / "scenes.npz").exists()


def _people(joints_image, x):
    """People at some pixels (N,17,2), standing 3 m away at x metres (N,)."""
    count = len(joints_image)
    joints = np.random.default_rng(0).normal(0, 0.3, (count, 17, 3))
    joints += np.stack([x, np.zeros(count), np.full(count, 3.0)], axis=1)[:, None]
    return People(
        MUPOTS_17,
        joints=joints,
        joints_image=joints_image,
        confidence=np.full((count, 17), 0.8),
        boxes=np.tile(np.float32([1, 2, 3, 4]), (count, 1)),
        scores=np.linspace(0.9, 0.5, count),
    )


@pytest.fixture
def told(made_up, tmp_path):
    """A data set whose estimates are kept already, with the true people (3,) of each scene.

    In its second shard the first person is found twice, the last one too, and once nobody is.
    """
    scenes = RenderedScenes.begin(tmp_path / "data", made_up.settings)
    truth = made_up.truth([2, 1])
    for number in range(2):
        scenes.write(number, made_up.pictures(2), truth)
    pixels = truth["person_joints_image"]
    duplicated = np.stack([pixels[0] + 30, pixels[1] + 1, pixels[0] + 2, pixels[1] + 900])
    kept = _kept(scenes.folder)
    exact = [_people(pixels[:2], np.arange(2)), _people(pixels[2:], np.zeros(1))]
    write_estimates(kept / "00000.npz", exact)
    twice = _people(np.stack([pixels[2] - 3, pixels[2] + 20]), np.arange(2))
    write_estimates(kept / "00001.npz", [_people(duplicated, np.arange(4)), twice])
    return scenes, truth


def test_duplicates_and_wrong_detections_are_kept_and_loaded(told, tmp_path):
    scenes, truth = told

    summary = estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu")

    assert (summary.found, summary.duplicates, summary.wrong) == (6, 2, 1)
    with np.load(tmp_path / "scenes.npz") as fields:
        assert fields["estimate_scene"].tolist() == [0, 0, 1, 2, 2, 2, 2, 3, 3]
        assert fields["estimate_person"].tolist() == [0, 1, 2, 3, 4, 3, -1, 5, 5]
        assert np.flatnonzero(fields["estimate_duplicate"]).tolist() == [3, 8]
        assert fields["scene_image"].tolist() == [
            f"0000{shard}/00{scene}.jpg" for shard in range(2) for scene in range(2)
        ]
    loaded = load_scenes(tmp_path / "scenes.npz").scenes
    digest = hashlib.sha256(weights_file("blazepose_full").read_bytes()).hexdigest()
    assert {scene.estimator for scene in loaded} == {f"blazepose_full/{digest[:8]}"}
    assert [len(scene) for scene in loaded] == [2, 1, 2, 1]
    assert [len(scene.extra) for scene in loaded] == [0, 0, 2, 1]
    assert loaded[2].extra_persons.tolist() == [1, -1]
    assert loaded[3].extra_persons.tolist() == [0]
    np.testing.assert_allclose(loaded[2].truth, truth["person_joints"][[1, 0]], rtol=1e-6)
    np.testing.assert_allclose(
        loaded[2].visible, truth["person_visible"][[1, 0]].mean(axis=1), rtol=1e-6
    )
    assert loaded[3].camera_pitch == pytest.approx(truth["scene_camera_pitch"][1])
    assert loaded[3].image == "00001/001.jpg"


def test_deviations_are_written_where_they_are_known(told, tmp_path):
    scenes, truth = told
    output = tmp_path / "scenes.npz"
    estimate(scenes.folder, output, device="cpu")
    with np.load(output) as fields:
        assert not [name for name in fields if name in DEVIATIONS]
    first, second = (_kept(scenes.folder) / f"0000{number}.npz" for number in range(2))
    with np.load(first) as fields:  # as an earlier version wrote it
        np.savez(first, **{name: fields[name] for name in fields if name not in DEVIATIONS})
    people = _people(truth["person_joints_image"][:2], np.arange(2))
    known = {
        "deviations": np.linspace(0, 0.2, 34, dtype=np.float32).reshape(2, 17),
        "distance_deviations": np.float32([0.1, 0.2]),
        "root_deviations": np.float32([0.01, np.nan]),
    }
    write_estimates(second, [replace(people, **known), People.empty(MUPOTS_17)])

    estimate(scenes.folder, output, device="cpu")

    fields = read_scene_fields(output)
    for name, array in DEVIATIONS.items():
        assert np.isnan(fields[name][:3]).all()
        np.testing.assert_array_equal(fields[name][3:], known[array])


def test_all_truth_goes_along(told, tmp_path):
    scenes, truth = told

    estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu")

    with np.load(tmp_path / "scenes.npz") as fields:
        assert fields["person_scene"].tolist() == [0, 0, 1, 2, 2, 3]
        for name in truth.keys() - {"person_scene"}:
            read, twice = fields[name], np.concatenate([truth[name]] * 2)
            if read.dtype.kind == "f":
                np.testing.assert_allclose(read, twice, rtol=1e-6)
            else:
                np.testing.assert_array_equal(read, twice)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (EstimatorConfig(score_threshold=0.3), "nanodet_0.3+blazepose_full"),
        (EstimatorConfig(mirror=True), "nanodet_0.5+blazepose_full_mirror"),
        (EstimatorConfig(lifter="blazepose_lite"), "nanodet_0.5+blazepose_lite"),
    ],
)
def test_estimates_of_other_settings_are_kept_apart(settings, name, told, tmp_path):
    scenes, _ = told
    estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu")
    other = scenes.folder / "estimates" / name
    for number in range(2):
        write_estimates(other / f"{number:05d}.npz", [People.empty(MUPOTS_17)] * 2)

    assert estimate(scenes.folder, tmp_path / "other.npz", settings, device="cpu").found == 0
    assert estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu").found == 6


def _mppe(folder, posenet, rootnet):
    """Settings with files of given contents."""
    folder.mkdir()
    files = {"posenet": folder / "posenet.pth.tar", "rootnet": folder / "rootnet.pth.tar"}
    files["posenet"].write_bytes(posenet)
    files["rootnet"].write_bytes(rootnet)
    return EstimatorConfig(lifter="mppe", **{name: str(path) for name, path in files.items()})


def test_settings_are_named_by_what_is_in_their_files(tmp_path):
    name = folder_name(_mppe(tmp_path / "1", b"a", b"b"))
    hashes = [hashlib.sha256(content).hexdigest()[:8] for content in (b"a", b"b")]
    assert name == "nanodet_0.5+mppe_{}_{}".format(*hashes)
    assert folder_name(_mppe(tmp_path / "moved", b"a", b"b")) == name
    others = [_mppe(tmp_path / f"{a}{b}", a, b) for a, b in ((b"c", b"b"), (b"a", b"c"))]
    assert len({name, *map(folder_name, others)}) == 3


def test_files_are_kept_in_the_settings_by_what_is_in_them(told, tmp_path):
    scenes, _ = told
    settings = _mppe(tmp_path / "files", b"a", b"b")
    kept = scenes.folder / "estimates" / folder_name(settings)
    for number in range(2):
        write_estimates(kept / f"{number:05d}.npz", [People.empty(MUPOTS_17)] * 2)

    estimate(scenes.folder, tmp_path / "scenes.npz", settings, device="cpu")

    held = json.loads((kept / "settings.json").read_text())
    assert held["networks"].keys() == {"nanodet", "posenet", "rootnet"}
    for name, content in (("posenet", b"a"), ("rootnet", b"b")):
        assert held["networks"][name] == hashlib.sha256(content).hexdigest()
        assert name not in held
    moved = _mppe(tmp_path / "moved", b"a", b"b")
    estimate(scenes.folder, tmp_path / "scenes.npz", moved, device="cpu")  # they still hold


def test_own_weights_of_blazepose_name_the_folder_and_the_estimator(told, tmp_path):
    scenes, _ = told
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    settings = EstimatorConfig(lifter="blazepose_lite", lifter_weights=str(file))
    assert folder_name(settings) == f"nanodet_0.5+blazepose_lite_{digest[:8]}"
    kept = scenes.folder / "estimates" / folder_name(settings)
    for number in range(2):
        write_estimates(kept / f"{number:05d}.npz", [People.empty(MUPOTS_17)] * 2)

    estimate(scenes.folder, tmp_path / "scenes.npz", settings, device="cpu")

    held = json.loads((kept / "settings.json").read_text())
    assert held["networks"].keys() == {"nanodet", "lifter_weights"}
    assert held["networks"]["lifter_weights"] == digest
    assert "lifter_weights" not in held
    names = {scene.estimator for scene in load_scenes(tmp_path / "scenes.npz").scenes}
    assert names <= {f"blazepose_lite/{digest[:8]}"}
    missing = EstimatorConfig(lifter_weights="nowhere.safetensors")
    with pytest.raises(PinetError, match=r"the weights nowhere.safetensors cannot be read"):
        _ = folder_name(missing)


def test_torchvision_s_own_weights_are_kept_by_their_name(told, tmp_path):
    scenes, _ = told
    settings = EstimatorConfig(detector="ssdlite320_mobilenet_v3_large")
    kept = scenes.folder / "estimates" / folder_name(settings)
    for number in range(2):
        write_estimates(kept / f"{number:05d}.npz", [People.empty(MUPOTS_17)] * 2)

    estimate(scenes.folder, tmp_path / "scenes.npz", settings, device="cpu")

    networks = json.loads((kept / "settings.json").read_text())["networks"]
    assert networks.keys() == {"detector_weights", "blazepose_full"}
    assert networks["detector_weights"] == "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"


def test_files_that_lack_or_are_missing_are_refused():
    missing = EstimatorConfig(lifter="mppe", posenet="nowhere.pth.tar", rootnet="root.pth.tar")
    with pytest.raises(PinetError, match=r"the weights nowhere.pth.tar cannot be read: .*No such"):
        _ = folder_name(missing)
    with pytest.raises(PinetError, match="set posenet and rootnet"):
        EstimatorConfig(lifter="mppe")


def test_what_decides_the_estimates_is_kept_with_them(told, tmp_path):
    scenes, _ = told
    estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu")

    held = json.loads((_kept(scenes.folder) / "settings.json").read_text())
    networks = held.pop("networks")
    assert held == {
        "detector": "nanodet",
        "lifter": "blazepose_full",
        "score_threshold": 0.5,
        "mirror": False,
        "data_set": json.loads((scenes.folder / "dataset.json").read_text()),
    }
    for name, files in networks.items():
        for file, sha256 in files.items():
            path = weights_file(name) if name == "blazepose_full" else nanodet_file()
            assert file == path.name
            content = path.read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256
    assert {name: len(files) for name, files in networks.items()} == {
        "nanodet": 1,
        "blazepose_full": 1,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["data_set"].update(seed=4), "data_set.seed is 4, expected 5; .*remove"),
        (
            lambda s: s["networks"]["nanodet"].update({"nanodet.safetensors": "00"}),
            r"networks.nanodet.nanodet.safetensors is '00', expected '",
        ),
        (lambda s: s.pop("data_set"), r"data_set is None, expected \{'format'"),
    ],
)
def test_estimates_of_other_networks_or_pictures_are_refused(change, message, told, tmp_path):
    scenes, _ = told
    estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu")
    path = _kept(scenes.folder) / "settings.json"
    settings = json.loads(path.read_text())
    change(settings)
    path.write_text(json.dumps(settings))

    with pytest.raises(DatasetError, match=rf"settings.json: {message}"):
        estimate(scenes.folder, tmp_path / "other.npz", device="cpu")
    assert json.loads(path.read_text()) == settings


def test_settings_of_a_run_that_estimated_nothing_are_replaced(unestimated, tmp_path):
    path = _kept(unestimated) / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"detector": "another"}))
    estimate(unestimated, tmp_path / "scenes.npz", device="cpu", workers=1)
    assert json.loads(path.read_text())["detector"] == "nanodet"


def test_the_estimator_is_by_default_as_of_a_camera(monkeypatch):
    parameters = Path(__file__).parents[3] / "config" / "pinet.yaml"
    live = yaml.safe_load(parameters.read_text())["/**/pose_estimator"]["ros__parameters"]
    given = []
    monkeypatch.setattr(commands, "estimate", lambda *a, **_: given.append(a) or DONE)

    with pytest.raises(SystemExit):
        main(["scenes", "estimate", "rendered", "--output", "scenes.npz"])

    ((_, _, settings),) = given
    assert settings == EstimatorConfig()
    assert asdict(settings).items() <= live.items()


def test_damaged_estimates_are_named(told, tmp_path):
    scenes, _ = told
    path = _kept(scenes.folder) / "00001.npz"
    path.write_bytes(b"no arrays")
    with pytest.raises(DatasetError, match=r"00001.npz is not an .npz .*; remove .*00001.npz to"):
        estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu")

    write_estimates(path, [People.empty(MUPOTS_17)] * 2 + [_people(np.ones((1, 17, 2)), [0.0])])
    with pytest.raises(DatasetError, match="estimate_scene must hold integers from 0 to 1, got 2"):
        estimate(scenes.folder, tmp_path / "scenes.npz", device="cpu")


def test_scenes_are_written_to_npz_files(told, tmp_path):
    with pytest.raises(DatasetError, match=r"to an .npz file, got .*scenes.json"):
        estimate(told[0].folder, tmp_path / "scenes.json")


def test_a_data_set_without_shards_is_named(made_up, tmp_path):
    scenes = RenderedScenes.begin(tmp_path, made_up.settings)

    with pytest.raises(DatasetError, match="has no shards; run 'pinet scenes render' first"):
        estimate(scenes.folder, tmp_path / "scenes.npz")
