from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pinet_ros.geometry.turning import turn_points
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import Checkpoint, build_network, save_checkpoint
from pinet_ros.refinement.formulation import Distance, Formulation
from pinet_ros.refinement.inference import AS_PREDICTED, RefinerConfig
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


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("count", range(1, 7))
def test_weights_with_deviations_give_what_the_plain_network_gives(
    count, told, sure_network, sure_plain, make_people, tmp_path
):
    save_checkpoint(tmp_path / "own.safetensors", sure_network, Formulation("facing"))
    people = make_people(count)
    if not told:
        unknown = dict.fromkeys(("deviations", "distance_deviations", "root_deviations"))
        people = replace(people, **unknown)
    up = np.array([0.1, -0.9, -0.4]) / np.linalg.norm([0.1, -0.9, -0.4]) if told else None
    people = replace(people, up=up)
    given = np.column_stack([people.deviations, people.distance_deviations]).astype(float)
    given[:, 14] = people.root_deviations

    refined = Refiner(tmp_path / "own.safetensors", "cpu")(people).people

    expected, deviations = sure_plain.facing(people.joints.astype(float), given, up)
    assert np.abs(refined.joints - expected).max() < HUNDREDTH_OF_A_MILLIMETRE
    assert np.abs(refined.joints - people.joints).max() > 0.01
    np.testing.assert_allclose(refined.distance_deviations, deviations[:, 17], rtol=1e-4)
    np.testing.assert_allclose(refined.root_deviations, deviations[:, 14], rtol=1e-4)
    np.testing.assert_allclose(refined.deviations[:, :14], deviations[:, :14], rtol=1e-4)
    assert (refined.deviations[:, 14] == 0).all()


def test_who_passes_through_keeps_the_deviations(sure_network, make_people):
    people = make_people(3)
    people.joints[1, 4] = np.nan
    people.deviations[1] = np.nan

    refined = Refiner(Checkpoint(sure_network, Formulation("facing")), "cpu")(people).people

    assert np.isnan(refined.deviations[1]).all()
    assert refined.distance_deviations[1] == people.distance_deviations[1]
    assert (refined.distance_deviations[[0, 2]] != people.distance_deviations[[0, 2]]).all()


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
@pytest.mark.parametrize("standardisation", ["root_centred", "facing"])
def test_the_gpu_gives_what_the_cpu_gives(standardisation, network, sure_network, make_people):
    people = replace(make_people(5), up=np.array([0.0, -1.0, 0.0]))
    given = network if standardisation == "root_centred" else sure_network

    on_cpu, on_gpu = (
        Refiner(Checkpoint(given, Formulation(standardisation)), device)(people).people
        for device in ("cpu", "cuda")
    )

    assert np.abs(on_gpu.joints - on_cpu.joints).max() < 1e-3
    np.testing.assert_allclose(on_gpu.deviations, on_cpu.deviations, rtol=1e-3)


@pytest.mark.parametrize("field", ["deviations", "distance_deviations", "root_deviations"])
def test_an_absurd_deviation_does_not_keep_the_others_from_being_refined(
    field, sure_network, make_people
):
    people = make_people(3)
    getattr(people, field)[1] = np.finfo(np.float32).max

    refined = Refiner(Checkpoint(sure_network, Formulation("facing")), "cpu")(people).people

    assert np.isfinite(refined.joints).all()
    assert np.isfinite(refined.deviations).all()


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_camera_refines_as_an_upright_one(degrees, sure_network, make_people):
    upright = replace(make_people(3), up=np.array([0.0, -0.8, -0.6]))
    turned = replace(
        upright,
        joints=turn_points(upright.joints, -degrees),
        up=turn_points(upright.up, -degrees),
    )
    checkpoint = Checkpoint(sure_network, Formulation("facing"))

    expected = Refiner(checkpoint, "cpu")(upright).people
    config = RefinerConfig(image_rotation=degrees)
    refined = Refiner(checkpoint, "cpu", config=config)(turned).people

    np.testing.assert_allclose(
        turn_points(refined.joints, degrees), expected.joints, atol=HUNDREDTH_OF_A_MILLIMETRE
    )
    np.testing.assert_allclose(refined.deviations, expected.deviations, rtol=1e-4)


def test_a_pose_of_absurd_size_does_not_keep_the_others_from_being_refined(network, make_people):
    people = make_people(3)
    joints = people.joints.copy()
    joints[1, 3] = 1e25

    refined = Refiner(Checkpoint(network, Formulation()), "cpu")(
        people.with_joints(joints)
    ).people.joints

    assert np.isfinite(refined[[0, 2]]).all()
