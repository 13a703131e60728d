"""Demo: plays a video of people through all nodes, each in its own process.

Writes to demo_output/ the annotated video, a still image with the skeletons from two sides, a bag
with images and people, and the summary that it also prints. Exits with status 1 if no people were
found or a node has failed.
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

import numpy as np
import rclpy

from demo.recorder import Recorder
from demo.summary import print_summary, save_clearest_frame, sum_up
from pinet_ros.errors import PinetError
from pinet_ros.estimator import PoseEstimator
from pinet_ros.geometry.calibration import read_calibration, read_qualisys, write_calibration
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.pictures import PictureError
from pinet_ros.imaging.video import ImageSource, open_source
from pinet_training.originals import fetch

PLAYER = "camera_player"
CLIP_CAMERA = "cam02"  # the upright camera of the demo clip
BUSY = 0.4  # fraction of the time for the estimator; the other processes need the rest
MEASURED_IMAGES = 8  # to measure the time of the estimator
START_TIMEOUT = 180.0  # seconds for the nodes to load their networks
QUIET = 3.0  # seconds without a result after which the demo ends
STOP_TIMEOUT = 10.0  # seconds


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--video", help="video file, folder of images or webcam index; default: the demo clip"
    )
    parser.add_argument("--calibration", type=Path, help="camera_info YAML of the video's camera")
    parser.add_argument(
        "--field-of-view", type=float, help="horizontal, degrees; instead of a calibration"
    )
    parser.add_argument("--rate", type=float, help="Hz; default: what this machine can process")
    parser.add_argument(
        "--output", type=Path, default=Path("demo_output"), help="folder; default: %(default)s"
    )
    parser.add_argument("--view", action="store_true", help="show the people live in Rerun")
    options = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    try:
        sys.exit(run(options))
    except PinetError as error:
        sys.exit(f"demo: {error}")


def run(options: argparse.Namespace) -> int:
    """Play, record and summarise; returns the exit status."""
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
    problem = None
    try:
        with processes(options) as running:
            play(options, recorder, running)
    except KeyboardInterrupt:
        print("demo: interrupted; summarising what was recorded")
    except PinetError as error:
        problem = error
    finally:
        recorder.close()
        rclpy.try_shutdown()
    if problem is not None:
        if not recorder.people:
            raise problem
        print(f"demo: {problem}; summarising what was recorded before", file=sys.stderr)
    summary = sum_up(recorder)
    (options.output / "summary.json").write_text(json.dumps(summary, indent=1))
    print_summary(summary, options.output)
    if not summary["frames_with_people"]:
        print("demo: no people were found")
        return 1
    save_clearest_frame(recorder, options.output / "still.png")
    return 1 if problem else 0


def prepare(options: argparse.Namespace) -> None:
    """Use the demo clip if no video is given, and remove the files of an earlier run."""
    options.output.mkdir(parents=True, exist_ok=True)
    if options.video is None:
        use_clip(options)
    elif not options.calibration and not options.field_of_view:
        raise PinetError(
            "your own video needs a camera: give CALIB=camera.yaml as camera_calibration writes "
            "it, or FOV=60, the horizontal field of view in degrees (distances are then only as "
            "accurate as that number)"
        )
    video = Path(options.video).resolve()
    if options.output.resolve() in (video, *video.parents):
        raise PinetError(
            f"{options.video} is in {options.output}, which is overwritten; move it elsewhere"
        )
    for name in ("people.mp4", "still.png", "summary.json"):
        (options.output / name).unlink(missing_ok=True)
    shutil.rmtree(options.output / "bag", ignore_errors=True)


def use_clip(options: argparse.Namespace) -> None:
    """Use the demo clip and its calibration, which are fetched if missing."""
    fetch.fetch(["demo_clip"])
    options.video = str(fetch.path("demo_clip", f"{CLIP_CAMERA}.mp4"))
    options.calibration = options.output / "camera.yaml"
    calibrations = read_qualisys(fetch.path("demo_clip", "Calib.qca.txt"))
    write_calibration(options.calibration, calibrations[CLIP_CAMERA])


def playing_rate(video: str) -> float:
    """Rate of a video, or a lower one at which this machine processes every image.

    The rate of a webcam is not lowered.
    """
    source = open_source(video)
    if video.isdigit():
        return source.rate
    images = readable(source, MEASURED_IMAGES)
    if not images:
        raise PinetError(f"{video} has no image that can be read; give another video")
    estimator = PoseEstimator()
    seconds = []
    for image in images:
        camera = Camera.from_field_of_view(60, image.shape[1], image.shape[0])
        seconds.append(sum(estimator(image, camera).times.values()))
    kept = BUSY / statistics.median(seconds)
    if kept < source.rate:
        print(
            f"playing at {kept:.1f} Hz, so that this machine processes every image; the rate of "
            f"the video is {source.rate:.0f} Hz (set RATE=... to change it)"
        )
    return min(kept, source.rate)


def readable(source: ImageSource, count: int) -> list[np.ndarray]:
    """Read the first images of a source, at most so many; a damaged one is left out."""
    images = []
    for _ in range(count):
        try:
            timed = source.read()
        except PictureError as error:
            print(f"demo: {error}", file=sys.stderr)
            continue
        if timed is None:
            break
        images.append(timed.image)
    return images


@contextmanager
def processes(options: argparse.Namespace) -> Iterator[dict[str, subprocess.Popen]]:
    """Run the three nodes in their own processes; these, and any added, are stopped at the end."""
    patience = {"input_timeout": START_TIMEOUT}  # the player starts last
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
        # JSON is YAML, so strings that look like numbers stay strings
        command += ["-p", f"{key}:={json.dumps(value)}"]
    return subprocess.Popen(command)


def play(
    options: argparse.Namespace, recorder: Recorder, running: dict[str, subprocess.Popen]
) -> None:
    """Play the video when all nodes have loaded their networks, until no more results arrive."""
    end = time.monotonic() + START_TIMEOUT
    while not nodes_listen(recorder):
        receive(recorder, running)
        if time.monotonic() > end:
            raise PinetError(
                f"the nodes were not ready within {START_TIMEOUT:.0f} s; see their messages above"
            )
    player = start(
        PLAYER,
        {
            "source": options.video,
            "calibration": str(options.calibration or ""),
            "rate": options.rate,
            "wait_for_subscribers": 3,  # estimator, overlay and recorder
        },
    )
    running[PLAYER] = player
    quiet_since = time.monotonic()
    while player.poll() is None or time.monotonic() - quiet_since < QUIET:
        if receive(recorder, running):
            quiet_since = time.monotonic()
    if player.returncode:
        raise PinetError(f"{PLAYER} failed; see the message above")


def nodes_listen(recorder: Recorder) -> bool:
    """Whether estimator, refiner and overlay have subscribed, besides the recorder."""
    needed = {"image": 3, "people/initial": 2, "people": 2}
    return all(recorder.count_subscribers(topic) >= count for topic, count in needed.items())


def receive(recorder: Recorder, running: dict[str, subprocess.Popen]) -> bool:
    """Receive messages; returns whether an image of the video or its people arrived.

    Raises:
        PinetError: a process has failed, other than the player, whose images may be on their way.
    """
    before = len(recorder.drawn) + len(recorder.headers)
    rclpy.spin_once(recorder, timeout_sec=0.1)
    failed = [name for name, process in running.items() if process.poll() and name != PLAYER]
    if failed:
        raise PinetError(f"{', '.join(failed)} failed; see the message above")
    return len(recorder.drawn) + len(recorder.headers) > before


if __name__ == "__main__":
    main()
