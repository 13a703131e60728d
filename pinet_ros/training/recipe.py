"""Recipe: everything that decides what a training gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from pinet_ros.errors import PinetError
from pinet_ros.refinement.formulation import Formulation
from pinet_ros.training.augment import Augmentation
from pinet_ros.training.samples import OTHERS


class RecipeError(PinetError):
    """A training cannot be run as it was asked for."""


@dataclass(frozen=True)
class Recipe:
    """How the default weights are trained; chosen on held-out bodies of the train split.

    Attributes:
        epochs: passes over all people of the train split.
        batch_size: sequences per step.
        learning_rate: the highest, of one cycle.
        weight_decay: of AdamW.
        others: whom a person is refined with, a key of OTHERS.
        validation: part of the train split's bodies that is not trained on.
        validation_interval: epochs between two validations.
        seed: of all random numbers; on one CPU the same seed gives the same weights.
        formulation: what the network reads and predicts.
        augmentation: how the samples are changed.

    Raises:
        RecipeError: a value is out of its range.
    """

    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 6e-4
    weight_decay: float = 0.01
    others: str = "real"
    validation: float = 0.04
    validation_interval: int = 5
    seed: int = 0
    formulation: Formulation = field(default_factory=Formulation)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "validation_interval"):
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.validation < 1:
            raise RecipeError(f"validation must be in 0 to 1, got {self.validation}")
        if self.others not in OTHERS:
            raise RecipeError(f"others must be one of {', '.join(OTHERS)}, got {self.others!r}")
