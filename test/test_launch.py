"""What the launch file starts, and how it ends.

The launch file itself runs with ROS's launch if that is installed, else with a stand-in.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import launch_stand_in
import numpy as np
import pytest
import yaml

from pinet_ros.errors import PinetError
from pinet_ros.ros.launch_arguments import ARGUMENTS
from pinet_ros.ros.launching import Process, plan

ROOT = Path(__file__).parents[1]
FILE = ROOT / "launch" / "pinet.launch.py"
HAS_LAUNCH = importlib.util.find_spec("launch_ros") is not None


def planned(**arguments: str) -> dict[str, Process]:
    """What would be started, by executable."""
    processes = plan(arguments, share=ROOT, find_package=lambda name: None)
    return {process.executable: process for process in processes}


def given(process: Process) -> dict[str, object]:
    """The parameters that a process gets, whichever node has them."""
    return {name: value for own in process.parameters.values() for name, value in own.items()}


@pytest.fixture
def write(tmp_path):
    """Writes a file; gives its path."""

    def write(text: str, name: str = "mine.yaml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_starts_estimator_and_refiner_by_default():
    started = planned()
    assert list(started) == ["pose_estimator", "pose_refiner"]
    for process in started.values():
        assert process.parameter_files() == []  # nothing is chosen
        assert process.remappings == (("image", "image"),)
        assert process.ros_arguments == ()
        assert process.namespace == ""


def test_starts_what_is_asked_for():
    started = planned(one_process="true", overlay="true", rviz="true", camera="0")
    assert list(started) == ["camera_player", "pose_pipeline", "pose_overlay", "rviz2"]


def test_the_overlay_alone_does_not_begin_a_video(write):
    video = write("", "people.mp4")
    for rviz, awaited in (("false", 1), ("true", 2)):
        player = planned(video=video, overlay="true", rviz=rviz)["camera_player"]
        assert given(player)["wait_for_subscribers"] == awaited


def test_the_weights_are_those_for_the_lifter_unless_the_file_names_some(write):
    for lifter in ("blazepose_full", "blazepose_lite"):
        assert given(planned(lifter=lifter)["pose_refiner"]) == {"weights": lifter}
    assert given(planned(lifter="mppe")["pose_refiner"]) == {}
    mine = write("/**/pose_refiner: {ros__parameters: {weights: mine.safetensors}}")
    refiner = planned(lifter="blazepose_full", params_file=mine)["pose_refiner"]
    assert "weights" not in given(refiner)


def test_a_path_may_have_any_character(write):
    video = write("", "people \N{CAMERA}.mp4")
    (file,) = planned(video=video)["camera_player"].parameter_files()
    (written,) = yaml.safe_load(Path(file).read_text(encoding="utf-8")).values()
    assert written["ros__parameters"]["source"] == video


def test_an_empty_image_topic_is_the_default():
    player = planned(camera="0", image="")["camera_player"]
    assert dict(player.remappings) == {"camera_info": "camera_info"}


@pytest.mark.parametrize("camera", ["0", "/dev/video0"])
def test_plays_a_webcam(camera, write):
    calibration = write("image_width: 640")
    player = planned(camera=camera, calibration=calibration, rate="5")["camera_player"]
    assert given(player) == {"source": "0", "calibration": calibration, "rate": 5.0}


def test_plays_a_video_when_its_images_are_awaited(tmp_path, monkeypatch, write):
    write("", "people.mp4")
    monkeypatch.chdir(tmp_path)
    player = planned(video="people.mp4")["camera_player"]
    assert given(player) == {
        "source": str(tmp_path / "people.mp4"),
        "wait_for_subscribers": 1,
    }
    file = write("/**/camera_player: {ros__parameters: {wait_for_subscribers: 0}}")
    player = planned(video="people.mp4", params_file=file)["camera_player"]
    assert "wait_for_subscribers" not in given(player)


def test_the_player_publishes_where_the_nodes_subscribe():
    player = planned(camera="0", image="/front/image_raw")["camera_player"]
    assert dict(player.remappings) == {
        "image": "/front/image_raw",
        "camera_info": "/front/camera_info",
    }
    player = planned(camera="0", image="front/image", camera_info="/info")["camera_player"]
    assert dict(player.remappings) == {"image": "front/image", "camera_info": "/info"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"camera": "0", "video": "."}, "camera and video cannot both be played"),
        ({"calibration": "."}, "calibration is for the images that camera or video plays"),
        ({"rate": "5"}, "rate is for the images that camera or video plays"),
        ({"camera": "/dev/null"}, "camera:=/dev/null is not a webcam"),
        ({"camera": "my.mp4"}, "or video:= for a file"),
        ({"camera": "0", "rate": "fast"}, "rate must be a positive number .* got 'fast'"),
        ({"camera": "0", "rate": "0"}, "rate must be a positive number"),
        ({"camera": "0", "calibration": "gone.yaml"}, "calibration:=gone.yaml cannot be used"),
        ({"video": "gone.mp4"}, "video:=gone.mp4 cannot be used"),
        ({"params_file": "gone.yaml"}, "params_file:=gone.yaml cannot be used"),
        ({"params_file": "."}, "cannot be read"),
        ({"rviz": "yes"}, "rviz must be one of false, true, got 'yes'"),
        ({"log_level": "loud"}, "log_level must be one of debug, info"),
    ],
)
def test_refuses_arguments_that_make_no_sense(arguments, message):
    with pytest.raises(PinetError, match=message):
        planned(**arguments)


def test_gives_each_node_the_parameters_that_were_chosen():
    started = planned(
        device="cuda",
        detector="nanodet",
        lifter="mppe",
        autostart="false",
        use_sim_time="true",
        overlay="true",
        rviz="true",
    )
    shared = {"autostart": False, "use_sim_time": True}
    assert given(started["pose_estimator"]) == {
        "device": "cuda",
        "detector": "nanodet",
        "lifter": "mppe",
        **shared,
    }
    assert given(started["pose_refiner"]) == {"device": "cuda", **shared}
    assert given(started["pose_overlay"]) == shared
    assert given(started["rviz2"]) == {"use_sim_time": True}


def test_one_process_gives_each_of_its_nodes_its_own():
    pipeline = planned(one_process="true", device="cpu", lifter="mppe")["pose_pipeline"]
    assert pipeline.parameters == {
        "/**/pose_estimator": {"device": "cpu", "lifter": "mppe"},
        "/**/pose_refiner": {"device": "cpu"},
    }


def test_strings_stay_strings_in_the_file_for_the_node():
    (path,) = planned(camera="0")["camera_player"].parameter_files()
    text = Path(path).read_text()
    assert '"0"' in text
    assert yaml.safe_load(text)["/**/camera_player"]["ros__parameters"]["source"] == "0"


def test_what_is_chosen_wins_over_every_key_of_the_file(write):
    file = write(
        "/robot/pose_refiner: {ros__parameters: {device: cpu}}\n"
        "/**: {ros__parameters: {device: cpu, use_sim_time: true}}\n"
        "/**/pose_refiner: {ros__parameters: {marker_lifetime: 1.0}}\n"
    )
    refiner = planned(params_file=file, device="cuda", namespace="robot")["pose_refiner"]
    assert refiner.params_file == file
    assert refiner.parameters == {
        "/robot/pose_refiner": {"device": "cuda"},
        "/**": {"device": "cuda"},
        "/**/pose_refiner": {"device": "cuda"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "/**: {ros__parameters: {use_sim_time: true, device: cpu}}",
        "/**/pose_estimator: {ros__parameters: {device: cpu}}",
        "pose_estimator: {ros__parameters: {device: cpu}}",
        "/elsewhere/pose_estimator: {ros__parameters: {device: cpu}}\n"
        "/**/pose_estimator: {ros__parameters: {device: cpu}}",
        "pose_estimator:\n  ros__parameters:\n    qos_overrides:\n"
        "      /image: {subscription: {reliability: reliable}}",
        "pose_estimator: {ros__parameters: {qos_overrides./image.subscription.depth: 1}}",
        "somebody: {ros__parameters: {else: 1}}",
    ],
)
def test_takes_files_as_ros_takes_them(write, text):
    assert planned(params_file=write(text))["pose_estimator"].parameters == {}


def test_takes_the_packaged_file():
    planned(params_file=str(ROOT / "config" / "pinet.yaml"), namespace="robot")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("/**: {ros__parameters: {device: 2001-99-99}}", "is not YAML"),
        ("/**: &a {ros__parameters: {device: *a}}", "is not a file of ROS parameters"),
        ("", "is not a file of ROS parameters"),
        ("pose_estimator: {device: cpu}", "is not a file of ROS parameters"),
        ("ros__parameters: {device: cpu}", "is not a file of ROS parameters"),
        ("pose_estimator: {ros__parameters: cpu}", "expected the form"),
        (
            "/**/pose_refiner: {ros__parameters: {marker_lifetme: 1.0}}",
            "pose_refiner has no parameter marker_lifetme; did you mean marker_lifetime?",
        ),
        (
            "robot: {pose_refiner: {ros__parameters: {marker: {lifetime: 1.0}}}}",
            "pose_refiner has no parameter marker.lifetime; did you mean marker_lifetime?",
        ),
        (
            "/**/pose_refiner: {ros__parameters: {detector: nanodet}}",
            "pose_refiner has no parameter detector; it is a parameter of pose_estimator",
        ),
        ("/**: {ros__parameters: {zzz: 1}}", "none of the nodes has a parameter zzz"),
        (
            "pose_refiner: {ros__parameters: {device: cpu}}",
            r"/pose_refiner does not reach /robot/pose_refiner; write /\*\*/pose_refiner",
        ),
    ],
)
def test_refuses_a_file_that_would_not_do_what_it_says(write, text, message):
    with pytest.raises(PinetError, match=message) as error:
        planned(params_file=write(text), namespace="robot")
    assert "mine.yaml" in str(error.value)


def test_two_namespaces_have_two_camera_frames(write):
    for robot in ("one", "/two"):
        name = robot.strip("/")
        started = planned(camera="0", namespace=robot, rviz="true")
        assert started["camera_player"].namespace == f"/{name}"
        assert "frame_id" not in given(started["camera_player"])  # as the node has it anyway
        assert started["rviz2"].arguments[-2:] == ("-f", f"{name}/camera_optical_frame")
    started = planned(camera="0", rviz="true")
    assert started["rviz2"].arguments[-1] == "camera_optical_frame"


def test_the_frame_of_the_file_is_that_of_rviz(write):
    file = write("/**/camera_player: {ros__parameters: {frame_id: mine}}")
    started = planned(camera="0", namespace="robot", rviz="true", params_file=file)
    assert "frame_id" not in given(started["camera_player"])
    assert started["rviz2"].arguments[-1] == "mine"
    started = planned(rviz="true", params_file=file, fixed_frame="map")
    assert started["rviz2"].arguments[-1] == "map"


def test_a_missing_package_is_said_before_anything_starts():
    def find(name: str) -> None:
        if name == "rviz2":
            raise KeyError(name)

    with pytest.raises(PinetError, match="the ROS package rviz2 is not installed"):
        plan({"rviz": "true"}, share=ROOT, find_package=find)


def test_the_packages_that_are_started_are_dependencies():
    declared = (ROOT / "package.xml").read_text()
    for process in planned(rviz="true").values():
        assert process.package == "pinet_ros" or f"<exec_depend>{process.package}<" in declared


def test_rviz_looks_from_behind_the_camera():
    config = yaml.safe_load((ROOT / "config" / "pinet.rviz").read_text())
    view = config["Visualization Manager"]["Views"]["Current"]
    focal = np.array([view["Focal Point"][axis] for axis in "XYZ"])
    yaw, pitch = view["Yaw"], view["Pitch"]
    # as RViz computes it: the direction from the focal point to the viewer
    back = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right, down, forward = focal + view["Distance"] * back
    assert abs(right) < 0.1
    assert -4 < down < -1  # above the camera
    assert -6 < forward < -1  # behind it
    degrees_down = np.degrees(np.arcsin(-back[1]))
    assert 10 < degrees_down < 30


def test_only_rviz_may_end_while_the_others_go_on():
    started = planned(camera="0", overlay="true", rviz="true")
    assert started.pop("rviz2").reason_to_stop(0) is None
    for name, process in started.items():
        assert process.reason_to_stop(0) == f"{name} has ended"
        with pytest.raises(PinetError, match=f"{name} ended with status -9"):
            process.reason_to_stop(-9)


def test_respawn_starts_everything_again_but_a_video_that_has_ended(tmp_path):
    started = planned(camera="0", overlay="true", respawn="true")
    assert all(process.respawn for process in started.values())
    assert all(process.reason_to_stop(1) is None for process in started.values())
    player = planned(video=str(tmp_path), respawn="true")["camera_player"]
    assert not player.respawn
    assert player.reason_to_stop(0)


def test_the_plan_needs_neither_ros_nor_torch():
    code = """
