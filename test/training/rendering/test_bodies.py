"""Bodies: their file, and those that Anny makes."""

from __future__ import annotations

import sys
from dataclasses import fields

import numpy as np
import pytest
from made_up_bodies import made_up_bodies

from pinet_training.rendering.anny_bodies import make_bodies
from pinet_training.rendering.bodies import Bodies, BodiesError
from pinet_training.rendering.posture import LIMBS
from pinet_training.rendering.rig import Rig

pytestmark = pytest.mark.slow


def test_a_file_gives_back_what_was_saved(tmp_path):
    bodies = made_up_bodies(splits=["train", "test", "train"])
    bodies.save(tmp_path / "bodies.npz")
    read = Bodies.load(tmp_path / "bodies.npz")
    assert np.abs(read.vertices - bodies.vertices).max() < 2e-5
    for field in fields(Bodies):
        before, after = (getattr(b, field.name) for b in (bodies, read))
        assert after.dtype == before.dtype
        assert field.name == "vertices" or np.array_equal(after, before)


def test_vertices_too_far_from_the_template_are_not_cut_off(tmp_path):
    with pytest.raises(BodiesError, match="metres"):
        made_up_bodies(sizes=(1000,)).save(tmp_path / "bodies.npz")


@pytest.mark.parametrize("content", [None, b"text", "other"])
def test_what_is_no_file_of_bodies_is_an_error(tmp_path, content):
    path = tmp_path / "bodies.npz"
    if content == "other":
        np.savez(path, vertices=np.zeros(3))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(BodiesError, match=r"bodies\.npz"):
        Bodies.load(path)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_an_error(tmp_path, part):
    path = tmp_path / "bodies.npz"
    made_up_bodies().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(
        BodiesError, match=r"bodies\.npz is not an .npz .*to make the bodies again"
    ):
        Bodies.load(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("weights", lambda a: a[:-1], r"weights must be \(V,B\) float32, .* sizes that match"),
        ("bone_heads", lambda a: a[..., :2], r"bone_heads must be \(N,B,3\) float32"),
        ("faces", lambda a: a[:0], r"faces must be \(F,3\) int32.* got \(0, 3\) int32"),
        ("faces", lambda a: a.astype(float), "faces must be .* float64"),
        ("faces", lambda a: a + 10_000, r"faces must be from 0 to \d+, got 10000 to \d+"),
        ("parents", lambda a: a[::-1], "parents must come before their children"),
        ("labels", lambda a: np.arange(len(a)), "labels must be"),
        (
            "splits",
            lambda a: np.array(["validation"] * 3),
            "splits must be train or test, got val",
        ),
        ("splits", lambda a: a[:2], r"splits must be \(N\) str_, .* got \(2,\)"),
        ("bone_heads", lambda a: a * np.float32(np.nan), "must be finite"),
        ("template_vertices", None, "lacks the field 'template_vertices'"),
    ],
)
def test_arrays_that_do_not_belong_together_are_an_error(tmp_path, name, change, message):
    path = tmp_path / "bodies.npz"
    made_up_bodies().save(path)
    with np.load(path) as file:
        arrays = dict(file)
    before = arrays.pop(name)
    np.savez(path, **arrays, **({} if change is None else {name: change(before)}))
    with pytest.raises(BodiesError, match=message):
        Bodies.load(path)


def test_a_part_is_the_bodies_of_a_split():
    bodies = made_up_bodies(splits=["train", "test", "train"])
    part = bodies.part("train")
    assert len(part) == 2
    assert np.array_equal(part.vertices, bodies.vertices[[0, 2]])
    assert np.array_equal(part.bone_heads, bodies.bone_heads[[0, 2]])
    with pytest.raises(BodiesError, match="test, train"):
        bodies.part("validation")


def test_without_anny_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "anny", None)
    with pytest.raises(BodiesError, match=r"pinet_ros\[render\]"):
        make_bodies(1, 1, 0)


@pytest.fixture(scope="session")
def anny_bodies():
    """Two minutes, most of which Anny takes to read its data."""
    anny = pytest.importorskip("anny")
    before = anny.paths.get_anny_cache_path()
    bodies = make_bodies(40, 3, seed=7)
    assert anny.paths.get_anny_cache_path() == before
    return bodies


def test_bodies_of_anny_are_plausible(anny_bodies):
    stature = np.ptp(anny_bodies.vertices[..., 2], axis=1)
    assert list(anny_bodies.splits) == ["train"] * 40 + ["test"] * 3
    assert stature.min() > 1.0
    assert stature.max() < 2.2
    assert np.median(stature) == pytest.approx(1.69, abs=0.08)
    assert stature.std() == pytest.approx(0.13, abs=0.06)
    # no two are the same, nor are those of the other split
    assert len(np.unique(stature.round(6))) == 43


def test_the_surface_of_anny_is_skin_that_is_seen(anny_bodies):
    assert np.allclose(anny_bodies.weights.sum(axis=1), 1, atol=1e-5)
    count = len(anny_bodies.template_vertices)
    assert np.array_equal(np.unique(anny_bodies.faces), np.arange(count))
    # of 13,718 vertices one in ten is in the mouth
    assert 12000 < count < 13000
    assert len(anny_bodies.labels) == len(anny_bodies.parents) == anny_bodies.weights.shape[1]
    # faces are counterclockwise from outside: the volume is positive, of 40 to 120 kg of water
    a, b, c = anny_bodies.template_vertices[anny_bodies.faces].transpose(1, 0, 2).astype(float)
    assert 0.04 < np.einsum("fi,fi->", a, np.cross(b, c)) / 6 < 0.12


def test_bones_of_anny_are_those_that_the_rig_knows(anny_bodies):
    rig = Rig(anny_bodies)
    at = dict(zip(anny_bodies.labels, anny_bodies.template_bone_heads, strict=True))
    assert at["upperarm01.L"][0] > 0.1  # x to the person's left
    assert at["toe2-1.L"][1] < at["foot.L"][1] - 0.1  # faces -y
    assert at["head"][2] > at["root"][2] + 0.5  # z up
    assert rig.bodies.parents[list(anny_bodies.labels).index("root")] == -1
    assert len(LIMBS) == 12
