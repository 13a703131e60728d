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
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import rclpy

from pinet_ros.calibration import read_qualisys, write_calibration
from pinet_ros.drawing import distance
from pinet_ros.errors import PinetError
from pinet_ros.figure import save_still
from pinet_ros.models import fetch
from pinet_ros.ros.recorder import Recorder
from pinet_ros.video import open_source

CLIP_CAMERA = "cam02"  # of the demo clip, the one that stands upright
CLIP_RATE = 5.0  # Hz: slow enough for two cores without a GPU to see every frame
START_TIMEOUT = 180.0  # seconds until the first image: the networks are loaded in that time
QUIET = 3.0  # seconds without a result after which nothing more is expected
STOP_TIMEOUT = 10.0  # seconds

ESTIMATOR_STAGES = ("transport", "decode", "upload", "detect", "lift", "publish")
REFINER_STAGES = ("refine", "publish")


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", help="video, folder or webcam; the demo clip by default")
    parser.add_argument("--calibration", type=Path, help="camera_info YAML of that camera")
    parser.add_argument("--field-of-view", type=float, help="degrees, without a calibration")
    parser.add_argument("--rate", type=float, help="images per second; the video's own by default")
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
    shutil.rmtree(options.output, ignore_errors=True)
    options.output.mkdir(parents=True)
    if options.video is None:
        use_clip(options)
    elif not options.calibration and not options.field_of_view:
        raise PinetError(
            "your own video needs its camera: CALIB=camera.yaml as camera_calibration writes it, "
            "or FOV=60, the horizontal field of view in degrees (distances are then only as good "
            "as that number)"
        )
    source = open_source(options.video)
    show = None
    if options.view:
        from pinet_ros.viewer import Viewer

        show = Viewer().show
    rclpy.init()
    recorder = Recorder(options.output, rate=min(source.rate, 60.0), show=show)
    try:
        with processes(options) as running:
            record(recorder, running)
    finally:
        recorder.close()
        rclpy.try_shutdown()
    summary = sum_up(recorder)
    (options.output / "summary.json").write_text(json.dumps(summary, indent=1))
    print_summary(summary, options.output)
    if not summary["frames_with_people"]:
        print("demo: nobody was found")
        return 1
    save_middle_frame(recorder, options.output / "still.png")
    return 0


def use_clip(options: argparse.Namespace) -> None:
    """Fill in the demo clip and its calibration, fetched when they are not there."""
    fetch.fetch(["demo_clip"])
    options.video = str(fetch.path("demo_clip", f"{CLIP_CAMERA}.mp4"))
    options.calibration = options.output / "camera.yaml"
    calibrations = read_qualisys(fetch.path("demo_clip", "Calib.qca.txt"))
    write_calibration(options.calibration, calibrations[CLIP_CAMERA])
    options.rate = options.rate or CLIP_RATE


@contextmanager
def processes(options: argparse.Namespace) -> Iterator[dict[str, subprocess.Popen]]:
    """The nodes, each in its own process; they are stopped at the end."""
    camera = {"fallback_field_of_view": options.field_of_view or 0.0}
    player = {
        "source": options.video,
        "calibration": str(options.calibration or ""),
        "rate": options.rate or 0.0,
        "wait_for_subscribers": 2,  # estimator and overlay
    }
    nodes = {"pose_estimator": camera, "pose_refiner": {}, "pose_overlay": camera}
    running = {}
    try:
        for name, parameters in {**nodes, "camera_player": player}.items():
            running[name] = start(name, parameters)
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


def record(recorder: Recorder, running: dict[str, subprocess.Popen]) -> None:
    """Receive until the player has ended and no more results come; Ctrl-C ends it early."""
    begin = last = time.monotonic()
    results = 0
    try:
        while True:
            rclpy.spin_once(recorder, timeout_sec=0.1)
            now = time.monotonic()
            if len(recorder.drawn) + len(recorder.headers) > results:
                results, last = len(recorder.drawn) + len(recorder.headers), now
            ended = {name for name, process in running.items() if process.poll() is not None}
            if ended - {"camera_player"}:
                raise PinetError(f"{', '.join(sorted(ended))} ended; its message stands above")
            if running["camera_player"].poll():
                raise PinetError("camera_player could not play; its message stands above")
            if "camera_player" in ended and now - last > QUIET:
                return
            if not recorder.headers and now - begin > START_TIMEOUT:
                raise PinetError(f"no image was played within {START_TIMEOUT:.0f} s")
    except KeyboardInterrupt:
        return


