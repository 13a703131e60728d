"""Mutations of bytes, of trees of values (JSON, YAML) and of arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Rng = np.random.Generator

ODD_NUMBERS = (
    *(0, -1, 1, 2, 3, 2**16, 2**31 - 1, 2**31, -(2**31), 2**63, 10**30),
    *(0.5, -0.0, 1e-300, 1e300, -1e300, float("nan"), float("inf"), -float("inf")),
)
ODD_TEXTS = (
    *("", " ", "0", "1e999", "nan", "none", "true", "x" * 100_000, "é" * 3000, "\x00", "\udcff"),
    *("a\nb", "\x1b[31mred", "../..", "/", "\\", "'", '"', "{}", "%s%n", "2001-99-99", "\u202e"),
)
ODD_THINGS = (None, True, False, [], {}, [[]], [None], {"": None}, {"a": [1, "b"]}, [[1, 2], [3]])


def pick(rng: Rng, choices: Any) -> Any:
    """One of the choices, as it is."""
    return choices[int(rng.integers(len(choices)))]


def odd_value(rng: Rng) -> Any:
    """A value that nobody expects."""
    return copy.deepcopy(pick(rng, pick(rng, (ODD_NUMBERS, ODD_TEXTS, ODD_THINGS))))


def mutated_bytes(content: bytes, rng: Rng) -> bytes:
    """Bits flipped, parts zeroed, exchanged, repeated, overwritten, inserted or cut off."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        pick(rng, _CHANGES)(data, rng)
    return bytes(data)


def _place(data: bytearray, rng: Rng) -> int:
    """Anywhere; half of the time near the start, where headers are."""
    if not data:
        return 0
    return int(rng.integers(min(len(data), 200) if rng.random() < 0.5 else len(data)))


def _flip(data: bytearray, rng: Rng) -> None:
    for _ in range(rng.integers(1, 20) if data else 0):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _cut(data: bytearray, rng: Rng) -> None:
    del data[_place(data, rng) :]


def _zero(data: bytearray, rng: Rng) -> None:
    start = _place(data, rng)
    length = min(int(rng.integers(1, 2000)), len(data) - start)
    data[start : start + length] = bytes(length)


def _exchange(data: bytearray, rng: Rng) -> None:
    a, b, c = sorted(_place(data, rng) for _ in range(3))
    data[a:c] = data[b:c] + data[a:b]


def _repeat(data: bytearray, rng: Rng) -> None:
    start = _place(data, rng)
    data[start:start] = data[start : start + int(rng.integers(1, 1000))] * int(rng.integers(1, 4))


def _overwrite(data: bytearray, rng: Rng) -> None:
    start, number = _place(data, rng), int(pick(rng, (0, 1, -1, 2**31 - 1, -(2**31), 2**16)))
    part = number.to_bytes(4, pick(rng, ("big", "little")), signed=True)
    data[start : start + 4] = part[: len(data) - start]


def _insert(data: bytearray, rng: Rng) -> None:
    start = _place(data, rng)
    data[start:start] = rng.bytes(int(rng.integers(1, 50)))


_CHANGES: tuple[Callable[[bytearray, Rng], None], ...] = (
    *(_flip, _flip, _cut, _zero, _exchange, _repeat, _overwrite, _insert),
)


def mutated_tree(tree: Any, rng: Rng) -> Any:
    """A copy with values at random paths replaced, removed, renamed, exchanged or repeated."""
    tree = copy.deepcopy(tree)
    for _ in range(pick(rng, (1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return odd_value(rng)
        chosen = places
        if rng.random() < 0.5:  # one of the few values near the top
            depth = pick(rng, sorted({depth for depth, _, _ in places}))
            chosen = [place for place in places if place[0] == depth]
        _, holder, key = pick(rng, chosen)
        _change(holder, key, pick(rng, places), rng)
    return odd_value(rng) if rng.random() < 0.01 else tree


def _change(holder: Any, key: Any, other: tuple[int, Any, Any], rng: Rng) -> None:
    kind = rng.integers(6)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = copy.deepcopy(other[1][other[2]])
    elif kind == 2 and isinstance(holder, dict):
        holder[str(pick(rng, ODD_TEXTS))] = holder.pop(key)
    elif kind == 3 and isinstance(holder, list):
        holder[key:key] = copy.deepcopy(holder[key : key + 3])
    else:
        holder[key] = odd_value(rng)


def _places(tree: Any, depth: int = 0) -> Iterator[tuple[int, Any, Any]]:
    """Depth, container and key of each value."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield depth, tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key], depth + 1)


def mutated_arrays(arrays: dict[str, np.ndarray], rng: Rng) -> dict[str, np.ndarray]:
    """Some arrays with other values, shapes or types, exchanged or left out."""
    arrays = dict(arrays)
    for _ in range(rng.integers(1, 4)):
        if not arrays:
            break
        name = pick(rng, list(arrays))
        kind = rng.integers(6)
        if kind == 0:
            del arrays[name]
        elif kind == 1:
            arrays[name] = arrays[pick(rng, list(arrays))]
        elif kind == 2:
            arrays[name] = _retyped(arrays[name], rng)
        elif kind == 3:
            arrays[name] = _reshaped(arrays[name], rng)
        else:
            arrays[name] = _revalued(arrays[name], rng)
    return arrays


_TYPES = ("?", "i1", "u1", "i8", "u8", "f2", "f8", ">f4", "c8", "U5", "S3", "O", "M8[s]", "m8[D]")


def _retyped(array: np.ndarray, rng: Rng) -> np.ndarray:
    kind = pick(rng, (*_TYPES, "record"))
    if kind == "record":
        return np.zeros(array.shape, [("a", "f4"), ("b", "i4")])
    try:
        with np.errstate(all="ignore"):
            return array.astype(kind)
    except (TypeError, ValueError):
        return np.zeros(array.shape, kind)


def _reshaped(array: np.ndarray, rng: Rng) -> np.ndarray:
    shapes: tuple[Callable[[], np.ndarray], ...] = (
        lambda: array[:0],
        lambda: array[: len(array) // 2],
        lambda: np.repeat(array, 2, axis=0),
        lambda: array.ravel(),
        lambda: array[None],
        lambda: array[..., None],
        lambda: array.T,
        lambda: array.ravel()[:1].reshape(()) if array.size else array,
        lambda: np.zeros((0,) * int(rng.integers(1, 6)), array.dtype),
        lambda: np.zeros((2, 3)),
    )
    return pick(rng, shapes)() if array.ndim else np.array([array, array])


def _revalued(array: np.ndarray, rng: Rng) -> np.ndarray:
    changed = np.array(array)
    odd = pick(rng, ODD_TEXTS if changed.dtype.kind in "US" else ODD_NUMBERS)
    places = rng.random(changed.shape) < pick(rng, (0.01, 0.3, 1.0))
    with np.errstate(all="ignore"):
        try:
            changed[places] = np.asarray(odd).astype(changed.dtype)
        except (OverflowError, TypeError, ValueError, UnicodeEncodeError):
            changed = np.full(changed.shape, odd, object).astype("U20")
    return changed
