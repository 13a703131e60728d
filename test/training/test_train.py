from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pinet_ros.errors import ModelError
from pinet_ros.refinement.checkpoint import load_checkpoint, save_checkpoint
from pinet_ros.refinement.formulation import PUBLISHED
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.refiner import Refiner
from pinet_training.datasets.scenes import Scenes, ScenesError, people_of
from pinet_training.evaluation.metrics import mean_metrics
from pinet_training.refiner.pose_augmentation import Augmentation
from pinet_training.refiner.refiner_recipe import RECIPES, Recipe
from pinet_training.refiner.refiner_training import train
from pinet_training.refiner.samples import OTHERS, NeighbourSampling
from pinet_training.runs.epochs import TrainingError
from pinet_training.runs.recipes import RecipeError
from pinet_training.runs.run_folder import RunFolder, configuration

pytestmark = pytest.mark.slow

SHORT = Recipe(epochs=4, batch_size=16, validation=0.1, seed=5)
UNCHANGED = Augmentation(0, 0, 0, 0, moved=0, placed=0, untold=0, unlevelled=0, level_error=0)


@pytest.fixture(scope="module")
def training(trainable):
    return train(trainable, SHORT)


def test_epochs_lower_the_loss_and_the_error_of_held_out_bodies(training, trainable):
    _, held_out = trainable.hold_out(SHORT.validation, np.random.default_rng(SHORT.seed))
    estimates = np.concatenate([scene.estimates for scene in held_out])
    before = mean_metrics(estimates, np.concatenate([scene.truth for scene in held_out]))

    losses = [epoch["loss"] for epoch in training.epochs]
    assert len(losses) == SHORT.epochs
    assert losses[-1] < losses[0]
    assert training.epochs[0]["validation"] is None
    assert training.epochs[-1]["validation"]["mpjpe_mm"] < before["mpjpe_mm"]


def test_a_seed_gives_the_same_weights_and_another_seed_gives_others(trainable):
    few = Scenes(trainable.scenes[:30])

    weights, same, different = (
        torch.nn.utils.parameters_to_vector(train(few, recipe).network.parameters())
        for recipe in (SHORT, SHORT, replace(SHORT, seed=6))
    )

    assert torch.equal(weights, same)
    assert not torch.equal(weights, different)


def test_weights_trained_without_the_others_are_used_without_them(trainable, tmp_path):
    few = Scenes(trainable.scenes[:30])
    folder = RunFolder(tmp_path / "run", {})
    recipe = replace(SHORT, epochs=1, others="none", learning_rate=1e-2)
    train(few, recipe, folder=folder)
    crowd = people_of(next(scene for scene in trainable if len(scene) > 2))

    refiner = Refiner(folder.weights, "cpu", config=EVERYBODY)

    together = refiner(crowd).people.joints
    alone = [refiner(crowd.select(np.array([n]))).people.joints for n in range(len(crowd))]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-4)
    assert np.abs(together - crowd.joints).max() > 1e-4


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("mppe/0a0a0a0a", "blazepose_full/4495eb0e"),) * 2, (("mppe/0a0a0a0a", ""), ())],
)
def test_weights_know_the_estimators_of_their_scenes(trainable, tmp_path, names, expected):
    few = [replace(trainable.scenes[n], estimator=names[n % 2]) for n in range(30)]
    folder = RunFolder(tmp_path / "run", {})
    train(Scenes(tuple(few)), replace(SHORT, epochs=1), folder=folder)
    assert set(load_checkpoint(folder.weights).estimators) == set(expected)


def test_a_training_begins_with_the_weights_given(training, trainable, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, training.network, training.formulation)
    few = Scenes(trainable.scenes[:30])
    hardly = replace(SHORT, epochs=1, learning_rate=1e-12)

    begun = train(few, hardly, initial=path)

    torch.testing.assert_close(
        dict(begun.network.named_parameters()), dict(training.network.named_parameters())
    )
    with pytest.raises(ModelError, match=r"layers 3 instead of 1; choose --recipe, --variant"):
        train(few, replace(hardly, variant="gru1"), initial=path)
    with pytest.raises(ModelError, match="standardisation facing instead of all_people"):
        train(few, replace(hardly, standardisation="all_people"), initial=path)


