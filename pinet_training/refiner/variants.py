"""Variants of PI-Net, one configuration each: those of the paper's tables, and this package's."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from pinet_ros.refinement.formulation import Distance, Formulation, Order, Target
from pinet_ros.refinement.model import NetworkConfig, Unit


@dataclass(frozen=True)
class Variant:
    """A network, and who comes when in its sequences."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    order: Order = Order.NEAR_TO_FAR
    distance: Distance = Distance.ROOTS

    def formulation(self, standardisation: str, target: Target) -> Formulation:
        """The formulation with this order.

        Raises:
            ValueError: the standardisation is not known.
        """
        return Formulation(standardisation, target, self.order, self.distance)


def count_parameters(network: nn.Module) -> int:
    """How many values a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())


# The paper's network. Every other variant changes what its name says.
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
