"""Moving the joints of bodies to where a network has them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_up_poses import CAMERA, landmarks, samples, to_joints

from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17
from pinet_training.lifter.joint_adaptation import JointAdaptation
from pinet_training.lifter.pose_samples import PoseSamples
from pinet_training.rendering.definition import JointDefinition

KNEES = list(MUPOTS_17.indices("left_knee", "right_knee"))
ANKLES = list(MUPOTS_17.indices("left_ankle", "right_ankle"))
COUNT = 120


def test_nothing_is_changed_without_a_definition():
    joints = to_joints(landmarks(3)).astype(np.float32)
    found = JointAdaptation().apply(joints)
    np.testing.assert_array_equal(found, joints)
    assert found.dtype == np.float32


def test_a_definition_is_applied():
    joints = to_joints(landmarks(3))
    kinds = ("ankle", "knee")
    zero = {kind: np.zeros(2) for kind in kinds}
    definition = JointDefinition(zero | {"ankle": np.array([-0.1, 0.0])})  # up the shin
    found = JointAdaptation(definition).apply(joints)
    expected = joints.copy()
    expected[:, ANKLES] += 0.1 * (joints[:, KNEES] - joints[:, ANKLES])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


class Network:
    """Knows where the landmarks of each crop are, in its own way, a factor too far away."""

    def __init__(self, points, people, factor):
        self._points, self._people, self._factor = points, people, factor
        self._next = 0

    def __call__(self, crops):
        images, worlds = [], []
        for _ in crops:
            points, box = self._points[self._next], self._people.box[self._next].reshape(2, 2)
            self._next += 1
            side = 1.2 * (box[1] - box[0]).max()
            corner = box.mean(axis=0) - side / 2
            images.append((CAMERA.project(points) - corner) * 256 / side)
            middle = points[list(BLAZEPOSE_33.pelvis)].mean(axis=0)
            ray = torch.as_tensor(middle / np.linalg.norm(middle))[None]
            worlds.append(self._factor * (points - middle) @ rotation_to_ray(ray)[0].numpy())
        image, world = (torch.tensor(np.array(each)).float() for each in (images, worlds))
        return image, world, torch.zeros(len(crops), 33), torch.zeros(len(crops), 1)


@pytest.fixture(scope="module")
def fitted():
    """People whose ankles and sizes the network sees otherwise, and what was fitted to them."""
    points = landmarks(COUNT, seed=1, depths=(3.0, 4.0))  # large in the image
    people = samples(points)
    seen = points.copy()
    for side in ("left", "right"):
        knee, ankle = BLAZEPOSE_33.indices(f"{side}_knee", f"{side}_ankle")
        seen[:, ankle] += 0.15 * (points[:, knee] - points[:, ankle])
    network = Network(seen, people, 1.06)
    adaptation = JointAdaptation.fit(people, network, torch.device("cpu"))
    return SimpleNamespace(points=points, people=people, seen=seen, adaptation=adaptation)


def test_where_the_network_has_joints_is_fitted_and_how_far_people_are_is_kept(fitted):
    found = fitted.adaptation.apply(fitted.people.joints)
    expected = to_joints(fitted.seen)
    assert np.linalg.norm(found - expected, axis=-1).max() < 0.015
    before = np.linalg.norm(fitted.people.joints[:, ANKLES] - expected[:, ANKLES], axis=-1)
    assert before.min() > 0.04


def test_too_few_people_change_nothing(fitted):
    people = fitted.people
    rows = np.arange(30)
    few = PoseSamples(
        people.pictures,
        picture=people.picture[rows],
        box=people.box[rows],
        person=people.person[rows],
        detected=people.detected[rows],
        joints=people.joints,
        visible=people.visible,
    )
    network = Network(fitted.seen, few, 1.06)
    assert JointAdaptation.fit(few, network, torch.device("cpu")) == JointAdaptation()
