"""Selection of the device that the networks run on."""

from __future__ import annotations

import gc
import os

import torch

from pinet_ros.errors import PinetError


class DeviceError(PinetError):
    """The device is unknown or not available."""


def select_device(name: str = "auto") -> torch.device:
    """Select a device by name, and configure torch for it in this process.

    Args:
        name: auto (the first GPU, or the CPU if there is none), cpu, cuda or cuda:N.

    Raises:
        DeviceError: the name is unknown, or torch does not find this CUDA device.
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
            "the device cpu"
        )
    # Full single precision, so that GPU and CPU give the same joints; the networks are small.
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def _set_up_cpu() -> None:
    # Denormal numbers in the activations take a third of the time of the small networks.
    torch.set_flush_denormal(True)
    # Leave half of the cores to the camera, the transport and the other nodes: a thread that waits
    # for a core delays all the others.
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))


def release_memory() -> None:
    """Free the GPU memory of networks that are no longer used, for other processes."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def describe_device(device: torch.device) -> str:
    """Describe the device in one line, for the log."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)"