def sum_up(recorder: Recorder) -> dict:
    """Figures of the recording; times in milliseconds, distances in metres."""
    counts = Counter(len(people) for people in recorder.people.values())
    estimator = recorder.diagnostics.get("pose_estimator", {})
    refiner = recorder.diagnostics.get("pose_refiner", {})
    stages = {stage: float(estimator.get(f"{stage}_p50_ms", "nan")) for stage in ESTIMATOR_STAGES}
    stages |= {
        f"refiner {stage}": float(refiner.get(f"{stage}_p50_ms", "nan"))
        for stage in REFINER_STAGES
    }
    seconds = (recorder.arrivals[-1] - recorder.arrivals[0]) * 1e-9 if counts else 0
    return {
        "frames_played": len(recorder.headers),
        "frames_refined": len(recorder.people),
        "frames_with_people": sum(n for people, n in counts.items() if people),
        "frames_dropped": len(recorder.headers) - len(recorder.people),
        "headers_not_of_an_image": recorder.strays,
        "people_per_frame": dict(sorted(counts.items())),
        "distances_m": distances(recorder),
        "frames_per_second": (len(recorder.arrivals) - 1) / seconds if seconds else 0.0,
        "latency_p50_ms": float(refiner.get("latency_p50_ms", "nan")),
        "latency_p95_ms": float(refiner.get("latency_p95_ms", "nan")),
        "stages_p50_ms": stages,
        "stages_sum_ms": sum(stages.values()),
    }


def distances(recorder: Recorder) -> list[float]:
    """Median distance of the nearest person, the second nearest ..., of the usual number."""
    counts = Counter(len(people) for people in recorder.people.values() if len(people))
    if not counts:
        return []
    usual = counts.most_common(1)[0][0]
    rows = [
        sorted(distance(people, row) for row in range(usual))
        for people in recorder.people.values()
        if len(people) == usual
    ]
    return [round(value, 2) for value in np.median(rows, axis=0).tolist()]


def print_summary(summary: dict, output: Path) -> None:
    """Print the figures and where the files are."""
    seen = ", ".join(
        f"{n} in {frames} frames" for n, frames in summary["people_per_frame"].items()
    )
    away = ", ".join(f"{metres:.1f} m" for metres in summary["distances_m"])
    stages = ", ".join(f"{name} {ms:.1f}" for name, ms in summary["stages_p50_ms"].items())
    print(
        f"\nframes: {summary['frames_played']} played, {summary['frames_refined']} refined, "
        f"{summary['frames_dropped']} dropped\n"
        f"people: {seen}\n"
        f"distance, near to far: {away}\n"
        f"rate: {summary['frames_per_second']:.1f} frames per second\n"
        f"latency from stamp to publishing: p50 {summary['latency_p50_ms']:.0f} ms, "
        f"p95 {summary['latency_p95_ms']:.0f} ms\n"
        f"stages (p50, ms): {stages}; together {summary['stages_sum_ms']:.0f}\n"
        f"messages with a header that is no image's: {summary['headers_not_of_an_image']}\n"
        f"in {output}: people.mp4, still.png, bag, summary.json"
    )


def save_middle_frame(recorder: Recorder, path: Path) -> None:
    """Save the frame nearest to the middle of the video among those with the most people."""
    most = max(len(people) for people in recorder.people.values())
    crowded = [
        index
        for index, stamp in enumerate(recorder.drawn)
        if len(recorder.people.get(stamp, ())) == most
    ]
    index = min(crowded, key=lambda i: abs(i - len(recorder.drawn) / 2))
    video = cv2.VideoCapture(str(recorder.video))
    video.set(cv2.CAP_PROP_POS_FRAMES, index)
    _, image = video.read()
    save_still(path, image, recorder.people[recorder.drawn[index]])


if __name__ == "__main__":
    main()
