"""Summary that the demo prints and saves at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from demo.recorder import Recorder
from demo.still import save_still
from pinet_ros.errors import PinetError
from pinet_ros.people import People

ESTIMATOR_STAGES = ("transport", "decode", "upload", "detect", "lift", "publish")
REFINER_STAGES = ("refine", "publish")


def sum_up(recorder: Recorder) -> dict:
    """Compute the summary of a recording; times in milliseconds, distances in metres."""
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
        "frames_played": recorder.played,
        "frames_refined": len(recorder.people),
        "frames_with_people": sum(n for people, n in counts.items() if people),
        "frames_dropped": recorder.played - len(recorder.people),
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
    """Median distances in metres, nearest person first, over frames with the usual number."""
    usual = _usual_number(recorder.people.values())
    if not usual:
        return []
    rows = [
        sorted(people.distance(row) for row in range(usual))
        for people in recorder.people.values()
        if len(people) == usual
    ]
    return [round(value, 2) for value in np.median(rows, axis=0).tolist()]


def _usual_number(frames: Iterable[People]) -> int:
    """How many people most frames with anybody have; 0 if there is nobody."""
    counts = Counter(len(people) for people in frames if len(people))
    return counts.most_common(1)[0][0] if counts else 0


def print_summary(summary: dict, output: Path) -> None:
    """Print the summary and the names of the files."""
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
        f"messages with a header of no image: {summary['headers_not_of_an_image']}\n"
        f"in {output}: people.mp4, still.png, bag, summary.json"
    )


def save_clearest_frame(recorder: Recorder, path: Path) -> None:
    """Save the frame with the highest mean score, of those with the usual number of people."""
    shown = [stamp for stamp in recorder.drawn if len(recorder.people.get(stamp, ()))]
    if not shown:
        raise PinetError(
            "people were found, but pose_overlay has drawn none of them; see its messages above"
        )
    usual = _usual_number(recorder.people[stamp] for stamp in shown)
    candidates = [stamp for stamp in shown if len(recorder.people[stamp]) == usual]
    clearest = max(candidates, key=lambda stamp: recorder.people[stamp].scores.mean())
    number = recorder.drawn[clearest]
    video = cv2.VideoCapture(str(recorder.video.path))
    video.set(cv2.CAP_PROP_POS_FRAMES, number)
    read, image = video.read()
    if not read:
        raise PinetError(
            f"frame {number} of {recorder.video.path}, which has {recorder.video.frames}, cannot "
            "be read, so there is no still.png; is the disk full?"
        )
    save_still(path, image, recorder.people[clearest])