def _with_extra(scene, joints):
    return replace(
        scene,
        extra=joints,
        extra_boxes=np.zeros((len(joints), 4), np.float32),
        extra_deviations=np.full((len(joints), 18), np.nan, np.float32),
    )


def test_what_is_extra_is_seen_but_not_learnt(trainable, monkeypatch):
    monkeypatch.setitem(OTHERS, "varied", NeighbourSampling(extra=True))
    few = Scenes(trainable.scenes[:12])
    more = Scenes(tuple(_with_extra(s, s.estimates[:1] + np.float32(0.1)) for s in few))
    recipe = replace(SHORT, epochs=2, validation=0, warm_up=0, augmentation=UNCHANGED)

    trainings = [train(scenes, recipe, log=None) for scenes in (few, more)]

    # in the first of the two steps the network corrects nothing: the error is the estimates'
    losses, with_extra = ([epoch["loss"] for epoch in t.epochs] for t in trainings)
    assert with_extra[0] == pytest.approx(losses[0], rel=1e-5)
    assert with_extra[1] != pytest.approx(losses[1], rel=1e-5)


def test_does_not_touch_the_random_numbers_of_the_program(trainable):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)

    train(Scenes(trainable.scenes[:8]), Recipe(epochs=1, validation=0), log=None)

    assert torch.equal(torch.rand(3), expected)


def test_the_paper_recipe_lowers_the_loss(trainable):
    few = Scenes(trainable.scenes[:60])
    recipe = replace(RECIPES["paper"], epochs=3, learning_rate=1e-4, validation=0)

    losses = [epoch["loss"] for epoch in train(few, recipe).epochs]

    assert losses[2] < losses[0]


@pytest.mark.parametrize("variant", ["lstm1", "gcn", "random", "box_distance"])
def test_other_variants_can_be_trained(variant, trainable):
    few = Scenes(trainable.scenes[:40])
    # the same poses and company in every epoch, so that their losses can be compared
    recipe = replace(
        SHORT,
        variant=variant,
        epochs=12,
        validation=0,
        warm_up=0,
        augmentation=UNCHANGED,
        others="found",
    )

    training = train(few, recipe)

    assert training.formulation == recipe.formulation
    assert training.epochs[-1]["loss"] < training.epochs[0]["loss"]


def test_the_paper_recipe_is_that_of_section_3_4():
    recipe = RECIPES["paper"]

    assert (recipe.epochs, recipe.batch_size, recipe.weight_decay) == (25, 4, 0)
    assert recipe.formulation == PUBLISHED
    for progress in (0, 0.25, 0.6, 1):
        expected = 1e-8 + (1e-5 - 1e-8) * (1 - progress) ** 0.9
        assert recipe.learning_rate_at(progress) == pytest.approx(expected)


def test_the_learning_rate_warms_up_and_falls():
    recipe = Recipe(learning_rate=1.0, final_learning_rate=0.0, warm_up=0.2, power=1.0)

    rates = [recipe.learning_rate_at(progress) for progress in (0, 0.1, 0.2, 0.6, 1)]

    assert rates == pytest.approx([0, 0.5, 1, 0.5, 0])
    constant = replace(recipe, final_learning_rate=None)
    assert [constant.learning_rate_at(p) for p in (0.1, 0.2, 1)] == pytest.approx([0.5, 1, 1])


