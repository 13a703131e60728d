from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import Checkpoint, build_network, save_checkpoint
from pinet_ros.refinement.formulation import Distance, Formulation
from pinet_ros.refinement.inference import AS_PREDICTED, InferenceOptions
from pinet_ros.refinement.model import NetworkConfig
from pinet_ros.refinement.refiner import RefinementError, Refiner
from pinet_ros.skeleton import BLAZEPOSE_33, COCO_17, MUCO_21, MUPOTS_17

HUNDREDTH_OF_A_MILLIMETRE = 1e-5


@pytest.fixture
def refiner(network) -> Refiner:
    return Refiner(Checkpoint(network, Formulation()), "cpu")


@pytest.mark.parametrize("count", range(1, 7))
def test_a_released_snapshot_gives_what_the_plain_network_gives(
    count, network, plain, make_people, tmp_path
):
    released = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 24, "network": released}, tmp_path / "snapshot_24.pth.tar")
    people = make_people(count)

    refined = Refiner(tmp_path / "snapshot_24.pth.tar", "cpu")(people).people

    expected = plain.published(people.joints)
    assert np.abs(refined.joints - expected).max() < HUNDREDTH_OF_A_MILLIMETRE
    assert np.abs(refined.joints - people.joints).max() > 0.1


@pytest.mark.parametrize("count", range(1, 7))
def test_own_weights_give_what_the_plain_network_gives(
    count, network, plain, make_people, tmp_path
):
    save_checkpoint(tmp_path / "own.safetensors", network, Formulation())
    people = make_people(count)

    refined = Refiner(tmp_path / "own.safetensors", "cpu")(people).people

    expected = plain.root_centred(people.joints)
    assert np.abs(refined.joints - expected).max() < HUNDREDTH_OF_A_MILLIMETRE
    assert np.abs(refined.joints - people.joints).max() > 0.01


def test_left_and_right_make_no_difference(refiner, make_people):
    people = make_people(3)
    flip = np.array([-1, 1, 1], np.float32)
    mirrored = people.with_joints(people.joints[:, MUPOTS_17.mirror] * flip)

    back = refiner(mirrored).people.joints[:, MUPOTS_17.mirror] * flip

    np.testing.assert_allclose(back, refiner(people).people.joints, atol=1e-6)


def test_duplicates_at_the_same_place_are_refined_as_the_plain_network_does(
    refiner, plain, make_people
):
    people = make_people(4)
    joints = people.joints.copy()
    joints[2] = joints[0]
    joints[3, 14] = joints[0, 14]

    refined = refiner(people.with_joints(joints)).people.joints

    assert np.abs(refined - plain.root_centred(joints)).max() < HUNDREDTH_OF_A_MILLIMETRE


def test_attention_is_in_the_order_of_the_people(refiner, make_people):
    people = make_people(4)
    attention = refiner(people).attention
    order = [2, 0, 3, 1]

    shuffled = refiner(make_people(4).with_joints(people.joints[order])).attention

    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-6)
    assert np.ptp(attention) > 0.01
    np.testing.assert_allclose(shuffled, attention[np.ix_(order, order)], atol=1e-5)


def test_who_is_not_refined_attends_to_nobody_and_is_not_attended_to(refiner, make_people):
    people = make_people(3)
    joints = people.joints.copy()
    joints[1, 4] = np.nan

    attention = refiner(people.with_joints(joints)).attention

    assert np.isnan(attention[1]).all()
    assert (attention[[0, 2], 1] == 0).all()
    np.testing.assert_allclose(attention[[0, 2]].sum(axis=1), 1, atol=1e-6)


def test_a_network_without_attention_gives_none(make_people):
    network = build_network(NetworkConfig(attention=False))

    assert Refiner(Checkpoint(network, Formulation()), "cpu")(make_people(2)).attention is None


def test_boxes_order_the_people_where_the_formulation_says_so(network, refiner, make_people):
    people = make_people(4)
    left = np.array([0, 300, 100, 250])
    boxes = np.stack([left, 0 * left, left + 50, 0 * left + 200], axis=1)
    by_boxes = Refiner(Checkpoint(network, Formulation(distance=Distance.BOXES)), "cpu")

    refined = by_boxes(replace(people, boxes=boxes)).people.joints

    # the first person's others from near to far in the image are 2, 3, 1
    roots = people.joints[:, 14:15]
    line = np.array([[0, 0, 5], [3, 0, 5], [1, 0, 5], [2.5, 0, 5]])[:, None]
    placed = people.with_joints((people.joints - roots + line).astype(np.float32))
    np.testing.assert_allclose(
        by_boxes(replace(placed, boxes=boxes)).people.joints,
        refiner(placed).people.joints,
        atol=1e-6,
    )
    assert np.abs(refined - refiner(people).people.joints).max() > 1e-4


