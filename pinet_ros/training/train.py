"""Training PI-Net on scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from pinet_ros.refinement.formulation import Target
from pinet_ros.refinement.model import PINet
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.training.evaluation.scenes import evaluate_scenes
from pinet_ros.training.recipe import Recipe
from pinet_ros.training.samples import OTHERS, Samples
from pinet_ros.training.datasets.scenes import Scenes, ScenesError

_WARM_UP = 0.1  # part of the training in which the learning rate rises
_LARGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class Training:
    """What a training gave: the network, the mean loss of each epoch, the last validation."""

    network: PINet
    losses: list[float]
    validation: dict[str, dict]


def train(
    scenes: Scenes,
    recipe: Recipe,
    device: torch.device | str = "cpu",
    log: Callable[[str], None] = tqdm.write,
) -> Training:
    """Train a network on the train split of the scenes.

    Raises:
        ScenesError: there is nobody to train on.
    """
    rng = np.random.default_rng(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    kept, held_out = scenes.select(split="train").hold_out_bodies(recipe.validation, rng)
    if not len(kept):
        raise ScenesError(
            "there are no scenes of the train split to train on, but for "
            f"{len(held_out)} that are held out for validation"
        )
    samples = Samples(kept, device)
    network = initial_network(recipe).to(device)
    company = OTHERS[recipe.others]
    # planned ahead: the learning rate's cycle needs the number of steps
    epochs = [samples.batches(company, recipe.batch_size, rng) for _ in range(recipe.epochs)]
    optimiser, schedule = _optimiser(network, recipe, sum(map(len, epochs)))
    losses, validation = [], {}
    with tqdm(total=schedule.total_steps, unit="step", disable=None) as progress:
        for number, batches in enumerate(epochs, start=1):
            network.train()
            total = 0.0
            for rows in batches:
                loss = _loss(network, recipe, samples, rows, generator)
                _step(loss, network, optimiser, schedule)
                total += loss.item() * len(rows)
                progress.update()
            losses.append(total / len(samples))
            due = number % recipe.validation_interval == 0 or number == recipe.epochs
            if len(held_out) and due:
                refiner = Refiner(network, recipe.formulation, device)
                validation = evaluate_scenes(held_out, refiner)
                log(f"epoch {number}: loss {losses[-1]:.4f}; {_summary(validation)}")
    return Training(network.eval(), losses, validation)


def initial_network(recipe: Recipe) -> PINet:
    """A network with random weights by the recipe's seed."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        network = PINet()
    if recipe.formulation.target is Target.CORRECTION:
        nn.init.zeros_(network.linear3.weight)  # begin with no correction
    return network


def _loss(
    network: PINet,
    recipe: Recipe,
    samples: Samples,
    rows: np.ndarray,
    generator: torch.Generator,
) -> torch.Tensor:
    """L1 distance of the standardised poses of the people of interest, rows (B,N)."""
    sequences, truth = samples.gather(rows, generator)
    changed = recipe.augmentation(torch.cat([sequences, truth[:, None]], dim=1), generator)
    sequences, truth = changed[:, :-1], changed[:, -1]  # (B,N,17,3) and (B,17,3)
    values, standardised = recipe.formulation.predict(network, sequences)
    return (values - standardised.encode(truth)).abs().mean()


def _step(
    loss: torch.Tensor,
    network: PINet,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> None:
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
    optimiser.step()
    schedule.step()


def _optimiser(
    network: PINet, recipe: Recipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=steps, pct_start=_WARM_UP
    )
    return optimiser, schedule


def _summary(report: dict[str, dict]) -> str:
    return "; ".join(
        f"{cameras} MPJPE {kind['after']['mpjpe_mm']:.1f} PA {kind['after']['pa_mpjpe_mm']:.1f} "
        f"root {kind['after']['root_mm']:.0f}"
        for cameras, kind in report.items()
    )
