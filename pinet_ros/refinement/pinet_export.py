"""Export of PI-Net as ONNX."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from pinet_ros.errors import PinetError
from pinet_ros.models.onnx_export import export_onnx
from pinet_ros.refinement.checkpoint import load_checkpoint
from pinet_ros.refinement.model import PINet

_AXES = {
    "sequences": {0: "sequence", 1: "person"},
    "poses": {0: "sequence"},
    "attention": {0: "sequence", 1: "person"},
}


def export_pinet(weights: str | Path) -> bytes:
    """Export PI-Net as ONNX: `sequences` (B,N,T) to `poses` (B,V) and `attention` (B,N).

    B and N may have any size; T and V are 51 values of a pose, or 75 and 69 with deviations, see
    `standardisation.Facing`. The model computes PINet.refine_first; ordering and standardisation
    are not part of it.

    Args:
        weights: see `load_checkpoint`.

    Returns:
        The content of the ONNX file.

    Raises:
        ModelError: the weights cannot be loaded, or the results of ONNX Runtime and torch differ.
        PinetError: the network has no recurrent unit or no attention.
    """
    network = load_checkpoint(weights).network
    if not isinstance(network, PINet) or not network.config.attention:
        raise PinetError(
            f"{weights} cannot be exported: its network has no recurrent unit or no attention; "
            "give weights of a network with both"
        )
    poses, attention = (name for name in _AXES if name != "sequences")
    return export_onnx(_First(network), [poses, attention], _AXES)


class _First(nn.Module):
    """Network that computes PINet.refine_first, for the export."""

    def __init__(self, network: PINet) -> None:
        super().__init__()
        self.network = network
        self.input_shape: tuple[int, ...] = (2, network.config.inputs)
        self.eval()

    def forward(self, sequences: Tensor) -> tuple[Tensor, ...]:
        poses, attention = self.network.refine_first(sequences)
        assert attention is not None  # see export_pinet
        return poses, attention
