"""A training that ends in the middle, as if it had been killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pinet_training.runs.channel_adam import ChannelAdam


class KilledError(Exception):
    """Ends a training as if it had been killed."""


@contextmanager
def killed_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The training inside is killed when it has taken so many steps."""
    left = iter(range(steps))
    step = ChannelAdam.step

    def step_until_killed(*arguments):
        if next(left, None) is None:
            raise KilledError
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ChannelAdam, "step", step_until_killed)
        with pytest.raises(KilledError):
            yield
