"""How images come and go."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import as_file, files
from typing import Any

from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.ros.live_node import LiveNode
from pinet_ros.ros.parameters import Parameter

IMAGE_TRANSPORT = Parameter(
    "image_transport",
    "raw",
    "raw subscribes to the image topic, compressed to <image topic>/compressed",
    choices=("raw", "compressed"),
)


def subscribe_image(node: LiveNode, callback: Callable[[Any], None]) -> Subscription:
    """Subscribe to `image`, raw or compressed as the parameter image_transport says."""
    topic = node.resolve_topic_name("image")
    if node.value("image_transport") == "compressed":
        return node.create_input(CompressedImage, f"{topic}/compressed", callback)
    return node.create_input(Image, topic, callback)


def enlarge_shared_memory() -> None:
    """Let Fast DDS carry whole images through shared memory; call it before rclpy.init.

    With its default segment of 512 kB most best-effort images between processes are lost. Only
    a publisher of images needs this, and a profile of the user's own takes precedence.
    """
    with as_file(files("pinet_ros.ros") / "fastdds_images.xml") as profile:
        os.environ.setdefault("FASTDDS_DEFAULT_PROFILES_FILE", str(profile))
