"""Build and install with pip what colcon builds and installs.

The package contains ROS messages, which only CMake can generate. So the build runs the package's
CMakeLists.txt and packs what that installs. The Python package goes into site-packages; everything
else (libraries, executables, launch files, the ament index) keeps its path below the prefix of the
environment, so that `ros2 run pinet_ros` works too.

colcon does not use this file: package.xml declares the build type ament_cmake.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections import defaultdict
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.errors import SetupError

PACKAGE = "pinet_ros"
WHEELS_FIX = Path(__file__).resolve().parent / "cmake" / "pip_ros_wheels.cmake"

# Path of site-packages below the prefix, which is the same for wheels and for ament.
PYTHON_DIRECTORY = os.path.relpath(sysconfig.get_path("purelib"), sysconfig.get_path("data"))


def has_ros(prefix: Path) -> bool:
    """Whether the generators of ROS messages are installed below a prefix."""
    return (prefix / "share" / "rosidl_default_generators").is_dir()


def ros_prefixes() -> list[Path]:
    """Prefixes that ROS may be installed below: those sourced, and this environment (wheels).

    Raises:
        SetupError: ROS is installed below none of them.
    """
    sourced = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes = list(dict.fromkeys([*sourced, Path(sys.prefix)]))
    if not any(map(has_ros, prefixes)):
        searched = ", ".join(map(str, prefixes))
        raise SetupError(
            "ROS 2 was found neither from apt nor from pip: there is no rosidl_default_generators "
            f"in {searched}. Either source ROS (source /opt/ros/<distro>/setup.bash), or run "
            "`make setup`, which first installs the ROS wheels into .venv."
        )
    return prefixes


def build_environment(prefixes: list[Path]) -> dict[str, str]:
    """Environment variables for CMake and the message generators that it runs.

    The build isolation of pip replaces PYTHONPATH, which hides the Python modules of ROS, so it is
    rebuilt from the prefixes. If make runs pip, its variables must not reach the make of CMake.
    """
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folders = (f"lib/{python}/site-packages", f"local/lib/{python}/dist-packages")
    modules = [p / folder for p in prefixes for folder in folders]
    environment["PYTHONPATH"] = os.pathsep.join(str(m) for m in modules if m.is_dir())
    environment["AMENT_PREFIX_PATH"] = os.pathsep.join(map(str, prefixes))
    environment["PATH"] = os.pathsep.join([str(Path(sys.prefix, "bin")), os.environ["PATH"]])
    return environment


def run_cmake(build: Path, stage: Path) -> None:
    """Configure, build and install the CMake project into the folder `stage`."""
    prefixes = ros_prefixes()
    environment = build_environment(prefixes)
    cmake = shutil.which("cmake", path=environment["PATH"])
    if cmake is None:
        raise SetupError("CMake was not found: run `apt install cmake` or `pip install cmake`.")
    options = {
        "BUILD_TESTING": "OFF",
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_INSTALL_PREFIX": stage,
        "CMAKE_INSTALL_RPATH": "$ORIGIN;$ORIGIN/../../..",
        "CMAKE_PREFIX_PATH": ";".join(map(str, prefixes)),
        "PYTHON_INSTALL_DIR": PYTHON_DIRECTORY,
        "Python3_EXECUTABLE": sys.executable,
    }
    if has_ros(Path(sys.prefix)):
        options["CMAKE_PROJECT_INCLUDE"] = WHEELS_FIX
    # A cache from another environment would still point to the ROS of that one.
    (build / "CMakeCache.txt").unlink(missing_ok=True)
    defined = [f"-D{name}={value}" for name, value in options.items()]
    for step in (
        ["-S", ".", "-B", str(build), *defined],
        ["--build", str(build), "--parallel", str(os.cpu_count()), "--target", "install"],
    ):
        subprocess.run([cmake, *step], env=environment, check=True)


class BuildWithCMake(build_py):
    """Builds with CMake, and packs the Python package and the data files it installs."""

    def run(self) -> None:
        """Run CMake, and copy what it installs."""
        folder = Path(self.get_finalized_command("build").build_temp)
        stage = folder / "stage"
        package = Path(self.build_lib) / PACKAGE
        for leftover in (stage, package):
            shutil.rmtree(leftover, ignore_errors=True)
        run_cmake((folder / "cmake").resolve(), stage.resolve())
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(stage / PYTHON_DIRECTORY / PACKAGE, package, ignore=ignored)
        self.distribution.data_files = data_files(stage)


def data_files(stage: Path) -> list[tuple[str, list[str]]]:
    """All installed files except the Python packages, by their folder below the prefix."""
    folders = defaultdict(list)
    for file in sorted(stage.rglob("*")):
        relative = file.relative_to(stage)
        if file.is_file() and not relative.is_relative_to(PYTHON_DIRECTORY):
            folders[str(relative.parent)].append(str(file))
    return list(folders.items())


class RefuseEditable(editable_wheel):
    """Refuses editable installs, which link to the checkout, without generated messages."""

    def run(self) -> None:
        """Raise an error that says what to do instead."""
        raise SetupError(
            "an editable install cannot contain the generated messages: use `pip install .`. "
            "Python run in the checkout then uses its sources with the installed messages."
        )


class BinaryDistribution(Distribution):
    """Marks the wheel as specific to platform and Python, as the messages are compiled."""

    def has_ext_modules(self) -> bool:
        """Whether the wheel is platform-specific."""
        return True


setup(
    cmdclass={"build_py": BuildWithCMake, "editable_wheel": RefuseEditable},
    distclass=BinaryDistribution,
)
