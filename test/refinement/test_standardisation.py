from __future__ import annotations

import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from pinet_ros.refinement.formulation import Formulation
from pinet_ros.refinement.model import NetworkConfig
from pinet_ros.refinement.standardisation import AllPeople, Facing, RootCentred

PELVIS = 14


@pytest.fixture
def sequences():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 17, 3, generator=generator) + torch.tensor([0.0, 0, 5])


@pytest.mark.parametrize("kind", [RootCentred, AllPeople, Facing])
def test_decoding_inverts_encoding(kind, sequences):
    poses = sequences[:, :2] + 0.1

    standardised = kind(sequences)

    torch.testing.assert_close(standardised.decode(standardised.encode(poses)), poses)


@pytest.mark.parametrize("kind", [RootCentred, AllPeople, Facing])
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


@pytest.mark.parametrize("kind", [RootCentred, AllPeople, Facing])
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


def test_a_pan_of_the_camera_makes_no_difference_to_one_that_faces_the_person(sequences):
    sequences[:, 0] -= sequences[:, 0, PELVIS, None] * torch.tensor([0.0, 1, 0])  # at eye level
    turn = torch.from_numpy(Rotation.from_euler("y", 30, degrees=True).as_matrix()).float()

    tokens = Facing(sequences).tokens
    turned = Facing(sequences @ turn.T).tokens

    torch.testing.assert_close(turned, tokens, atol=1e-5, rtol=1e-5)
    roots = tokens[:, 0, : 3 * 17].unflatten(1, (17, 3))[:, PELVIS]
    expected = torch.zeros(2, 3)
    expected[:, 2] = sequences[:, 0, PELVIS].norm(dim=1) / 2
    torch.testing.assert_close(roots, expected)


def test_tokens_tell_deviations_and_whether_they_are_known(sequences):
    deviations = torch.full((2, 3, 18), 0.1)
    deviations[:, :, PELVIS], deviations[:, :, 17] = 0.04, 0.15
    deviations[0, 1] = torch.nan
    deviations[1, 2, 17] = torch.nan
    deviations[0, 0, 3], deviations[1, 0, 17] = 0.2, 0.0

    rest = Facing(sequences, deviations=deviations).tokens[:, :, 51:]

    expected = torch.zeros(2, 3, 24)
    expected[..., 21:23] = 1
    expected[0, 1, 21:23] = 0
    expected[1, 2, 22] = 0
    expected[0, 0, 3], expected[1, 0, 17] = math.log(2), math.log(0.001 / 0.15)
    torch.testing.assert_close(rest, expected)
    unknown = Facing(sequences).tokens
    assert torch.equal(unknown[:, :, 51:], torch.zeros(2, 3, 24))


def test_tokens_are_as_long_as_the_network_reads(sequences):
    for kind, has_deviations in ((RootCentred, False), (AllPeople, False), (Facing, True)):
        network = NetworkConfig(deviations=has_deviations)
        assert kind(sequences).tokens.shape == (2, 3, network.inputs)


def test_what_is_predicted_of_deviations_is_relative_to_the_estimator(sequences):
    deviations = torch.rand(2, 3, 18, generator=torch.Generator().manual_seed(1)) + 0.01
    standardised = Facing(sequences, deviations=deviations)

    same = standardised.log_deviations(torch.zeros(2, 2, 18)).exp()
    doubled = standardised.log_deviations(torch.full((2, 1, 18), math.log(2))).exp()

    torch.testing.assert_close(same, deviations[:, :2])
    torch.testing.assert_close(doubled, 2 * deviations[:, :1])


def test_tokens_tell_which_way_is_up_for_the_camera_that_faces_the_person(sequences):
    up = torch.tensor([[0.6, -0.8, 0.0], [torch.nan] * 3])

    tokens = Facing(sequences, up=up).tokens

    ray = sequences[0, 0, PELVIS] / sequences[0, 0, PELVIS].norm()
    turned = tokens[0, :, 69:72]
    torch.testing.assert_close(turned.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(turned[:, 2], (up[0] @ ray).expand(3))
    assert torch.equal(tokens[:, :, 74], torch.tensor([[1.0] * 3, [0.0] * 3]))
    assert torch.equal(tokens[1, :, 69:72], torch.zeros(3, 3))
