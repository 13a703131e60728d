"""Learning rates over a training."""

from __future__ import annotations

import math


def rise_and_fall(progress: float, steps: int, warm_up: int) -> float:
    """Factor of the learning rate: it rises evenly, then falls along half a cosine.

    Args:
        progress: through the training, 0 to 1.
        steps: of the whole training.
        warm_up: steps over which it rises.
    """
    falling = 0.5 + 0.5 * math.cos(math.pi * progress)
    return min(1.0, (progress * steps + 1) / warm_up) * falling
