"""Real nodes in processes of their own, over real DDS, each test in a domain of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from pinet_ros.geometry.calibration import Calibration
from pinet_ros.nodes.camera_player import camera_info
from pinet_ros.ros.images import encode_bgr8
from pinet_ros.ros.transport import set_up_shared_memory

_START_TIMEOUT = 90.0  # seconds: loading torch on a busy machine
# of pytest-xdist, whose workers are children of one process and run tests side by side
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_numbers = itertools.count(os.getppid() + _worker, _workers)


def next_domain() -> int:
    """A ROS_DOMAIN_ID for one test."""
    return next(_numbers) % 100 + 1


class Process:
    """A node's process and what it has said."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as output:
            self.popen = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    @property
    def failed(self) -> bool:
        return bool(self.popen.poll())

    def wait(self, timeout: float = _START_TIMEOUT) -> int:
        return self.popen.wait(timeout)

    def interrupt(self) -> int:
        """End it as Ctrl-C does; its exit status."""
        if self.alive:
            self.popen.send_signal(signal.SIGINT)
        try:
            return self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            raise


class Ros:
    """The test's own node, and the processes that it starts in the same domain."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.domain = next_domain()
        self.environment = os.environ | {
            "ROS_DOMAIN_ID": str(self.domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",  # threads that wait for each other are slow on a busy CPU
        }
        set_up_shared_memory(publishes_images=True)  # the tests publish images too
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.node = Node("test", context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._processes: list[Process] = []

    def start(
        self,
        executable: str,
        parameters: dict[str, Any] | None = None,
        remap: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        files: Sequence[str] = (),
    ) -> Process:
        """Start one of the package's executables; parameter files lie in the test's folder."""
        command = [str(Path(sys.executable).with_name(executable)), "--ros-args"]
        for file in files:
            command += ["--params-file", str(self.folder / file)]
        for name, value in (parameters or {}).items():
            command += ["-p", f"{name}:={json.dumps(value)}"]
        for old, new in (remap or {}).items():
            command += ["-r", f"{old}:={new}"]
        log = self.folder / f"{executable}-{len(self._processes)}.log"
        process = Process(command, self.environment | (environment or {}), log)
        self._processes.append(process)
        return process

    def listen(self, kind: type, topic: str, qos: Any = 100) -> list[Any]:
        """A list that grows with the messages of a topic."""
        messages: list[Any] = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def until(self, condition: Callable[[], Any], timeout: float = _START_TIMEOUT) -> None:
        """Spin until the condition holds."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end or any(process.failed for process in self._processes):
                logs = "\n".join(process.output for process in self._processes)
                pytest.fail(f"it did not come within {timeout} s; the processes said:\n{logs}")
            self._executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        for process in self._processes:
            process.interrupt()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


class Camera:
    """Publishes images when it is told to, and CameraInfo all the time, as a camera does."""

    def __init__(self, ros: Ros, image: type = Image, namespace: str = "", topic="image") -> None:
        self._ros = ros
        self.calibration: Calibration | None = None  # publishes none while there is none
        self.images = ros.node.create_publisher(image, f"{namespace}{topic}", 10)
        self.infos = ros.node.create_publisher(CameraInfo, f"{namespace}camera_info", 10)
        self.headers = []
        ros.node.create_timer(0.1, self._publish_info)

    def _publish_info(self) -> None:
        if self.calibration is not None:
            size = self.calibration.width, self.calibration.height
            self.infos.publish(camera_info(self.calibration, *size))

    def wait(self) -> None:
        """Wait for a subscriber to both topics, and for it to know this test's subscriptions."""
        for publisher in (self.images, self.infos):
            self._ros.until(lambda p=publisher: p.get_subscription_count() > 0)
        self._ros.spin(1.0)

    def header(self) -> Header:
        stamp = self._ros.node.get_clock().now().to_msg()
        return Header(stamp=stamp, frame_id="front_camera_optical")

    def message(self, image: np.ndarray) -> Image:
        return encode_bgr8(image, Image(header=self.header()))

    def show(self, image: np.ndarray, calibration: Calibration | None = None) -> None:
        """Publish an image; the CameraInfo of the calibration, if given, from now on."""
        if calibration is not None and calibration != self.calibration:
            self.calibration = calibration
            self._ros.spin(0.5)
        message = self.message(image)
        self.headers.append(message.header)
        self.images.publish(message)
