"""PI-Net: a recurrent network over the people of one image, attention and a head."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Unit(str, Enum):
    """Type of interaction network (table 6 of the paper)."""

    GRU = "gru"
    LSTM = "lstm"
    GCN = "gcn"  # PairGraph


@dataclass(frozen=True)
class NetworkConfig:
    """Configuration of a network; the defaults are those of the paper (section 3.3) and release.

    Attributes:
        unit: recurrent unit, or graph convolutions in its place.
        layers: number of layers of the unit.
        bidirectional: whether the sequence is read from both ends. The person of interest comes
            first, so a network that only reads forwards has seen no other person by then: the
            others have an effect through attention only.
        attention: whether attention combines a person's embedding with the others'.
        joints: number of joints of a pose.
        hidden: features of one direction of a recurrent unit, or of a node of the graph.
        deviations: whether the network also reads how sure an estimator is of a pose and which
            way is up, and says how sure it is itself, see `standardisation.Facing`.

    Raises:
        ValueError: the unit is unknown, or there are no layers, joints or features.
    """

    unit: Unit = Unit.GRU
    layers: int = 3
    bidirectional: bool = True
    attention: bool = True
    joints: int = 17
    hidden: int = 256
    deviations: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", Unit(self.unit))
        for name, least in (("layers", 1), ("joints", 1), ("hidden", 2)):  # the head halves it
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")

    @property
    def inputs(self) -> int:
        """Number of values of a token."""
        return 3 * self.joints + (self.joints + 7 if self.deviations else 0)

    @property
    def outputs(self) -> int:
        """Number of values that are predicted for a person."""
        return 3 * self.joints + (self.joints + 1 if self.deviations else 0)

    @property
    def embedding(self) -> int:
        """Number of features of a person's embedding."""
        return 2 * self.hidden if self.bidirectional else self.hidden


class PINet(nn.Module):
    """PI-Net with the architecture and the parameter names of the release.

    A token is the standardised and flattened pose (3J,) of one person, with more beside it if the
    network has deviations. A sequence holds the person
    of interest, then the others in their order. PINet and PairGraph both have these
    methods.

    Args:
        config: a recurrent unit and sizes; the default has 3,408,896 parameters.

    Source: Guo et al., WACV 2021, section 3.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        hidden, embedding = config.hidden, config.embedding
        unit = {Unit.GRU: nn.GRU, Unit.LSTM: nn.LSTM}[config.unit]
        directions = embedding // hidden
        # an LSTM's initial cell state is zero: the parameter counts of table 6 do not include it
        self.h0 = nn.Parameter(torch.zeros(directions * config.layers, 1, hidden))
        self.rnn = unit(
            config.inputs,
            hidden,
            config.layers,
            batch_first=True,
            bidirectional=config.bidirectional,
        )
        features = embedding
        if config.attention:
            self.Wa = nn.Linear(embedding, embedding)
            features = 2 * embedding
        self.b1 = nn.LayerNorm(features)
        self.linear1 = nn.Linear(features, hidden)
        self.b2 = nn.LayerNorm(hidden)
        self.linear2 = nn.Linear(hidden, hidden // 2)
        self.b3 = nn.LayerNorm(hidden // 2)
        self.linear3 = nn.Linear(hidden // 2, config.outputs, bias=False)

    def start_without_corrections(self) -> None:
        """Let all values be zero, to begin a training."""
        nn.init.zeros_(self.linear3.weight)

    def forward(
        self, sequences: torch.Tensor, present: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Predict the poses of all people of each sequence.

        Args:
            sequences: (B,N,inputs) tokens; the values of padding have no effect.
            present: (B,N) bool, false for padding, which is at the end; None for no padding.

        Returns:
            (B,N,outputs) predicted values.
        """
        embeddings = self._embed(sequences, present)  # (B,N,E)
        if not self.config.attention:
            return self._head(embeddings)
        scores = embeddings @ self.Wa(embeddings).transpose(1, 2)  # (B,N,N), equation 3
        if present is not None:
            scores = scores.masked_fill(~present[:, None], -torch.inf)
        context = scores.softmax(dim=-1) @ embeddings
        return self._head(torch.cat([embeddings, context], dim=-1))

    def refine_first(self, sequences: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Predict the pose of the first person of each sequence.

        The pose equals `forward(sequences)[:, 0]`. The bias of Wa is left out: it adds the same
        value to all scores of a person, which the softmax cancels.

        Args:
            sequences: (B,N,inputs) tokens, without padding.

        Returns:
            The values (B,outputs) of the first person, and the attention weights (B,N) of the
            people in its context, which sum to one; None without attention.
        """
        embeddings = self._embed(sequences)  # (B,N,E)
        first = embeddings[:, :1]  # (B,1,E)
        if not self.config.attention:
            return self._head(first)[:, 0], None
        scores = first @ self.Wa.weight @ embeddings.transpose(1, 2)  # ONNX does not support .mT
        weights = scores.softmax(dim=-1)  # (B,1,N)
        pose = self._head(torch.cat([first, weights @ embeddings], dim=-1))
        return pose[:, 0], weights[:, 0]

    def _embed(self, sequences: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        hidden = self.h0.expand(-1, sequences.shape[0], -1).contiguous()  # (DL,B,H)
        is_lstm = self.config.unit is Unit.LSTM
        state = (hidden, torch.zeros_like(hidden)) if is_lstm else hidden
        if present is None:
            return self.rnn(sequences, state)[0]
        lengths = present.sum(dim=1).cpu()
        packed = pack_padded_sequence(sequences, lengths, batch_first=True, enforce_sorted=False)
        embeddings, _ = self.rnn(packed, state)
        return pad_packed_sequence(embeddings, batch_first=True, total_length=sequences.shape[1])[
            0
        ]

    def _head(self, features: torch.Tensor) -> torch.Tensor:
        features = self.b2(F.relu(self.linear1(self.b1(features))))
        return self.linear3(self.b3(self.linear2(features)))
