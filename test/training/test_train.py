from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pinet_ros.refinement.formulation import Formulation, Target
from pinet_ros.training.recipe import Recipe, RecipeError
from pinet_ros.training.datasets.scenes import Scenes, ScenesError
from pinet_ros.training.train import train

SHORT = Recipe(epochs=2, batch_size=16, validation=0.1, seed=5)


@pytest.fixture(scope="module")
def training(trainable):
    return train(trainable, SHORT)


def test_two_epochs_lower_the_loss_and_the_error_of_held_out_bodies(training):
    assert len(training.losses) == 2
    assert training.losses[1] < training.losses[0]
    for kind in training.validation.values():
        assert kind["after"]["mpjpe_mm"] < kind["before"]["mpjpe_mm"]


def test_a_seed_gives_the_same_weights_and_another_seed_gives_others(trainable):
    few = Scenes(trainable.scenes[:30])

    weights, same, different = (
        torch.nn.utils.parameters_to_vector(train(few, recipe).network.parameters())
        for recipe in (SHORT, SHORT, replace(SHORT, seed=6))
    )

    assert torch.equal(weights, same)
    assert not torch.equal(weights, different)


def test_does_not_touch_the_random_numbers_of_the_program(trainable):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)

    train(Scenes(trainable.scenes[:8]), Recipe(epochs=1, validation=0))

    assert torch.equal(torch.rand(3), expected)


def test_the_published_formulation_can_be_trained(trainable):
    published = Formulation("all_people", Target.POSE)

    few = Scenes(trainable.scenes[:60])
    losses = train(few, replace(SHORT, validation=0, formulation=published)).losses

    assert losses[1] < losses[0]


def test_without_a_train_split_there_is_nobody_to_train_on(excerpt):
    with pytest.raises(ScenesError, match="no scenes of the train split"):
        train(excerpt, SHORT)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"learning_rate": -1}, "learning_rate must be positive, got -1"),
        ({"validation": 1.5}, "validation must be in 0 to 1, got 1.5"),
        ({"others": "bogus"}, "others must be one of real, none, shuffled, got 'bogus'"),
    ],
)
def test_values_out_of_range_are_named(wrong, message):
    with pytest.raises(RecipeError, match=message):
        Recipe(**wrong)