def test_the_result_is_the_running_average_of_the_weights(trainable, monkeypatch):
    few = Scenes(trainable.scenes[:40])
    recipe = replace(SHORT, validation=0, averaging=0.5)
    states = []
    step = torch.optim.AdamW.step

    def remember(optimiser, *arguments):
        step(optimiser, *arguments)
        weights = [p for group in optimiser.param_groups for p in group["params"]]
        states.append(torch.nn.utils.parameters_to_vector(weights).detach().double())

    monkeypatch.setattr(torch.optim.AdamW, "step", remember)
    result = torch.nn.utils.parameters_to_vector(train(few, recipe).network.parameters())

    expected = states[0]
    for count, state in enumerate(states[1:], start=1):
        weight = max(1 - recipe.averaging, 10 / (10 + count))
        expected = (1 - weight) * expected + weight * state
    torch.testing.assert_close(result.double(), expected, atol=1e-6, rtol=0)
    assert (result - states[-1]).abs().max() > 1e-5
    plain = train(few, replace(recipe, averaging=0.0)).network
    last = torch.nn.utils.parameters_to_vector(plain.parameters())
    torch.testing.assert_close(last.double(), states[-1])


def _epochs(folder):
    path = folder.path / "metrics.json"
    return json.loads(path.read_text())["epochs"] if path.exists() else []


class KilledError(Exception):
    pass


@pytest.mark.parametrize("whole_epochs", [0, 1, 2])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    whole_epochs, trainable, tmp_path, monkeypatch
):
    few = Scenes(trainable.scenes[:40])
    recipe = replace(SHORT, epochs=3, validation_interval=1)
    wanted = configuration(recipe, few)
    expected = train(few, recipe, folder=RunFolder(tmp_path / "whole", wanted))
    rng = np.random.default_rng(recipe.seed)
    kept, _ = few.hold_out(recipe.validation, rng)
    steps = int(np.ceil(len(kept) / recipe.batch_size))
    left = iter(range(whole_epochs * steps + 1))  # the run is stopped within an epoch
    step = torch.optim.AdamW.step

    def step_until_killed(*arguments):
        if next(left, None) is None:
            raise KilledError
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step_until_killed)
        folder = RunFolder(tmp_path / "run", wanted)
        with pytest.raises(KilledError):
            train(few, recipe, folder=folder)
    folder = RunFolder(tmp_path / "run", wanted, resume=True)
    assert len(_epochs(folder)) == whole_epochs
    resumed = train(few, recipe, folder=folder)

    assert resumed.epochs == expected.epochs
    assert _epochs(folder) == expected.epochs
    for name, value in load_checkpoint(folder.weights)[0].state_dict().items():
        assert torch.equal(value, expected.network.state_dict()[name]), name


def test_a_loss_that_is_not_finite_ends_the_training(trainable, tmp_path):
    few = trainable.scenes[:6]
    endless = replace(few[0], truth=few[0].truth + np.float32(np.inf))
    recipe = replace(SHORT, validation=0, variant="gru1")
    scenes = Scenes((endless, *few[1:]))
    folder = RunFolder(tmp_path / "run", configuration(recipe, scenes))

    with pytest.raises(TrainingError, match="not finite in epoch 1; lower the learning rate"):
        train(scenes, recipe, folder=folder)

    assert not folder.checkpoint.exists()


def test_a_training_that_cannot_begin_leaves_no_folder(excerpt, tmp_path):
    folder = RunFolder(tmp_path / "run", configuration(SHORT, excerpt))

    with pytest.raises(ScenesError):
        train(excerpt, SHORT, folder=folder)

    assert not folder.path.exists()


def test_without_a_train_split_there_is_nobody_to_train_on(excerpt):
    with pytest.raises(ScenesError, match="no scenes of the train split"):
        train(excerpt, SHORT)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"learning_rate": -1}, "learning_rate must be positive, got -1"),
        ({"validation": 1.5}, "validation must be at least 0 and less than 1, got 1.5"),
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"variant": "bogus"}, "variant must be one of gru3, .*, got 'bogus'"),
        ({"others": "bogus"}, "others must be one of varied, found, none, shuffled, got 'bogus'"),
    ],
)
def test_values_out_of_range_are_named(wrong, message):
    with pytest.raises(RecipeError, match=message):
        Recipe(**wrong)
