"""Print a list of requirements of pyproject.toml, one a line: `core` or one of the extras.

`pip install '.[ros]'` cannot work, because ROS has to be there before this package is built. So
the Makefile first installs what this prints, and the package itself last.
"""

from __future__ import annotations

import argparse
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main() -> None:
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    lists = {"core": project["dependencies"], **project["optional-dependencies"]}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", choices=lists)
    print(*lists[parser.parse_args().list], sep="\n")


if __name__ == "__main__":
    main()