import sys
sys.modules.update(dict.fromkeys(("rclpy", "torch", "numpy", "cv2", "launch")))
import pinet_ros.ros.launching
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.fixture
def launch_file(monkeypatch) -> ModuleType:
    """The launch file as a module; every package is said to be there."""
    if not HAS_LAUNCH:
        for name, module in launch_stand_in.modules().items():
            monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("pinet_launch", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "get_package_prefix", lambda name: None)
    monkeypatch.setattr(module, "get_package_share_path", lambda name: ROOT)
    return module


def visited(launch_file: ModuleType, **arguments: str) -> list:
    """The nodes that the launch file makes, as launch visits it."""
    context = launch_file.LaunchContext()
    context.launch_configurations.update(arguments)
    made = []
    for entity in launch_file.generate_launch_description().entities:
        made += entity.visit(context) or []
    return made


def test_the_launch_file_makes_the_planned_nodes(launch_file):
    made = visited(launch_file, camera="0", one_process="true", rviz="true", log_level="debug")
    assert [node.node_executable for node in made] == ["camera_player", "pose_pipeline", "rviz2"]


def test_the_launch_file_declares_the_arguments(launch_file):
    declared = launch_file.generate_launch_description().entities[:-1]
    assert [each.name for each in declared] == [each.name for each in ARGUMENTS]
    with pytest.raises(RuntimeError, match="one_process"):
        visited(launch_file, one_process="maybe")


