"""The fast forms of soft-argmax against the formula, in double precision."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pinet_ros.lifting.mppe.soft_argmax import fused_soft_argmax, soft_argmax, soft_argmax_plain


def random(*shape, scale=1.0, seed=0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def expectation(volumes):
    """The mean position (N,J,3) x y z under the softmax, by its definition, float64."""
    count, joints, *sides = volumes.shape
    shares = torch.softmax(volumes.double().reshape(count, joints, -1), dim=-1)
    grids = torch.meshgrid(*(torch.arange(side).double() for side in sides), indexing="ij")
    places = torch.stack([grid.flatten() for grid in reversed(grids)], dim=1)
    return shares @ places


@pytest.mark.parametrize("shape", [(1, 1, 64, 64, 64), (3, 4, 64, 64, 64), (2, 3, 5, 7, 11)])
@pytest.mark.parametrize("scale", [0.1, 3.0, 200.0])  # nearly flat, usual, one cell alone
def test_the_formula_and_the_fast_form_agree(shape, scale):
    volumes = random(*shape, scale=scale)
    given = volumes.clone()
    expected = expectation(volumes)
    torch.testing.assert_close(soft_argmax_plain(volumes.double()), expected)
    found = soft_argmax(volumes)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4)
    assert torch.equal(volumes, given)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("height", [9, 64, 77])  # one part of a tile, and several with a rest
@pytest.mark.parametrize("scale", [0.3, 1.0, 20.0])
def test_fused_with_the_convolution_it_is_the_same(count, height, scale):
    features = random(count, 32, height, 16, scale=scale)
    weight, bias = random(4 * 6, 32, 1, 1, seed=1), random(4 * 6, seed=2)
    volumes = F.conv2d(features.double(), weight.double(), bias.double())
    expected = expectation(volumes.view(count, 4, 6, height, 16))
    found = fused_soft_argmax(features, weight, bias, 6)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4)


def test_fused_in_half_precision_the_sums_are_in_single():
    features, weight, bias = (
        each.half()
        for each in (
            random(2, 32, 24, 64, scale=0.2),
            random(12, 32, 1, 1, seed=1),
            random(12, seed=2),
        )
    )
    volumes = F.conv2d(features.float(), weight.float(), bias.float()).view(2, 2, 6, 24, 64)
    found = fused_soft_argmax(features, weight, bias, 6)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expectation(volumes), rtol=0, atol=0.05)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_sums_are_in_single_precision(kind):
    volumes = random(2, 3, 64, 64, 64).to(kind)
    found = soft_argmax(volumes)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expectation(volumes), rtol=0, atol=1e-4)


@pytest.mark.parametrize("of_features", [True, False])
def test_gradients_are_the_formulas(of_features):
    features = random(2, 16, 8, 8).requires_grad_(of_features)
    weight = random(3 * 8, 16, 1, 1, seed=1).requires_grad_()
    bias = random(3 * 8, seed=2).requires_grad_()
    toward = random(2, 3, 3, seed=3)
    inputs = (features, weight, bias)
    learnt = [each for each in inputs if each.requires_grad]
    volumes = F.conv2d(*inputs).view(2, 3, 8, 8, 8)
    plain = torch.autograd.grad(
        (soft_argmax_plain(volumes) * toward).sum(), learnt, retain_graph=True
    )
    fast = torch.autograd.grad((soft_argmax(volumes) * toward).sum(), learnt)
    fused = torch.autograd.grad((fused_soft_argmax(*inputs, 8) * toward).sum(), learnt)
    for expected, *found in zip(plain, fast, fused, strict=True):
        for each in found:
            torch.testing.assert_close(each, expected, rtol=1e-4, atol=1e-5)


def test_a_value_that_is_no_number_stays_with_its_joint():
    volumes = random(2, 2, 4, 4, 4)
    volumes[1, 0, 2, 2, 2] = torch.nan
    known = torch.isfinite(soft_argmax(volumes)).all(dim=2)
    assert known.tolist() == [[True, True], [False, True]]
