"""Command line of pinet_ros: 3D people in images, without ROS."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from pinet_ros.errors import PinetError, printable
from pinet_ros.util.plugins import load_plugin, plugin_names

# Module of each command. Only that of the called command is imported: importing torch takes
# seconds, and `pinet models` does not need it.
_COMMANDS = {
    "estimate": "pinet_ros.cli.estimate_command",
    "refine": "pinet_ros.cli.refine_command",
    "export": "pinet_ros.cli.export_command",
    "bench": "pinet_ros.cli.bench_command",
}
_INTERRUPTED = 128 + signal.SIGINT  # exit status
# The package pinet_training adds these commands, with entry points of this group.
_TRAINING_GROUP = "pinet.commands"
_TRAINING_COMMANDS = (
    *("predict", "evaluate", "train", "train-lifter", "train-detector", "ablate"),
    *("scenes", "compose", "variants", "models"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; an error that the user can fix gives one line and exit status 1."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = _parser(arguments[0] if arguments else "").parse_args(arguments)
        sys.exit(options.run(options))
    except (PinetError, OSError) as error:
        sys.exit(f"pinet: {printable(error)}")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _parser(called: str) -> argparse.ArgumentParser:
    """Create a parser with the called command; with all commands if it is unknown."""
    parser = argparse.ArgumentParser(prog="pinet", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True)
    if called in _COMMANDS or called in _TRAINING_COMMANDS:
        names = [called]
    else:
        added = plugin_names(_TRAINING_GROUP)
        names = [*_COMMANDS, *added]
        if not added:
            parser.epilog = f"The package pinet_training adds: {', '.join(_TRAINING_COMMANDS)}."
    for add_commands in dict.fromkeys(map(_registration, names)):
        add_commands(commands)
    return parser


def _registration(command: str) -> Callable[[Any], None]:
    """Get the function that adds a command to the parser."""
    if command in _COMMANDS:
        return import_module(_COMMANDS[command]).add_commands
    return load_plugin(_TRAINING_GROUP, command, f"`pinet {command}`")
