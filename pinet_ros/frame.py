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

# Position of red, green and blue among the channels of each layout.
_CHANNELS = {
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
    """One image on the device, uploaded once; channels are reordered after sampling, not before.

    Attributes:
        pixels: (1,C,H,W) uint8.
        layout: order of the channels: rgb, bgr, rgba, bgra or mono.
    """

    pixels: torch.Tensor
    layout: str

    @classmethod
    def from_array(
        cls, array: np.ndarray, *, layout: str = "bgr", device: torch.device | str = "cpu"
    ) -> Frame:
        """Take an image (H,W,C) or (H,W) uint8; on the CPU its memory is shared, not copied.

        Raises:
            ValueError: the layout is not known, or the array is not uint8 or does not have the
                layout's channels.
        """
        if layout not in _CHANNELS:
            raise ValueError(f"the layout must be one of {', '.join(_CHANNELS)}, got {layout!r}")
        channels = 1 if layout == "mono" else len(layout)
        if array.ndim == 2:
            array = array[..., None]
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != channels:
            raise ValueError(
                f"a {layout} image must be (H,W,{channels}) uint8, got {array.shape} {array.dtype}"
            )
        tensor = torch.from_numpy(array).to(device)
        return cls(tensor.permute(2, 0, 1)[None], layout)

    @property
    def width(self) -> int:
        return self.pixels.shape[3]

    @property
    def height(self) -> int:
        return self.pixels.shape[2]

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    @cached_property
    def _float(self) -> torch.Tensor:
        return self.pixels.float()

    def rgb(self) -> torch.Tensor:
        """The whole image (3,H,W), red, green and blue, float32, 0 to 255."""
        return self._ordered(self._float, "rgb")[0]

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
        source = self.pixels if self.device.type == "cpu" else self._float
        small = F.interpolate(source, size=(height, width), mode="bilinear", antialias=True)
        square = F.pad(small.float(), (left, size - width - left, top, size - height - top))
        return self._ordered(square, order), Letterbox(scale, left, top)

    def squares(
        self,
        centers: torch.Tensor,
        sides: torch.Tensor,
        size: int,
        order: str,
        angles: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Sample square regions bilinearly, black outside the image.

        Pixel (u, v) of a square is image pixel center + R ((u, v) / size - 1/2) side, R turning
        x towards y.

        Args:
            centers: (N,2) pixels.
            sides: (N,) pixels.
            size: side of the samples in pixels.
            order: channels wanted, rgb or bgr.
            angles: (N,) radians by which they are turned clockwise in the image, None for upright.

        Returns:
            (N,3,size,size) float32, 0 to 255.
        """
        steps = torch.arange(size, device=self.device) / size - 0.5  # (S,)
        offsets = sides[:, None] * steps  # (N,S)
        along, down = offsets[:, None, :], offsets[:, :, None]
        if angles is None:
            x, y = along, down
        else:
            cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
            x, y = cosine * along - sine * down, sine * along + cosine * down
        count = len(centers)
        x = (x + centers[:, :1, None] + 0.5) * (2 / self.width) - 1
        y = (y + centers[:, 1:, None] + 0.5) * (2 / self.height) - 1
        grid = torch.stack([each.expand(count, size, size) for each in (x, y)], dim=-1)
        image = self._float.expand(count, -1, -1, -1)
        # With align_corners cuDNN would be used, which copies the image for each person.
        samples = F.grid_sample(image, grid, padding_mode="zeros", align_corners=False)
        return self._ordered(samples, order)

    def _ordered(self, samples: torch.Tensor, order: str) -> torch.Tensor:
        position = _CHANNELS[self.layout]
        # Indexing by a list would wait for the GPU.
        return torch.stack([samples[:, position[channel]] for channel in order], dim=1)
