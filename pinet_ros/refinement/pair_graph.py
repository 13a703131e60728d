"""PairGraph: graph convolutions over the joints of two people, instead of a recurrent unit."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from pinet_ros.refinement.model import NetworkConfig, Unit


class PairGraph(nn.Module):
    """Graph convolutions over the joints of pairs of people, as an alternative to PINet.

    The nodes are the 2J joints of the person to refine and of one other; the adjacency is learned
    from the input (end of section 3.2 of the paper). The paper gives no more detail; the rest is
    our choice. Nodes have a learned embedding of their joint, each layer is residual, the
    adjacency is the softmax of a bilinear form of the nodes, and the poses from a person's pairs
    with the others are averaged. A person alone is paired with itself. The order of the others
    has no effect.

    Args:
        config: configuration, of which layers, hidden and joints are used.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig(
            Unit.GCN, layers=4, attention=False, hidden=64
        )
        self.joint = nn.Parameter(0.02 * torch.randn(2 * config.joints, config.hidden))
        self.input = nn.Linear(3, config.hidden)
        self.layers = nn.ModuleList(GraphConvolution(config.hidden) for _ in range(config.layers))
        self.output = nn.Linear(config.hidden, 3, bias=False)

    def forward(
        self, sequences: torch.Tensor, present: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Predict the poses (B,N,3J) of all people of each sequence, see PINet.forward."""
        count = sequences.shape[1]
        if present is None:
            present = sequences.new_ones(sequences.shape[:2], dtype=torch.bool)
        itself = torch.eye(count, dtype=torch.bool, device=sequences.device)
        others = present[:, None] & ~itself  # (B,N,N)
        return self._refine(sequences, sequences, _or_itself(others, itself))

    def refine_first(self, sequences: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Predict the poses (B,3J) of the first people, see PINet; there is no attention."""
        others = sequences[:, 1:] if sequences.shape[1] > 1 else sequences
        pairs = sequences.new_ones(len(others), 1, others.shape[1], dtype=torch.bool)
        return self._refine(sequences[:, :1], others, pairs)[:, 0], None

    def _refine(
        self, people: torch.Tensor, others: torch.Tensor, pairs: torch.Tensor
    ) -> torch.Tensor:
        """Predict poses (B,P,3J) of people (B,P,3J), paired (B,P,M) bool with others (B,M,3J)."""
        batch, person, other = pairs.nonzero(as_tuple=True)  # (Q,) each
        nodes = torch.cat([people[batch, person], others[batch, other]], dim=1)  # (Q,6J)
        nodes = self.input(nodes.unflatten(1, (-1, 3))) + self.joint  # (Q,2J,H)
        for layer in self.layers:
            nodes = layer(nodes)
        poses = self.output(nodes[:, : self.config.joints]).flatten(start_dim=1)  # (Q,3J)
        sums = torch.zeros_like(people).index_put((batch, person), poses, accumulate=True)
        return sums / pairs.sum(dim=2, keepdim=True).clamp(min=1)


class GraphConvolution(nn.Module):
    """A residual layer on nodes (Q,K,H), with an adjacency (Q,K,K) computed from the nodes."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.normalise = nn.LayerNorm(hidden)
        self.query = nn.Linear(hidden, hidden)
        self.convolution = nn.Linear(hidden, hidden)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Apply the layer to nodes (Q,K,H)."""
        normal = self.normalise(nodes)
        scores = self.query(normal) @ normal.mT / normal.shape[-1] ** 0.5  # (Q,K,K)
        return nodes + F.relu(self.convolution(scores.softmax(dim=-1) @ normal))


def _or_itself(others: torch.Tensor, itself: torch.Tensor) -> torch.Tensor:
    """Pairs (B,N,N) with the others; a person without others is paired with itself."""
    return others | (itself & ~others.any(dim=2, keepdim=True))
