"""An independent PI-Net in plain NumPy: one person at a time, GRU cells one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pinet_ros.people import People
from pinet_ros.refinement.model import NetworkConfig, PINet
from pinet_ros.skeleton import MUPOTS_17

PELVIS = 14
FLIP = np.array([-1, 1, 1])
MIRROR = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14, 15, 16]


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _gru(tokens, state, layer, suffix, h):
    w_in, w_state, b_in, b_state = (
        state[f"rnn.{kind}_l{layer}{suffix}"]
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    hidden = []
    for token in tokens[::-1] if suffix else tokens:
        reset_in, update_in, new_in = np.split(w_in @ token + b_in, 3)
        reset_h, update_h, new_h = np.split(w_state @ h + b_state, 3)
        update = _sigmoid(update_in + update_h)
        new = np.tanh(new_in + _sigmoid(reset_in + reset_h) * new_h)
        h = (1 - update) * new + update * h
        hidden.append(h)
    return np.array(hidden[::-1] if suffix else hidden)


def _layer_norm(x, state, name):
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return normal * state[f"{name}.weight"] + state[f"{name}.bias"]


def _linear(x, state, name):
    return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", 0)


def _network(tokens, state):
    """All people of one sequence (N,51), with the full matrix of attention."""
    for layer in range(3):
        forward = _gru(tokens, state, layer, "", state["h0"][2 * layer, 0])
        backward = _gru(tokens, state, layer, "_reverse", state["h0"][2 * layer + 1, 0])
        tokens = np.concatenate([forward, backward], axis=1)
    weights = np.exp(tokens @ _linear(tokens, state, "Wa").T)
    context = weights / weights.sum(axis=1, keepdims=True) @ tokens
    features = _layer_norm(np.concatenate([tokens, context], axis=1), state, "b1")
    features = _layer_norm(np.maximum(_linear(features, state, "linear1"), 0), state, "b2")
    return _linear(_layer_norm(_linear(features, state, "linear2"), state, "b3"), state, "linear3")


def _order(joints, person):
    distances = np.linalg.norm(joints[:, PELVIS] - joints[person, PELVIS], axis=1)
    others = sorted((d, n) for n, d in enumerate(distances) if n != person)
    return [person] + [n for _, n in others]


class PlainPINet:
    """Refines poses (N,17,3) in metres, person by person, in double precision."""

    def __init__(self, network: PINet) -> None:
        self.state = {k: v.double().numpy() for k, v in network.state_dict().items()}

    def published(self, joints):
        refined = []
        for person in range(len(joints)):
            poses = 1000 * joints[_order(joints, person)].astype(float)
            mean = poses.mean(axis=(0, 1))
            deviation = poses.reshape(-1, 3).std(axis=0, ddof=1) + 1e-4
            values = _network(((poses - mean) / deviation).reshape(len(poses), 51), self.state)
            refined.append((values[0].reshape(17, 3) * deviation + mean) / 1000)
        return np.array(refined)

    def root_centred(self, joints):
        """The mean over the people and the mirrored people."""
        mirrored = self._root_centred(joints[:, MIRROR] * FLIP)
        return (self._root_centred(joints) + mirrored[:, MIRROR] * FLIP) / 2

    def facing(self, joints, deviations, up=None):
        """The mean over the people and the mirrored people: poses and deviations (N,18)."""
        found, of_found = self._facing(joints, deviations, up)
        swapped = [*MIRROR, 17]
        mirrored, of_mirrored = self._facing(
            joints[:, MIRROR] * FLIP, deviations[:, swapped], None if up is None else up * FLIP
        )
        poses = (found + mirrored[:, MIRROR] * FLIP) / 2
        return poses, np.sqrt(of_found * of_mirrored[:, swapped])

    def _facing(self, joints, deviations, up):
        refined, sure = [], []
        usual = np.full(18, 0.1)
        usual[PELVIS], usual[17] = 0.04, 0.15
        for person in range(len(joints)):
            rows = _order(joints, person)
            ray = joints[person, PELVIS] / np.linalg.norm(joints[person, PELVIS])
            axis = np.cross(ray, [0, 0, 1])
            angle = np.arccos(ray[2]) / np.linalg.norm(axis)
            turn = Rotation.from_rotvec(angle * axis).as_matrix()
            poses = joints[rows] @ turn.T
            known = np.isfinite(deviations[rows])
            given = np.where(known, deviations[rows], usual)
            told = np.column_stack(
                [known[:, :17].all(axis=1), known[:, 17], len(rows) * [up is not None]]
            )
            upright = len(rows) * [np.zeros(3) if up is None else turn @ up]
            tokens = np.column_stack([_tokens(poses), np.log(given / usual), upright, told])
            values = _network(tokens, self.state)[0]
            refined.append(_corrected(poses[0], values[:51].reshape(17, 3)) @ turn)
            sure.append(given[0] * np.exp(values[51:]))
        return np.array(refined), np.array(sure)

    def _root_centred(self, joints):
        refined = []
        for person in range(len(joints)):
            poses = joints[_order(joints, person)].astype(float)
            values = _network(_tokens(poses), self.state)[0].reshape(17, 3)
            refined.append(_corrected(poses[0], values))
        return np.array(refined)


def _tokens(poses):
    root = poses[0, PELVIS]
    tokens = (poses - poses[:, PELVIS : PELVIS + 1]) / 0.25
    tokens[:, PELVIS] = poses[:, PELVIS] - root
    tokens[0, PELVIS] = root / 2
    return tokens.reshape(len(poses), 51)


def _corrected(pose, values):
    root = pose[PELVIS]
    moved = root + values[PELVIS] * np.linalg.norm(root) / 16
    corrected = moved + pose - root + 0.25 * values
    corrected[PELVIS] = moved
    return corrected


def _unusual(config=None) -> PINet:
    """A network none of whose parameters has a special value, and that corrects by decimetres."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = PINet(config)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.08)
        torch.nn.init.normal_(network.linear3.weight, std=0.9)
    return network


@pytest.fixture
def network() -> PINet:
    return _unusual()


@pytest.fixture
def sure_network() -> PINet:
    """As `network`, of the formulation with deviations."""
    return _unusual(NetworkConfig(deviations=True))


@pytest.fixture
def plain(network) -> PlainPINet:
    return PlainPINet(network)


@pytest.fixture
def make_people():
    """People with random poses of metres in MUPOTS_17."""

    def make(count: int, seed: int = 0) -> People:
        rng = np.random.default_rng(seed)
        roots = rng.uniform([-3, -0.5, 2], [3, 0.5, 8], size=(count, 1, 3))
        return People(
            MUPOTS_17,
            joints=roots + rng.normal(scale=0.3, size=(count, 17, 3)),
            joints_image=rng.uniform(0, 640, size=(count, 17, 2)),
            confidence=rng.uniform(size=(count, 17)),
            boxes=rng.uniform(0, 640, size=(count, 4)),
            scores=rng.uniform(size=count),
            track_ids=np.arange(count) + 5,
            tracking_states=np.full(count, 2),
            deviations=rng.uniform(0.01, 0.1, size=(count, 17)),
            distance_deviations=rng.uniform(0.3, 0.9, size=count),
            root_deviations=rng.uniform(0.01, 0.05, size=count),
        )

    return make


@pytest.fixture
def sure_plain(sure_network) -> PlainPINet:
    return PlainPINet(sure_network)
