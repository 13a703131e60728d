"""Casting: gives each place of a scene a body and an act, and brings people in contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.acting import (
    CARRYING,
    HOLDING,
    Act,
    engaged,
    random_act,
    upright_act,
)
from pinet_training.rendering.contact import hold_thing, join_in_contact
from pinet_training.rendering.couples import Couple, as_close_as_captured
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.performers import Performer
from pinet_training.rendering.places import COUPLE, Place
from pinet_training.rendering.rig import Rig

_SMALL, _TALL = 1.2, 1.45  # metres: who is carried is smaller, who carries is taller
_APART = 0.3  # metres between the centres of somebody in contact and of a third person


@dataclass(frozen=True, eq=False)
class Cast:
    """The people of a scene, in the order of their places.

    Attributes:
        performers: the people.
        things: what they hold, in the world frame.
    """

    performers: tuple[Performer, ...]
    things: tuple[Mesh, ...]


class Casting:
    """Casts the people of scenes.

    Args:
        rig: of the bodies to choose from.
        motions: clips of what people do.
    """

    def __init__(self, rig: Rig, motions: Motions) -> None:
        self._rig = rig
        self._motions = motions
        self._small = np.flatnonzero(rig.statures < _SMALL)
        self._tall = np.flatnonzero(rig.statures > _TALL)

    def __call__(
        self, places: Sequence[Place], couple: Couple | None, rng: np.random.Generator
    ) -> Cast:
        """Cast people.

        Args:
            places: where they stand.
            couple: what the first two people do, if their relation is COUPLE.
            rng: decides bodies, acts and contacts.
        """
        pairs = engaged(places)
        upright = {person for pair in pairs for person in pair}
        performers = [
            Performer(
                self._rig,
                int(rng.integers(len(self._rig.bodies))),
                place,
                self._act(place, places, index in upright, rng),
            )
            for index, place in enumerate(places)
        ]
        things: list[Mesh] = []
        if couple is not None and len(places) > 1 and places[1].relation == COUPLE:
            performers[:2] = as_close_as_captured(
                *(
                    Performer(self._rig, each.body, each.place, act)
                    for each, act in zip(performers, couple.acts, strict=False)
                )
            )
        for first, second in pairs:
            things += self._join(performers, first, second, rng)
        for index, performer in enumerate(performers):
            if performer.act.stance == CARRYING:
                carrier, held = hold_thing(performer, rng)
                performers[index] = carrier if held else performer.named(HOLDING)
                things += held
        return Cast(tuple(performers), tuple(things))

    def _act(
        self, place: Place, places: Sequence[Place], upright: bool, rng: np.random.Generator
    ) -> Act:
        if upright:
            return upright_act(self._motions, rng)
        return random_act(place, places, self._motions, rng)

    def _join(
        self, performers: list[Performer], first: int, second: int, rng: np.random.Generator
    ) -> tuple[Mesh, ...]:
        """Bring two of the performers in contact, if they can be; returns what they hold."""
        relation = performers[second].place.relation
        one, two = performers[first], performers[second]
        if relation == "carrying somebody":
            if not len(self._small) or not len(self._tall):
                return ()
            one, two = (
                one.with_body(rng.choice(self._tall)),
                two.with_body(rng.choice(self._small)),
            )
        contact = join_in_contact(relation, one, two, rng)
        if contact is None:
            return ()
        position = contact.second.place.position
        others = [p for index, p in enumerate(performers) if index not in (first, second)]
        if any(np.linalg.norm(position - p.place.position) < _APART for p in others):
            return ()
        performers[first] = contact.first.named(relation)
        performers[second] = contact.second.named(relation)
        return contact.things
