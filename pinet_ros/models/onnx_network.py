"""A network in an ONNX file, run by ONNX Runtime on the CPU."""

from __future__ import annotations

import onnxruntime
import torch
from torch import Tensor


class OnnxNetwork:
    """Called like the torch module that it was exported from."""

    def __init__(self, content: bytes, threads: int = 1) -> None:
        """Take an ONNX file's content; its only input is a batch of images."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait are a sixth faster where nobody else wants the cores,
        # and take twice as long where somebody does, as on a robot.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        (entry,) = self._session.get_inputs()
        self._input = entry.name

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run a batch (B,C,H,W), float32 on the CPU."""
        outputs = self._session.run(None, {self._input: images.contiguous().numpy()})
        return tuple(torch.from_numpy(output) for output in outputs)
