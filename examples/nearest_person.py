"""Print who is nearest to the camera, image by image. Run it beside pose_refiner.

python nearest_person.py
python nearest_person.py --ros-args -r people:=/robot/people
"""

import math

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from pinet_ros.msg import PersonPoseArray


class NearestPerson(Node):
    """Subscribes to `people`."""

    def __init__(self) -> None:
        super().__init__("nearest_person")
        self.create_subscription(PersonPoseArray, "people", self.on_people, 10)

    def on_people(self, message: PersonPoseArray) -> None:
        pelvis = message.joint_names.index("pelvis")
        places = [person.joints[pelvis] for person in message.people]  # metres
        distances = [math.hypot(place.x, place.y, place.z) for place in places]
        known = [row for row, distance in enumerate(distances) if math.isfinite(distance)]
        if not known:
            print("nobody", flush=True)
            return
        row = min(known, key=distances.__getitem__)
        print(f"person {row}: {distances[row]:.2f} m, {places[row].x:+.2f} m right", flush=True)


try:
    rclpy.init()
    rclpy.spin(NearestPerson())
except (KeyboardInterrupt, ExternalShutdownException):
    pass