def test_boxes_that_are_not_known_are_an_error_where_they_are_needed(network, make_people):
    by_boxes = Refiner(Checkpoint(network, Formulation(distance=Distance.BOXES)), "cpu")

    with pytest.raises(RefinementError, match="people without a box; give boxes, or use"):
        by_boxes(replace(make_people(2), boxes=np.full((2, 4), np.nan)))


def test_nobody_stays_nobody(refiner):
    refined = refiner(People.empty(BLAZEPOSE_33)).people

    assert len(refined) == 0
    assert refined.joint_set == MUPOTS_17


def test_changes_nothing_but_the_joints(refiner, make_people):
    people = make_people(3)
    before = people.joints.copy()

    refined = refiner(people).people

    for name in (
        "joints_image", "confidence", "boxes", "scores", "track_ids", "tracking_states",
        "deviations", "distance_deviations", "root_deviations",
    ):  # fmt: skip
        np.testing.assert_array_equal(getattr(refined, name), getattr(people, name))
    np.testing.assert_array_equal(people.joints, before)
    assert refined.joints.dtype == np.float32


def test_the_covariance_is_that_of_the_refined_position(network, make_people):
    refiner = Refiner(Checkpoint(network, Formulation()), "cpu", inference=AS_PREDICTED)
    people = make_people(3)
    people.joints[1, 4] = np.nan  # is passed through

    refined = refiner(people).people

    distances = np.linalg.norm(refined.joints[:, 14], axis=1)
    traces = (distances * people.distance_deviations) ** 2 + 2 * people.root_deviations**2
    np.testing.assert_allclose(
        np.trace(refined.position_covariances, axis1=1, axis2=2), traces, rtol=1e-5
    )
    moved = np.abs(refined.position_covariances - people.position_covariances).max(axis=(1, 2))
    assert (moved > 0).tolist() == [True, False, True]


def test_an_unknown_person_passes_through_and_does_not_touch_the_others(refiner, make_people):
    people = make_people(3)
    joints = people.joints.copy()
    joints[1, 4] = np.nan

    refined = refiner(people.with_joints(joints)).people.joints

    np.testing.assert_array_equal(refined[1], joints[1])
    rows = [0, 2]
    two = People(
        MUPOTS_17,
        joints=people.joints[rows],
        joints_image=people.joints_image[rows],
        confidence=people.confidence[rows],
        boxes=people.boxes[rows],
        scores=people.scores[rows],
    )
    np.testing.assert_array_equal(refined[rows], refiner(two).people.joints)


def test_only_unknown_people_pass_through(refiner, make_people):
    people = make_people(2)

    refined = refiner(people.with_joints(np.full((2, 17, 3), np.nan))).people

    assert np.isnan(refined.joints).all()


def test_the_order_of_the_people_does_not_matter(refiner, make_people):
    people = make_people(6)
    order = [3, 0, 5, 1, 4, 2]
    shuffled = refiner(make_people(6).with_joints(people.joints[order])).people

    difference = shuffled.joints - refiner(people).people.joints[order]

    assert np.abs(difference).max() < HUNDREDTH_OF_A_MILLIMETRE


@pytest.mark.parametrize("joint_set", [MUCO_21, BLAZEPOSE_33, COCO_17], ids=lambda s: s.name)
def test_other_joint_sets_are_converted_first(joint_set, refiner):
    rng = np.random.default_rng(0)
    count, joints = 3, len(joint_set)
    people = People(
        joint_set,
        joints=rng.normal(scale=0.3, size=(count, joints, 3)) + np.array([0, 0, 4]),
        joints_image=rng.uniform(0, 640, size=(count, joints, 2)),
        confidence=rng.uniform(size=(count, joints)),
        boxes=rng.uniform(0, 640, size=(count, 4)),
        scores=rng.uniform(size=count),
    )

    refined = refiner(people).people

    converted = people.to_joint_set(MUPOTS_17)
    assert refined.joint_set == MUPOTS_17
    np.testing.assert_array_equal(refined.joints, refiner(converted).people.joints)
    np.testing.assert_array_equal(refined.joints_image, converted.joints_image)


