"""Things that look like people and are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from made_up_ingredients import made_up_ingredients

from pinet_training.rendering import look_alikes
from pinet_training.rendering.backgrounds import Backgrounds
from pinet_training.rendering.bodies import Bodies
from pinet_training.rendering.look_alikes import LookAlikes
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.places import Place
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.rig import Rig
from pinet_training.rendering.stage import Stage
from pinet_training.rendering.viewpoint import random_viewpoint

pytestmark = pytest.mark.slow

MAKERS = ("_mannequin", "_statue", "_coat", "_picture")


@pytest.fixture(scope="module")
def ingredients(opengl, tmp_path_factory):
    files = made_up_ingredients(tmp_path_factory.mktemp("look_alikes"), 320, 240)
    rig = Rig(Bodies.load(files.bodies).part("train"))
    return rig, Motions.load(files.motion)["train"], Renderer(320, 240)


@pytest.fixture(scope="module")
def makes(ingredients):
    return LookAlikes(*ingredients)


@pytest.mark.parametrize("maker", MAKERS)
def test_they_stand_on_the_ground_and_are_as_tall_as_people_or_smaller(makes, maker):
    for seed in range(10):
        piece = getattr(makes, maker)(np.random.default_rng(seed))
        used = piece.mesh.vertices[np.unique(piece.mesh.faces)]
        assert -0.02 < used[:, 2].min() < (2.0 if maker == "_picture" else 0.02)
        assert 0.3 < used[:, 2].max() < 3.2
        away = np.linalg.norm(piece.mesh.vertices[:, :2], axis=1)
        assert away.max() == pytest.approx(piece.radius)


def test_most_mannequins_have_no_head(makes):
    heights = [makes._mannequin(np.random.default_rng(seed)).mesh for seed in range(40)]
    tops = np.array(
        [m.vertices[np.unique(m.faces), 2].max() / m.vertices[:, 2].max() for m in heights]
    )
    assert 0.35 < (tops < 0.99).mean() < 0.85


def test_a_statue_is_of_one_material(makes):
    mesh = makes._statue(np.random.default_rng(1)).mesh
    assert len(np.unique(mesh.colors, axis=0)) == 2  # the figure and its plinth


def test_a_picture_shows_somebody_before_a_plain_ground(makes):
    shown = [makes._photo(np.random.default_rng(seed)) for seed in range(8)]
    for colors in shown:
        assert colors.shape == (97, 49, 3)
        corner = colors[0, 0]
        other = np.abs(colors - corner).max(axis=-1) > 0.02
        assert 0.005 < other.mean() < 0.9
        assert other[:, 12:37].sum() > other[:, :12].sum()  # in the middle


def test_a_sheet_has_its_first_row_at_the_top_and_faces_whom_it_is_turned_to():
    colors = np.zeros((3, 2, 3), np.float32)
    colors[0] = 1
    mesh = look_alikes._sheet(colors, 1.0, 2.0)
    np.testing.assert_allclose(mesh.vertices[mesh.colors[:, 0] == 1, 2], 2.0)
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 1] < 0).all()


def test_they_keep_clear_of_people(makes, monkeypatch):
    monkeypatch.setattr(look_alikes, "_NUMBERS", {2: 1.0})
    places = [Place(-0.8, 2.5, 0.0), Place(1.2, 3.3, 1.0)]
    count = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        viewpoint = random_viewpoint(rng, 320, 240)
        for mesh in makes(rng, places, viewpoint, alone=False):
            count += 1
            polygon = cv2.convexHull(mesh.vertices[:, :2].astype(np.float32))
            for place in places:
                spot = tuple(map(float, place.position))
                assert cv2.pointPolygonTest(polygon, spot, True) < -0.25
    assert count > 10


def test_they_are_no_people_of_the_scene(ingredients, monkeypatch):
    """The truth has as many people with as without them."""
    rig, motions, renderer = ingredients
    stage = Stage(rig, motions, Backgrounds.load(None, "train"), renderer)
    monkeypatch.setattr(look_alikes, "_NUMBERS", {2: 1.0})
    many = [stage.shoot(np.random.default_rng(seed)) for seed in range(4)]
    monkeypatch.setattr(look_alikes, "_NUMBERS", {0: 1.0})
    none = [stage.shoot(np.random.default_rng(seed)) for seed in range(4)]
    assert any((a.image != b.image).any() for a, b in zip(many, none, strict=True))
    for a, b in zip(many, none, strict=True):
        np.testing.assert_array_equal(a.people["person_joints"], b.people["person_joints"])
