"""Performers: people of a scene with a body, a place and an act, before they are dressed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.acting import Act
from pinet_training.rendering.arms import palm, reach_point
from pinet_training.rendering.places import Place
from pinet_training.rendering.posture import Posture, ahead, yaw_rotation
from pinet_training.rendering.rig import Pose, Rig


@dataclass(frozen=True, eq=False)
class Performer:
    """A person of a scene.

    Attributes:
        rig: of the body.
        body: index in the rig's bodies.
        place: where the person stands.
        act: what the person does.
        lift: metres, of the lowest point of the body above the ground.
    """

    rig: Rig
    body: int
    place: Place
    act: Act
    lift: float = 0.0

    @cached_property
    def joints(self) -> np.ndarray:
        """(17,3) metres, MUPOTS_17, world frame."""
        return self._to_world(self._pose.joints)

    def joint(self, name: str) -> np.ndarray:
        """One of the joints (3,), metres, world frame."""
        return self.joints[MUPOTS_17.index(name)]

    @property
    def front(self) -> np.ndarray:
        """Horizontal unit vector (3,) that the person faces, world frame."""
        return np.array([*ahead(self.place.yaw), 0.0])

    @property
    def left(self) -> np.ndarray:
        """Horizontal unit vector (3,) to the person's left, world frame."""
        x, y, _ = self.front
        return np.array([-y, x, 0.0])

    def palm(self, side: str) -> np.ndarray:
        """The middle of a palm (3,), metres, world frame."""
        return self._to_world(palm(self.rig, self._pose, side))

    def elbow(self, side: str) -> tuple[float, float, float]:
        """Where an elbow goes to from the line of its arm, as `with_palm_at` takes it."""
        outwards = 1 if side == "left" else -1
        x, y, z = self.act.posture.chest.T @ self.act.posture.limb(f"{side}_upper_arm")
        return float(outwards * x), float(y), float(z)

    def nearer_side(self, point: np.ndarray) -> str:
        """The side of the person that a point (3,), world frame, is on."""
        return "left" if (point - self.joint("pelvis")) @ self.left > 0 else "right"

    def with_palm_at(
        self, side: str, point: np.ndarray, elbow: tuple[float, float, float]
    ) -> Performer:
        """Move a palm to a point (3,), metres, world frame; for `elbow` see `reach_point`."""
        target = self._rotation.T @ (point - self._shift) + self._origin
        posture = reach_point(self.rig, self.body, self.act.posture, side, target, np.array(elbow))
        return self.with_posture(posture)

    def with_posture(self, posture: Posture) -> Performer:
        """The performer in another posture."""
        return replace(self, act=replace(self.act, posture=posture))

    def with_body(self, body: int) -> Performer:
        """The performer with another of the rig's bodies, by its index."""
        return replace(self, body=int(body))

    def named(self, stance: str) -> Performer:
        """The performer with another name of the stance."""
        return replace(self, act=replace(self.act, stance=stance))

    def at(self, position: np.ndarray, yaw: float | None = None) -> Performer:
        """The performer at another position (2,), metres, perhaps with another yaw, radians."""
        x, y = position
        turned = self.place.yaw if yaw is None else yaw
        return replace(self, place=replace(self.place, x=float(x), y=float(y), yaw=turned))

    def lifted(self, height: float) -> Performer:
        """The performer higher above the ground by `height`, metres."""
        return replace(self, lift=self.lift + height)

    @cached_property
    def _pose(self) -> Pose:
        return self.rig.pose(self.body, self.act.posture)

    @cached_property
    def _origin(self) -> np.ndarray:
        """The point (3,) of the pose's frame that is on the ground at the place, see `Figure`."""
        origin = self._pose.joints[MUPOTS_17.root].copy()
        origin[2] = self.rig.lowest(self.body, self._pose)
        return origin

    @property
    def _rotation(self) -> np.ndarray:
        return yaw_rotation(self.place.yaw)

    @property
    def _shift(self) -> np.ndarray:
        return np.array([*self.place.position, self.lift])

    def _to_world(self, points: np.ndarray) -> np.ndarray:
        return (points - self._origin) @ self._rotation.T + self._shift
