"""Generates scenes: random people and surroundings, lit, rendered and photographed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.acting import SITTING
from pinet_training.rendering.backgrounds import Backgrounds
from pinet_training.rendering.casting import Casting
from pinet_training.rendering.couples import random_couple
from pinet_training.rendering.crowd import place_people, random_number_of_people
from pinet_training.rendering.figures import make_figure
from pinet_training.rendering.lighting import random_light
from pinet_training.rendering.look_alikes import LookAlikes
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.performers import Performer
from pinet_training.rendering.photograph import Lens, photograph
from pinet_training.rendering.places import Place
from pinet_training.rendering.posture import yaw_rotation
from pinet_training.rendering.props import furnish, furnish_middle, furnish_sitter
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.rig import Rig
from pinet_training.rendering.rooms import random_room
from pinet_training.rendering.snapshot import Shot, scene_truth, take_snapshot
from pinet_training.rendering.supports import support_of
from pinet_training.rendering.viewpoint import Viewpoint, random_viewpoint

_ATTEMPTS = 100  # at a scene with a person in the image
_COUPLES = 0.06  # share of the scenes with a couple that was captured together
_FEWEST_JOINTS = 3  # in the image, of the person who is seen best
_FROM_CAMERA = 0.35  # metres between the camera and joints or what carries people


@dataclass(frozen=True, eq=False)
class Actor:
    """A person in a scene.

    Attributes:
        mesh: in the world frame.
        joints: (17,3) metres, world frame.
        place: where the person stands.
        body: index of the body in the rig's bodies.
        stance: what the person does.
        clip: name of the motion-capture clip that the posture was made from.
        clothes: names of the garments and accessories that not everybody wears.
        support: what carries the person, in the world frame.
    """

    mesh: Mesh
    joints: np.ndarray
    place: Place
    body: int
    stance: str
    clip: str
    clothes: tuple[str, ...]
    support: tuple[Mesh, ...]


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
        self._casting = Casting(rig, motions)
        self._backgrounds = backgrounds
        self._renderer = renderer
        self._look_alikes = LookAlikes(rig, motions, renderer)

    def shoot(self, rng: np.random.Generator) -> Shot:
        """Generate a scene in which a part of a person is seen, or one without people.

        Raises:
            RuntimeError: 100 attempts gave no such scene.
        """
        for _ in range(_ATTEMPTS):
            viewpoint = random_viewpoint(rng, self._renderer.width, self._renderer.height)
            number = random_number_of_people(rng)
            wants_couple = number > 1 and rng.random() < _COUPLES
            couple = random_couple(self._motions, rng) if wants_couple else None
            places = place_people(rng, viewpoint, number, couple.step if couple else None)
            cast = self._casting(places, couple, rng)
            actors = [self._actor(performer, rng) for performer in cast.performers]
            if number and not _can_be_seen(actors, viewpoint):
                continue
            shot = self._shoot(viewpoint, actors, cast.things, rng)
            if not number or np.isfinite(shot.people["person_box"]).any():
                return shot
        raise RuntimeError(f"no person was in the image in {_ATTEMPTS} attempts")

    def _shoot(
        self,
        viewpoint: Viewpoint,
        actors: Sequence[Actor],
        things: Sequence[Mesh],
        rng: np.random.Generator,
    ) -> Shot:
        places = [actor.place for actor in actors] or [Place(*viewpoint.target[:2], yaw=0.0)]
        sitters = [actor for actor in actors if actor.stance == SITTING]
        things = [
            *things,
            *(mesh for actor in actors for mesh in actor.support),
            *(mesh for a in sitters for mesh in furnish_sitter(a.joints, a.place, rng)),
            *furnish_middle(rng, places),
            *furnish(rng, places, viewpoint),
            *self._look_alikes(rng, places, viewpoint, alone=not actors),
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
        people = snapshot.people | self._names(actors)
        return Shot(image, quality, scene_truth(viewpoint), people)

    def _actor(self, performer: Performer, rng: np.random.Generator) -> Actor:
        place, act = performer.place, performer.act
        figure = make_figure(self._rig, performer.body, act.posture, rng)
        support = support_of(act.stance, figure.joints, figure.mesh.vertices, rng)
        rotation, ground = yaw_rotation(place.yaw), np.array([place.x, place.y, 0.0])
        shift = ground + np.array([0, 0, performer.lift + support.lift])
        return Actor(
            mesh=figure.mesh.transformed(rotation, shift),
            joints=figure.joints @ rotation.T + shift,
            place=place,
            body=performer.body,
            stance=act.stance,
            clip=act.clip,
            clothes=figure.clothes,
            support=tuple(mesh.transformed(rotation, ground) for mesh in support.meshes),
        )

    def _names(self, actors: Sequence[Actor]) -> dict[str, np.ndarray]:
        bodies = np.array([actor.body for actor in actors], int)
        return {
            "person_id": np.arange(len(actors)),
            "person_body": bodies,
            "person_motion": np.array([actor.clip for actor in actors], str),
            "person_stance": np.array([actor.stance for actor in actors], str),
            "person_stature": self._rig.statures[bodies],
            "person_clothes": np.array([",".join(actor.clothes) for actor in actors], str),
        }


def _can_be_seen(actors: Sequence[Actor], viewpoint: Viewpoint) -> bool:
    """Whether a part of a person is in the image, and nobody is in the camera."""
    if not actors:
        return False
    joints = np.stack([actor.joints for actor in actors])
    if np.linalg.norm(joints - viewpoint.position, axis=-1).min() < _FROM_CAMERA:
        return False
    if any(_encloses(mesh, viewpoint.position) for a in actors for mesh in a.support):
        return False
    pixels = viewpoint.project(joints)
    size = np.array([viewpoint.camera.width, viewpoint.camera.height])
    return bool(((pixels > 0) & (pixels < size)).all(axis=-1).sum(axis=1).max() >= _FEWEST_JOINTS)


def _encloses(mesh: Mesh, camera: np.ndarray) -> bool:
    """Whether a camera (3,) is within the box around a mesh, or close to it."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    return bool(((camera > low - _FROM_CAMERA) & (camera < high + _FROM_CAMERA)).all())
