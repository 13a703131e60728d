from __future__ import annotations

import pytest
import torch

from pinet_ros.refinement.formulation import Formulation, Target
from pinet_ros.refinement.model import PINet
from pinet_ros.refinement.standardisation import AllPeople
from pinet_training.refiner.loss import pose_loss


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PINet().eval()


@pytest.fixture
def sequences():
    return torch.randn(2, 3, 17, 3, generator=torch.Generator().manual_seed(0)) + torch.tensor(
        [0.0, 0.0, 4.0]
    )


def test_the_loss_is_the_mean_over_each_person_and_leaves_padding_out(network, sequences):
    formulation = Formulation("all_people", Target.POSE)
    present = torch.tensor([[True, True, False], [True, True, True]])
    padded = sequences.masked_fill(~present[:, :, None, None], 1e3)

    losses = pose_loss(formulation, network, padded, padded + 0.05, present)

    assert losses[0, 2] == 0
    standardised = AllPeople(sequences[:1, :2])
    expected = network(standardised.tokens) - standardised.encode(sequences[:1, :2] + 0.05)
    torch.testing.assert_close(losses[0, :2], expected[0].abs().mean(dim=1))


@pytest.mark.parametrize("target", Target)
@pytest.mark.parametrize("standardisation", ["root_centred", "all_people", "facing"])
def test_what_minimises_the_loss_is_what_refines(standardisation, target, sequences):
    """A network that knows the answer has no loss, and refines to the truth."""
    truth = sequences + 0.05 * torch.randn(2, 3, 17, 3, generator=torch.Generator().manual_seed(1))
    formulation = Formulation(standardisation, target)
    standardised = formulation.standardise(sequences)
    answer = standardised.encode(truth)
    if target is Target.CORRECTION:
        answer = answer - standardised.encode(sequences)
    if formulation.has_deviations:
        surest = torch.full((2, 3, 18), 0.001).log() - standardised.log_deviations(
            torch.zeros(2, 3, 18)
        )
        answer = torch.cat([answer, surest], dim=-1)

    class Oracle(torch.nn.Module):
        def forward(self, tokens, present):
            return answer

        def refine_first(self, tokens):
            return answer[:, 0], None

    losses = pose_loss(formulation, Oracle(), sequences, truth, torch.ones(2, 3, dtype=torch.bool))
    refined = formulation.refine_first(Oracle(), sequences).poses

    assert losses.abs().max() < 1e-5
    torch.testing.assert_close(refined, truth[:, 0], atol=1e-5, rtol=1e-5)


def test_the_best_deviations_hold_two_thirds_of_the_errors():
    generator = torch.Generator().manual_seed(2)
    count = 4000
    truth = torch.zeros(count, 1, 17, 3) + torch.tensor([1.0, -0.5, 4.0])
    noise = torch.randn(truth.shape, generator=generator)
    ray = truth[:, :, 14] / truth[:, :, 14].norm(dim=-1, keepdim=True)
    shifts = 0.3 * torch.randn(count, 1, 1, generator=generator) * ray
    shifts = shifts + 0.05 * torch.linalg.cross(ray, noise[:, :, 14])
    joints = truth + 0.1 * (noise - noise[:, :, 14, None]) + shifts[:, :, None]

    class Sure(torch.nn.Module):
        """Corrects nothing, and is as sure of one thing as it is told."""

        def forward(self, tokens, present):
            values = torch.zeros(count, 1, 69)
            values[:, :, 51 + self.which] = self.logarithm
            return values

    def best(which, typical):
        network, candidates = Sure(), torch.linspace(0.01, 0.4, 40)
        network.which, losses = which, []
        for candidate in candidates:
            network.logarithm = (candidate / typical).log()
            present = torch.ones(count, 1, dtype=torch.bool)
            loss = pose_loss(Formulation("facing"), network, joints, truth, present)
            losses.append(loss.mean())
        return candidates[torch.stack(losses).argmin()]

    distances = joints[:, 0, 14].norm(dim=-1).log() - truth[:, 0, 14].norm(dim=-1).log()
    offsets = (joints - joints[:, :, 14, None] - truth + truth[:, :, 14, None])[:, 0].norm(dim=-1)
    assert abs(best(17, 0.15) - distances.abs().quantile(0.683)) < 0.011
    assert abs(best(14, 0.04) - 0.05) < 0.011  # along either axis across the ray
    assert abs(best(3, 0.1) - offsets[:, 3].quantile(0.683)) < 0.011
