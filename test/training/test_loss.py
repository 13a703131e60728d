from __future__ import annotations

import pytest
import torch

from pinet_ros.refinement.formulation import AllPeople, Formulation, Target
from pinet_ros.refinement.model import PINet
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
@pytest.mark.parametrize("standardisation", ["root_centred", "all_people"])
def test_what_minimises_the_loss_is_what_refines(standardisation, target, sequences):
    """A network that knows the answer has no loss, and refines to the truth."""
    truth = sequences + 0.05 * torch.randn(2, 3, 17, 3, generator=torch.Generator().manual_seed(1))
    formulation = Formulation(standardisation, target)
    standardised = formulation.standardise(sequences)
    answer = standardised.encode(truth)
    if target is Target.CORRECTION:
        answer = answer - standardised.encode(sequences)

    class Oracle(torch.nn.Module):
        def forward(self, tokens, present):
            return answer

        def refine_first(self, tokens):
            return answer[:, 0], None

    losses = pose_loss(formulation, Oracle(), sequences, truth, torch.ones(2, 3, dtype=torch.bool))
    refined, _ = formulation.refine_first(Oracle(), sequences)

    assert losses.abs().max() < 1e-5
    torch.testing.assert_close(refined, truth[:, 0], atol=1e-5, rtol=1e-5)
