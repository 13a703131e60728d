"""Generates scenes: random people and surroundings, lit, rendered and photographed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.acting import SITTING, Act, random_act
from pinet_training.rendering.backgrounds import Backgrounds
from pinet_training.rendering.crowd import Place, place_people, random_number_of_people
from pinet_training.rendering.figures import make_figure
from pinet_training.rendering.lighting import random_light
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.photograph import Lens, photograph
from pinet_training.rendering.posture import yaw_rotation
from pinet_training.rendering.props import furnish, furnish_sitter
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.rig import Rig
from pinet_training.rendering.rooms import random_room
from pinet_training.rendering.truth import person_truth
from pinet_training.rendering.viewpoint import Viewpoint, random_viewpoint

_ATTEMPTS = 100  # at a scene with a person in the image


@dataclass(frozen=True, eq=False)
class Actor:
    """A person in a scene.

    Attributes:
        mesh: in the world frame.
        joints: (17,3) metres, world frame.
        place: where the person stands.
        act: what the person does.
        body: index of the body in the rig's bodies.
    """

    mesh: Mesh
    joints: np.ndarray
    place: Place
    act: Act
    body: int


@dataclass(frozen=True, eq=False)
class Shot:
    """An image of a scene with its ground truth.

    Attributes:
        image: (H,W,3) uint8 BGR.
        quality: JPEG quality to save it with, 1 to 100.
        scene: the scene's row of TRUTH, value by name; without scene_image and scene_split.
        people: the P people's rows of TRUTH, array by name; without person_scene.
    """

    image: np.ndarray
    quality: int
    scene: dict[str, object]
    people: dict[str, np.ndarray]


class Stage:
    """Generates the scenes of one split.

    Args:
        rig: poses the split's bodies.
        motions: the split's motion clips.
        backgrounds: the split's background images.
        renderer: renders images of the data set's size.
    """

    def __init__(
        self, rig: Rig, motions: Motions, backgrounds: Backgrounds, renderer: Renderer
    ) -> None:
        self._rig = rig
        self._motions = motions
        self._backgrounds = backgrounds
        self._renderer = renderer

    def shoot(self, rng: np.random.Generator) -> Shot:
        """Generate a scene in which at least one person has half of the joints in the image.

        Raises:
            RuntimeError: 100 attempts gave no such scene.
        """
        for _ in range(_ATTEMPTS):
            viewpoint = random_viewpoint(rng, self._renderer.width, self._renderer.height)
            places = place_people(rng, viewpoint, random_number_of_people(rng))
            if not places:
                continue
            shot = self._shoot(viewpoint, places, rng)
            if shot.people["person_in_image"].mean(axis=1).max() >= 0.5:
                return shot
        raise RuntimeError(f"no person was in the image in {_ATTEMPTS} attempts")

    def _shoot(
        self, viewpoint: Viewpoint, places: Sequence[Place], rng: np.random.Generator
    ) -> Shot:
        actors = [self._actor(place, places, rng) for place in places]
        sitters = [actor for actor in actors if actor.act.stance == SITTING]
        meshes = [
            *(actor.mesh for actor in actors),
            *(mesh for a in sitters for mesh in furnish_sitter(a.joints, a.place, rng)),
            *furnish(rng, places, viewpoint),
            *random_room(rng, viewpoint, places),
        ]
        lens = Lens.of(viewpoint.camera)
        rendering = self._renderer.render(
            [mesh.transformed(viewpoint.rotation, viewpoint.translation) for mesh in meshes],
            lens.matrix,
            random_light(rng).turned(viewpoint.rotation),
            viewpoint.rotation[:, 2],
        )
        light = rendering.color
        if rendering.coverage.min() < 1:
            behind = self._backgrounds(rng, viewpoint)
            light = light + (1 - rendering.coverage)[..., None] * behind
        image, quality = photograph(lens.bend(light), rng)
        joints = np.stack([actor.joints for actor in actors])
        people = person_truth(joints, viewpoint, lens, rendering) | _names(actors)
        return Shot(image, quality, _scene_truth(viewpoint), people)

    def _actor(self, place: Place, places: Sequence[Place], rng: np.random.Generator) -> Actor:
        act = random_act(place, places, self._motions, rng)
        body = int(rng.integers(len(self._rig.bodies)))
        figure = make_figure(self._rig, body, act.posture, rng)
        rotation, shift = yaw_rotation(place.yaw), np.array([place.x, place.y, 0.0])
        mesh = figure.mesh.transformed(rotation, shift)
        return Actor(mesh, figure.joints @ rotation.T + shift, place, act, body)


def _scene_truth(viewpoint: Viewpoint) -> dict[str, object]:
    camera = viewpoint.camera
    return {
        "scene_cameras": viewpoint.kind,
        "scene_intrinsics": camera.matrix[[0, 1, 0, 1], [0, 1, 2, 2]],
        "scene_distortion": camera.distortion,
        "scene_camera_height": viewpoint.position[2],
        "scene_camera_pitch": viewpoint.pitch,
        "scene_camera_roll": viewpoint.roll,
    }


def _names(actors: Sequence[Actor]) -> dict[str, np.ndarray]:
    return {
        "person_body": np.array([actor.body for actor in actors]),
        "person_motion": np.array([actor.act.clip for actor in actors], str),
        "person_stance": np.array([actor.act.stance for actor in actors], str),
    }
