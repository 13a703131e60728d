"""Generates sequences: the same people in the same place, frame after frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.acting import CAPTURED
from pinet_training.rendering.backgrounds import Backgrounds
from pinet_training.rendering.crowd import Place
from pinet_training.rendering.figures import Figure, make_figure
from pinet_training.rendering.lighting import random_light
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.photograph import Exposure, Lens
from pinet_training.rendering.props import furnish
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.repertoire import Repertoire
from pinet_training.rendering.rig import Rig
from pinet_training.rendering.rooms import random_room
from pinet_training.rendering.sequence_plan import Plan, random_plan
from pinet_training.rendering.snapshot import Shot, scene_truth, take_snapshot
from pinet_training.rendering.viewpoint import Viewpoint
from pinet_training.rendering.walks import Moment

_FOOTPRINTS = 0.3  # seconds between the places that furniture is kept clear of
_SEEDS = 2**32


class SequenceStage:
    """Generates the sequences of one split.

    Args:
        rig: poses the split's bodies.
        motions: the split's motion clips.
        backgrounds: the split's background images.
        renderer: renders images of the data set's size.
        frames: of a sequence.
        rate: frames per second.
    """

    def __init__(
        self,
        rig: Rig,
        motions: Motions,
        backgrounds: Backgrounds,
        renderer: Renderer,
        frames: int,
        rate: float,
    ) -> None:
        self._rig = rig
        self._backgrounds = backgrounds
        self._renderer = renderer
        self._rate = rate
        self._times = np.arange(frames) / rate
        self._repertoire = Repertoire.of(motions, rate)
        self._legs = _legs(rig, motions)

    def shoot(self, rng: np.random.Generator) -> list[Shot]:
        """Generate a sequence in which somebody is in the image most of the time.

        Raises:
            RuntimeError: 100 attempts gave no such sequence.
        """
        size = self._renderer.width, self._renderer.height
        plan = random_plan(rng, self._repertoire, self._legs, self._times, *size)
        first = plan.viewpoints[0]
        places = self._places(plan)
        things = [*furnish(rng, places, first), *random_room(rng, first, places)]
        light, lens = random_light(rng), Lens.of(first.camera)
        behind = self._backgrounds(rng, first)
        dresses = rng.integers(_SEEDS, size=len(plan.ways))
        exposure: Exposure | None = None
        shots = []
        for frame, viewpoint in enumerate(plan.viewpoints):
            figures = [
                self._figure(body, way[frame], int(dress))
                for body, way, dress in zip(plan.bodies, plan.ways, dresses, strict=True)
            ]
            snapshot = take_snapshot(
                self._renderer,
                [(figure.mesh, figure.joints) for figure in figures],
                things,
                viewpoint,
                lens,
                light,
                lambda seen_by=viewpoint: _turned(behind, lens, first, seen_by),
            )
            exposure = exposure or Exposure.random(snapshot.light, rng)
            image = exposure.image(snapshot.light, rng)
            people = snapshot.people | self._names(plan, frame, figures)
            shots.append(Shot(image, exposure.quality, scene_truth(viewpoint), people))
        return shots

    def _places(self, plan: Plan) -> list[Place]:
        """Where people and the camera come by."""
        step = max(1, round(_FOOTPRINTS * self._rate))
        people = plan.positions()[::step].ravel()
        start = plan.viewpoints[0].position
        cameras = [viewpoint.position for viewpoint in plan.viewpoints[::step]]
        moved = [c for c in cameras if np.linalg.norm(c - start) > 0.1]
        return [
            *(Place(p.real, p.imag, 0.0) for p in people),
            *(Place(float(c[0]), float(c[1]), 0.0) for c in moved),
        ]

    def _figure(self, body: int, moment: Moment, dress: int) -> Figure:
        """A person in the world frame; `dress` decides the clothes."""
        figure = make_figure(self._rig, body, moment.posture, np.random.default_rng(dress))
        shift = np.array([moment.position.real, moment.position.imag, moment.lift])
        mesh = figure.mesh.transformed(np.eye(3), shift)
        return Figure(mesh, figure.joints + shift, figure.clothes)

    def _names(self, plan: Plan, frame: int, figures: Sequence[Figure]) -> dict[str, np.ndarray]:
        bodies = np.array(plan.bodies)
        return {
            "person_id": np.arange(len(bodies)),
            "person_body": bodies,
            "person_motion": np.array([way[frame].clip for way in plan.ways], str),
            "person_stance": np.full(len(bodies), CAPTURED),
            "person_stature": self._rig.statures[bodies],
            "person_clothes": np.array([",".join(figure.clothes) for figure in figures], str),
        }


def _legs(rig: Rig, motions: Motions) -> np.ndarray:
    """(B,) metres from hip to ankle, over the knee, of the rig's bodies."""
    posture = motions.clips[0].posture(0)  # lengths are the same in any
    chain = [MUPOTS_17.index(f"left_{joint}") for joint in ("hip", "knee", "ankle")]
    joints = np.stack([rig.pose(body, posture).joints[chain] for body in range(len(rig.bodies))])
    return np.linalg.norm(np.diff(joints, axis=1), axis=-1).sum(axis=1)


def _turned(behind: np.ndarray, lens: Lens, first: Viewpoint, viewpoint: Viewpoint) -> np.ndarray:
    """What is far behind all (H,W,3) as the turned camera sees it, mirrored at its border."""
    if viewpoint is first:
        return behind
    back = first.rotation @ viewpoint.rotation.T
    homography = lens.matrix @ back @ np.linalg.inv(lens.matrix)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = behind.shape[1::-1]
    return cv2.warpPerspective(
        behind, homography, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
