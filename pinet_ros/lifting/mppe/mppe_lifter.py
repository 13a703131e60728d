"""3DMPPE as a lifter: from PoseNet's and RootNet's outputs to absolute poses, in one batch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pinet_ros.detection.detections import Detections
from pinet_ros.errors import ModelError, PinetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.frame import Frame
from pinet_ros.imaging.regions import Regions
from pinet_ros.lifting.lifter import NEAREST, estimator_name
from pinet_ros.lifting.mppe.boxes import distance_measure, to_squares
from pinet_ros.lifting.mppe.buckets import in_buckets
from pinet_ros.lifting.mppe.snapshots import Networks, load_networks
from pinet_ros.models.cache import sha256_of
from pinet_ros.models.networks import Network
from pinet_ros.people import People
from pinet_ros.skeleton import H36M_18, MUCO_21, MUPOTS_17, JointSet

PRECISIONS = ("auto", "half", "full")

_SIZE = 256  # pixels of the networks' input
_CELLS = 64  # of the volume and the heat map along an axis
_LAST = _CELLS * (_SIZE - 1) / _SIZE  # position of the last pixel's centre in the volume
DEPTH = 2.0  # metres: depth of the volume, the root at its centre
MEAN = (0.485, 0.456, 0.406)  # of ImageNet's RGB images, 0 to 1
STD = (0.229, 0.224, 0.225)
_JOINT_SETS = {len(joints): joints for joints in (MUPOTS_17, H36M_18, MUCO_21)}


class ThreeDMPPE:
    """Lifts all people of one or several images in one batch, which both networks share.

    As in the released system, PoseNet gives each joint's position in the image and its depth
    relative to the root. Of RootNet's outputs only the root's distance is used: the root's
    position in the image is PoseNet's too.

    Source: Moon et al., "Camera Distance-aware Top-down Approach for 3D Multi-person Pose
    Estimation from a Single RGB Image", ICCV 2019.

    Attributes:
        mirror: whether the outputs are averaged with those of the mirrored input.
        device: where the networks run.
        dtype: type of the networks' convolutions.
        joint_set: PoseNet's joints.
    """

    def __init__(
        self,
        posenet: str | Path,
        rootnet: str | Path,
        *,
        mirror: bool = False,
        precision: str = "auto",
        device: torch.device | str = "cpu",
        runtime: str = "auto",
    ) -> None:
        """Load the networks.

        Args:
            posenet, rootnet: snapshots, released or from `pinet train-lifter`. A PoseNet with 17
                joints has those of MuPoTS-3D, with 18 those of Human3.6M, and with 21 those of
                MuCo-3DHP.
            mirror: average with the mirrored input; takes twice as long, and makes limbs more
                symmetric.
            precision: half (convolutions in half precision, on CUDA only), full, or auto (half
                on CUDA).
            device: where the networks run.
            runtime: auto, torch or onnx.

        Raises:
            ModelError: a file is missing, is not a snapshot of its network, or has other joints.
            PinetError: the runtime or precision is not available on this device.
        """
        self.mirror = mirror
        self.device = torch.device(device)
        self.dtype = _select_dtype(precision, self.device)
        networks = load_networks(posenet, rootnet, device, runtime)
        self.name = estimator_name("mppe", [sha256_of(Path(each)) for each in (posenet, rootnet)])
        self.joint_set = _joint_set(networks.joint_count, posenet)
        self._network = self._join(networks)
        self._mean = torch.tensor(MEAN, device=device).view(3, 1, 1) * 255
        self._scale = 1 / (torch.tensor(STD, device=device).view(3, 1, 1) * 255)

    def __call__(
        self,
        frames: Sequence[Frame],
        detections: Sequence[Detections],
        cameras: Sequence[Camera],
    ) -> list[People]:
        """Estimate absolute poses in MUPOTS_17; several images form one batch. See `Lifter`.

        Boxes must overlap their image.
        """
        squares = [
            np.column_stack(to_squares(found.boxes, frame.width, frame.height))
            for frame, found in zip(frames, detections, strict=True)
        ]
        values = self._read(frames, squares)
        parts = zip(values, squares, detections, cameras, strict=True)
        return [self._people(*part) for part in parts]

    def _join(self, networks: Networks) -> Network:
        """Join both networks into one, in the form that is fast on the device."""
        both = (networks.posenet, networks.rootnet)
        if self.device.type == "cuda":
            assert isinstance(networks.posenet, nn.Module)  # CUDA is run by torch
            assert isinstance(networks.rootnet, nn.Module)
            # gamma is a factor of the distance, which half precision would round by millimetres
            gamma = networks.rootnet.get_submodule("module.root.depth_layer")
            exact = copy.deepcopy(gamma.state_dict())
            for module in (networks.posenet, networks.rootnet):
                module.to(dtype=self.dtype).to(memory_format=torch.channels_last)
            gamma.float().load_state_dict(exact)

        def run(crops: Tensor) -> tuple[Tensor, ...]:
            return tuple(output for network in both for output in network(crops))

        return in_buckets(run) if self.device.type == "cuda" else run

    @torch.inference_mode()
    def _read(self, frames: Sequence[Frame], squares: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run both networks once on the squares (N,3) of all images.

        Returns:
            For each image (N,J+1,3): the joints in cells of the volume, then RootNet's output.
        """
        counts = [len(each) for each in squares]
        if not sum(counts):
            return [np.zeros((0, len(self.joint_set) + 1, 3))] * len(squares)
        images = np.repeat(np.arange(len(counts)), counts)
        joined = torch.as_tensor(np.concatenate(squares), dtype=torch.float32, device=self.device)
        regions = Regions(images, joined[:, :2], joined[:, 2])
        crops = regions.crops(frames, _SIZE, self._standardise)
        if not self.mirror:
            values = self._run(crops)
        else:
            plain, mirrored = np.split(self._run(torch.cat([crops, crops.flip(-1)])), 2)
            values = (plain + self._unmirror(mirrored)) / 2
        return np.split(values, np.cumsum(counts)[:-1])

    def _standardise(self, crops: Tensor) -> None:
        crops.sub_(self._mean).mul_(self._scale)

    def _run(self, crops: Tensor) -> np.ndarray:
        """Both networks' outputs for crops (N,3,256,256), as in `_read`."""
        if self.device.type == "cuda":
            crops = crops.to(dtype=self.dtype, memory_format=torch.channels_last)
        joints, root = self._network(crops)
        return torch.cat([joints, root[:, None]], dim=1).cpu().numpy()

    def _unmirror(self, values: np.ndarray) -> np.ndarray:
        """Map the outputs of `_run` for mirrored crops back to the original crops."""
        original = values[:, [*self.joint_set.mirror, len(self.joint_set)]]
        original[..., 0] = _LAST - original[..., 0]
        return original

    def _people(
        self, values: np.ndarray, squares: np.ndarray, detections: Detections, camera: Camera
    ) -> People:
        """The people of one image, from the output of `_read` for its squares (N,3)."""
        joints, gamma = values[:, :-1], values[:, -1, 2]
        centres, sides = squares[:, :2], squares[:, 2]
        image = centres[:, None] + (joints[..., :2] / _CELLS - 0.5) * sides[:, None, None]
        root = gamma * distance_measure(sides, camera)
        depth = root[:, None] + (joints[..., 2] / _CELLS - 0.5) * DEPTH
        valid = root > NEAREST
        people = People(
            self.joint_set,
            joints=camera.unproject(image, depth)[valid],
            joints_image=image[valid],
            confidence=np.full(depth.shape, np.nan)[valid],  # the networks give none
            boxes=detections.boxes[valid],
            scores=detections.scores[valid],
            estimator=self.name,
        )
        return people.to_joint_set(MUPOTS_17)


def _joint_set(count: int, posenet: str | Path) -> JointSet:
    """The joint set of a PoseNet with `count` joints.

    Raises:
        ModelError: no joint set has this many joints.
    """
    if count not in _JOINT_SETS:
        known = ", ".join(f"{n} ({joints.name})" for n, joints in _JOINT_SETS.items())
        raise ModelError(f"{posenet} has {count} joints, but the supported numbers are {known}")
    return _JOINT_SETS[count]


def _select_dtype(name: str, device: torch.device) -> torch.dtype:
    """The type of the networks' convolutions.

    Raises:
        PinetError: the name is unknown, or half precision is requested on the CPU.
    """
    if name not in PRECISIONS:
        raise PinetError(f"precision must be one of {', '.join(PRECISIONS)}, got {name!r}")
    if name == "half" and device.type != "cuda":
        raise PinetError(
            f"precision 'half' is for CUDA, but the device is {device}; use precision: auto"
        )
    return torch.float32 if name == "full" or device.type != "cuda" else torch.float16
