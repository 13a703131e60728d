"""A network in an ONNX file, run by ONNX Runtime on the CPU."""

from __future__ import annotations

import onnxruntime
import torch
from torch import Tensor


class OnnxNetwork:
    """A network that is called like the torch module it was exported from."""

    def __init__(self, content: bytes, threads: int = 1) -> None:
        """Load the network.

        Args:
            content: content of an ONNX file whose only input is a batch of images.
            threads: number of threads to compute with.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while waiting are a sixth faster if the cores are otherwise idle, but
        # take twice as long if other processes use them, as on a robot.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        (entry,) = self._session.get_inputs()
        self._input = entry.name

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run a batch of images (B,C,H,W), float32 on the CPU."""
        outputs = self._session.run(None, {self._input: images.contiguous().numpy()})
        return tuple(torch.from_numpy(output) for output in outputs)
