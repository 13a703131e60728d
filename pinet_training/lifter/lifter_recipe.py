"""Recipes of PoseNet and RootNet: everything that decides a training, but for the data."""

from __future__ import annotations

from dataclasses import dataclass, field

from pinet_ros.lifting.mppe.backbone import DEPTHS
from pinet_training.lifter.crop_augmentation import Augmentation
from pinet_training.lifter.targets import TASKS
from pinet_training.refiner.refiner_recipe import RecipeError

_STRIDE = 32  # pixels of the crop for a cell of the backbone's features
_SMALLEST = 64  # pixels: batch normalisation wants more than one cell of the features


@dataclass(frozen=True)
class LifterRecipe:
    """How a network is trained; the defaults are the released recipe of PoseNet.

    Source: Moon et al., ICCV 2019, section 6, and the configurations released with it.

    Attributes:
        network: a key of TASKS.
        depth: of ResNet, one of DEPTHS.
        size: of the crops, pixels; the lifter takes 256, smaller ones are for trials.
        epochs: in each, every person of the largest data set is seen once.
        batch_size: people per step, on all devices together.
        learning_rate: of Adam at the beginning.
        steps: parts of the training after which it falls to a tenth.
        seed: of all random numbers; on one CPU the same seed gives the same weights.
        augmentation: how crops are changed.

    Raises:
        RecipeError: a value is out of its range.
    """

    network: str = "posenet"
    depth: int = 50
    size: int = 256
    epochs: int = 25
    batch_size: int = 32
    learning_rate: float = 1e-3
    steps: tuple[float, ...] = (17 / 25, 21 / 25)
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")
        if self.seed < 0:
            raise RecipeError(f"seed must not be negative, got {self.seed}")
        if self.size < _SMALLEST or self.size % _STRIDE:
            raise RecipeError(
                f"size must be a multiple of {_STRIDE} from {_SMALLEST} on, got {self.size}"
            )
        for name, known in {"network": tuple(TASKS), "depth": DEPTHS}.items():
            if getattr(self, name) not in known:
                raise RecipeError(
                    f"{name} must be one of {', '.join(map(str, known))}, got "
                    f"{getattr(self, name)!r}"
                )
        if self.network == "rootnet" and self.augmentation.scale:
            raise RecipeError(
                "RootNet learns the distance from the size of the square; augmentation.scale "
                f"must be 0, got {self.augmentation.scale}"
            )

    def learning_rate_at(self, progress: float) -> float:
        """The learning rate at a progress of 0 to 1 of the training."""
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
