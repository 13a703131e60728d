from __future__ import annotations

import torch

from pinet_ros.refinement.model import PINet


def test_has_the_parameters_of_the_release():
    shapes = {name: tuple(p.shape) for name, p in PINet().named_parameters()}

    assert sum(p.numel() for p in PINet().parameters()) == 3_408_896
    assert {name.split(".")[0] for name in shapes} == {
        "h0", "rnn", "Wa", "b1", "linear1", "b2", "linear2", "b3", "linear3",
    }  # fmt: skip
    assert shapes["h0"] == (6, 1, 256)
    assert shapes["rnn.weight_ih_l0"] == (768, 51)
    assert shapes["rnn.weight_hh_l2_reverse"] == (768, 256)
    assert shapes["Wa.weight"] == (512, 512)
    assert shapes["linear3.weight"] == (51, 128)
    assert "linear3.bias" not in shapes


def test_first_person_alone_equals_the_first_row_of_all(network):
    sequences = torch.randn(4, 5, 51, generator=torch.Generator().manual_seed(0))

    everybody = network(sequences)

    assert everybody.shape == (4, 5, 51)
    torch.testing.assert_close(network.refine_first(sequences), everybody[:, 0])
    # the rows differ, so the comparison above is not one of constants
    assert (everybody[:, 0] - everybody[:, 1]).abs().max() > 1e-2
