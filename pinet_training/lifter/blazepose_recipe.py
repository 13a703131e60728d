"""Recipe of BlazePose: all settings of a training except its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from pinet_ros.lifting.blazepose_weights import BLAZEPOSE
from pinet_training.lifter.blazepose_losses import LossWeights
from pinet_training.runs.recipes import RecipeError
from pinet_training.runs.schedules import rise_and_fall

_POSITIVE = ("epochs", "steps", "batch_size", "learning_rate", "warm_up", "gradient", "fitted")


@dataclass(frozen=True)
class BlazePoseRecipe:
    """How a BlazePose network is trained, from the published weights.

    Attributes:
        network: one of BLAZEPOSE.
        epochs: number of epochs of `steps` steps; after each the network is validated and saved.
        steps: per epoch.
        batch_size: crops per step, over all devices.
        learning_rate: the highest one of ChannelAdam. It rises over the first steps and then
            falls along half a cosine.
        warm_up: steps over which it rises.
        decay: of the running average of the weights, which is the result.
        frozen: number of stages, 1 to 3, that stay as published with all before them: they see
            edges and textures, of which real pictures teach more, and take half of the time.
        nobody: share of crops that show nobody.
        taught: share of the crops on which the teacher, the network before the training, is asked.
        gradient: norm to which gradients are clipped.
        weights: of the losses.
        fitted: crops on which deviations are fitted at the end, see `fit_deviations`.
        presence_late: what the weight of presence rises to, see `weights_at`.
        seed: seed of all random numbers.

    Raises:
        RecipeError: a value is out of range.
    """

    network: str = "blazepose_full"
    epochs: int = 12
    steps: int = 500
    batch_size: int = 32
    learning_rate: float = 5e-4
    warm_up: int = 300
    decay: float = 0.998
    frozen: int = 2
    nobody: float = 0.1
    taught: float = 0.25
    gradient: float = 5.0
    weights: LossWeights = field(default_factory=LossWeights)
    fitted: int = 8000
    presence_late: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("decay", "nobody", "taught"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(
                    f"{name} must be 0 or more and below 1, got {getattr(self, name)}"
                )
        if not 1 <= self.frozen <= 3:
            raise RecipeError(f"frozen must be 1 to 3, got {self.frozen}")
        if self.seed < 0:
            raise RecipeError(f"seed must not be negative, got {self.seed}")
        if self.network not in BLAZEPOSE:
            raise RecipeError(
                f"network must be one of {', '.join(BLAZEPOSE)}, got {self.network!r}"
            )

    def weights_at(self, epoch: int) -> dict[str, float]:
        """Return the weight of each loss in an epoch, counted from 1.

        That of presence rises over the third quarter of the training, when the poses are learnt.
        """
        weights = asdict(self.weights)
        late = min(max(4 * (epoch - 1) / self.epochs - 2, 0.0), 1.0)
        weights["presence"] += late * (self.presence_late - self.weights.presence)
        return weights

    def learning_rate_at(self, progress: float) -> float:
        """Return the learning rate at a progress of 0 to 1 through the training."""
        steps = self.epochs * self.steps
        return self.learning_rate * rise_and_fall(progress, steps, self.warm_up)
