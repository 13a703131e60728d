"""What the tests of the networks share: fetched files, and pictures of people."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pinet_ros.models.catalog import ModelError
from pinet_ros.models.fetch import path

# Square regions about two people in the demo clip's first frame: centre x, y and side, in pixels.
PEOPLE = ((580, 758, 870), (800, 690, 480))


@pytest.fixture(scope="session")
def fetched() -> Callable[[str], Path]:
    """Where a fetched model lies; without it the test is skipped, but not in CI."""

    def find(name: str) -> Path:
        try:
            return path(name)
        except ModelError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error))

    return find


@pytest.fixture(scope="session")
def people(fetched: Callable[[str], Path]) -> torch.Tensor:
    """Pictures of two people, (2,3,256,256), RGB, 0 to 1."""
    read, frame = cv2.VideoCapture(str(fetched("demo_clip"))).read()
    assert read
    crops = []
    for x, y, side in PEOPLE:
        region = frame[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2]
        crop = cv2.resize(region, (256, 256), interpolation=cv2.INTER_AREA)
        crops.append(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB).transpose(2, 0, 1))
    return torch.from_numpy(np.stack(crops).astype(np.float32) / 255)
