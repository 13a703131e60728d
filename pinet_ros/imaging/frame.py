"""Frame: one camera image on the device, and the samples that networks take from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

# A message's buffer is read-only, and a frame only reads it.
warnings.filterwarnings("ignore", message="The given NumPy array is not writable")

# Position of red, green and blue in each order of channels.
_POSITIONS = {
    "rgb": {"r": 0, "g": 1, "b": 2},
    "bgr": {"r": 2, "g": 1, "b": 0},
    "rgba": {"r": 0, "g": 1, "b": 2},
    "bgra": {"r": 2, "g": 1, "b": 0},
    "mono": {"r": 0, "g": 0, "b": 0},
}


@dataclass(frozen=True)
class Letterbox:
    """Where a letterboxed image lies in its square.

    Attributes:
        scale: square pixels per image pixel.
        left, top: of the image in the square, pixels.
    """

    scale: float
    left: int
    top: int

    def to_image(self, points: torch.Tensor) -> torch.Tensor:
        """Square points (...,2) to image pixels (...,2)."""
        return (points - points.new_tensor([self.left, self.top])) / self.scale


@dataclass(frozen=True, eq=False)
class Frame:
    """One image on the device, uploaded once; what networks want is sampled from it.

    Attributes:
        pixels: (1,C,H,W) uint8.
        channels: order of the channels: rgb, bgr, rgba, bgra or mono.
    """

    pixels: torch.Tensor
    channels: str

    @classmethod
    def from_array(
        cls, array: np.ndarray, *, channels: str = "bgr", device: torch.device | str = "cpu"
    ) -> Frame:
        """Take an image (H,W,C) or (H,W) uint8; on the CPU its memory is shared, not copied.

        Raises:
            ValueError: the order of channels is not known, or the array is not uint8 or has
                another number of channels.
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
        return self.pixels.shape[3]

    @property
    def height(self) -> int:
        return self.pixels.shape[2]

    @property
    def array(self) -> np.ndarray:
        """The image (H,W,C) uint8 in NumPy, without a copy; only on the CPU."""
        return self.pixels[0].permute(1, 2, 0).numpy()

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    @cached_property
    def _rgb(self) -> torch.Tensor:
        """(1,3,H,W) float32."""
        return self._ordered(self.pixels, "rgb").float()

    def rgb(self) -> torch.Tensor:
        """The whole image (3,H,W), red, green and blue, float32, 0 to 255."""
        return self._rgb[0]

    def letterbox(self, size: int, order: str) -> tuple[torch.Tensor, Letterbox]:
        """Scale the whole image into a square, keeping its aspect, black around it.

        Args:
            size: side of the square in pixels.
            order: channels wanted, rgb or bgr.

        Returns:
            (1,3,size,size) float32, 0 to 255, and where the image lies in it.
        """
        scale = size / max(self.width, self.height)
        width, height = (max(1, round(side * scale)) for side in (self.width, self.height))
        left, top = (size - width) // 2, (size - height) // 2
        # torch resizes uint8 on the CPU only, and 5 times faster there than float
        source = self.pixels if self.device.type == "cpu" else self.pixels.float()
        small = F.interpolate(source, size=(height, width), mode="bilinear", antialias=True)
        square = F.pad(small.float(), (left, size - width - left, top, size - height - top))
        return self._ordered(square, order), Letterbox(scale, left, top)

    def _ordered(self, samples: torch.Tensor, order: str) -> torch.Tensor:
        # Indexing by a list would wait for the GPU.
        return torch.stack([samples[:, place] for place in self.places(order)], dim=1)

    def places(self, order: str) -> list[int]:
        """Index of each channel of an order, rgb or bgr, among those of the image."""
        return [_POSITIONS[self.channels][channel] for channel in order]
