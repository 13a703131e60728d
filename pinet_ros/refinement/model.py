"""PI-Net's network: a bidirectional GRU over the people of one image, attention and a head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class PINetConfig:
    """Size of the network; the defaults are those of the paper (section 3.3) and its release."""

    joints: int = 17
    hidden: int = 256  # features of one direction of the GRU
    layers: int = 3  # of the GRU


class PINet(nn.Module):
    """PI-Net in the released architecture; its parameter names are those of the release.

    A token is the pose of one person, standardised and flattened (3J,); a sequence holds the
    person of interest first, then the others from near to far (Guo et al., WACV 2021, section 3).

    Args:
        config: sizes; the default has 3,408,896 parameters.
    """

    def __init__(self, config: PINetConfig | None = None) -> None:
        super().__init__()
        self.config = config or PINetConfig()
        values, hidden = 3 * self.config.joints, self.config.hidden
        self.h0 = nn.Parameter(torch.zeros(2 * self.config.layers, 1, hidden))
        self.rnn = nn.GRU(values, hidden, self.config.layers, batch_first=True, bidirectional=True)
        self.Wa = nn.Linear(2 * hidden, 2 * hidden)
        self.b1 = nn.LayerNorm(4 * hidden)
        self.linear1 = nn.Linear(4 * hidden, hidden)
        self.b2 = nn.LayerNorm(hidden)
        self.linear2 = nn.Linear(hidden, hidden // 2)
        self.b3 = nn.LayerNorm(hidden // 2)
        self.linear3 = nn.Linear(hidden // 2, values, bias=False)

    def forward(self, sequences: torch.Tensor) -> torch.Tensor:
        """All people of each sequence (B,N,3J) to their poses (B,N,3J): the published form."""
        embeddings = self._embed(sequences)  # (B,N,2H)
        scores = embeddings @ self.Wa(embeddings).mT  # (B,N,N), equation 3
        return self._head(embeddings, scores.softmax(dim=-1) @ embeddings)

    def refine_first(self, sequences: torch.Tensor) -> torch.Tensor:
        """The first person of each sequence (B,N,3J) to its pose (B,3J).

        Equal to `forward(sequences)[:, 0]`. The bias of Wa adds the same to all scores of a
        person, which the softmax takes away again.
        """
        embeddings = self._embed(sequences)  # (B,N,2H)
        first = embeddings[:, :1]  # (B,1,2H)
        scores = first @ self.Wa.weight @ embeddings.mT  # (B,1,N)
        return self._head(first, scores.softmax(dim=-1) @ embeddings)[:, 0]

    def _embed(self, sequences: torch.Tensor) -> torch.Tensor:
        initial = self.h0.expand(-1, len(sequences), -1).contiguous()  # (2L,B,H)
        return self.rnn(sequences, initial)[0]

    def _head(self, embeddings: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        features = self.b1(torch.cat([embeddings, context], dim=-1))  # (...,4H)
        features = self.b2(F.relu(self.linear1(features)))
        return self.linear3(self.b3(self.linear2(features)))
