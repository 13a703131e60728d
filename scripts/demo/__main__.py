"""The main job, whole: a video of people through all nodes, each in a process of its own.

Leaves in demo_output/ the annotated video, a still with the skeletons from two sides, a bag with
the people topics and the summary that it prints. Exits with 1 when nobody was found.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rclpy

from demo.recorder import Recorder
from demo.summary import print_summary, save_clearest_frame, sum_up
from pinet_ros.errors import PinetError
from pinet_ros.estimator import PoseEstimator
from pinet_ros.geometry.calibration import read_calibration, read_qualisys, write_calibration
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.video import open_source
from pinet_ros.models import fetch

CLIP_CAMERA = "cam02"  # of the demo clip, the one that stands upright
BUSY = 0.4  # part of the time that the estimator may be busy; the other processes need the rest
MEASURED_IMAGES = 8
START_TIMEOUT = 180.0  # seconds for the nodes to load their networks
QUIET = 3.0  # seconds without a result after which nothing more is expected
STOP_TIMEOUT = 10.0  # seconds


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", help="video, folder or webcam; the demo clip by default")
    parser.add_argument("--calibration", type=Path, help="camera_info YAML of that camera")
    parser.add_argument("--field-of-view", type=float, help="degrees, without a calibration")
    parser.add_argument("--rate", type=float, help="Hz; by default what the machine keeps")
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--view", action="store_true", help="show it live in Rerun")
    options = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    try:
        sys.exit(run(options))
    except PinetError as error:
        sys.exit(f"demo: {error}")


def run(options: argparse.Namespace) -> int:
    """Play, record and sum up; the exit status."""
    prepare(options)
    if options.calibration:
        read_calibration(options.calibration)
    options.rate = options.rate or playing_rate(options.video)
    show = None
    if options.view:
        from demo.viewer import Viewer

        show = Viewer().show
    rclpy.init()
    recorder = Recorder(options.output, rate=options.rate, show=show)
    try:
        with processes(options) as running:
            play(options, recorder, running)
    except KeyboardInterrupt:
        print("demo: ended early")
    finally:
        recorder.close()
        rclpy.try_shutdown()
    summary = sum_up(recorder)
    (options.output / "summary.json").write_text(json.dumps(summary, indent=1))
    print_summary(summary, options.output)
    if not summary["frames_with_people"]:
        print("demo: nobody was found")
        return 1
    save_clearest_frame(recorder, options.output / "still.png")
    return 0


def prepare(options: argparse.Namespace) -> None:
    """Fill in the demo clip where no video is given, and remove what an earlier run left."""
    options.output.mkdir(parents=True, exist_ok=True)
    if options.video is None:
        use_clip(options)
    elif not options.calibration and not options.field_of_view:
        raise PinetError(
            "your own video needs its camera: CALIB=camera.yaml as camera_calibration writes it, "
            "or FOV=60, the horizontal field of view in degrees (distances are then only as good "
            "as that number)"
        )
    video = Path(options.video).resolve()
    if options.output.resolve() in (video, *video.parents):
        raise PinetError(
            f"{options.video} lies in {options.output}, which is written anew; move it elsewhere"
        )
    for name in ("people.mp4", "still.png", "summary.json"):
        (options.output / name).unlink(missing_ok=True)
    shutil.rmtree(options.output / "bag", ignore_errors=True)


def use_clip(options: argparse.Namespace) -> None:
    """The demo clip and its calibration, fetched when they are not there."""
    fetch.fetch(["demo_clip"])
    options.video = str(fetch.path("demo_clip", f"{CLIP_CAMERA}.mp4"))
    options.calibration = options.output / "camera.yaml"
    calibrations = read_qualisys(fetch.path("demo_clip", "Calib.qca.txt"))
    write_calibration(options.calibration, calibrations[CLIP_CAMERA])


def playing_rate(video: str) -> float:
    """A video's own rate, or a slower one at which this machine sees every image.

    A webcam cannot be slowed down.
    """
    source = open_source(video)
    if video.isdigit():
        return source.rate
    images = [source.read() for _ in range(MEASURED_IMAGES)]
    if images[0] is None:
        raise PinetError(f"{video} holds no image that can be read; give another video")
    estimator = PoseEstimator()
    seconds = []
    for image in (image for image in images if image is not None):
        camera = Camera.from_field_of_view(60, image.shape[1], image.shape[0])
        seconds.append(sum(estimator(image, camera).times.values()))
    kept = BUSY / statistics.median(seconds)
    if kept < source.rate:
        print(
            f"playing at {kept:.1f} Hz, so that this machine sees every image; the video's own "
            f"rate is {source.rate:.0f} Hz (RATE=...)"
        )
    return min(kept, source.rate)


@contextmanager
def processes(options: argparse.Namespace) -> Iterator[dict[str, subprocess.Popen]]:
    """The three nodes, each in its own process; they, and what is added, stop at the end."""
    patience = {"input_timeout": START_TIMEOUT}  # the player comes last
    camera = {"fallback_field_of_view": options.field_of_view or 0.0, **patience}
    running = {}
    try:
        running["pose_estimator"] = start("pose_estimator", camera)
        running["pose_refiner"] = start("pose_refiner", patience)
        running["pose_overlay"] = start("pose_overlay", camera)
        yield running
    finally:
        for process in running.values():
            process.send_signal(signal.SIGINT)
        for process in running.values():
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def start(name: str, parameters: dict) -> subprocess.Popen:
    """Start an executable of this environment."""
    command = [str(Path(sys.executable).with_name(name)), "--ros-args"]
    for key, value in parameters.items():
        # JSON is YAML: strings stay strings also when they look like numbers
        command += ["-p", f"{key}:={json.dumps(value)}"]
    return subprocess.Popen(command)


def play(
    options: argparse.Namespace, recorder: Recorder, running: dict[str, subprocess.Popen]
) -> None:
    """Play the video once all nodes have loaded their networks, until no more results come."""
    end = time.monotonic() + START_TIMEOUT
    while not nodes_listen(recorder):
        receive(recorder, running)
        if time.monotonic() > end:
            raise PinetError(f"the nodes were not ready within {START_TIMEOUT:.0f} s")
    player = start(
        "camera_player",
        {
            "source": options.video,
            "calibration": str(options.calibration or ""),
            "rate": options.rate,
            "wait_for_subscribers": 2,  # estimator and overlay
        },
    )
    running["camera_player"] = player
    quiet_since = time.monotonic()
    while player.poll() is None or time.monotonic() - quiet_since < QUIET:
        if receive(recorder, running):
            quiet_since = time.monotonic()


def nodes_listen(recorder: Recorder) -> bool:
    """Whether estimator, refiner and overlay have subscribed (beside the recorder)."""
    wanted = {"image": 2, "people/initial": 2, "people": 2}
    return all(recorder.count_subscribers(topic) >= count for topic, count in wanted.items())


def receive(recorder: Recorder, running: dict[str, subprocess.Popen]) -> bool:
    """Take in what has come; whether there was anything of the video.

    Raises:
        PinetError: a process has failed.
    """
    before = len(recorder.drawn) + len(recorder.headers)
    rclpy.spin_once(recorder, timeout_sec=0.1)
    failed = [name for name, process in running.items() if process.poll()]
    if failed:
        raise PinetError(f"{', '.join(failed)} failed; the message stands above")
    return len(recorder.drawn) + len(recorder.headers) > before


if __name__ == "__main__":
    main()
