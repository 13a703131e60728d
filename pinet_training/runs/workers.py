"""Workers: the processes that torchrun starts for one training, each with its own GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from pinet_ros.util.device import select_device
from pinet_training.runs.processes import available_cores
from pinet_training.runs.recipes import RecipeError

_MOST_LOADERS = 8


@dataclass(frozen=True)
class Workers:
    """This process among the workers of a training; the only one if torchrun did not start it.

    Each batch is divided among the workers, so their number changes the time that a training
    takes but not its result.

    Attributes:
        rank: number of this worker, from 0.
        count: number of workers.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this worker writes files, validates and reports."""
        return self.rank == 0

    def shard(self, size: int) -> torch.Tensor:
        """Return which of a batch's `size` samples this worker processes; may be none."""
        return torch.arange(self.rank, size, self.count)

    def require_a_sample_each(self, batch_size: int) -> None:
        """Check that a batch has a sample for each worker.

        Raises:
            RecipeError: it has fewer.
        """
        if batch_size < self.count:
            raise RecipeError(
                f"batch_size must be at least the number of workers, {self.count}, got "
                f"{batch_size}"
            )

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Mean of a value over all workers, in place."""
        return self.sum(value).div_(self.count)

    def wrap(self, network: nn.Module) -> nn.Module:
        """Wrap a network so that its gradients are averaged over the workers."""
        return network if self.count == 1 else DistributedDataParallel(network)

    def barrier(self) -> None:
        """Wait until all workers have reached this point."""
        if self.count > 1:
            torch.distributed.barrier()

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """Sum a value over all workers, in place."""
        if self.count > 1:
            torch.distributed.all_reduce(value)
        return value


def loading_processes(requested: int | None, workers: Workers) -> int:
    """Number of processes that load images for each worker; as many as suit, if none is given."""
    if requested is not None:
        return requested
    return max(0, min(_MOST_LOADERS, available_cores() // workers.count - 1))


@contextmanager
def join_workers(device: str) -> Iterator[tuple[Workers, torch.device]]:
    """Join the other workers for the duration of a training.

    Args:
        device: auto, cpu, cuda or cuda:N; torchrun's workers take one GPU each.

    Yields:
        This worker and its device.

    Raises:
        DeviceError: the device is not available.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    selected = select_device(device)
    if count == 1:
        yield Workers(), selected
        return
    if selected.type == "cuda":
        selected = select_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(selected)
    torch.distributed.init_process_group("nccl" if selected.type == "cuda" else "gloo")
    try:
        yield Workers(torch.distributed.get_rank(), count), selected
    finally:
        torch.distributed.destroy_process_group()
