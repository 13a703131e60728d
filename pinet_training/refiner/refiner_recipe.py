"""Recipes: all settings of a training except its data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pinet_ros.refinement.formulation import Formulation, Target
from pinet_ros.refinement.model import NetworkConfig
from pinet_ros.refinement.standardisation import STANDARDISATIONS
from pinet_training.refiner.pose_augmentation import Augmentation
from pinet_training.refiner.samples import ALONE, OTHERS
from pinet_training.refiner.variants import DEFAULT, VARIANTS
from pinet_training.runs.recipes import RecipeError

_CHOICES = {"variant": VARIANTS, "standardisation": STANDARDISATIONS, "others": OTHERS}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are the fast recipe, used for the default weights.

    Attributes:
        variant: a key of VARIANTS.
        standardisation: standardisation of the poses, a key of STANDARDISATIONS.
        target: what the network predicts.
        epochs: number of epochs; in each, every image is used once.
        batch_size: sequences per step, over all devices.
        learning_rate: the highest learning rate.
        final_learning_rate: learning rate at the end, to which it decays as
            (1 - progress) ** power; None for no decay.
        power: exponent of that polynomial.
        warm_up: fraction of the training in which the learning rate rises linearly to its highest.
        averaging: decay of the running average of the weights, which is the result; 0 for none.
        weight_decay: weight decay of AdamW; zero makes it Adam.
        gradient_limit: norm at which gradients are clipped, None for no limit.
        others: the people that a person is refined with, a key of OTHERS.
        validation: fraction that is held out for validation: of the sequences of a data set,
            of the bodies of rendered scenes; see `Scenes.hold_out`.
        validation_interval: epochs from one validation to the next.
        seed: seed of all random numbers; on one CPU the same seed gives the same weights.
        augmentation: how the samples are changed.

    Raises:
        RecipeError: a value is out of range.
    """

    variant: str = DEFAULT
    standardisation: str = "facing"
    target: Target = Target.CORRECTION
    epochs: int = 100
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
                raise RecipeError(
                    f"{name} must be at least 0 and less than 1, got {getattr(self, name)}"
                )
        if self.seed < 0:
            raise RecipeError(f"seed must not be negative, got {self.seed}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise RecipeError(
                    f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )

    @property
    def formulation(self) -> Formulation:
        """The network's inputs and outputs, and what they mean."""
        formulation = VARIANTS[self.variant].formulation(self.standardisation, self.target)
        return replace(formulation, neighbours=0) if self.others == ALONE else formulation

    @property
    def network(self) -> NetworkConfig:
        """The network: that of the variant, with deviations if the formulation has them."""
        deviations = self.formulation.has_deviations
        return replace(VARIANTS[self.variant].network, deviations=deviations)

    def learning_rate_at(self, progress: float) -> float:
        """Return the learning rate at a progress of 0 to 1 through the training.

        Source: Zhao et al., CVPR 2017.
        """
        if progress < self.warm_up:
            return self.learning_rate * progress / self.warm_up
        if self.final_learning_rate is None:
            return self.learning_rate
        left = (1 - progress) / (1 - self.warm_up)
        span = self.learning_rate - self.final_learning_rate
        return self.final_learning_rate + span * left**self.power


RECIPES = {
    "fast": Recipe(),
    # the paper's, section 3.4
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
        augmentation=Augmentation(
            pitch=0,
            yaw=0,
            roll=0,
            mirror=0,
            distance=1,
            moved=0,
            placed=0,
            untold=0,
            unlevelled=0,
            level_error=0,
        ),
    ),
}
