"""Recipes: everything that decides what a training gives, but for the data."""

from __future__ import annotations

from dataclasses import dataclass, field

from pinet_ros.errors import PinetError
from pinet_ros.refinement.formulation import STANDARDISATIONS, Formulation, Target
from pinet_training.refiner.pose_augmentation import Augmentation
from pinet_training.refiner.samples import OTHERS
from pinet_training.refiner.variants import DEFAULT, VARIANTS


class RecipeError(PinetError):
    """A training cannot be run as it was asked for."""


_CHOICES = {"variant": VARIANTS, "standardisation": STANDARDISATIONS, "others": OTHERS}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are the fast recipe of the default weights.

    Attributes:
        variant: a key of VARIANTS.
        standardisation: of the poses, a key of STANDARDISATIONS.
        target: what the network predicts.
        epochs: in each, every image is visited once.
        batch_size: sequences per step, on all devices together.
        learning_rate: the highest.
        final_learning_rate: the one at the end, to which it falls by (1 - progress) ** power;
            None where it does not fall.
        power: of that polynomial.
        warm_up: part of the training in which the learning rate rises to the highest, linearly.
        averaging: decay of the running average of the weights, which is the result; 0 for none.
        weight_decay: of AdamW; zero makes it Adam.
        gradient_limit: norm at which gradients are clipped, None for no limit.
        others: whom a person is refined with, a key of OTHERS.
        validation: part of the bodies that is not trained on.
        validation_interval: epochs between two validations.
        seed: of all random numbers; on one CPU the same seed gives the same weights.
        augmentation: how the samples are changed.

    Raises:
        RecipeError: a value is out of its range.
    """

    variant: str = DEFAULT
    standardisation: str = "root_centred"
    target: Target = Target.CORRECTION
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 6e-4
    final_learning_rate: float | None = None
    power: float = 1.0
    warm_up: float = 0.02
    averaging: float = 0.9995
    weight_decay: float = 0.01
    gradient_limit: float | None = 1.0
    others: str = "varied"
    validation: float = 0.04
    validation_interval: int = 5
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", Target(self.target))
        for name in ("epochs", "batch_size", "learning_rate", "power", "validation_interval"):
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("validation", "warm_up", "averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(f"{name} must be in 0 to 1, got {getattr(self, name)}")
        if self.seed < 0:
            raise RecipeError(f"seed must not be negative, got {self.seed}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise RecipeError(
                    f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )

    @property
    def formulation(self) -> Formulation:
        """What the network reads and predicts."""
        return VARIANTS[self.variant].formulation(self.standardisation, self.target)

    def learning_rate_at(self, progress: float) -> float:
        """The learning rate at a progress of 0 to 1 of the training (Zhao et al., CVPR 2017)."""
        if progress < self.warm_up:
            return self.learning_rate * progress / self.warm_up
        if self.final_learning_rate is None:
            return self.learning_rate
        left = (1 - progress) / (1 - self.warm_up)
        span = self.learning_rate - self.final_learning_rate
        return self.final_learning_rate + span * left**self.power


RECIPES = {
    "fast": Recipe(),
    # section 3.4 of the paper
    "paper": Recipe(
        standardisation="all_people",
        target=Target.POSE,
        epochs=25,
        batch_size=4,
        learning_rate=1e-5,
        final_learning_rate=1e-8,
        power=0.9,
        warm_up=0.0,
        averaging=0.0,
        weight_decay=0.0,
        gradient_limit=None,
        others="found",
        validation_interval=1,
        augmentation=Augmentation(pitch=0, yaw=0, roll=0, mirror=0, distance=1, moved=0),
    ),
}
