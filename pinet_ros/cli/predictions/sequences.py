"""Some sequences of a data set, named on the command line: TS1-TS10, or TS1,TS3,TS11-TS20."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Collection, Iterator

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.errors import DatasetError

_RANGE = re.compile(r"(?P<prefix>.*?)(?P<first>\d+)-(?P<again>.*?)(?P<last>\d+)")
_MOST_LISTED = 30  # sequences in a message


def add_sequences(parser: ArgumentParser, flag: str = "--sequences", of: str = "") -> None:
    """Add --sequences, an expression as `select_sequences` takes it.

    Args:
        parser: to add it to.
        flag: another name of it.
        of: end of the help, which data set it is of.
    """
    parser.add_argument(
        flag,
        metavar="NAMES",
        help=f"only these sequences{of}, such as TS1-TS10 or TS1,TS3,TS11-TS20; default: all",
    )


def select_sequences(expression: str, there: Collection[str], source: object) -> list[str]:
    """The sequences that an expression names, in the order in which they are there.

    Args:
        expression: names and ranges between commas. TS1-TS10, or TS1-10, are ten sequences,
            which may be written with leading zeros (TS01). What is itself a name is no range.
        there: all sequences.
        source: of them, for errors.

    Raises:
        DatasetError: the expression names a sequence that is not there, or none at all.
    """
    return _select(expression, there, there, source)


def keep_sequences(predictions: Predictions, expression: str) -> Predictions:
    """The predictions for images of some sequences, see `select_sequences`.

    An image is of a sequence if its key begins with the name and "_", as in TS1_img_000007.

    Raises:
        DatasetError: as of `select_sequences`.
    """
    beginnings = {
        key[: match.start()] for key in predictions.images for match in re.finditer("_", key)
    }
    shortest = dict.fromkeys(key.partition("_")[0] for key in predictions.images if "_" in key)
    names = _select(expression, beginnings, shortest, predictions.source)
    chosen = tuple(f"{name}_" for name in names)
    images = {key: found for key, found in predictions.images.items() if key.startswith(chosen)}
    return Predictions(predictions.source, images)


def _select(
    expression: str, there: Collection[str], listed: Collection[str], source: object
) -> list[str]:
    items = [item.strip() for item in expression.split(",")]
    chosen = {name for item in items for name in _named(item, there, listed, source)}
    return [name for name in there if name in chosen]


def _named(
    item: str, there: Collection[str], listed: Collection[str], source: object
) -> Iterator[str]:
    """The sequences of one name or range."""
    range_ = _RANGE.fullmatch(item)
    if item in there or range_ is None or range_["again"] not in ("", range_["prefix"]):
        if not item or item not in there:
            raise _lacks(item, listed, source)
        yield item
        return
    numbered = re.compile(re.escape(range_["prefix"]) + r"0*(\d+)")
    found = {int(match[1]): match[0] for match in map(numbered.fullmatch, there) if match}
    first, last = int(range_["first"]), int(range_["last"])
    if first > last:
        raise DatasetError(f"a range of sequences must go upwards, got {item!r}; swap its ends")
    for number in range(first, last + 1):
        if number not in found:
            raise _lacks(f"{range_['prefix']}{number}", listed, source)
        yield found[number]


def _lacks(name: str, listed: Collection[str], source: object) -> DatasetError:
    names = [name for name in listed if name]
    if not names:
        return DatasetError(
            f"{source} has no sequences, as its images are in no folders; leave --sequences out"
        )
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return DatasetError(
        f"{source} has no sequence {name!r}; there are {', '.join(names[:_MOST_LISTED])}{more}"
    )
