"""Recipes of PoseNet and RootNet: all settings of a training except its data."""

from __future__ import annotations

from dataclasses import dataclass, field

from pinet_ros.lifting.mppe.backbone import BACKBONES, RELEASED
from pinet_training.lifter.crop_augmentation import Augmentation
from pinet_training.lifter.targets import TASKS
from pinet_training.runs.recipes import RecipeError

_STRIDE = 32  # pixels of the crop per cell of the backbone's features
_SMALLEST = 64  # pixels: batch normalisation needs more than one cell of the features


@dataclass(frozen=True)
class LifterRecipe:
    """How a network is trained; the defaults are PoseNet's released recipe.

    Source: Moon et al., ICCV 2019, section 6, and the configurations released with it.

    Attributes:
        network: a key of TASKS.
        backbone: one of BACKBONES.
        size: side of the crops, pixels; the lifter expects 256, smaller crops are for trials.
        epochs: number of epochs.
        crops: people that an epoch shows, drawn at random; 0 for every person of the largest data
            set once.
        batch_size: people per step, over all devices.
        learning_rate: Adam's initial learning rate.
        steps: fractions of the training after which the learning rate drops to a tenth.
        seed: seed of all random numbers; on one CPU the same seed gives the same weights.
        augmentation: how crops are changed.

    Raises:
        RecipeError: a value is out of range.
    """

    network: str = "posenet"
    backbone: str = RELEASED
    size: int = 256
    epochs: int = 25
    crops: int = 0
    batch_size: int = 32
    learning_rate: float = 1e-3
    steps: tuple[float, ...] = (17 / 25, 21 / 25)
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("seed", "crops"):
            if getattr(self, name) < 0:
                raise RecipeError(f"{name} must not be negative, got {getattr(self, name)}")
        if self.size < _SMALLEST or self.size % _STRIDE:
            raise RecipeError(
                f"size must be a multiple of {_STRIDE} and at least {_SMALLEST}, got {self.size}"
            )
        for name, known in {"network": tuple(TASKS), "backbone": BACKBONES}.items():
            if getattr(self, name) not in known:
                raise RecipeError(
                    f"{name} must be one of {', '.join(map(str, known))}, got "
                    f"{getattr(self, name)!r}"
                )
        if self.network == "rootnet" and self.augmentation.scale:
            raise RecipeError(
                "RootNet learns the distance from the size of the square, so augmentation.scale "
                f"must be 0, got {self.augmentation.scale}"
            )

    def learning_rate_at(self, progress: float) -> float:
        """Return the learning rate at a progress of 0 to 1 through the training."""
        return self.learning_rate * 0.1 ** sum(progress >= step for step in self.steps)


RECIPES = {
    "posenet": LifterRecipe(),
    "rootnet": LifterRecipe(
        network="rootnet",
        epochs=20,
        steps=(17 / 20,),
        augmentation=Augmentation(scale=0.0, occlusion=0.0),
    ),
}
