"""Damaged files for every reader, and an attempt to read one."""

from __future__ import annotations

import io
import json
import struct
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import attempts
import cv2
import numpy as np
import torch
import whole_files as whole
import yaml
from mutations import ODD_TEXTS, Rng, mutated_arrays, mutated_bytes, mutated_tree, odd_value, pick

from pinet_ros.cli.predictions.predictions import (
    read_predictions,
)
from pinet_ros.errors import PinetError
from pinet_ros.geometry.calibration import (
    read_calibration,
    read_qualisys,
)
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.pictures import PictureError, read_image
from pinet_ros.imaging.video import open_source
from pinet_ros.lifting.blazepose_weights import load_blazepose
from pinet_ros.refinement.checkpoint import load_checkpoint
from pinet_ros.ros.parameter_files import read_parameter_file
from pinet_training.datasets.annotations import read_annotations
from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.originals import fetch

# what YAML has and no library writes
_ODD_YAML = (
    *("2001-99-99", "*nobody", "&a [*a]", "&a {b: *a}", "!!binary x", "!!int abc", "!!float x"),
    *("!!python/object:os.system x", "? [a, b]\n: c", "<<: 1", "1:60:60", ".nan", "-.inf", "0x"),
    *("!!timestamp x", "!!set {a, b}", "!!omap [a: 1]", "[" * 50, "[" * 5000, "{a: " * 3000),
    *("&a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b]", "|\n a\n b", "\t- 1"),
    *(
        "1e400",
        "123456789012345678901234567890",
        "9" * 5000,
        "\x07",
        "'",
        '"',
        "%TAG",
        "---",
        "...",
    ),
)


class Kind(NamedTuple):
    """A kind of file: names and contents of whole ones, how it is damaged, and its reader."""

    whole: dict[str, bytes]
    damage: Callable[[bytes, Rng], bytes]
    read: Callable[[Path], Any]


