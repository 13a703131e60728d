"""A plain reference implementation of 3DMPPE, one person at a time.

The results and the speed of the lifter are compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms import Compose, Normalize, ToTensor

from pinet_ros.geometry.camera import Camera
from pinet_ros.lifting.mppe.mppe_lifter import MEAN, STD
from pinet_ros.lifting.mppe.posenet import PoseNet
from pinet_ros.lifting.mppe.soft_argmax import soft_argmax_plain

PlainNetwork = Callable[[Tensor], Tensor]  # crops (1,3,256,256) to (1,...)

_SIZE = 256
_CELLS = 64
_TO_TENSOR = Compose([ToTensor(), Normalize(MEAN, STD)])


def warp_square(image: np.ndarray, middle: np.ndarray, side: float) -> np.ndarray:
    """Sample a square (256,256,3) of an image with OpenCV, in the type of the image.

    Args:
        image: (H,W,3).
        middle: (2,) centre of the square, pixels.
        side: side of the square, pixels.
    """
    scale = side / _SIZE
    back = np.array([[scale, 0, middle[0] - side / 2], [0, scale, middle[1] - side / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, back, (_SIZE, _SIZE), flags=flags)


def plain_crop(image: np.ndarray, middle: np.ndarray, side: float) -> Tensor:
    """One person's crop (1,3,256,256) of an RGB image, as input of the networks."""
    return _TO_TENSOR(warp_square(image, middle, side))[None]


def plain_head(features: Tensor, network: PoseNet) -> Tensor:
    """PoseNet's last layer and soft-argmax on the whole volume: (N,J,3) in cells."""
    last = network.head.final_layer
    volumes = F.conv2d(features, last.weight, last.bias)
    return soft_argmax_plain(volumes.unflatten(1, (network.joint_count, _CELLS)))


def plain_posenet(network: PoseNet) -> PlainNetwork:
    """PoseNet with the plain head."""
    return lambda crop: plain_head(network.head.deconv_layers(network.backbone(crop)), network)


@torch.inference_mode()
def plain_lift(
    image: np.ndarray,
    squares: np.ndarray,
    camera: Camera,
    posenet: PlainNetwork,
    rootnet: PlainNetwork,
    device: torch.device | str = "cpu",
    mirror: Sequence[int] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Lift people one after the other.

    Args:
        image: (H,W,3) RGB, uint8 or float32 from 0 to 1.
        squares: (N,3) centre x, centre y and side, pixels.
        camera: camera of the image.
        posenet, rootnet: crops (1,3,256,256) to (1,J,3) and to (1,3), as PoseNet and RootNet.
        device: device of the networks.
        mirror: (J,) permutation that swaps left and right joints, to average with the mirrored
            crop; empty for no average.

    Returns:
        Joints (N,J,3), metres, camera optical frame, and 2D joints (N,J,2), pixels.
    """
    joints, joints_image = [], []
    fx, fy = camera.matrix[[0, 1], [0, 1]]
    for x, y, side in squares:
        crop = plain_crop(image, np.array([x, y]), side).to(device)
        cells, root = _run(posenet, crop), _run(rootnet, crop)
        if len(mirror):
            swapped = _run(posenet, crop.flip(-1))[list(mirror)]
            swapped[:, 0] = (_SIZE - 1 - swapped[:, 0] * 4) / 4  # in pixels of the crop: 255 - x
            cells = (cells + swapped) / 2
            root = (root + _run(rootnet, crop.flip(-1))) / 2
        pixels = np.array([x, y]) + (cells[:, :2] / _CELLS - 0.5) * side
        depth = root[2] * np.sqrt(2.0 * 2.0 * fx * fy / side**2) + 2 * cells[:, 2] / _CELLS - 1
        flat = cv2.undistortPoints(pixels[:, None], camera.matrix, camera.distortion)[:, 0]
        joints.append(np.column_stack([flat * depth[:, None], depth]))
        joints_image.append(pixels)
    return np.array(joints), np.array(joints_image)


def _run(network: PlainNetwork, crop: Tensor) -> np.ndarray:
    return network(crop)[0].cpu().numpy().astype(float)
