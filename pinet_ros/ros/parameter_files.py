"""Parameter files: which of their keys reach a node, and whether the names in them exist."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pinet_ros.errors import PinetError, one_line
from pinet_ros.util.files import read_yaml

_FORM = "NODE: {ros__parameters: {NAME: VALUE}}"
# Parameters that rclpy declares for every node.
_OF_EVERY_NODE = re.compile(r"use_sim_time|start_type_description_service|qos_overrides\..+")


@dataclass(frozen=True)
class Entry:
    """The parameters below one key of a parameter file.

    Attributes:
        key: name of the node, with or without wildcards and namespace, such as
            `/**/pose_estimator`.
        values: values by the dotted names of the parameters.
    """

    key: str
    values: Mapping[str, Any]

    @property
    def node(self) -> str:
        """Name of the node, without namespace; may be a wildcard."""
        return self.key.rpartition("/")[2]

    def reaches(self, node: str) -> bool:
        """Whether ROS gives these parameters to a node, by its fully qualified name."""
        wildcards = {"**": "(/[^/]+)*", "*": "/[^/]+"}
        parts = self.key.strip("/").split("/")
        pattern = "".join(wildcards.get(part, f"/{re.escape(part)}") for part in parts)
        return re.fullmatch(pattern, node) is not None


def read_parameter_file(path: str | Path) -> list[Entry]:
    """Read a file of ROS parameters.

    Raises:
        PinetError: the file is missing, or is not a file of ROS parameters.
    """
    try:
        content = read_yaml(path)
    except OSError as error:
        raise PinetError(
            f"the parameter file {path} cannot be read ({error.strerror}); give a copy of "
            "config/pinet.yaml"
        ) from error
    except ValueError as error:
        raise PinetError(f"the parameter file {path} is not YAML: {error}") from error
    try:
        return list(_entries(content))
    except (TypeError, RecursionError) as error:  # an alias may hold itself
        raise PinetError(
            f"the parameter file {path} is not a file of ROS parameters: {one_line(error)}; "
            f"expected the form {_FORM}"
        ) from error


def _entries(content: Any, key: str = "") -> Iterator[Entry]:
    """Yield the entries of a file; a namespace may be a level of its own."""
    if not isinstance(content, dict):
        raise TypeError(f"{key or 'the file'} holds {content!r} where a mapping is needed")
    for name, value in content.items():
        if name != "ros__parameters":
            yield from _entries(value, f"{key}/{str(name).strip('/')}")
        elif not key or not isinstance(value, dict):
            raise TypeError(f"ros__parameters of {key or 'no node'} holds {value!r}")
        else:
            yield Entry(key, dict(_flat(value)))


def _flat(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested parameters by their dotted names."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def value_in(entries: Sequence[Entry], node: str, parameter: str) -> Any:
    """Value that a node, by its fully qualified name, gets from a file; None if it gets none."""
    found = [e.values[parameter] for e in entries if e.reaches(node) and parameter in e.values]
    return found[-1] if found else None  # ROS applies them in the order of the file


def override(
    entries: Sequence[Entry], node: str, values: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Parameters that win over a file's, whichever of its keys set them.

    ROS applies the keys in the order in which they first appear in any file, so a later file does
    not win by itself: its key /** counts as the one in the earlier file. Hence a value is repeated
    below each key that sets it.

    Args:
        entries: content of the file.
        node: fully qualified name of the node.
        values: values by parameter.

    Returns:
        Values by key and parameter, for a file to be given after that file.
    """
    overriding = {f"/**/{node.rpartition('/')[2]}": dict(values)} if values else {}
    for entry in entries:
        repeated = {name: value for name, value in values.items() if name in entry.values}
        if repeated and entry.reaches(node):
            overriding.setdefault(entry.key, {}).update(repeated)
    return overriding


def check_entries(
    entries: Sequence[Entry], known: Mapping[str, Collection[str]], namespace: str, file: str
) -> None:
    """Check that the parameters for our nodes exist, and that their keys reach the nodes.

    Args:
        entries: content of the file.
        known: names of the parameters of each of our nodes; keys of other nodes are ignored.
        namespace: namespace of our nodes, "" or one that begins with a slash.
        file: path of the file, for the message.

    Raises:
        PinetError: a parameter does not exist, or nothing that is written for a node reaches it.
    """
    for node in known:
        own = [entry for entry in entries if entry.node == node]
        if own and not any(entry.reaches(f"{namespace}/{node}") for entry in own):
            raise PinetError(
                f"{file}: {own[0].key} does not reach {namespace}/{node}; write /**/{node}, which "
                "holds in any namespace"
            )
    for entry in entries:
        nodes = [n for n in known if entry.node == n or entry.reaches(f"{namespace}/{n}")]
        names = {name for node in nodes for name in known[node]}
        for name in entry.values if nodes else ():
            if name not in names and not _OF_EVERY_NODE.fullmatch(name):
                raise PinetError(_unknown(name, nodes, names, known, file))


def _unknown(
    name: str,
    nodes: Sequence[str],
    names: Collection[str],
    known: Mapping[str, Collection[str]],
    file: str,
) -> str:
    """Message about a parameter that none of these nodes has."""
    whose = nodes[0] if len(nodes) == 1 else "none of the nodes"
    problem = f"{file}: {whose} has {'no' if len(nodes) == 1 else 'a'} parameter {name}"
    owners = [node for node, theirs in known.items() if name in theirs]
    if owners:
        return f"{problem}; it is a parameter of {' and '.join(owners)}"
    near = get_close_matches(name, names, n=1)
    if near:
        return f"{problem}; did you mean {near[0]}?"
    return f"{problem}; config/pinet.yaml lists those there are"
