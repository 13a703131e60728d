"""BlazePose, the default lifter: 33 landmarks in the image and in metres, in one batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pinet_ros.detection.detections import Detections
from pinet_ros.geometry.alignment import translation_to_camera
from pinet_ros.geometry.camera import Camera
from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.imaging.frame import Frame
from pinet_ros.imaging.regions import Regions
from pinet_ros.lifting.lifter import NEAREST, estimator_name
from pinet_ros.models.catalog import model
from pinet_ros.models.networks import load_network
from pinet_ros.people import People
from pinet_ros.skeleton import BLAZEPOSE_33, EARS, MUPOTS_17

VARIANTS = ("lite", "full", "heavy")

_SIZE = 256  # pixels of the network's input
_BOX_SCALE = 1.2  # side of the square region over the longer side of the detector's box
_LANDMARKS = len(BLAZEPOSE_33)  # the network outputs 6 more, for its own tracking
_HEATMAP = 64  # cells along a side of the heat map
_WINDOW = 7  # cells along a side of a landmark's neighbourhood in the heat map
_MIN_HEATMAP = 0.5  # a heat map with a lower peak does not refine its landmark
_MIN_WEIGHT = 0.05  # of an invisible landmark when the translation is fitted
_MIN_TILT = math.radians(10)  # tilt of a body in the image above which its region is rotated

_EARS = BLAZEPOSE_33.indices(*EARS)
_ANKLES = BLAZEPOSE_33.indices("left_ankle", "right_ankle")


@dataclass(frozen=True, eq=False)
class Landmarks:
    """BlazePose's landmarks of N people.

    Attributes:
        image: (N,33,2) pixels of the image.
        world: (N,33,3) metres from the middle of the hips, relative to the crop's viewing ray.
        visibility: (N,33) 0 to 1.
        presence: (N,) probability that the region shows a person, 0 to 1.
    """

    image: np.ndarray
    world: np.ndarray
    visibility: np.ndarray
    presence: np.ndarray


class BlazePose:
    """Lifts all people of one or several images in one batch.

    Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020, and the
    model card of MediaPipe's BlazePose GHUM 3D.
    """

    def __init__(
        self,
        *,
        variant: str = "full",
        mirror: bool = False,
        min_presence: float = 0.5,
        device: torch.device | str = "cpu",
        runtime: str = "auto",
    ) -> None:
        """Load the fetched weights.

        Args:
            variant: lite, full or heavy.
            mirror: average over the crop and its mirror image: twice the time, more symmetric
                limbs.
            min_presence: presence, 0 to 1, below which people are dropped.
            device: device to run the network on.
            runtime: auto, torch or onnx.

        Raises:
            ModelError: the weights are not in the cache or are damaged.
            PinetError: the runtime is not available on this device.
            ValueError: the variant is unknown.
        """
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {variant!r}")
        self.mirror = mirror
        self.min_presence = min_presence
        self.device = torch.device(device)
        lifter = f"blazepose_{variant}"
        self.name = estimator_name(lifter, [file.sha256 for file in model(lifter).files])
        self.network = load_network(lifter, device, runtime)

    def __call__(
        self,
        frames: Sequence[Frame],
        detections: Sequence[Detections],
        cameras: Sequence[Camera],
    ) -> list[People]:
        """Lift the people of several images in one batch, see Lifter.

        Each joint is on the viewing ray of its pixel. Regions without a person are left out.
        """
        landmarks = self.landmarks(frames, [found.boxes for found in detections])
        return [self._people(*each) for each in zip(landmarks, detections, cameras, strict=True)]

    def _people(self, landmarks: Landmarks, detections: Detections, camera: Camera) -> People:
        joints = to_camera(landmarks, camera)
        depth = joints[:, BLAZEPOSE_33.pelvis, 2].mean(axis=1)
        good = (landmarks.presence >= self.min_presence) & (depth > NEAREST)
        people = People(
            BLAZEPOSE_33,
            joints=joints[good],
            joints_image=landmarks.image[good],
            confidence=landmarks.visibility[good],
            boxes=detections.boxes[good],
            scores=detections.scores[good],
            estimator=self.name,
        )
        return _onto_viewing_rays(people.to_joint_set(MUPOTS_17), camera)

    @torch.inference_mode()
    def landmarks(self, frames: Sequence[Frame], boxes: Sequence[np.ndarray]) -> list[Landmarks]:
        """Estimate the landmarks of all people in one run of the network.

        The network is trained on upright people. If its landmarks show a body tilted in the
        image, for example because the camera is rolled, it runs again on the rotated region.

        Args:
            frames: the images.
            boxes: boxes (N,4) of each image, x_min y_min x_max y_max in pixels.

        Returns:
            The landmarks of each image's people.
        """
        regions = Regions.around(boxes, _BOX_SCALE, self.device)
        values = self._read(frames, regions)
        tilts = _tilts(values[..., :2])
        tilted = (tilts.abs() > _MIN_TILT).nonzero()[:, 0]
        if len(tilted):
            values[tilted] = self._read(frames, regions.rotated(tilted, tilts[tilted]))
        return [
            Landmarks(
                image=each[..., :2],
                world=each[..., 2:5],
                visibility=each[..., 5],
                presence=each[:, 0, 6],
            )
            for each in np.split(values.cpu().numpy(), np.cumsum([len(b) for b in boxes])[:-1])
        ]

    def _read(self, frames: Sequence[Frame], regions: Regions) -> torch.Tensor:
        """Run the network on regions; (N,33,7) as from `_run`, but in the image's frame."""
        if not len(regions):
            return regions.centers.new_zeros((0, _LANDMARKS, 7))
        crops = regions.crops(frames, _SIZE, lambda crops: crops.div_(255))
        values = self._run_mirrored(crops) if self.mirror else self._run(crops)
        image = regions.to_image(values[..., :2] / _SIZE)
        across = regions.to_image_axes(values[..., 2:4])
        return torch.cat([image, across, values[..., 4:]], dim=-1)

    def _run_mirrored(self, crops: torch.Tensor) -> torch.Tensor:
        """Like `_run`, but averaged over the crops and their mirror images."""
        plain, mirrored = self._run(torch.cat([crops, crops.flip(-1)])).chunk(2)
        return (plain + _mirror(mirrored)) / 2

    def _run(self, crops: torch.Tensor) -> torch.Tensor:
        """Crops (N,3,256,256) to (N,33,7): crop pixels x y, world x y z, visibility, presence."""
        landmarks, presence, heatmaps, world = self.network(crops)
        landmarks = landmarks.view(len(crops), -1, 5)[:, :_LANDMARKS]
        world = world.view(len(crops), -1, 3)[:, :_LANDMARKS]
        image = refine_by_heatmap(landmarks[..., :2], heatmaps[:, :_LANDMARKS].sigmoid())
        visibility = landmarks[..., 3:4].sigmoid()
        presence = presence.view(-1, 1, 1).expand(-1, _LANDMARKS, 1)
        return torch.cat([image, world, visibility, presence], dim=-1)


