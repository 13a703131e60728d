"""The recipes of PoseNet and RootNet."""

from __future__ import annotations

import pytest

from pinet_training.lifter.crop_augmentation import Augmentation
from pinet_training.lifter.lifter_recipe import RECIPES, LifterRecipe
from pinet_training.runs.recipes import RecipeError


@pytest.mark.parametrize(
    ("network", "epochs", "steps"), [("posenet", 25, (17, 21)), ("rootnet", 20, (17,))]
)
def test_the_recipes_are_the_released_ones(network, epochs, steps):
    recipe = RECIPES[network]

    assert (recipe.network, recipe.epochs, recipe.batch_size) == (network, epochs, 32)
    assert (recipe.backbone, recipe.size) == ("resnet50", 256)
    for epoch in range(epochs):
        expected = 1e-3 / 10 ** sum(epoch >= step for step in steps)
        for step in (0, 0.99):
            rate = recipe.learning_rate_at((epoch + step) / epochs)
            assert rate == pytest.approx(expected), epoch


def test_a_shorter_training_has_its_steps_earlier():
    recipe = LifterRecipe(epochs=10, learning_rate=1.0, steps=(0.5,))

    assert [recipe.learning_rate_at(epoch / 10) for epoch in (4, 5)] == pytest.approx([1, 0.1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"batch_size": -1}, "batch_size must be positive, got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0"),
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"size": 250}, "size must be a multiple of 32 and at least 64, got 250"),
        ({"size": 32}, "size must be a multiple of 32 and at least 64, got 32"),
        (
            {"backbone": "resnet20"},
            "backbone must be one of resnet18, .*, efficientnet_lite0, got",
        ),
        ({"crops": -1}, "crops must not be negative, got -1"),
        ({"network": "net"}, "network must be one of posenet, rootnet, got 'net'"),
        (
            {"network": "rootnet", "augmentation": Augmentation(scale=0.1)},
            r"augmentation\.scale must be 0, got 0\.1",
        ),
    ],
)
def test_what_is_out_of_its_range_is_refused(wrong, message):
    with pytest.raises(RecipeError, match=message):
        LifterRecipe(**wrong)
