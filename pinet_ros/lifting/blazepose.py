"""BlazePose, the default lifter: 33 landmarks in the image and in metres, in one batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pinet_ros.detection.detections import Detections
from pinet_ros.geometry.alignment import translation_to_camera
from pinet_ros.geometry.camera import Camera
from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.imaging.frame import Frame
from pinet_ros.imaging.regions import Regions
from pinet_ros.lifting.blazepose_network import LANDMARKS, SIZE
from pinet_ros.lifting.blazepose_weights import load_blazepose, weights_file
from pinet_ros.lifting.lifter import NEAREST, estimator_name
from pinet_ros.models.cache import sha256_of
from pinet_ros.models.networks import as_network
from pinet_ros.people import People
from pinet_ros.skeleton import BLAZEPOSE_33, EARS, MUPOTS_17

_BOX_SCALE = 1.2  # side of the square region over the longer side of the detector's box
MIN_WEIGHT = 0.05  # of an invisible landmark when the translation is fitted
# Tilts of a body in the image: its rotated region counts from the first on, alone from the second.
_TILTED = math.radians(10), math.radians(20)

_EARS = BLAZEPOSE_33.indices(*EARS)
# The score of each place in a mirror image: presence, deviations of joints and of the distance.
_MIRRORED_SCORES = [0, *(1 + joint for joint in MUPOTS_17.mirror), 1 + len(MUPOTS_17)]
_DEVIATIONS = len(_MIRRORED_SCORES) - 1
_ANKLES = BLAZEPOSE_33.indices("left_ankle", "right_ankle")


@dataclass(frozen=True, eq=False)
class Landmarks:
    """BlazePose's landmarks of N people.

    Attributes:
        image: (N,33,2) pixels of the image.
        world: (N,33,3) metres from the middle of the hips, relative to the crop's viewing ray.
        visibility: (N,33) 0 to 1.
        presence: (N,) probability that the region shows a person, 0 to 1.
        log_deviations: (N,18) natural logarithms, see BlazePoseNetwork; NaN from weights without.
    """

    image: np.ndarray
    world: np.ndarray
    visibility: np.ndarray
    presence: np.ndarray
    log_deviations: np.ndarray


class BlazePose:
    """Lifts all people of one or several images in one batch.

    Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020, and the
    model card of MediaPipe's BlazePose GHUM 3D.
    """

    def __init__(
        self,
        name: str = "blazepose_full",
        *,
        weights: str | Path = "",
        mirror: bool = False,
        min_presence: float = 0.5,
        device: torch.device | str = "cpu",
        runtime: str = "auto",
    ) -> None:
        """Load the network.

        Args:
            name: one of BLAZEPOSE.
            weights: .safetensors file of its weights; empty for the default ones.
            mirror: average over the crop and its mirror image: twice the time, more symmetric
                limbs.
            min_presence: presence, 0 to 1, below which people are dropped.
            device: device to run the network on.
            runtime: auto, torch or onnx.

        Raises:
            ModelError: the weights are missing, damaged, or another network's.
            PinetError: the runtime is not available on this device.
        """
        self.mirror = mirror
        self.min_presence = min_presence
        self.device = torch.device(device)
        file = weights_file(name, weights)
        self.name = estimator_name(name, [sha256_of(file)])
        module = load_blazepose(name, file)
        outputs = module.output_names
        self.network = as_network(module, outputs, self.device, runtime, file)

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
        placed = _onto_viewing_rays(people.to_joint_set(MUPOTS_17), camera)
        return _with_deviations(placed, np.exp(landmarks.log_deviations[good]))

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
        points, scores = self._read(frames, regions)
        tilts = _tilts(points[..., :2])
        low, high = _TILTED
        tilted = (tilts.abs() > low).nonzero()[:, 0]
        if len(tilted):
            again = self._read(frames, regions.rotated(tilted, tilts[tilted]))
            part = ((tilts[tilted].abs() - low) / (high - low)).clamp(max=1)[:, None]
            part = part.square() * (3 - 2 * part)  # no step where it begins and ends
            points[tilted] = points[tilted].lerp(again[0], part[..., None])
            scores[tilted] = scores[tilted].lerp(again[1], part)
        ends = np.cumsum([len(each) for each in boxes])[:-1]
        return [
            Landmarks(
                image=of[..., :2],
                world=of[..., 2:5],
                visibility=of[..., 5],
                presence=with_scores[:, 0],
                log_deviations=with_scores[:, 1:],
            )
            for of, with_scores in zip(
                *(np.split(each.cpu().numpy(), ends) for each in (points, scores)), strict=True
            )
        ]

    def _read(self, frames: Sequence[Frame], regions: Regions) -> tuple[Tensor, Tensor]:
        """Run the network on regions; as `_run`, but in the image's frame."""
        if not len(regions):
            none = regions.centers.new_zeros
            return none((0, LANDMARKS, 6)), none((0, 1 + _DEVIATIONS))
        crops = regions.crops(frames, SIZE, lambda crops: crops.div_(255))
        points, scores = self._run_mirrored(crops) if self.mirror else self._run(crops)
        image = regions.to_image(points[..., :2] / SIZE)
        across = regions.to_image_axes(points[..., 2:4])
        return torch.cat([image, across, points[..., 4:]], dim=-1), scores

    def _run_mirrored(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Like `_run`, but averaged over the crops and their mirror images."""
        both = self._run(torch.cat([crops, crops.flip(-1)]))
        (points, mirrored), (scores, mirrored_scores) = (each.chunk(2) for each in both)
        return (
            (points + _mirror(mirrored)) / 2,
            (scores + mirrored_scores[:, _MIRRORED_SCORES]) / 2,
        )

    def _run(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network on crops (N,3,256,256).

        Returns:
            (N,33,6) crop pixels x y, world x y z, visibility; and (N,19) presence and logarithms
            of deviations.
        """
        image, world, visibility, presence, *deviations = self.network(crops)
        unknown = presence.new_full((len(crops), _DEVIATIONS), torch.nan)
        return (
            torch.cat([image, world, visibility.sigmoid()[..., None]], dim=-1),
            torch.cat([presence.sigmoid(), *(deviations or [unknown])], dim=-1),
        )


def _onto_viewing_rays(people: People, camera: Camera) -> People:
    """Move each joint onto the viewing ray of its pixel, at the same depth.

    The network estimates joints more precisely in the image than in metres.
    """
    joints, depths = people.joints, people.joints[..., 2]
    placed = camera.unproject(people.joints_image, depths)
    return people.with_joints(np.where(depths[..., None] > 0, placed, joints))


def _with_deviations(people: People, deviations: np.ndarray) -> People:
    """The people with their deviations (N,18): of joints, with the root's own, and of distance."""
    of_joints, of_distance = deviations[:, :-1].copy(), deviations[:, -1]
    of_roots = of_joints[:, MUPOTS_17.root].copy()
    of_joints[:, MUPOTS_17.root] = np.where(np.isnan(of_roots), np.nan, 0)
    return replace(
        people,
        deviations=of_joints,
        distance_deviations=of_distance,
        root_deviations=of_roots,
    )


def _tilts(image: Tensor) -> Tensor:
    """Clockwise angles (N,) in radians from straight up to the line from ankles to ears.

    Args:
        image: (N,33,2) pixels.
    """
    x, y = (image[:, _EARS] - image[:, _ANKLES]).mean(dim=1).unbind(-1)
    return torch.atan2(x, -y)


def _mirror(values: Tensor) -> Tensor:
    """Map results of BlazePose._run for mirrored crops back to the original crops."""
    values = values[:, BLAZEPOSE_33.mirror].clone()
    values[..., 0] = SIZE - 1 - values[..., 0]
    values[..., 2] = -values[..., 2]
    return values


def to_camera(landmarks: Landmarks, camera: Camera) -> np.ndarray:
    """Rotate world landmarks by their viewing ray and translate them to fit the image.

    Args:
        landmarks: landmarks of N people.
        camera: camera of the image they were found in, with its distortion.

    Returns:
        (N,33,3) metres, camera optical frame.
    """
    if not len(landmarks.image):
        return np.zeros((0, LANDMARKS, 3))
    limbs = BLAZEPOSE_33.limbs
    arrays = (
        landmarks.world,
        camera.rays(landmarks.image[:, BLAZEPOSE_33.pelvis].mean(axis=1)),
        camera.undistort(landmarks.image[:, limbs]),
        np.maximum(landmarks.visibility[:, limbs], MIN_WEIGHT),
    )
    world, rays, seen, weights = (torch.as_tensor(each, dtype=torch.float64) for each in arrays)
    rotated = world @ rotation_to_ray(rays).mT
    return (rotated + translation_to_camera(rotated[:, limbs], seen, weights)[:, None]).numpy()
