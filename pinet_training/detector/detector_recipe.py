"""Recipe of the detector: all settings of a training except its data."""

from __future__ import annotations

from dataclasses import dataclass

from pinet_training.runs.recipes import RecipeError
from pinet_training.runs.schedules import rise_and_fall

_POSITIVE = ("epochs", "steps", "batch_size", "learning_rate", "warm_up", "gradient")


@dataclass(frozen=True)
class DetectorRecipe:
    """How NanoDet is trained, from the published weights.

    Attributes:
        epochs: number of epochs of `steps` steps; after each the network is validated and saved.
        steps: per epoch.
        batch_size: views per step, over all devices.
        learning_rate: the highest one of ChannelAdam. It rises over the first steps and then
            falls along half a cosine.
        warm_up: steps over which it rises.
        decay: of the running average of the weights.
        real: share of views of real places without people, if there are any. There the network
            is held to what it gave before the training.
        kept: share of the published weights in the result, which is between them and the running
            average. What a network knew of real pictures is lost less so (Wortsman et al.,
            "Robust fine-tuning of zero-shot models", CVPR 2022).
        score, box, distance, taught: weights of the losses, see `detector_losses`.
        gradient: norm to which gradients are clipped.
        seed: seed of all random numbers.

    Raises:
        RecipeError: a value is out of range.
    """

    epochs: int = 6
    steps: int = 100
    batch_size: int = 16
    learning_rate: float = 5e-4
    warm_up: int = 50
    decay: float = 0.995
    real: float = 0.25
    kept: float = 0.25
    score: float = 1.0
    box: float = 1.5
    distance: float = 0.25
    taught: float = 1.0
    gradient: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("decay", "real", "kept"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(
                    f"{name} must be 0 or more and below 1, got {getattr(self, name)}"
                )
        if self.seed < 0:
            raise RecipeError(f"seed must not be negative, got {self.seed}")

    def learning_rate_at(self, progress: float) -> float:
        """Return the learning rate at a progress of 0 to 1 through the training."""
        steps = self.epochs * self.steps
        return self.learning_rate * rise_and_fall(progress, steps, self.warm_up)
