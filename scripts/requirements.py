"""Print a list of requirements, one per line: `core`, an extra of pinet_ros, or `training`.

`pip install '.[ros]'` cannot work, because ROS must be installed before this package is built. So
the Makefile installs these requirements first and the package last.
"""

from __future__ import annotations

import argparse
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]


def read_project(folder: Path) -> dict:
    """Read the table [project] of the pyproject.toml in a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def main() -> None:
    """Print the list named on the command line."""
    project, training = read_project(ROOT), read_project(ROOT / "pinet_training")
    others = [each for each in training["dependencies"] if not each.startswith("pinet_ros")]
    lists = {
        "core": project["dependencies"],
        "training": others,
        **project["optional-dependencies"],
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", choices=lists)
    print(*lists[parser.parse_args().list], sep="\n")


if __name__ == "__main__":
    main()