def test_says_where_it_runs(refiner):
    assert refiner.device == torch.device("cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_gives_what_the_cpu_gives(network, refiner, make_people):
    people = make_people(5)
    expected = refiner(people).people.joints

    on_gpu = Refiner(Checkpoint(network, Formulation()), "cuda")(people).people.joints

    assert np.abs(on_gpu - expected).max() < 1e-3


class _Correcting(torch.nn.Module):
    """Corrects all poses alike: the root along its ray; the others are turned and stretched."""

    config = NetworkConfig()

    def __init__(self, root: float, turn: np.ndarray, stretch: float) -> None:
        super().__init__()
        self._root, self._stretch = root, stretch
        self._turn = torch.from_numpy(turn).float()

    def refine_first(self, tokens):
        poses = tokens[:, 0].unflatten(1, (17, 3))
        values = self._stretch * poses @ self._turn.T - poses
        roots = 2 * poses[:, 14]
        values[:, 14] = 16 * self._root * roots / roots.square().sum(dim=1, keepdim=True)
        return values.flatten(1), None


ABOVE_BY_HALF = 1 - (1 / 1.5) ** 8  # which part of such a correction is made


@pytest.mark.parametrize(
    ("root", "degrees", "stretch", "root_made", "turn_made"),
    [
        (0.1, 7, 1.1, 0.0, 0.0),
        (-0.2, 8, 0.5, 0.0, 0.0),
        (0.3, 0, 1.0, ABOVE_BY_HALF, 0.0),
        (0.0, 12, 1.02, 0.0, ABOVE_BY_HALF),
        (-2.0, 80, 1.0, 1.0, 1.0),
        (0.0, 180, 1.0, 0.0, 1.0),
    ],
)
def test_turns_and_moves_under_their_thresholds_are_not_made(
    root, degrees, stretch, root_made, turn_made, make_people
):
    joints = make_people(3).joints
    people = make_people(3).with_joints(
        joints + np.array([0, 0, 4], np.float32) - joints[:, 14:15]
    )
    axis = np.array([2, -3, 6]) / 7
    inference = InferenceOptions(symmetric=False, turn_threshold=8, root_threshold=0.05)

    turn = Rotation.from_rotvec(degrees * axis, degrees=True).as_matrix()
    network = _Correcting(root, turn, stretch)
    refined = Refiner(Checkpoint(network, Formulation()), "cpu", inference=inference)(
        people
    ).people.joints

    made = Rotation.from_rotvec(degrees * turn_made * axis, degrees=True).as_matrix()
    roots = people.joints[:, 14:15]
    expected = roots + stretch * (people.joints - roots) @ made.T
    expected[:, :, 2] += root * root_made
    np.testing.assert_allclose(refined, expected, atol=3e-4)


def test_a_pose_whose_depths_are_turned_round_counts_as_turned_by_a_rotation_alone(make_people):
    """Where a mirror would fit best of all, as between poses that are almost flat."""
    joints = make_people(3).joints
    flat = (joints - joints[:, 14:15]) * np.array([1, 1, 0.1], np.float32)
    people = make_people(3).with_joints(flat + np.array([0, 0, 4], np.float32))
    small = Rotation.from_rotvec([0, 0, 5], degrees=True).as_matrix()
    inference = InferenceOptions(symmetric=False, turn_threshold=30)

    network = _Correcting(0.0, small @ np.diag([1, 1, -1]), 1.0)
    refined = Refiner(Checkpoint(network, Formulation()), "cpu", inference=inference)(
        people
    ).people.joints

    for pose, result in zip(flat, refined, strict=True):
        corrected = pose @ (small @ np.diag([1, 1, -1])).T
        fitted, _ = Rotation.align_vectors(corrected, pose)
        assert fitted.magnitude() < np.radians(30)
        np.testing.assert_allclose(
            result - result[14], fitted.inv().apply(corrected), atol=HUNDREDTH_OF_A_MILLIMETRE
        )


def test_a_pose_of_absurd_size_does_not_keep_the_others_from_being_refined(network, make_people):
    people = make_people(3)
    joints = people.joints.copy()
    joints[1, 3] = 1e25

    refined = Refiner(Checkpoint(network, Formulation()), "cpu")(
        people.with_joints(joints)
    ).people.joints

    assert np.isfinite(refined[[0, 2]]).all()


@pytest.mark.parametrize("name", ["turn_threshold", "root_threshold"])
def test_a_threshold_below_zero_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be 0 or more, got -0.1"):
        InferenceOptions(**{name: -0.1})


def test_roots_whose_distances_are_known_stay_and_others_move_as_the_network_says(make_people):
    network = _Correcting(-1.0, np.eye(3), 1.2)
    people = make_people(1)
    people = people.with_joints(people.joints - people.joints[:, 14:15] + np.float32([0, 0, 4]))
    deviations = np.array([np.nan, 0.3, 0.12, 0.06, 0.02, 0.0], np.float32)
    moved = []
    for deviation in deviations:
        given = replace(people, distance_deviations=np.array([deviation]))
        refined = Refiner(Checkpoint(network, Formulation()), "cpu")(given).people.joints
        moved.append((refined - people.joints)[0, 14])
        pose = refined - refined[:, 14:15]
        np.testing.assert_allclose(pose[0], _pose(people, 1.2), atol=1e-3)
    shares = np.linalg.norm(moved, axis=1) / np.linalg.norm(moved[0])
    np.testing.assert_allclose(shares, [1, 1, 0.982, 0.632, 0.105, 0], atol=2e-3)


def _pose(people, stretch):
    return stretch * (people.joints - people.joints[:, 14:15])[0]
