"""Image transport: subscription to images, and shared memory to publish them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.ros.live_node import LiveNode
from pinet_ros.ros.parameters import Parameter

_FAST_DDS_2 = ("humble", "iron", "jazzy")  # its environment variable has an older name
_PROFILE = Path(__file__).with_name("fastdds_images.xml")

IMAGE_TRANSPORT = Parameter(
    "image_transport",
    "raw",
    "raw subscribes to the image topic, compressed to <image topic>/compressed",
    choices=("raw", "compressed"),
)


def subscribe_image(node: LiveNode, callback: Callable[[Any], None]) -> None:
    """Subscribe to `image`, raw or compressed according to the parameter image_transport."""
    topic = node.resolve_topic_name("image")
    if node.value("image_transport") == "compressed":
        node.create_input(CompressedImage, f"{topic}/compressed", callback)
    else:
        node.create_input(Image, topic, callback)


def enlarge_shared_memory() -> None:
    """Let Fast DDS send whole images through shared memory; call it before rclpy.init.

    With the default segment of 512 kB, most best-effort images between processes are lost. Only
    publishers of images need this. A profile set by the user takes precedence.
    """
    old = os.environ.get("ROS_DISTRO") in _FAST_DDS_2
    os.environ.setdefault(f"FAST{'RTPS' if old else 'DDS'}_DEFAULT_PROFILES_FILE", str(_PROFILE))
