"""Commands run in the test's own process, as the shell would run them."""

from __future__ import annotations

import pytest

from pinet_ros.cli.main import main


def run(*arguments) -> None:
    """Run a command that is to end well; AssertionError with its message or status if not."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    if ended.value.code != 0:
        raise AssertionError(ended.value.code)


def fails(*arguments) -> str:
    """Run a command that is to end with an error; its message."""
    with pytest.raises(AssertionError) as failed:
        run(*arguments)
    return str(failed.value)
