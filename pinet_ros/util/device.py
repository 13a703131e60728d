"""Which device the networks run on."""

from __future__ import annotations

import gc
import os

import torch

from pinet_ros.errors import PinetError


class DeviceError(PinetError):
    """The device asked for is not there."""


def select_device(name: str = "auto") -> torch.device:
    """Turn a parameter into a device, and set torch up for it in this process.

    Args:
        name: auto (the first GPU, or the CPU where there is none), cpu, cuda, or cuda:N.

    Raises:
        DeviceError: the name is unknown, or CUDA is asked for where torch finds none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        _set_up_cpu()
        return torch.device("cpu")
    kind, colon, index = name.partition(":")
    if kind != "cuda" or index.isdecimal() != bool(colon):
        raise DeviceError(f"device must be auto, cpu, cuda or cuda:N, got {name!r}")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(index or 0) >= found:
        raise DeviceError(
            f"device {name!r} was asked for but torch {torch.__version__} finds {found} CUDA "
            "devices; check the driver (nvidia-smi) and that this torch is a CUDA build, or use "
            "device: cpu"
        )
    # Full single precision, so that a GPU gives the CPU's joints: these networks are small.
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def _set_up_cpu() -> None:
    # Denormal numbers in the small networks' activations cost a third of their time.
    torch.set_flush_denormal(True)
    # Half of the cores are left to the camera, the transport and the other nodes: a thread that
    # has to wait for a core holds up all the others.
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))


def release_memory() -> None:
    """Give the memory of networks that are no longer used back to the GPU's other users."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def describe_device(device: torch.device) -> str:
    """One line for the log."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)"
