"""Check that this machine has what `make setup` needs, before anything is downloaded.

Runs with the interpreter that creates the virtual environment, so any Python 3 must be able to
start it.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)
OLDEST_GLIBC = (2, 28)  # the wheels are manylinux_2_28


def missing_for_python() -> Iterator[str]:
    """Yield what the Python interpreter lacks."""
    version = sys.version_info[:2]
    this = f"Python {platform.python_version()} ({sys.executable})"
    if not OLDEST_PYTHON <= version <= NEWEST_PYTHON:
        yield f"{this} is not one of 3.10 to 3.13: choose another with make PYTHON=python3.12 ..."
    apt_name = f"python{version[0]}.{version[1]}"
    if importlib.util.find_spec("ensurepip") is None:
        yield f"{this} cannot create virtual environments: apt install {apt_name}-venv"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        yield f"{this} lacks the headers to build the messages: apt install {apt_name}-dev"


def missing_for_build() -> Iterator[str]:
    """Yield what is missing to build the messages."""
    if shutil.which("c++") is None or shutil.which("cc") is None:
        yield "A C or C++ compiler is missing: apt install build-essential"


def missing_for_opencv() -> Iterator[str]:
    """Yield the libraries that OpenCV lacks."""
    for library, apt_name in (("libGL.so.1", "libgl1"), ("libglib-2.0.so.0", "libglib2.0-0")):
        try:
            ctypes.CDLL(library)
        except OSError:
            yield f"OpenCV needs {library}: apt install {apt_name}"


def missing_for_sourced_ros() -> Iterator[str]:
    """Yield what is wrong with the sourced ROS."""
    try:
        import rclpy  # noqa: F401
    except ImportError as error:
        yield (
            f"ROS is sourced, but {sys.executable} cannot load its rclpy. Use the Python that "
            f"this ROS was built for: make PYTHON=/usr/bin/python3 ... ({error})"
        )
    if shutil.which("cmake") is None:
        yield "CMake is missing: apt install cmake"


def missing_for_ros_wheels() -> Iterator[str]:
    """Yield the reasons why the ROS wheels cannot be used."""
    if "ROS_DISTRO" in os.environ:
        yield (
            f"ROS_DISTRO is {os.environ['ROS_DISTRO']}, but ROS is not sourced. Either source it "
            "(source /opt/ros/$ROS_DISTRO/setup.bash), or unset ROS_DISTRO to use the ROS wheels."
        )
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        yield f"The ROS wheels are for Linux x86_64, this is {machine}: install ROS and source it."
    library, version = platform.libc_ver()
    if library != "glibc" or tuple(map(int, version.split("."))) < OLDEST_GLIBC:
        found = f"{library} {version}".strip() or "another C library"
        yield f"The ROS wheels need glibc 2.28 or newer, this machine has {found}: install ROS."


def main() -> None:
    """Exit with a message about all problems, if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ros", choices=["sourced", "wheels"], help="how ROS is installed")
    ros = parser.parse_args().ros
    for_ros = missing_for_sourced_ros if ros == "sourced" else missing_for_ros_wheels
    checks = (missing_for_python, missing_for_build, missing_for_opencv, for_ros)
    problems = [problem for check in checks for problem in check()]
    if problems:
        sys.exit("\n".join(["This machine is not ready for pinet_ros:", *problems]))


if __name__ == "__main__":
    main()
