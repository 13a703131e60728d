"""TensorBoard event files of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pinet_training.runs.run_folder import RunFolderError


class EventFiles:
    """Writes epochs to event files; a resumed run replaces the epochs after its checkpoint."""

    def __init__(self, folder: Path, epoch: int) -> None:
        """Open the event files.

        Args:
            folder: the folder to write to.
            epoch: the last existing epoch to keep; 0 keeps none.

        Raises:
            RunFolderError: TensorBoard is not installed.
        """
        try:
            # imported here, as only trainings with a folder need it
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RunFolderError(
                "the event files of a training need TensorBoard, which is not installed; run "
                "pip install tensorboard"
            ) from error

        self._writer = SummaryWriter(str(folder), purge_step=epoch + 1)

    def __enter__(self) -> EventFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, record: dict[str, Any]) -> None:
        """Write one epoch.

        Args:
            record: `epoch` (its number), `loss`, `learning_rate`, and `validation` or None.
        """
        for name in ("loss", "learning_rate"):
            self._writer.add_scalar(name, record[name], record["epoch"])
        for name, value in (record["validation"] or {}).items():
            self._writer.add_scalar(f"validation/{name}", value, record["epoch"])
        self._writer.flush()
