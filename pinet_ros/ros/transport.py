"""Image transport: subscription to images, and shared memory to publish them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.logging import get_logger
from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.ros.live_node import LiveNode
from pinet_ros.ros.parameters import Parameter
from pinet_ros.util.files import write_text

_FAST_DDS_2 = ("humble", "iron", "jazzy")  # its environment variable has an older name
_PROFILE = Path(__file__).with_name("fastdds_images.xml")
_MEMORY = Path("/dev/shm")
_PROCESSES = 4  # that may take an equal part of it
_MIB = 2**20
_SENDERS_SEGMENT = 64 * _MIB  # as in the profile
_RECEIVERS_SEGMENT = 1 * _MIB
_SMALLEST_SEGMENT = 8 * _MIB  # of a sender

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
        compressed = topic if topic.endswith("/compressed") else f"{topic}/compressed"
        node.create_input(CompressedImage, compressed, callback)
    else:
        node.create_input(Image, topic, callback)


def set_up_shared_memory(*, publishes_images: bool) -> None:
    """Let Fast DDS carry whole images in shared memory; call it before rclpy.init.

    With its defaults, most best-effort images between processes are lost: the sender's segment
    holds 512 kB, and the receiver's queue 512 fragments of 64 kB. A profile set by the user takes
    precedence. Containers often have a /dev/shm of 64 MB, of which a part is taken.
    """
    old = os.environ.get("ROS_DISTRO") in _FAST_DDS_2
    variable = f"FAST{'RTPS' if old else 'DDS'}_DEFAULT_PROFILES_FILE"
    if variable in os.environ or not _MEMORY.is_dir():
        return
    available = shutil.disk_usage(_MEMORY).free // _PROCESSES
    size = min(_SENDERS_SEGMENT if publishes_images else _RECEIVERS_SEGMENT, available)
    if publishes_images and size < _SMALLEST_SEGMENT:
        get_logger("pinet_ros").warning(
            f"{_MEMORY} has {available * _PROCESSES / _MIB:.0f} MB left, so that images between "
            "processes are slow and may be lost; start the container with --shm-size=256m or "
            "--ipc=host"
        )
    profile = Path(tempfile.gettempdir()) / f"pinet_ros_{os.getuid()}_{size}.xml"
    write_text(profile, _PROFILE.read_text().replace(str(_SENDERS_SEGMENT), str(size)))
    os.environ[variable] = str(profile)
