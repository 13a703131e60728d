from __future__ import annotations

import pytest
import torch

from pinet_ros.ros.diagnostics import StageTimes
from pinet_ros.util.device import DeviceError, describe_device, select_device


def test_auto_is_the_gpu_where_there_is_one():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert select_device().type == expected
    assert describe_device(select_device()).startswith(expected)


def test_the_cpu_can_be_asked_for():
    assert select_device("cpu") == torch.device("cpu")
    assert describe_device(torch.device("cpu")) == f"cpu ({torch.get_num_threads()} threads)"


@pytest.mark.parametrize("name", ["gpu", "cuda:first", "cuda:", "cpu:0", "", "CUDA"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(DeviceError, match=f"auto, cpu, cuda or cuda:N, got '{name}'"):
        select_device(name)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert select_device("auto") == torch.device("cpu")
    for name in "cuda", "cuda:1":
        with pytest.raises(DeviceError, match=f"'{name}' was asked for .* finds 0 CUDA devices"):
            select_device(name)


def test_a_gpu_is_chosen_by_its_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert select_device("auto") == torch.device("cuda")
    assert select_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match="finds 2"):
        select_device("cuda:2")


def test_stage_times_are_percentiles_of_the_latest():
    times = StageTimes(window=4)
    for milliseconds in (1000, 1, 2, 3, 4):
        times.add("lift", milliseconds / 1e3)
    times.add("detect", 0.007)
    assert times.percentile_ms(50) == pytest.approx({"lift": 2.5, "detect": 7})
    assert times.percentile_ms(100) == pytest.approx({"lift": 4, "detect": 7})
    assert list(times.percentile_ms(50)) == ["lift", "detect"]


def test_a_stage_that_fails_is_not_counted():
    times = StageTimes()
    with times.measure("good"):
        pass
    with pytest.raises(RuntimeError), times.measure("bad"):
        raise RuntimeError
    assert list(times.percentile_ms(50)) == ["good"]
    assert times.percentile_ms(50)["good"] >= 0
