"""Torch modules as networks, and the runtime that runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pinet_ros.errors import PinetError
from pinet_ros.models import onnx_cache
from pinet_ros.models.cache import sha256_of

if TYPE_CHECKING:
    from pinet_ros.models.onnx_export import Exportable

RUNTIMES = ("auto", "torch", "onnx")

# From images (B,C,H,W) to a tuple of tensors, each with B as its first axis.
Network = Callable[[Tensor], tuple[Tensor, ...]]


def select_runtime(name: str, device: torch.device | str) -> str:
    """Resolve the name of a runtime to `torch` or `onnx`.

    Args:
        name: auto (ONNX Runtime on the CPU if it is installed, else torch), torch or onnx.
        device: where the networks run.

    Raises:
        PinetError: the name is unknown, or ONNX Runtime is requested on a GPU or without its
            packages.
    """
    if name not in RUNTIMES:
        raise PinetError(f"runtime must be one of {', '.join(RUNTIMES)}, got {name!r}")
    on_cpu = torch.device(device).type == "cpu"
    if name == "auto":
        return "onnx" if on_cpu and not _missing_packages() else "torch"
    if name == "onnx" and not on_cpu:
        raise PinetError(
            f"runtime 'onnx' runs on the CPU, but the device is {device}; use runtime: torch, or "
            "device: cpu"
        )
    if name == "onnx":
        _require_packages()
    return name


def _missing_packages() -> list[str]:
    return [package for package in ("onnx", "onnxruntime") if find_spec(package) is None]


def _require_packages() -> None:
    if missing := _missing_packages():
        raise PinetError(
            f"ONNX needs {' and '.join(missing)}, not installed here; run pip install "
            f"{' '.join(missing)}, or use runtime: torch"
        )


def describe_runtime(name: str) -> str:
    """Return the package and version of a runtime, for the log.

    Args:
        name: torch or onnx, see `select_runtime`.
    """
    package = {"torch": "torch", "onnx": "onnxruntime"}[name]
    return f"{package} {import_module(package).__version__}"


def as_network(
    module: nn.Module,
    outputs: Sequence[str],
    device: torch.device | str,
    runtime: str,
    source: Path,
) -> Network:
    """Turn a torch module into a network that runs on a device.

    Args:
        module, outputs, source: see `module_onnx`.
        device: where the network runs.
        runtime: one of RUNTIMES.

    Raises:
        ModelError: ONNX Runtime's outputs differ from torch's.
        PinetError: see `select_runtime`.
    """
    if select_runtime(runtime, device) == "onnx":
        return _run_by_onnx(module_onnx(module, outputs, source))
    return _WithTuple(module).to(device)


def module_onnx(module: nn.Module, outputs: Sequence[str], source: Path) -> bytes:
    """Return the content of a torch module's ONNX file, from the cache if it is there.

    Args:
        module: maps images of its `input_shape` to one tensor or to a tuple, on the CPU.
        outputs: the tensors' names in ONNX.
        source: the file of the module's weights; its content determines the ONNX file's name.

    Raises:
        ModelError: ONNX Runtime's output differs from torch's.
        PinetError: ONNX's packages are missing.
    """
    _require_packages()
    name = "-".join([type(module).__name__.strip("_").lower(), *outputs])
    file = onnx_cache.path(name, [sha256_of(source)])
    return onnx_cache.get(file, lambda: _export(_WithTuple(module), outputs))


class _WithTuple(nn.Module):
    """A module as a Network, which returns a tuple."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.input_shape: tuple[int, ...] = getattr(module, "input_shape")  # noqa: B009
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        found = self.module(images)
        return found if isinstance(found, tuple) else (found,)


def _run_by_onnx(content: bytes) -> Network:
    from pinet_ros.models.onnx_network import OnnxNetwork  # needs onnxruntime, which is optional

    return OnnxNetwork(content, threads=torch.get_num_threads())


def _export(module: Exportable, outputs: Iterable[str]) -> bytes:
    from pinet_ros.models.onnx_export import export_onnx  # slow, and seldom needed

    return export_onnx(module, outputs)
