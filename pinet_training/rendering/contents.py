"""What a rendered data set holds: how many people, how they are seen, what they do and wear."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.files import write_whole
from pinet_training.rendering.shards import RenderedScenes

_CLOSE = 1.5  # metres from the camera
_SMALL = 1.45  # metres: stature of a child of up to about eleven years
_PARTLY = 0.6  # share of the joints in the image below which only a part is seen


def describe_contents(rendered: RenderedScenes) -> dict[str, Any]:
    """Count the scenes and people of a data set by kind.

    Returns:
        Counts of scenes and people, scenes by number of people, and shares (0 to 1) of the people
        of whom something is seen: by how they are seen, by stance and by clothes.

    Raises:
        DatasetError: the data set cannot be read.
    """
    truths = [rendered.read(number).truth for number in rendered.shards()]
    people = {
        name: np.concatenate([truth[name] for truth in truths])
        for name in truths[0]
        if name.startswith("person_")
    }
    crowds = np.concatenate(
        [np.bincount(t["person_scene"], minlength=len(t["scene_image"])) for t in truths]
    )
    seen = np.isfinite(people["person_box"]).all(axis=1)
    people = {name: values[seen] for name, values in people.items()}
    joints, in_image = people["person_joints"], people["person_in_image"].mean(axis=1)
    left, right = (joints[:, MUPOTS_17.index(f"{s}_shoulder"), 0] for s in ("left", "right"))
    return {
        "scenes": len(crowds),
        "people": int(crowds.sum()),
        "scenes_by_people": _counts(crowds.tolist()),
        "seen": int(seen.sum()),
        "share_of_seen": {
            "cut off": _share(in_image < 1),
            "mostly outside": _share(in_image < _PARTLY),
            "partly hidden": _share((people["person_hidden_by"] % 3 > 0).any(axis=1)),
            "from behind": _share(left < right),
            "nearer than 1.5 m": _share(joints[:, MUPOTS_17.root, 2] < _CLOSE),
            "smaller than 1.45 m": _share(people["person_stature"] < _SMALL),
        },
        "stances": _shares(people["person_stance"].tolist(), int(seen.sum())),
        "clothes": _shares(
            [name for names in people["person_clothes"] for name in names.split(",") if name],
            int(seen.sum()),
        ),
    }


def write_contents(contents: dict[str, Any], path: Path) -> None:
    """Write what `describe_contents` returned to a .json file.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(contents, indent=2) + "\n"
    write_whole(path, lambda stream: stream.write(text.encode()))


def contents_text(contents: dict[str, Any]) -> str:
    """The contents in a few lines."""
    crowds = ", ".join(f"{n}: {count}" for n, count in contents["scenes_by_people"].items())
    return "\n".join(
        [
            f"{contents['scenes']} scenes with {contents['people']} people, of whom "
            f"{contents['seen']} are seen; scenes by number of people: {crowds}",
            *(
                f"{title}: " + ", ".join(f"{k} {100 * v:.1f} %" for k, v in contents[key].items())
                for title, key in (
                    ("seen", "share_of_seen"),
                    ("stances", "stances"),
                    ("clothes", "clothes"),
                )
            ),
        ]
    )


def _share(which: np.ndarray) -> float:
    return round(float(which.mean()), 4) if len(which) else 0.0


def _counts(values: Sequence[Any]) -> dict[str, int]:
    kinds, counts = np.unique(values, return_counts=True)
    return {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)}


def _shares(names: Sequence[str], total: int) -> dict[str, float]:
    """Shares of names, the most frequent first."""
    counts = sorted(_counts(names).items(), key=lambda item: -item[1])
    return {name: round(count / max(total, 1), 4) for name, count in counts}
