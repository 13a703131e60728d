"""Networks run by ONNX Runtime against torch, and the ONNX files kept in the cache folder."""

from __future__ import annotations

import logging
from pathlib import Path

import onnx
import pytest
import torch

from pinet_ros.detection.nanodet_weights import NANODET, load_nanodet, nanodet_file
from pinet_ros.errors import ModelError, PinetError
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, load_blazepose, weights_file
from pinet_ros.models import networks, onnx_cache
from pinet_ros.models.networks import Network, as_network, module_onnx, select_runtime
from pinet_ros.models.onnx_export import export_onnx

# Largest accepted differences by output.
PIXELS, METRES, SCORE, LOGIT = 5e-3, 1e-5, 1e-5, 1e-3
TOLERANCES = {
    "nanodet": [SCORE, PIXELS],
    "blazepose": [PIXELS, METRES, LOGIT, LOGIT, LOGIT],
}


def load(name: str, runtime: str) -> Network:
    if name == NANODET:
        file = nanodet_file()
        module = load_nanodet(file)
    else:
        file = weights_file(name)
        module = load_blazepose(name, file)
    return as_network(module, module.output_names, "cpu", runtime, file)


@pytest.mark.parametrize("name", [NANODET, *BLAZEPOSE])
def test_onnx_agrees_with_torch_on_people(name: str, people_crops: torch.Tensor) -> None:
    by_onnx, by_torch = (load(name, runtime) for runtime in ("onnx", "torch"))
    both = people_crops
    if name == NANODET:
        both = torch.nn.functional.interpolate(4 * both.flip(1) - 2, size=(416, 416))
    for images in both, both[1:], torch.cat([both, both.flip(-1), both[:1]]):
        with torch.inference_mode():
            expected = by_torch(images)
        found = by_onnx(images)
        tolerances = TOLERANCES[name.split("_")[0]]
        for a, b, tolerance in zip(found, expected, tolerances, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


def test_a_network_is_exported_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    file = nanodet_file()
    module = load_nanodet(file)
    first = module_onnx(module, module.output_names, file)
    (kept,) = tmp_path.glob("nanodetnetwork-*.onnx")
    assert kept.read_bytes() == first
    onnx.checker.check_model(onnx.load_from_string(first))
    monkeypatch.setattr(networks, "_export", lambda *_: pytest.fail("exported again"))
    assert module_onnx(module, module.output_names, file) == first
    assert not caplog.records


class Doubled(torch.nn.Module):
    input_shape = (3, 4, 4)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return 2 * images.mean((2, 3)), images.flatten(1)


def test_a_module_with_several_outputs_is_exported_once_for_each_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    images = torch.rand(5, 3, 4, 4)
    weights = [tmp_path / "first", tmp_path / "second"]
    for number, each in enumerate((*weights, weights[0])):
        each.write_text(each.name)
        found = as_network(Doubled(), ["means", "values"], "cpu", "onnx", each)(images)
        torch.testing.assert_close(found, Doubled()(images))
        assert len(list(tmp_path.glob("doubled-means-values-*.onnx"))) == min(number + 1, 2)


@pytest.mark.parametrize("damage", ["a changed weight", "a missing end", "nothing left"])
def test_a_damaged_export_is_replaced(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    content = onnx.helper.make_model(onnx.GraphProto(name="empty")).SerializeToString()
    kept = onnx_cache.path("network", ["0" * 64])
    good = onnx_cache.get(kept, lambda: content)
    changed = bytes([*good[:20], good[20] ^ 1, *good[21:]])
    broken = {"a changed weight": changed, "a missing end": good[:-9], "nothing left": b""}
    kept.write_bytes(broken[damage])

    assert onnx_cache.get(kept, lambda: content) == good
    assert kept.read_bytes() == good
    assert f"{kept} is damaged" in caplog.text
    assert list(tmp_path.iterdir()) == [kept]


def test_a_folder_that_cannot_be_written_to_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PINET_CACHE", str(tmp_path / "file"))
    kept = onnx_cache.path("network", ["0" * 64])
    content = onnx_cache.get(kept, lambda: b"exported")
    assert content.startswith(b"exported")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cannot be saved, so every start exports it again" in caplog.text


class DependsOnTheBatch(torch.nn.Module):
    """What the exporter takes for a constant changes with the number of images."""

    input_shape = (1, 2, 2)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        return (images * float(images.shape[0]),)


def test_an_export_that_differs_from_torch_is_refused() -> None:
    with pytest.raises(ModelError, match=r"exported network's product differs from torch's by"):
        export_onnx(DependsOnTheBatch(), ["product"])


def test_auto_is_onnx_on_the_cpu_and_torch_on_a_gpu() -> None:
    assert select_runtime("auto", "cpu") == "onnx"
    assert select_runtime("auto", torch.device("cuda", 0)) == "torch"
    assert select_runtime("torch", "cpu") == "torch"


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_onnx_auto_is_torch(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "find_spec", lambda name: None if name == missing else name)
    assert select_runtime("auto", "cpu") == "torch"
    with pytest.raises(PinetError, match=f"ONNX needs {missing}, not .* pip install {missing},"):
        select_runtime("onnx", "cpu")


def test_a_runtime_that_is_not_to_be_had_is_refused() -> None:
    with pytest.raises(PinetError, match="runs on the CPU, but the device is cuda:1"):
        select_runtime("onnx", "cuda:1")
    with pytest.raises(PinetError, match="one of auto, torch, onnx, got 'tensorrt'"):
        select_runtime("tensorrt", "cpu")


def running_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_onnx_takes_as_many_threads_as_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    load(NANODET, "onnx")
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        before = running_threads()
        network = load(NANODET, "onnx")
        assert running_threads() - before == threads - 1  # the caller's works too
        del network
