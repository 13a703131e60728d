"""3DMPPE the plain way, one person at a time: what the lifter's speed is compared with."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms import Compose, Normalize, ToTensor

from pinet_ros.geometry.camera import Camera
from pinet_ros.lifting.mppe.mppe_lifter import MEAN, STD
from pinet_ros.lifting.mppe.posenet import PoseNet
from pinet_ros.lifting.mppe.rootnet import RootNet
from pinet_ros.lifting.mppe.soft_argmax import soft_argmax_plain

_SIZE = 256
_CELLS = 64
_TO_TENSOR = Compose([ToTensor(), Normalize(MEAN, STD)])


def warp_square(image: np.ndarray, middle: np.ndarray, side: float) -> np.ndarray:
    """A square (256,256,3) of an image, by OpenCV and of its type.

    Args:
        middle: (2,) pixels.
        side: pixels.
    """
    scale = side / _SIZE
    back = np.array([[scale, 0, middle[0] - side / 2], [0, scale, middle[1] - side / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, back, (_SIZE, _SIZE), flags=flags)


def plain_crop(image: np.ndarray, middle: np.ndarray, side: float) -> Tensor:
    """One person's crop (1,3,256,256) of an RGB image, as the networks want it."""
    return _TO_TENSOR(warp_square(image, middle, side))[None]


def plain_head(features: Tensor, network: PoseNet) -> Tensor:
    """PoseNet's last layer and soft-argmax with the whole volume: (N,J,3) in cells."""
    last = network.head.final_layer
    volumes = F.conv2d(features, last.weight, last.bias)
    return soft_argmax_plain(volumes.unflatten(1, (network.joint_count, _CELLS)))


@torch.inference_mode()
def plain_lift(
    image: np.ndarray,
    squares: np.ndarray,
    camera: Camera,
    posenet: PoseNet,
    rootnet: RootNet,
    device: torch.device,
) -> np.ndarray:
    """Absolute joints of people, one after the other.

    Args:
        image: (H,W,3) RGB, uint8 or float32 from 0 to 1.
        squares: (N,3) middle x y and side in pixels.
        camera: without distortion.

    Returns:
        (N,J,3) metres, camera optical frame.
    """
    found = []
    fx, fy, cx, cy = camera.matrix[[0, 1, 0, 1], [0, 1, 2, 2]]
    for *middle, side in squares:
        crop = plain_crop(image, np.array(middle), side).to(device)
        features = posenet.head.deconv_layers(posenet.backbone(crop))
        joints = plain_head(features, posenet)[0].cpu().numpy().astype(float)
        gamma = float(rootnet(crop)[0, 2])
        pixels = np.array(middle) + (joints[:, :2] / _CELLS - 0.5) * side
        depth = gamma * np.sqrt(2.0 * 2.0 * fx * fy / side**2) + 2 * joints[:, 2] / _CELLS - 1
        rays = (pixels - [cx, cy]) / [fx, fy]
        found.append(np.column_stack([rays * depth[:, None], depth]))
    return np.array(found)