@pytest.mark.skipif(HAS_LAUNCH, reason="the real nodes do not show what they were made with")
def test_the_launch_file_passes_everything_on(launch_file):
    player, *_ = visited(
        launch_file, camera="0", namespace="robot", log_level="debug", respawn="true"
    )
    assert player.ros_arguments == ["--log-level", "debug"]
    assert player.namespace == "/robot"
    assert ("image", "image") in player.remappings
    assert player.respawn
    parameters = json.loads(Path(player.parameters[0]).read_text())
    assert parameters["/**/camera_player"]["ros__parameters"]["source"] == "0"


@pytest.mark.skipif(HAS_LAUNCH, reason="test_the_launch_ends_as_its_nodes_do runs it")
def test_the_end_of_a_node_ends_the_launch(launch_file):
    estimator, _ = visited(launch_file)
    running = SimpleNamespace(is_shutdown=False)
    ended = estimator.on_exit(launch_stand_in.ProcessExited(0), running)
    assert ended.reason == "pose_estimator has ended"
    with pytest.raises(PinetError):
        estimator.on_exit(launch_stand_in.ProcessExited(1), running)
    assert (
        estimator.on_exit(launch_stand_in.ProcessExited(1), SimpleNamespace(is_shutdown=True))
        is None
    )


@pytest.mark.skipif(not HAS_LAUNCH, reason="ROS's launch is not installed")
@pytest.mark.parametrize(
    ("argument", "status"), [("video:={}", 1), ("params_file:={}", 1), ("camera:=x", 1)]
)
def test_the_launch_ends_as_its_nodes_do(tmp_path, argument, status):
    command = ["ros2", "launch", str(FILE), argument.format(tmp_path)]  # an empty folder
    assert subprocess.run(command, timeout=120).returncode == status
