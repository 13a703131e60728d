"""The command line `pinet`: everything that needs no ROS."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from pinet_ros.errors import PinetError

# Where each command is. Only the module of the one that is called is imported: torch takes
# seconds, and `pinet models` does not need it.
_COMMANDS = {
    "models": "pinet_ros.models.commands",
    "estimate": "pinet_ros.estimate",
    "variants": "pinet_ros.refinement.commands",
    "train": "pinet_ros.training.commands",
    "ablate": "pinet_ros.training.commands",
    "train-lifter": "pinet_ros.training.lifter.commands",
    "evaluate": "pinet_ros.training.evaluation.commands",
    "predict": "pinet_ros.training.datasets.commands",
    "refine": "pinet_ros.training.datasets.commands",
    "compose": "pinet_ros.training.datasets.commands",
    "scenes": "pinet_ros.training.rendering.commands",
    "bench": "pinet_ros.benchmarks.commands",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; an error that the user can mend is one line and exit status 1."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="pinet", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True)
    called = [_COMMANDS[word] for word in arguments[:1] if word in _COMMANDS]
    for module in called or dict.fromkeys(_COMMANDS.values()):
        import_module(module).add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except (PinetError, OSError) as error:
        sys.exit(f"pinet: {error}")
