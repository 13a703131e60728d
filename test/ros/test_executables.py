"""What an executable does before its node runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--params-file", "nowhere.yaml"], "nowhere.yaml"),
        (["--params-file", "BROKEN"], "broken.yaml"),
        (["--remap", "im age:=x"], "im age:=x"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_ros_arguments_that_cannot_be_used_are_one_line(ros, arguments, message):
    broken = ros.folder / "broken.yaml"
    broken.write_text("a: [1\n")
    given = [str(broken) if each == "BROKEN" else each for each in arguments]
    command = [str(Path(sys.executable).with_name("camera_player")), "--ros-args", *given]
    ended = subprocess.run(command, env=ros.environment, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "the arguments after --ros-args cannot be used" in ended.stderr
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_interruption_while_a_node_is_imported_is_no_traceback(tmp_path):
    (tmp_path / "rclpy.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    code = "from pinet_ros.nodes.executables import pose_estimator; pose_estimator()"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGINT
    assert said == ""
