"""Write the metadata with which Python finds the entry points of a package, as pip does.

python3 write_metadata.py PYPROJECT FOLDER.dist-info
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    try:
        import tomli as tomllib
    except ModuleNotFoundError:
        sys.exit("PINET_TRAINING=ON needs tomli on Python 3.10: apt install python3-tomli")


def main(pyproject: Path, folder: Path) -> None:
    """Write METADATA and entry_points.txt of the package that a pyproject.toml describes."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    folder.mkdir(parents=True, exist_ok=True)
    header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (folder / "METADATA").write_text(header, encoding="utf-8")
    sections = [
        "\n".join([f"[{group}]", *(f"{name} = {place}" for name, place in entries.items())])
        for group, entries in project["entry-points"].items()
    ]
    (folder / "entry_points.txt").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
