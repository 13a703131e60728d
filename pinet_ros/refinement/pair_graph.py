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
        config: configuration, of which layers, hidden, joints and deviations are used.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig(
            Unit.GCN, layers=4, attention=False, hidden=64
        )
        self.joint = nn.Parameter(0.02 * torch.randn(2 * config.joints, config.hidden))
        self.input = nn.Linear(11 if config.deviations else 3, config.hidden)
        self.layers = nn.ModuleList(GraphConvolution(config.hidden) for _ in range(config.layers))
        self.output = nn.Linear(config.hidden, 4 if config.deviations else 3, bias=False)
        if config.deviations:
            self.distance = nn.Linear(config.hidden, 1)

    def start_without_corrections(self) -> None:
        """Let all values be zero, see PINet."""
        nn.init.zeros_(self.output.weight)
        if self.config.deviations:
            nn.init.zeros_(self.distance.weight)
            nn.init.zeros_(self.distance.bias)

    def forward(
        self, sequences: torch.Tensor, present: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Predict the values (B,N,outputs) of all people of each sequence, see PINet.forward."""
        count = sequences.shape[1]
        if present is None:
            present = sequences.new_ones(sequences.shape[:2], dtype=torch.bool)
        itself = torch.eye(count, dtype=torch.bool, device=sequences.device)
        others = present[:, None] & ~itself  # (B,N,N)
        return self._refine(sequences, sequences, _or_itself(others, itself))

    def refine_first(self, sequences: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Predict the values (B,outputs) of the first people, see PINet; there is no attention."""
        others = sequences[:, 1:] if sequences.shape[1] > 1 else sequences
        pairs = sequences.new_ones(len(others), 1, others.shape[1], dtype=torch.bool)
        return self._refine(sequences[:, :1], others, pairs)[:, 0], None

    def _refine(
        self, people: torch.Tensor, others: torch.Tensor, pairs: torch.Tensor
    ) -> torch.Tensor:
        """Predict values (B,P,outputs) of people (B,P,inputs), paired (B,P,M) bool with others."""
        batch, person, other = pairs.nonzero(as_tuple=True)  # (Q,) each
        nodes = [self._points(people[batch, person]), self._points(others[batch, other])]
        nodes = self.input(torch.cat(nodes, dim=1)) + self.joint  # (Q,2J,H)
        for layer in self.layers:
            nodes = layer(nodes)
        values = self._values(nodes[:, : self.config.joints])
        sums = people.new_zeros(*people.shape[:2], values.shape[1])
        sums = sums.index_put((batch, person), values, accumulate=True)
        return sums / pairs.sum(dim=2, keepdim=True).clamp(min=1)

    def _points(self, people: torch.Tensor) -> torch.Tensor:
        """What each joint (Q,J,F) knows of people (Q,inputs): F is 3, or 11 with deviations."""
        joints = self.config.joints
        points = people[:, : 3 * joints].unflatten(1, (joints, 3))
        if not self.config.deviations:
            return points
        of_joints = people[:, 3 * joints : 4 * joints, None]
        of_all = people[:, None, 4 * joints :].expand(-1, joints, -1)
        return torch.cat([points, of_joints, of_all], dim=-1)

    def _values(self, nodes: torch.Tensor) -> torch.Tensor:
        """Values (Q,outputs) from a person's nodes (Q,J,H)."""
        values = self.output(nodes)
        if not self.config.deviations:
            return values.flatten(start_dim=1)
        distance = self.distance(nodes.mean(dim=1))
        return torch.cat([values[..., :3].flatten(start_dim=1), values[..., 3], distance], dim=1)


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
