"""The processes that the launch file plans, started as launch starts them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from harness import Process, Ros
from rcl_interfaces.srv import GetParameters

from pinet_ros.geometry.calibration import write_calibration
from pinet_ros.msg import PersonPoseArray
from pinet_ros.ros.launching import plan

ROOT = Path(__file__).parents[2]


def launched(ros: Ros, **arguments: str) -> dict[str, Process]:
    """Start what these arguments select; the processes by executable."""
    return {
        process.executable: ros.start(
            process.executable,
            remap={"__ns": process.namespace or "/", **dict(process.remappings)},
            files=process.parameter_files(),
        )
        for process in plan(arguments, share=ROOT, find_package=lambda name: None)
    }


def test_arguments_win_over_every_key_of_the_file(ros, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "/robot/pose_refiner: {ros__parameters: {use_sim_time: false}}\n"
        "/**: {ros__parameters: {device: cuda, autostart: true}}\n"
        "/**/pose_refiner: {ros__parameters: {device: cuda, marker_lifetime: 7.5}}\n"
    )
    launched(
        ros,
        namespace="robot",
        params_file=str(tmp_path / "mine.yaml"),
        device="cpu",
        autostart="false",
        use_sim_time="true",
    )
    client = ros.node.create_client(GetParameters, "/robot/pose_refiner/get_parameters")
    ros.until(client.service_is_ready)
    names = ["device", "autostart", "use_sim_time", "marker_lifetime"]
    future = client.call_async(GetParameters.Request(names=names))
    ros.until(future.done)
    device, autostart, use_sim_time, lifetime = future.result().values
    assert device.string_value == "cpu"
    assert autostart.bool_value is False
    assert use_sim_time.bool_value is True
    assert lifetime.double_value == 7.5  # the argument does not hide the rest of the file


def test_a_folder_of_images_in_a_namespace(ros, photo, calibration, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), np.roll(photo, number, axis=1))
    write_calibration(tmp_path / "camera.yaml", calibration)
    people = ros.listen(PersonPoseArray, "/robot/people")
    processes = launched(
        ros,
        video=str(folder),
        calibration=str(tmp_path / "camera.yaml"),
        rate="0.5",
        namespace="robot",
        device="cpu",
    )
    ros.until(lambda: len(people) >= 2)
    assert {message.header.frame_id for message in people} == {"robot/camera_optical_frame"}
    assert all(len(message.people) >= 2 for message in people)
    assert processes["camera_player"].wait() == 0
