"""RViz markers for people: bones, joints and a label for each, without a plugin."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from pinet_ros.people import People, person_color

_BONE_WIDTH = 0.03  # metres
_JOINT_DIAMETER = 0.05  # metres
_LABEL_HEIGHT = 0.15  # metres
_FRAMES = 10  # over which the rate is measured
_PERIODS = 3  # between frames, that markers outlive
_SHORTEST = 0.5  # seconds
_LONGEST = 30.0  # seconds
_FIRST = 3.0  # seconds, while the rate is not known


class PeopleMarkers:
    """Creates the markers of each frame, and removes those of people who have disappeared."""

    def __init__(self, lifetime: float = 0.0) -> None:
        """Set the lifetime, in seconds, after which markers vanish without a new frame.

        At 0 it is three times the median interval between the latest frames, from 0.5 to 30 s;
        3 s for the first frame.
        """
        self._fixed = lifetime
        self._arrivals: deque[float] = deque(maxlen=_FRAMES)
        self._lifetime = Duration()
        self._shown: set[tuple[str, int]] = set()

    def update(self, people: People, header: Header) -> MarkerArray:
        """Create the markers for one frame; ids are track ids, or rows without tracking."""
        self._arrivals.append(time.monotonic())
        seconds, fraction = divmod(self.lifetime, 1)
        self._lifetime = Duration(sec=int(seconds), nanosec=int(fraction * 1e9))
        markers: list[Marker] = []
        for row in range(len(people)):
            markers += self._person(people, row, header)
        shown = {(marker.ns, marker.id) for marker in markers}
        for namespace, number in sorted(self._shown - shown):
            gone = Marker(header=header, ns=namespace, id=number, action=Marker.DELETE)
            markers.append(gone)
        self._shown = shown
        return MarkerArray(markers=markers)

    def clear(self) -> MarkerArray:
        """Create a marker that removes all markers, for when the node stops."""
        self._shown = set()
        self._arrivals.clear()
        return MarkerArray(markers=[Marker(action=Marker.DELETEALL)])

    @property
    def lifetime(self) -> float:
        """Seconds after which markers vanish without a new frame."""
        if self._fixed:
            return self._fixed
        if len(self._arrivals) < 2:
            return _FIRST
        interval = float(np.median(np.diff(self._arrivals)))  # one gap does not count
        return min(max(_PERIODS * interval, _SHORTEST), _LONGEST)

    def _person(self, people: People, row: int, header: Header) -> list[Marker]:
        joints = people.joints[row]
        known = np.isfinite(joints).all(axis=1)
        if not known.any():
            return []
        points = [Point(x=x, y=y, z=z) for x, y, z in joints.tolist()]
        bones = [points[end] for bone in people.known_bones(row) for end in bone]
        number = people.number(row)
        red, green, blue = person_color(number)
        color = ColorRGBA(r=red, g=green, b=blue, a=1.0)

        def marker(namespace: str, kind: int, width: float) -> Marker:
            created = Marker(header=header, ns=namespace, id=number, type=kind, color=color)
            created.pose.orientation.w = 1.0
            created.scale.x = created.scale.y = created.scale.z = width
            created.lifetime = self._lifetime
            return created

        spheres = marker("joints", Marker.SPHERE_LIST, _JOINT_DIAMETER)
        spheres.points = [point for point, shown in zip(points, known, strict=True) if shown]
        label = marker("label", Marker.TEXT_VIEW_FACING, _LABEL_HEIGHT)
        top = joints[known][joints[known][:, 1].argmin()]  # y points down
        label.pose.position.x = float(top[0])
        label.pose.position.y = float(top[1]) - 1.5 * _LABEL_HEIGHT
        label.pose.position.z = float(top[2])
        label.text = f"{number}: {people.distance(row):.1f} m"
        if not bones:
            return [spheres, label]
        lines = marker("bones", Marker.LINE_LIST, _BONE_WIDTH)
        lines.points = bones
        return [lines, spheres, label]
