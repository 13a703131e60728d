"""Workers: the processes of one training that torchrun starts, each with a GPU of its own."""

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


@dataclass(frozen=True)
class Workers:
    """This process among those that train together; alone where torchrun did not start it.

    Each batch is divided among the workers, so that their number changes the time of a training
    and not its result.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this one writes files, validates and reports."""
        return self.rank == 0

    def shard(self, size: int) -> torch.Tensor:
        """Which of a batch's `size` sequences are this worker's: none, where there are too few."""
        return torch.arange(self.rank, size, self.count)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, made to average its gradients over the workers."""
        return network if self.count == 1 else DistributedDataParallel(network)

    def barrier(self) -> None:
        """Return when all workers have come here."""
        if self.count > 1:
            torch.distributed.barrier()

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of a value over all workers."""
        if self.count > 1:
            torch.distributed.all_reduce(value)
        return value


@contextmanager
def join_workers(device: str) -> Iterator[tuple[Workers, torch.device]]:
    """Join the other workers for the time of a training.

    Args:
        device: auto, cpu, cuda or cuda:N; torchrun's workers take one GPU each.

    Raises:
        DeviceError: the device is not there.
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
