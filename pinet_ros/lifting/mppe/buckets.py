"""Batches of a few fixed sizes, for networks that are prepared separately for each size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pinet_ros.models.networks import Network


def in_buckets(network: Network) -> Network:
    """Wrap a network so that it only sees batches of 1, 2, 4, 8, ... images, padded with zeros.

    The number of people changes from frame to frame, but cuDNN's plans, the memory of activations
    and compiled graphs are each for one batch size.
    """

    def run(images: Tensor) -> tuple[Tensor, ...]:
        count = len(images)
        bucket = 1 << (count - 1).bit_length()
        filled = F.pad(images, (0, 0, 0, 0, 0, 0, 0, bucket - count))
        return tuple(output[:count] for output in network(filled))

    return run
