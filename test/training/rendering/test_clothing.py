"""What people wear, and the normals of surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_bodies import made_up_bodies

from pinet_training.rendering.clothing import Wardrobe
from pinet_training.rendering.mesh import PATTERN_NOISE, PATTERN_PLAIN, Mesh, VertexNormals

OUTFITS = 150


@pytest.fixture(scope="module")
def bodies():
    return made_up_bodies()


@pytest.fixture(scope="module")
def outfits(bodies):
    wardrobe = Wardrobe(bodies)
    rng = np.random.default_rng(0)
    return [wardrobe.dress(body % len(bodies), rng) for body in range(OUTFITS)]


def of_bones(bodies, *starts):
    strongest = bodies.labels[bodies.weights.argmax(axis=1)]
    return np.array([label.startswith(starts) for label in strongest])


def brightness(outfits, where):
    return np.array([outfit.colors[where].mean() for outfit in outfits])


def test_outfits_are_decided_by_the_generator(bodies):
    wardrobe = Wardrobe(bodies)
    one, same, other = (wardrobe.dress(0, np.random.default_rng(s)) for s in (1, 1, 2))
    for name, value in vars(one).items():
        assert np.array_equal(value, getattr(same, name))
    assert not np.array_equal(one.colors, other.colors)


def test_clothes_are_thin_and_bare_skin_is_where_the_body_is(bodies, outfits):
    hands = of_bones(bodies, "wrist", "finger", "metacarpal")
    thickest = 0.0
    for number, outfit in enumerate(outfits):
        offset = outfit.vertices - bodies.vertices[number % len(bodies)]
        distance = np.linalg.norm(offset, axis=1)
        assert np.allclose(distance[hands], 0, atol=1e-6)
        assert distance.max() < 0.09
        thickest = max(thickest, distance.max())
    assert thickest > 0.02


def test_clothes_lie_outside_the_body(bodies, outfits):
    # each vertex of a box is pushed away from the box's middle
    for number, outfit in enumerate(outfits[:20]):
        rest = bodies.vertices[number % len(bodies)].reshape(-1, 8, 3)
        worn = outfit.vertices.reshape(-1, 8, 3)
        out = rest - rest.mean(axis=1, keepdims=True)
        assert (np.einsum("bvi,bvi->bv", worn - rest, out) >= -1e-6).all()


def test_normals_are_those_of_the_dressed_surface(bodies, outfits):
    outfit = outfits[3]
    expected = np.zeros_like(outfit.vertices)
    for face in bodies.faces:
        a, b, c = outfit.vertices[face]
        expected[face] += np.cross(b - a, c - a)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(outfit.normals, expected, atol=1e-4)


def test_colors_and_patterns_can_be_drawn(outfits):
    for outfit in outfits:
        assert outfit.colors.min() >= 0
        assert outfit.colors.max() <= 1
        assert np.isin(outfit.pattern[:, 0], np.arange(PATTERN_PLAIN, PATTERN_NOISE + 1)).all()
        assert outfit.pattern[:, 1].min() >= 0


def test_all_patterns_are_worn(bodies, outfits):
    chest = of_bones(bodies, "spine03")
    assert {int(outfit.pattern[chest][0, 0]) for outfit in outfits} == {0, 1, 2, 3, 4}


def test_skin_is_of_any_tone(bodies, outfits):
    hands = brightness(outfits, of_bones(bodies, "wrist"))
    assert np.quantile(hands, 0.05) < 0.06
    assert np.quantile(hands, 0.95) > 0.5
    assert 0.1 < np.median(hands) < 0.4


@pytest.mark.parametrize(
    ("bone", "bare"), [("lowerarm01", (0.4, 0.8)), ("lowerleg01", (0.1, 0.7))]
)
def test_limbs_are_sometimes_bare(bodies, outfits, bone, bare):
    limb, hand = of_bones(bodies, bone), of_bones(bodies, "wrist")
    like_the_hands = [
        np.allclose(outfit.colors[limb][-1], outfit.colors[hand][0]) for outfit in outfits
    ]
    assert bare[0] < np.mean(like_the_hands) < bare[1]


def test_most_wear_shoes_and_chests_are_covered(bodies, outfits):
    hand = of_bones(bodies, "wrist")
    for bone, least in (("spine03", 1.0), ("foot", 0.8)):
        part = of_bones(bodies, bone)
        covered = [
            not np.allclose(outfit.colors[part], outfit.colors[hand][0]) for outfit in outfits
        ]
        assert np.mean(covered) >= least


def test_left_and_right_are_dressed_alike(bodies, outfits):
    labels = list(bodies.labels)
    pairs = [(labels.index(f"{b}.L"), labels.index(f"{b}.R")) for b in ("lowerarm01", "foot")]
    for outfit in outfits:
        boxes = outfit.colors.reshape(len(labels), 8, 3)
        for left, right in pairs:
            # the corners of a box, from the other side
            assert np.array_equal(boxes[left], boxes[right][[4, 5, 6, 7, 0, 1, 2, 3]])


def test_normals_of_a_sphere_point_away_from_its_middle():
    rng = np.random.default_rng(1)
    polar, around = np.meshgrid(
        np.linspace(0.01, np.pi - 0.01, 40), np.arange(60) / 60 * 2 * np.pi
    )
    points = np.stack(
        [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1
    ).reshape(-1, 3)
    corner = np.arange(60 * 40).reshape(60, 40)
    a, b = corner[:, :-1], corner[:, 1:]
    c, d = np.roll(a, -1, axis=0), np.roll(b, -1, axis=0)
    faces = np.stack([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).reshape(-1, 3)
    normals = VertexNormals(faces, len(points))(0.3 * points + rng.normal(size=3))
    inner = np.abs(points[:, 2]) < 0.95
    assert np.einsum("vi,vi->v", normals, points)[inner].min() > 0.999


def test_a_mesh_is_turned_and_then_moved(bodies):
    ones = np.ones((len(bodies.template_vertices), 3), np.float32)
    mesh = Mesh(bodies.template_vertices, ones, bodies.faces, ones, ones, ones[:, :2])
    turned = mesh.transformed(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), np.array([1, 2, 3]))
    x, y, z = mesh.vertices.T
    assert np.allclose(turned.vertices, np.stack([1 - y, 2 + x, 3 + z], axis=1))
    assert np.allclose(turned.normals, [-1, 1, 1])
    assert turned.vertices.dtype == np.float32
    assert turned.surface is mesh.surface
