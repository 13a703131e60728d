"""The structure that docs/architecture.md describes: who may import whom, and what is where."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pinet_ros

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
ROBOT = ROOT / "pinet_ros"

# Folders and files at the package's root, each of which imports only what stands before it.
ORDER = (
    ("errors", "util"),
    ("models",),
    ("skeleton",),
    ("people",),
    ("geometry",),
    ("imaging",),
    ("detection",),
    ("lifting",),
    ("positioning",),
    ("estimator", "refinement"),
    ("cli", "ros"),
    ("nodes",),
)
RANKS = {name: rank for rank, names in enumerate(ORDER) for name in names}
ROS_PACKAGES = ("rclpy", "cv_bridge", "message_filters", "ament_index_python", "launch")


def modules(package: Path) -> dict[str, ast.Module]:
    """The syntax tree of each module by its dotted name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        if "build" in path.relative_to(package).parts:
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text())
    return found


def imported(tree: ast.Module) -> set[str]:
    """All modules that a module imports, also in functions, but not for type checkers only."""
    names = set()
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped |= {id(each) for each in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


TREES = modules(ROBOT)
IMPORTS = {name: imported(tree) for name, tree in TREES.items()}


def place(module: str) -> str:
    """The folder of the package that a module is in, or its own name at the root."""
    return module.split(".")[1]


def test_at_the_root_there_are_only_the_central_types():
    names = {path.name for path in ROBOT.iterdir() if path.suffix == ".py"}
    assert names == {"__init__.py", "people.py", "skeleton.py", "estimator.py", "errors.py"}
    folders = {path.parent.relative_to(ROBOT).parts[0] for path in ROBOT.rglob("*/*.py")}
    assert folders | {"people", "skeleton", "estimator", "errors"} == set(RANKS) | (
        folders & {"msg"}  # generated, in an installed package
    )


@pytest.mark.parametrize("module", [name for name in IMPORTS if name != "pinet_ros"])
def test_imports_run_in_one_direction(module):
    for name in IMPORTS[module]:
        if name.startswith("pinet_ros.") and place(name) in RANKS:
            assert RANKS[place(name)] <= RANKS[place(module)], f"{module} imports {name}"
            assert {place(name), place(module)} != {"cli", "ros"}
            assert (place(name), place(module)) != ("estimator", "refinement")


def test_no_modules_import_each_other():
    graph = {name: {i for i in names if i in TREES} for name, names in IMPORTS.items()}
    del graph["pinet_ros"]
    list(TopologicalSorter(graph).static_order())  # CycleError names the cycle


def test_the_robot_part_imports_nothing_of_the_training():
    for module, names in IMPORTS.items():
        assert not [n for n in names if n.split(".")[0] == "pinet_training"], module


def test_the_core_does_not_import_ros():
    for module, names in IMPORTS.items():
        if module.startswith(("pinet_ros.ros", "pinet_ros.nodes")):
            continue
        packages = {name.split(".")[0] for name in names}
        assert not packages & set(ROS_PACKAGES), module
        assert not [name for name in packages if name.endswith(("_msgs", "_interfaces"))], module


def test_no_two_modules_share_a_name():
    trees = TREES | modules(ROOT / "pinet_training")
    names = [
        name.rpartition(".")[2]
        for name in trees
        if not (ROOT / Path(*name.split("."))).is_dir() and not name.endswith("__main__")
    ]
    assert sorted(names) == sorted(set(names))


def test_files_are_short():
    files = [
        p for package in ("pinet_ros", "pinet_training") for p in (ROOT / package).rglob("*.py")
    ]
    assert [str(p) for p in files if len(p.read_text().splitlines()) > 300] == []


def run(code: str) -> str:
    """What Python prints that runs some code in the checkout."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_robot_part_works_without_the_training():
    code = """
import sys
sys.modules["pinet_training"] = None  # importing it fails
import importlib, pkgutil, pinet_ros
skipped = ("pinet_ros.ros", "pinet_ros.nodes", "pinet_ros.msg", "pinet_ros.cli.__main__")
for module in pkgutil.walk_packages(pinet_ros.__path__, "pinet_ros."):
    if not module.name.startswith(skipped) and "_s__rosidl" not in module.name:
        importlib.import_module(module.name)
print("pinet_ros.cli.refine_command" in sys.modules)
"""
    assert run(code).strip() == "True"


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def names_of(requirements: list[str]) -> set[str]:
    """The import names of requirements."""
    distributions = {re.match(r"[\w-]+", each)[0].lower() for each in requirements}
    others = {"opencv-python": "cv2", "pyyaml": "yaml"}
    return {others.get(name, name.replace("-", "_")) for name in distributions}


def test_the_robot_part_needs_nothing_that_only_the_training_needs():
    robot, training = project(ROOT), project(ROOT / "pinet_training")
    needed = names_of(robot["dependencies"])
    assert not needed & names_of(training["dependencies"])
    ros = {"rclpy", "launch", "rosbags", *ROS_PACKAGES}
    for module, names in IMPORTS.items():
        packages = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
        packages = {n for n in packages if not n.endswith(("_msgs", "_interfaces"))}
        assert packages <= needed | ros | {"pinet_ros"}, module


def test_the_training_is_installed_whole():
    folder = ROOT / "pinet_training"
    listed = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {
        ".".join(("pinet_training", *path.parent.relative_to(folder).parts))
        for path in folder.rglob("__init__.py")
        if "build" not in path.relative_to(folder).parts
    }
    assert set(listed["packages"]) == packages


def test_the_entry_points_of_the_training_exist():
    groups = project(ROOT / "pinet_training")["entry-points"]
    for place in [place for entries in groups.values() for place in entries.values()]:
        module, _, function = place.partition(":")
        tree = ast.parse((ROOT / Path(*module.split("."))).with_suffix(".py").read_text())
        assert function in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def test_both_packages_have_one_version():
    training = project(ROOT / "pinet_training")
    assert training["version"] == pinet_ros.__version__
    assert f"pinet_ros=={pinet_ros.__version__}" in training["dependencies"]
    package = ElementTree.parse(ROOT / "package.xml").findtext("version")
    assert package == pinet_ros.__version__
