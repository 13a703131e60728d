"""The head of deviations, fitted to errors whose sizes the features tell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_up_poses import landmarks, samples

from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter import deviation_fit
from pinet_training.lifter.blazepose_losses import ROOT, PoseErrors
from pinet_training.lifter.deviation_fit import fit_deviations
from pinet_training.lifter.pose_crops import PoseCrops

COUNT = 3000
OTHERS = [joint for joint in range(17) if joint != ROOT]
WRISTS = list(MUPOTS_17.indices("left_wrist", "right_wrist"))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return BlazePoseNetwork("lite").eval()


def errors_of(sizes, generator):
    """Errors of N people along each axis, of these sizes (N,)."""

    def normal(*shape):
        each = sizes.view(-1, *[1] * len(shape))
        return each * torch.randn(len(sizes), *shape, generator=generator)

    return PoseErrors(normal(17, 3), normal(17, 2), normal(), normal(2))


def test_deviations_follow_what_the_features_tell(network, monkeypatch):
    """Two thirds of the errors are within, of people with small and of those with large errors."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(COUNT, network.deviations.weight[0].numel(), generator=generator)
    sizes = (-3 + 0.8 * features[:, 7]).exp()
    errors = errors_of(sizes, generator)
    visible = torch.ones(COUNT, 17)
    monkeypatch.setattr(deviation_fit, "_look", lambda *_: (features, errors, visible))
    fit_deviations(network, [], torch.device("cpu"))

    with torch.inference_mode():
        shaped = features.view(COUNT, *network.deviations.weight.shape[1:])
        found = network.deviations(shaped).flatten(1).exp()
    norms = errors.joints.norm(dim=-1)
    for group in (sizes < sizes.median(), sizes >= sizes.median()):
        within = (norms < found[:, :17])[group][:, OTHERS].float().mean()
        assert within == pytest.approx(0.683, abs=0.04)
        far = (errors.distance.abs() < found[:, 17])[group].float().mean()
        assert far == pytest.approx(0.683, abs=0.06)


def test_joints_that_are_hidden_count_more(network, monkeypatch):
    """The deviation of a joint that is equally often hidden and seen is nearer to the hidden."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(COUNT, network.deviations.weight[0].numel(), generator=generator)
    hidden = torch.arange(COUNT) % 2 == 0
    sizes = torch.where(hidden, 0.2, 0.05)
    visible = (~hidden).float()[:, None].repeat(1, 17)
    errors = errors_of(sizes, generator)
    monkeypatch.setattr(deviation_fit, "_look", lambda *_: (features * 0, errors, visible))
    fit_deviations(network, [], torch.device("cpu"))
    wrists = network.deviations.bias[WRISTS].exp()
    norms = errors.joints.norm(dim=-1)[:, WRISTS]
    assert (norms < wrists).float().mean() > 0.75  # with equal weights 0.683


def test_only_the_head_changes_and_crops_of_nobody_are_left_out(network):
    people = samples(landmarks(3))
    crops = PoseCrops(people, np.arange(4), people.joints, augment=False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    batches = list(crops.loader([[0, 1], [2, 3]], 0))
    fit_deviations(network, batches, torch.device("cpu"))
    changed = [
        name for name, value in network.state_dict().items() if (value != before[name]).any()
    ]
    assert changed == ["deviations.weight", "deviations.bias"]
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_features_that_hardly_vary_get_no_large_coefficients(network, monkeypatch):
    generator = torch.Generator().manual_seed(2)
    count = network.deviations.weight[0].numel()
    features = torch.randn(300, count, generator=generator)
    features[:, 3] *= 1e-7
    features[:, 4] = 0
    features[7, 4] = 1e-3
    errors = errors_of(torch.full((300,), 0.05), generator)
    visible = torch.ones(300, 17)
    monkeypatch.setattr(deviation_fit, "_look", lambda *_: (features, errors, visible))
    torch.nn.init.zeros_(network.deviations.weight)
    fit_deviations(network, [], torch.device("cpu"))
    assert network.deviations.weight.flatten(1)[:, [3, 4]].abs().max() < 10


def test_one_person_alone_gives_finite_deviations(network):
    people = samples(landmarks(1))
    crops = PoseCrops(people, np.arange(1), people.joints, augment=False)
    fit_deviations(network, crops.loader([[0]], 0), torch.device("cpu"))
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