def reading() -> attempts.Attempt:
    """Prepare attempts to read a damaged file of one kind after the other."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    kinds = _kinds()
    folder = Path(tempfile.mkdtemp())

    def attempt(number: int) -> str:
        rng = attempts.generator(number)
        name, kind = pick(rng, list(kinds.items()))
        file = pick(rng, list(kind.whole))
        path = folder / file
        path.write_bytes(kind.damage(kind.whole[file], rng))
        try:
            kind.read(path)
        except PinetError as error:
            attempts.require_sensible(str(error), name)
            return f"{name} refused"
        finally:
            path.unlink()
        return f"{name} read"

    for kind in kinds.values():  # what is whole is read, or the fuzz is of nothing
        for name, content in kind.whole.items():
            (folder / name).write_bytes(content)
            kind.read(folder / name)
    return attempt


def _kinds() -> dict[str, Kind]:
    text = _damaged(yaml.safe_load, yaml.safe_dump, _odd_yaml)
    parameters = {"pinet.yaml": (whole.ROOT / "config" / "pinet.yaml").read_bytes()}
    qualisys = {"Calib.qca.txt": fetch.path("demo_clip", "Calib.qca.txt").read_bytes()}
    arrays = _damaged(_arrays_of, whole.as_npz, mutate=mutated_arrays)
    objects = _damaged(json.loads, json.dumps, _deep)
    return {
        "pictures": Kind(whole.pictures(), mutated_bytes, read_image),
        "videos": Kind(whole.written(whole.write_videos), mutated_bytes, _read_video),
        "calibrations": Kind(whole.written(whole.write_calibrations), text, _read_camera),
        "qualisys": Kind(qualisys, _damaged(bytes.decode, str, _odd_xml), read_qualisys),
        "parameters": Kind(parameters, text, read_parameter_file),
        "json predictions": Kind(whole.predictions(".json"), objects, read_predictions),
        "npz predictions": Kind(whole.predictions(".npz"), arrays, read_predictions),
        "annotations": Kind(whole.written(whole.write_annotations), objects, read_annotations),
        "scenes": Kind({"scenes.npz": whole.scenes()}, arrays, load_scenes),
        "weights": Kind(
            whole.written(whole.write_weights),
            _damaged_weights,
            load_checkpoint,
        ),
        "lifter weights": Kind(
            whole.written(whole.write_lifter_weights),
            _damaged_weights,
            partial(load_blazepose, "blazepose_lite"),
        ),
        "snapshots": Kind(whole.snapshots(), _damaged_snapshot, load_checkpoint),
    }


def _damaged(
    parse: Callable[[bytes], Any],
    write: Callable[[Any], str | bytes],
    other: Callable[[bytes, Rng], bytes] | None = None,
    *,
    mutate: Callable[[Any, Rng], Any] = mutated_tree,
) -> Callable[[bytes, Rng], bytes]:
    """Damage of what a file holds, of its bytes, or of another kind."""

    def damage(content: bytes, rng: Rng) -> bytes:
        kind = rng.integers(4)
        if kind == 0:
            return mutated_bytes(content, rng)
        if kind == 1 and other is not None:
            return other(content, rng)
        tree = parse(content)
        if isinstance(tree, str):  # no tree
            return mutated_bytes(content, rng)
        written = write(mutate(tree, rng))
        return written.encode(errors="surrogateescape") if isinstance(written, str) else written

    return damage


def _odd_yaml(content: bytes, rng: Rng) -> bytes:
    """YAML with odd values in the place of some."""
    lines = content.decode().splitlines()
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(lines)))
        key, colon, _ = lines[place].partition(":")
        odd = str(pick(rng, _ODD_YAML))
        lines[place] = pick(rng, (f"{key}{colon} {odd}", odd, f"{odd}: {lines[place].strip()}"))
    return "\n".join(lines).encode()


def _odd_xml(content: bytes, rng: Rng) -> bytes:
    """XML with an odd value in the place of some attribute's."""
    parts = content.decode().split('"')
    for _ in range(rng.integers(1, 4)):
        parts[1 + 2 * int(rng.integers(len(parts) // 2))] = str(odd_value(rng))
    return '"'.join(parts).encode(errors="replace")


def _deep(content: bytes, rng: Rng) -> bytes:
    """JSON with a value that is nested too deeply, a number too long, or the like."""
    odd = pick(rng, (b"[" * 10_000, b'{"a":' * 5000, b"9" * 5000, b"NaN", b"1e999", b'"\\ud800"'))
    parts = content.split(b": ")
    place = int(rng.integers(1, len(parts)))
    return b": ".join([*parts[:place], odd + b", " + parts[place]])


def _read_video(path: Path) -> None:
    source, damages = open_source(str(path)), 0
    for _ in range(10_000):
        try:
            if source.read() is None:
                return
        except PictureError as error:
            attempts.require_sensible(str(error), "a damaged part")
            damages += 1
    raise attempts.FoundError("a video of 8 frames does not end", f"{damages} damages")


def _read_camera(path: Path) -> Camera:
    return read_calibration(path).camera(64, 48)


def _arrays_of(content: bytes) -> dict[str, np.ndarray]:
    return dict(np.load(io.BytesIO(content)))


_SIZES = (0, -1, 1, 2, 3, 5, 2**16, 2**31 - 1, 2**63, 10**30, 0.5)


def _damaged_weights(content: bytes, rng: Rng) -> bytes:
    """Damage to the bytes, or to the JSON in front of them: metadata, names, types and shapes."""
    if rng.random() < 0.2:
        return mutated_bytes(content, rng)
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    metadata = header["__metadata__"]
    if rng.random() < 0.7:
        name = pick(rng, list(metadata))
        metadata[name] = str(pick(rng, pick(rng, (ODD_TEXTS, _SIZES, tuple(metadata.values())))))
    else:
        header = mutated_tree(header, rng)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def _damaged_snapshot(content: bytes, rng: Rng) -> bytes:
    """Damage to the bytes, or to the dictionary of tensors."""
    if rng.random() < 0.4:
        return mutated_bytes(content, rng)
    tree = torch.load(io.BytesIO(content), weights_only=True)
    for _ in range(rng.integers(1, 3)):
        network = tree["network"]
        name = pick(rng, [name for name, value in network.items() if hasattr(value, "half")])
        tensor = network[name]
        odd = (
            *(
                tensor.half(),
                tensor.new_zeros(0),
                tensor[None],
                tensor.long(),
                tensor.to(torch.complex64),
            ),
            *(tensor.sum(), torch.zeros(3, 0), tensor * float("nan"), odd_value(rng)),
        )
        network[pick(rng, (name, *ODD_TEXTS, 7, None))] = pick(rng, odd)
    if rng.random() < 0.3:
        tree["network"] = pick(rng, (list(tree["network"]), {}, None, odd_value(rng)))
    return whole.as_snapshot(tree if rng.random() < 0.95 else odd_value(rng))
