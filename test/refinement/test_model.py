from __future__ import annotations

import pytest
import torch

from pinet_ros.refinement.checkpoint import build_network
from pinet_ros.refinement.model import NetworkConfig, PINet, Unit
from pinet_ros.refinement.pair_graph import PairGraph

variants = pytest.importorskip("pinet_training.refiner.variants")
VARIANTS, count_parameters = variants.VARIANTS, variants.count_parameters

BLIND = "unidirectional_no_attention"  # the one that cannot see anybody else


@pytest.fixture
def sequences():
    return torch.randn(4, 5, 51, generator=torch.Generator().manual_seed(0))


def _random_network(name):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = build_network(VARIANTS[name].network)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.08)
    return network


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


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("gru2", "2.23"), ("gru3", "3.41"), ("gru4", "4.59"),
        ("lstm2", "2.78"), ("lstm3", "4.36"), ("lstm4", "5.93"),
    ],
)  # fmt: skip
def test_has_the_size_of_table_6(name, millions):
    network = build_network(VARIANTS[name].network)

    assert f"{count_parameters(network) / 1e6:.2f}" == millions


def test_variants_lack_what_their_name_says():
    def names(variant):
        return set(build_network(VARIANTS[variant].network).state_dict())

    assert "Wa.weight" not in names("no_attention")
    assert "rnn.weight_ih_l2_reverse" in names("no_attention")
    assert "rnn.weight_ih_l0_reverse" not in names("unidirectional")
    assert "Wa.weight" in names("unidirectional")
    assert {"Wa.weight", "rnn.weight_ih_l0_reverse"} & names(
        "unidirectional_no_attention"
    ) == set()


@pytest.mark.parametrize("name", VARIANTS)
def test_first_person_alone_equals_the_first_row_of_all(name, sequences):
    network = _random_network(name)

    everybody = network(sequences)
    first, _ = network.refine_first(sequences)

    assert everybody.shape == (4, 5, 51)
    torch.testing.assert_close(first, everybody[:, 0])
    # the rows differ, so the comparison above is not one of constants
    assert (everybody[:, 0] - everybody[:, 1]).abs().max() > 1e-2


@pytest.mark.parametrize("name", VARIANTS)
def test_padding_changes_nobody(name, sequences):
    network = _random_network(name)
    lengths = [2, 5, 1, 3]
    present = torch.arange(5) < torch.tensor(lengths)[:, None]
    padded = sequences.masked_fill(~present[..., None], 1e3)

    together = network(padded, present)

    for row, length in enumerate(lengths):
        alone = network(sequences[row : row + 1, :length])[0]
        torch.testing.assert_close(together[row, :length], alone, atol=1e-5, rtol=1e-5)


def test_attention_sums_to_one_and_is_that_of_equation_3(sequences):
    network = _random_network("gru3")
    seen = []
    network.rnn.register_forward_hook(lambda *call: seen.append(call[2][0]))

    _, weights = network.refine_first(sequences)

    embeddings = seen[0]
    scores = torch.stack(
        [(embeddings[:, 0] * network.Wa(embeddings[:, m])).sum(dim=1) for m in range(5)], dim=1
    )
    torch.testing.assert_close(weights, scores.exp() / scores.exp().sum(dim=1, keepdim=True))


@pytest.mark.parametrize("name", ["no_attention", "gcn"])
def test_without_attention_there_are_no_weights(name, sequences):
    assert _random_network(name).refine_first(sequences)[1] is None


def test_reading_forwards_without_attention_sees_nobody_else(sequences):
    network = _random_network(BLIND)
    others = sequences.clone()
    others[:, 1:] += 1

    first, _ = network.refine_first(sequences)

    assert torch.equal(network.refine_first(others)[0], first)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != BLIND])
def test_every_other_variant_sees_the_others(name, sequences):
    network = _random_network(name)
    others = sequences.clone()
    others[:, 3] += 1

    first, _ = network.refine_first(sequences)

    assert (network.refine_first(others)[0] - first).abs().max() > 1e-4


def test_a_graph_of_pairs_averages_them_in_any_order(sequences):
    network = _random_network("gcn")

    pairs = [network.refine_first(sequences[:, [0, other]])[0] for other in range(1, 5)]

    average = torch.stack(pairs).mean(dim=0)
    torch.testing.assert_close(network.refine_first(sequences)[0], average)
    torch.testing.assert_close(network.refine_first(sequences[:, [0, 3, 1, 4, 2]])[0], average)


def test_a_graph_pairs_who_is_alone_with_itself(sequences):
    network = _random_network("gcn")
    alone = sequences[:, :1]

    torch.testing.assert_close(
        network.refine_first(alone)[0], network.refine_first(alone.expand(-1, 2, -1))[0]
    )


def test_a_network_without_layers_is_refused():
    with pytest.raises(ValueError, match="layers must be at least 1, got 0"):
        NetworkConfig(layers=0)
    with pytest.raises(ValueError, match="'rnn' is not a valid Unit"):
        NetworkConfig(unit="rnn")


def test_every_network_is_made_by_its_unit():
    assert isinstance(build_network(NetworkConfig(Unit.GCN)), PairGraph)
    assert isinstance(build_network(NetworkConfig(Unit.LSTM)).rnn, torch.nn.LSTM)
