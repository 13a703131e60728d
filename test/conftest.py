"""For all tests: real people on a frame of the demo clip, and its camera."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

from pinet_ros.errors import ModelError
from pinet_ros.geometry.calibration import Calibration, read_qualisys
from pinet_ros.util.plugins import plugin_names

# a robot does not have the package that these tests are about
collect_ignore = [] if plugin_names("pinet.commands") else ["training"]

# Square regions about two people in the demo clip's first frame: centre x, y and side, in pixels.
PEOPLE = ((580, 758, 870), (800, 690, 480))

torch.set_num_threads(1)  # several wait for each other, which takes long on a busy machine


def fetching() -> ModuleType:
    """What fetches files; without pinet_training the test is skipped."""
    return pytest.importorskip("pinet_training.originals.fetch")


@pytest.fixture(scope="session")
def clip() -> Path:
    """The demo's video of real people."""
    fetch = fetching()
    fetch.fetch(["demo_clip"])
    return fetch.path("demo_clip", "cam02.mp4")


@pytest.fixture(scope="session")
def calibration(clip: Path) -> Calibration:
    return read_qualisys(fetching().path("demo_clip", "Calib.qca.txt"))["cam02"]


@pytest.fixture(scope="session")
def photo(clip: Path) -> np.ndarray:
    """A frame with two people in front, (1920,1088,3) BGR."""
    _, image = cv2.VideoCapture(str(clip)).read()
    image.flags.writeable = False
    return image


@pytest.fixture(scope="session")
def mppe_networks() -> tuple[torch.nn.Module, torch.nn.Module]:
    """PoseNet and RootNet of ResNet-18 with random weights, written plainly."""
    from plain_mppe import PlainPoseNet, PlainRootNet, randomised  # torchvision takes seconds
    from torchvision.models import resnet18

    posenet = randomised(lambda: PlainPoseNet(21, resnet18), seed=1)
    return posenet, randomised(lambda: PlainRootNet(resnet18), seed=2)


@pytest.fixture(scope="session")
def mppe_snapshots(
    mppe_networks: tuple[torch.nn.Module, torch.nn.Module],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path]:
    """Their files."""
    from plain_mppe import write_snapshot

    folder = tmp_path_factory.mktemp("mppe")
    posenet, rootnet = mppe_networks
    return (
        write_snapshot(folder / "posenet.pth.tar", posenet),
        write_snapshot(folder / "rootnet.pth.tar", rootnet),
    )


@pytest.fixture(scope="session")
def fetched() -> Callable[[str], Path]:
    """Where a fetched model lies; without it the test is skipped, but not in CI."""

    def find(name: str) -> Path:
        try:
            return fetching().path(name)
        except ModelError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error))

    return find


@pytest.fixture(scope="session")
def people_crops(photo: np.ndarray) -> torch.Tensor:
    """Pictures of two people, (2,3,256,256), RGB, 0 to 1."""
    crops = []
    for x, y, side in PEOPLE:
        region = photo[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2]
        crop = cv2.resize(region, (256, 256), interpolation=cv2.INTER_AREA)
        crops.append(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB).transpose(2, 0, 1))
    return torch.from_numpy(np.stack(crops).astype(np.float32) / 255)


@pytest.hookimpl(trylast=True)  # after the markers are set
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that no worker is left with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
