from __future__ import annotations

import pytest
import torch

from pinet_ros.refinement.formulation import AllPeople, Formulation, RootCentred

PELVIS = 14


@pytest.fixture
def sequences():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 17, 3, generator=generator) + torch.tensor([0.0, 0, 5])


@pytest.mark.parametrize("kind", [RootCentred, AllPeople])
def test_decoding_inverts_encoding(kind, sequences):
    poses = sequences[:, :2] + 0.1

    standardised = kind(sequences)

    torch.testing.assert_close(standardised.decode(standardised.encode(poses)), poses)


@pytest.mark.parametrize("kind", [RootCentred, AllPeople])
def test_leaves_its_input_alone(kind, sequences):
    before = sequences.clone()

    standardised = kind(sequences)
    standardised.decode(standardised.encode(sequences[:, :1]))

    assert torch.equal(sequences, before)


def test_all_people_have_zero_mean_and_unit_deviation_together(sequences):
    tokens = AllPeople(sequences).tokens.reshape(2, -1, 3)

    torch.testing.assert_close(tokens.mean(dim=1), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(tokens.std(dim=1), torch.ones(2, 3), atol=1e-5, rtol=0)


def test_root_centred_tokens_carry_the_roots_in_the_pelvis_place(sequences):
    tokens = RootCentred(sequences).tokens.reshape(2, 3, 17, 3)
    roots = sequences[:, :, PELVIS]

    torch.testing.assert_close(tokens[:, 0, PELVIS], roots[:, 0] / 2)
    torch.testing.assert_close(tokens[:, 2, PELVIS], roots[:, 2] - roots[:, 0])
    torch.testing.assert_close(tokens[:, 1, 3], (sequences[:, 1, 3] - roots[:, 1]) / 0.25)


def test_the_same_values_move_a_root_twice_as_far_at_twice_the_distance(sequences):
    values = torch.zeros(2, 1, 51)
    values[:, :, 3 * PELVIS :][..., :3] = 1.0
    far = sequences + sequences[:, :, PELVIS, None]
    near_move = (RootCentred(sequences).decode(values) - sequences[:, :1])[:, 0, PELVIS]
    far_move = (RootCentred(far).decode(values) - far[:, :1])[:, 0, PELVIS]

    torch.testing.assert_close(far_move, 2 * near_move, atol=1e-5, rtol=1e-4)


def test_a_shift_of_everybody_changes_only_the_place_of_the_first(sequences):
    moved = RootCentred(sequences + torch.tensor([1.0, 0, 2])).tokens.reshape(2, 3, 17, 3)
    tokens = RootCentred(sequences).tokens.reshape(2, 3, 17, 3)

    moved[:, 0, PELVIS] -= torch.tensor([0.5, 0, 1])
    torch.testing.assert_close(moved, tokens, atol=1e-5, rtol=0)


def test_an_unknown_formulation_names_the_known_ones():
    with pytest.raises(ValueError, match="'bogus' is not known; use one of root_centred, all"):
        Formulation("bogus")
    with pytest.raises(ValueError, match="bogus"):
        Formulation("all_people", "bogus")


@pytest.mark.parametrize("kind", [RootCentred, AllPeople])
def test_padding_has_no_part_in_it(kind, sequences):
    present = torch.tensor([[True, True, False], [True, True, True]])
    padded = sequences.masked_fill(~present[:, :, None, None], 1e3)

    standardised = kind(padded, present)
    alone = kind(sequences[:1, :2])

    torch.testing.assert_close(standardised.tokens[:1, :2], alone.tokens)
    assert (standardised.tokens[0, 2] == 0).all()
    torch.testing.assert_close(standardised.tokens[1:], kind(sequences[1:]).tokens)
    torch.testing.assert_close(
        standardised.encode(sequences[:, :2])[:1], alone.encode(sequences[:1, :2])
    )
