"""Schedule: when the images of a source are due."""

from __future__ import annotations

_LATE = 1.0  # seconds behind the source's time after which it is no longer caught up with


class Schedule:
    """Tells how long to wait for each image, by the source's own times or at a fixed rate."""

    def __init__(self, mean_rate: float, fixed_rate: float = 0.0) -> None:
        """Start before the first image.

        Args:
            mean_rate: images per second of the source.
            fixed_rate: images per second to play at; 0 follows the source's own times.
        """
        self._fixed_rate = fixed_rate
        self._mean_interval = 1 / (fixed_rate or mean_rate)
        self._latest: float | None = None  # source's time of the latest image
        self._due = 0.0

    def delay(self, seconds: float | None, now: float) -> float:
        """Seconds to wait, from now, for an image or for the end; 0 for the first image.

        Args:
            seconds: the image's time by the source's clock; None for the end of the source.
            now: time by any clock; it may jump.
        """
        if self._latest is None:
            self._latest, self._due = seconds or 0.0, now
            return 0.0
        interval = self._mean_interval
        if seconds is not None:
            if not self._fixed_rate and seconds > self._latest:
                interval = seconds - self._latest
            self._latest = seconds
        self._due += interval
        if self._due > now + interval:  # the clock has jumped back
            self._due = now + interval
        elif self._due < now - _LATE:
            self._due = now
        return max(self._due - now, 0.0)
