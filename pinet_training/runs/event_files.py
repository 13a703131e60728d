"""TensorBoard's event files of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pinet_training.runs.run_folder import RunFolderError


class EventFiles:
    """Event files of the epochs; those after the one that a run goes on from are replaced."""

    def __init__(self, folder: Path, epoch: int) -> None:
        """Begin to write.

        Args:
            epoch: the last one that is kept of what is there.

        Raises:
            RunFolderError: TensorBoard is not installed.
        """
        try:
            # imported here, as only a training with a folder needs it
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RunFolderError(
                "the event files of a training need TensorBoard; install it: "
                "pip install tensorboard"
            ) from error

        self._writer = SummaryWriter(str(folder), purge_step=epoch + 1)

    def __enter__(self) -> EventFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, record: dict[str, Any]) -> None:
        """Add an epoch: its number, `loss`, `learning_rate` and `validation`, maybe None."""
        for name in ("loss", "learning_rate"):
            self._writer.add_scalar(name, record[name], record["epoch"])
        for name, value in (record["validation"] or {}).items():
            self._writer.add_scalar(f"validation/{name}", value, record["epoch"])
        self._writer.flush()
