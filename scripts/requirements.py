"""Print lists of requirements, one per line: `core`, an extra of pinet_ros, `training`, `robot`.

`robot` is `core` for a virtual environment with --system-site-packages beside ROS from apt:
without what apt gives, and with the `constraints` that keep apt's compiled modules working.

`pip install '.[ros]'` cannot work, because ROS must be installed before this package is built. So
the Makefile installs these requirements first and the package last.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    try:
        import tomli as tomllib
    except ModuleNotFoundError:
        from pip._vendor import tomli as tomllib

NEED_NUMPY_2 = ("rerun-sdk",)  # the tests that use them are skipped without them
ROOT = Path(__file__).resolve().parents[1]


def read_project(folder: Path) -> dict:
    """Read the table [project] of the pyproject.toml in a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def constraints() -> list[str]:
    """Constraints for pip, so that what apt has compiled against its NumPy can be imported.

    OpenCV, cv_bridge and the messages of ROS fail beside a NumPy of another major version.
    """
    try:
        import numpy as np
    except ModuleNotFoundError:
        return []
    return [f"numpy<{int(np.__version__.split('.')[0]) + 1}"]


def given_by_apt(requirement: str) -> bool:
    """Whether Python has a package from elsewhere than the virtual environment, unseen by pip."""
    if re.match(r"opencv-python\b", requirement) is None:
        return False
    found = importlib.util.find_spec("cv2")
    origin = Path(found.origin or "/") if found else None
    return origin is not None and Path(sys.prefix) not in origin.parents


def fits(requirement: str) -> bool:
    """Whether a requirement of the tests can be installed beside apt's NumPy."""
    return requirement.split(">")[0] not in NEED_NUMPY_2 or constraints() != ["numpy<2"]


def main() -> None:
    """Print the lists named on the command line."""
    project, training = read_project(ROOT), read_project(ROOT / "pinet_training")
    core = project["dependencies"]
    lists = {
        "core": core,
        "training": [e for e in training["dependencies"] if not e.startswith("pinet_ros")],
        "constraints": constraints(),
        "robot": [*constraints(), *(each for each in core if not given_by_apt(each))],
        **project["optional-dependencies"],
    }
    lists["test"] = [each for each in lists["test"] if fits(each)]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", choices=lists)
    for name in parser.parse_args().lists:
        for each in lists[name]:
            print(each)


if __name__ == "__main__":
    main()
