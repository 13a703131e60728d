"""Frame: a camera image on the device, and the network inputs computed from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

# The buffer of a message is read-only; a frame only reads it.
warnings.filterwarnings("ignore", message="The given NumPy array is not writable")

# Index of red, green and blue in each channel order.
_POSITIONS = {
    "rgb": {"r": 0, "g": 1, "b": 2},
    "bgr": {"r": 2, "g": 1, "b": 0},
    "rgba": {"r": 0, "g": 1, "b": 2},
    "bgra": {"r": 2, "g": 1, "b": 0},
    "mono": {"r": 0, "g": 0, "b": 0},
}


@dataclass(frozen=True)
class Letterbox:
    """Placement of a letterboxed image in its square.

    Attributes:
        scale: pixels of the square per pixel of the image.
        left, top: offset of the image in the square, pixels.
    """

    scale: float
    left: int
    top: int

    def to_image(self, points: torch.Tensor) -> torch.Tensor:
        """Map points (...,2) of the square to points (...,2) of the image, both in pixels."""
        return (points - points.new_tensor([self.left, self.top])) / self.scale


@dataclass(frozen=True, eq=False)
class Frame:
    """An image on the device, uploaded once; network inputs are computed from it there.

    Attributes:
        pixels: (1,C,H,W) uint8.
        channels: channel order: rgb, bgr, rgba, bgra or mono.
    """

    pixels: torch.Tensor
    channels: str

    @classmethod
    def from_array(
        cls, array: np.ndarray, *, channels: str = "bgr", device: torch.device | str = "cpu"
    ) -> Frame:
        """Create a frame from an array; on the CPU its memory is shared, not copied.

        Args:
            array: (H,W,C) or (H,W) uint8.
            channels: channel order: rgb, bgr, rgba, bgra or mono.
            device: where to put the image.

        Raises:
            ValueError: the channel order is unknown, or the array is not uint8 or has another
                number of channels.
        """
        if channels not in _POSITIONS:
            raise ValueError(f"channels must be one of {', '.join(_POSITIONS)}, got {channels!r}")
        count = 1 if channels == "mono" else len(channels)
        if array.ndim == 2:
            array = array[..., None]
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != count:
            raise ValueError(
                f"a {channels} image must be (H,W,{count}) uint8, got {array.shape} {array.dtype}"
            )
        tensor = torch.from_numpy(array).to(device)
        return cls(tensor.permute(2, 0, 1)[None], channels)

    @property
    def width(self) -> int:
        """Width, pixels."""
        return self.pixels.shape[3]

    @property
    def height(self) -> int:
        """Height, pixels."""
        return self.pixels.shape[2]

    @property
    def array(self) -> np.ndarray:
        """The image (H,W,C) uint8 as a NumPy view; on the CPU only."""
        return self.pixels[0].permute(1, 2, 0).numpy()

    @property
    def device(self) -> torch.device:
        """Device of the pixels."""
        return self.pixels.device

    @cached_property
    def _rgb(self) -> torch.Tensor:
        """(1,3,H,W) float32, 0 to 255."""
        return self._ordered(self.pixels, "rgb").float()

    def rgb(self) -> torch.Tensor:
        """The whole image (3,H,W) float32 RGB, 0 to 255."""
        return self._rgb[0]

    def letterbox(self, size: int, order: str) -> tuple[torch.Tensor, Letterbox]:
        """Scale the whole image to fit a square, with its aspect ratio kept and black borders.

        Args:
            size: side of the square, pixels.
            order: channel order of the result, rgb or bgr.

        Returns:
            The square (1,3,size,size) float32, 0 to 255, and the placement of the image in it.
        """
        scale = size / max(self.width, self.height)
        width, height = (max(1, round(side * scale)) for side in (self.width, self.height))
        left, top = (size - width) // 2, (size - height) // 2
        # torch resizes uint8 on the CPU only, where it is 5 times faster than float
        source = self.pixels if self.device.type == "cpu" else self.pixels.float()
        small = F.interpolate(source, size=(height, width), mode="bilinear", antialias=True)
        square = F.pad(small.float(), (left, size - width - left, top, size - height - top))
        return self._ordered(square, order), Letterbox(scale, left, top)

    def _ordered(self, samples: torch.Tensor, order: str) -> torch.Tensor:
        # Indexing by a list would synchronise with the GPU.
        return torch.stack([samples[:, place] for place in self.places(order)], dim=1)

    def places(self, order: str) -> list[int]:
        """Index in this image of each channel of an order, rgb or bgr."""
        return [_POSITIONS[self.channels][channel] for channel in order]
