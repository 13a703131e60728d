"""Whole files of every kind that a reader takes, small ones."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from pinet_ros.cli.predictions.predictions import Predictions, write_predictions
from pinet_ros.geometry.calibration import Calibration, write_calibration
from pinet_ros.geometry.camera import Camera
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import save_blazepose
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import build_network, save_checkpoint
from pinet_ros.refinement.formulation import Formulation
from pinet_ros.refinement.model import NetworkConfig, Unit
from pinet_ros.skeleton import BLAZEPOSE_33, MUCO_21, MUPOTS_17, JointSet
from pinet_training.datasets.annotated_image import AnnotatedImage
from pinet_training.datasets.coco import write_coco

ROOT = Path(__file__).parents[2]


def written(write: Callable[[Path], None]) -> dict[str, bytes]:
    """The files that a function writes into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _picture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8)
    return cv2.GaussianBlur(noise, (9, 9), 3)


def pictures() -> dict[str, bytes]:
    color, gray = _picture(), _picture()[..., 0]
    files = {f"a{s}": (s, color) for s in (".jpg", ".png", ".webp", ".bmp", ".tiff")}
    files |= {f"gray{s}": (s, gray) for s in (".jpg", ".png", ".bmp", ".tiff")}
    files |= {f"deep{s}": (s, color.astype(np.uint16) * 257) for s in (".png", ".tiff")}
    return {name: cv2.imencode(*each)[1].tobytes() for name, each in files.items()}


def write_videos(folder: Path) -> None:
    for name, code in (("a.avi", "MJPG"), ("b.avi", "mp4v"), ("c.mp4", "mp4v")):
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*code), 10, (64, 48))
        for seed in range(8):
            writer.write(_picture(seed))
        writer.release()


def write_calibrations(folder: Path) -> None:
    k = [50.0, 0.0, 31.5, 0.0, 50.0, 23.5, 0.0, 0.0, 1.0]
    for name, d, model in (
        ("plain.yaml", [0.1, -0.2, 0.001, 0.002, 0.0], "plumb_bob"),
        ("wide.yaml", [0.1, -0.2, 0.01, 0.02], "equidistant"),
        ("long.yaml", [0.1, -0.2, 0.001, 0.002, 0.0, 0.1, 0.1, 0.1], "rational_polynomial"),
    ):
        write_calibration(folder / name, Calibration(64, 48, k, d, model))


def _people(joint_set: JointSet, count: int, seed: int) -> People:
    rng = np.random.default_rng(seed)
    joints = rng.normal(scale=0.4, size=(count, len(joint_set), 3)) + np.array([0, 0, 4])
    return People.from_joints(
        joint_set,
        joints,
        joints_image=rng.uniform(0, 64, (count, len(joint_set), 2)),
        confidence=rng.uniform(size=(count, len(joint_set))),
        scores=rng.uniform(size=count),
        deviations=rng.uniform(size=(count, len(joint_set))),
        distance_deviations=rng.uniform(size=count),
        root_deviations=rng.uniform(size=count),
        up=np.array([0.0, -0.8, -0.6]),
        estimator="blazepose_full/4495eb0e",
    )


def predictions(suffix: str) -> dict[str, bytes]:
    def write(folder: Path) -> None:
        for joint_set in (MUPOTS_17, BLAZEPOSE_33):
            images = {f"TS1_img_{n:06}": _people(joint_set, n, n) for n in range(3)}
            path = folder / f"{joint_set.name}{suffix}"
            write_predictions(path, Predictions(None, images))

    return written(write)


def write_annotations(folder: Path) -> None:
    camera = Camera.from_field_of_view(60, 64, 48)
    for joint_set in (MUPOTS_17, MUCO_21):
        images = [
            AnnotatedImage(
                *(f"TS1_{n}", f"TS1/{n}.jpg", "TS1", 64, 48, camera),
                people=_people(joint_set, n, n),
                valid=np.ones(n, bool),
                initial=_people(MUPOTS_17, n, n + 9),
                segmentations=([[1, 2, 30, 2, 30, 40]],) * n,
            )
            for n in range(3)
        ]
        write_coco(folder / f"{joint_set.name}.json", images)


def scenes() -> bytes:
    """The first scenes of the test data."""
    whole = dict(np.load(ROOT / "test" / "data" / "test_scenes.npz"))
    kept = {"scene": 4, "person": 0, "estimate": 0}
    for kind in ("person", "estimate"):
        kept[kind] = int((whole[f"{kind}_scene"] < kept["scene"]).sum())
    return as_npz({n: a[: kept[n.partition("_")[0]]] for n, a in whole.items()})


def as_npz(arrays: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


_TINY = {
    "gru": NetworkConfig(layers=1, hidden=8),
    "sure": NetworkConfig(layers=1, hidden=8, deviations=True),
    "lstm": NetworkConfig(Unit.LSTM, layers=2, hidden=8, bidirectional=False),
    "gcn": NetworkConfig(Unit.GCN, layers=1, hidden=8, attention=False),
}


def write_weights(folder: Path) -> None:
    for name, config in _TINY.items():
        for half in (False, True):
            path = folder / f"{name}{'-half' if half else ''}.safetensors"
            network = build_network(config)
            formulation = Formulation("facing" if config.deviations else "root_centred")
            save_checkpoint(path, network, formulation, ["blazepose_full"], half=half)


def write_lifter_weights(folder: Path) -> None:
    for deviations in (False, True):
        network = BlazePoseNetwork("lite", deviations=deviations)
        path = folder / f"lite{'-deviations' if deviations else ''}.safetensors"
        save_blazepose(path, "blazepose_lite", network)


def snapshots() -> dict[str, bytes]:
    config = NetworkConfig(layers=1, bidirectional=False, attention=False)
    state = {f"module.{k}": v for k, v in build_network(config).state_dict().items()}
    return {"snapshot.pth.tar": as_snapshot({"epoch": 3, "network": state})}


def as_snapshot(content: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()
