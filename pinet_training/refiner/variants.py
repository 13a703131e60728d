"""Variants of PI-Net: the configurations of the paper's tables, and this package's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from pinet_ros.refinement.formulation import Distance, Formulation, Order, Target
from pinet_ros.refinement.model import NetworkConfig, Unit


@dataclass(frozen=True)
class Variant:
    """A network and the order of the people in its sequences.

    Attributes:
        network: configuration of the network.
        order: order of the other people.
        distance: the distance that they are ordered by.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    order: Order = Order.NEAR_TO_FAR
    distance: Distance = Distance.ROOTS

    def formulation(self, standardisation: str, target: Target) -> Formulation:
        """Return the formulation with this variant's order.

        Args:
            standardisation: a key of STANDARDISATIONS.
            target: what the network predicts.

        Raises:
            ValueError: the standardisation is unknown.
        """
        return Formulation(standardisation, target, self.order, self.distance)


def count_parameters(network: nn.Module) -> int:
    """Return how many values a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())


# The paper's network. The other variants change what their name says.
DEFAULT = "gru3"

VARIANTS = {
    DEFAULT: Variant(),
    # the unit and its layers: table 6
    **{f"gru{layers}": Variant(NetworkConfig(Unit.GRU, layers)) for layers in (1, 2, 4)},
    **{f"lstm{layers}": Variant(NetworkConfig(Unit.LSTM, layers)) for layers in (1, 2, 3, 4)},
    "gcn": Variant(NetworkConfig(Unit.GCN, layers=4, attention=False, hidden=64)),
    # attention and direction: table 5
    "no_attention": Variant(NetworkConfig(attention=False)),
    "unidirectional": Variant(NetworkConfig(bidirectional=False)),
    "unidirectional_no_attention": Variant(NetworkConfig(bidirectional=False, attention=False)),
    # the order: table 4, and the release's distance
    "reverse": Variant(order=Order.FAR_TO_NEAR),
    "random": Variant(order=Order.RANDOM),
    "box_distance": Variant(distance=Distance.BOXES),
}
