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
from pinet_training.rendering.snapshot import Shot, scene_truth, take_snapshot
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
        things = [
            *(mesh for a in sitters for mesh in furnish_sitter(a.joints, a.place, rng)),
            *furnish(rng, places, viewpoint),
            *random_room(rng, viewpoint, places),
        ]
        snapshot = take_snapshot(
            self._renderer,
            [(actor.mesh, actor.joints) for actor in actors],
            things,
            viewpoint,
            Lens.of(viewpoint.camera),
            random_light(rng),
            lambda: self._backgrounds(rng, viewpoint),
        )
        image, quality = photograph(snapshot.light, rng)
        return Shot(image, quality, scene_truth(viewpoint), snapshot.people | _names(actors))

    def _actor(self, place: Place, places: Sequence[Place], rng: np.random.Generator) -> Actor:
        act = random_act(place, places, self._motions, rng)
        body = int(rng.integers(len(self._rig.bodies)))
        figure = make_figure(self._rig, body, act.posture, rng)
        rotation, shift = yaw_rotation(place.yaw), np.array([place.x, place.y, 0.0])
        mesh = figure.mesh.transformed(rotation, shift)
        return Actor(mesh, figure.joints @ rotation.T + shift, place, act, body)


def _names(actors: Sequence[Actor]) -> dict[str, np.ndarray]:
    return {
        "person_id": np.arange(len(actors)),
        "person_body": np.array([actor.body for actor in actors]),
        "person_motion": np.array([actor.act.clip for actor in actors], str),
        "person_stance": np.array([actor.act.stance for actor in actors], str),
    }