def _onto_viewing_rays(people: People, camera: Camera) -> People:
    """Move each joint onto the viewing ray of its pixel, at the same depth.

    The network estimates joints more precisely in the image than in metres.
    """
    joints, depths = people.joints, people.joints[..., 2]
    placed = camera.unproject(people.joints_image, depths)
    return people.with_joints(np.where(depths[..., None] > 0, placed, joints))


def _tilts(image: torch.Tensor) -> torch.Tensor:
    """Clockwise angles (N,) in radians from straight up to the line from ankles to ears.

    Args:
        image: (N,33,2) pixels.
    """
    x, y = (image[:, _EARS] - image[:, _ANKLES]).mean(dim=1).unbind(-1)
    return torch.atan2(x, -y)


def _mirror(values: torch.Tensor) -> torch.Tensor:
    """Map results of BlazePose._run for mirrored crops back to the original crops."""
    values = values[:, BLAZEPOSE_33.mirror].clone()
    values[..., 0] = _SIZE - 1 - values[..., 0]
    values[..., 2] = -values[..., 2]
    return values


def refine_by_heatmap(points: torch.Tensor, heatmaps: torch.Tensor) -> torch.Tensor:
    """Move landmarks to the centre of mass of the 7x7 cells around them in their heat map.

    Args:
        points: (N,K,2) pixels of the network's input.
        heatmaps: (N,K,64,64) probabilities.

    Returns:
        (N,K,2) pixels. A landmark outside the map, or without a cell of at least 0.5, is kept.
    """
    reach = _WINDOW // 2
    cells = (points * (_HEATMAP / _SIZE)).trunc().long()
    inside = ((cells >= 0) & (cells < _HEATMAP)).all(dim=-1)
    x, y = cells.clamp(0, _HEATMAP - 1).unbind(-1)  # (N,K)
    offsets = torch.arange(-reach, reach + 1, device=points.device)
    columns, rows = x[..., None] + offsets, y[..., None] + offsets  # (N,K,7)
    padded = torch.nn.functional.pad(heatmaps, [reach] * 4)
    person = torch.arange(len(points), device=points.device)[:, None, None, None]
    joint = torch.arange(points.shape[1], device=points.device)[:, None, None]
    mass = padded[person, joint, rows[..., :, None] + reach, columns[..., None, :] + reach]
    total = mass.sum(dim=(-2, -1)).clamp_min(1e-9)
    center = torch.stack(
        [(mass.sum(-2) * columns).sum(-1) / total, (mass.sum(-1) * rows).sum(-1) / total], dim=-1
    )
    moved = inside & (mass.amax(dim=(-2, -1)) >= _MIN_HEATMAP)
    return torch.where(moved[..., None], center * (_SIZE / _HEATMAP), points)


def to_camera(landmarks: Landmarks, camera: Camera) -> np.ndarray:
    """Rotate world landmarks by their viewing ray and translate them to fit the image.

    Args:
        landmarks: landmarks of N people.
        camera: camera of the image they were found in, with its distortion.

    Returns:
        (N,33,3) metres, camera optical frame.
    """
    if not len(landmarks.image):
        return np.zeros((0, _LANDMARKS, 3))
    rays = camera.rays(landmarks.image[:, BLAZEPOSE_33.pelvis].mean(axis=1))
    rotated = landmarks.world @ rotation_to_ray(rays).transpose(0, 2, 1)
    limbs = BLAZEPOSE_33.limbs
    weights = np.maximum(landmarks.visibility[:, limbs], _MIN_WEIGHT)
    seen = camera.undistort(landmarks.image[:, limbs])
    return rotated + translation_to_camera(rotated[:, limbs], seen, weights)[:, None]
