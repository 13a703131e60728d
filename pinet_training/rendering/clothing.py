"""Dress bodies: color, pattern and thickness of skin, hair and clothes at each vertex at rest.

Clothes are the body's own surface, moved outwards along its normals, so that they move with it.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pinet_training.rendering.bodies import Bodies
from pinet_training.rendering.mesh import (
    PATTERN_CHECKS,
    PATTERN_NOISE,
    PATTERN_PLAIN,
    PATTERN_STRIPES_ACROSS,
    PATTERN_STRIPES_ALONG,
    VertexNormals,
)

# Parts of the body, by the prefixes of the bones that move them. All the rest is the head.
_PARTS = {
    "torso": ("root", "pelvis", "spine", "clavicle", "shoulder"),
    "arm": ("upperarm", "lowerarm"),
    "hand": ("wrist", "metacarpal", "finger"),
    "leg": ("upperleg", "lowerleg"),
    "foot": ("foot", "toe"),
    "neck": ("neck",),
    "eye": ("eye",),
}

# sRGB, 0 to 255: skin from the darkest to the lightest, and hair with its probabilities.
_SKIN = (
    (62, 38, 27),
    (97, 60, 40),
    (141, 88, 58),
    (186, 126, 86),
    (220, 168, 125),
    (247, 214, 188),
)
_HAIR = (
    ((18, 14, 12), 0.3),  # black
    ((48, 30, 20), 0.25),  # dark brown
    ((96, 62, 36), 0.18),  # brown
    ((186, 148, 92), 0.1),  # blond
    ((140, 62, 28), 0.04),  # red
    ((128, 126, 124), 0.09),  # gray
    ((214, 212, 208), 0.04),  # white
)

# Ends of sleeves from the shoulder (0) via the elbow (0.5) to the wrist (1), and of trouser legs
# from the hip (0) via the knee (0.5) to the ankle (1).
_SLEEVES = (0.0, 0.22, 0.28, 0.4, 0.6, 0.93, 0.96, 0.97)
_LEGS = (0.2, 0.35, 0.5, 0.75, 0.94, 0.96, 0.97, 0.97)


@dataclass(frozen=True, eq=False)
class Outfit:
    """A dressed body at rest.

    Attributes:
        vertices: (V,3) float32 metres, body frame.
        normals: (V,3) float32 unit vectors.
        colors: (V,3) float32 linear RGB, 0 to 1.
        pattern: (V,2) float32, as Mesh.pattern.
    """

    vertices: np.ndarray
    normals: np.ndarray
    colors: np.ndarray
    pattern: np.ndarray


class Wardrobe:
    """Dresses bodies in random skin, hair and clothes.

    Args:
        bodies: with the bone names of Anny; their template shows where each part of the body is.
    """

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._bone = {str(label): bone for bone, label in enumerate(bodies.labels)}
        strongest = [str(label) for label in bodies.labels[bodies.weights.argmax(axis=1)]]
        self._part = {
            part: np.array([label.startswith(names) for label in strongest])
            for part, names in _PARTS.items()
        }
        self._part["head"] = ~np.any(list(self._part.values()), axis=0)
        self._normals_of = VertexNormals(bodies.faces, len(bodies.template_vertices))
        self._normals = self._normals_of(bodies.template_vertices)
        eyes = [self._bone["eye.L"], self._bone["eye.R"]]
        between_eyes = bodies.template_bone_heads[eyes].mean(axis=0)
        self._from_eyes = np.ascontiguousarray((bodies.template_vertices - between_eyes).T)
        self._along_arm = self._along("arm", "upperarm01", "lowerarm01", "wrist")
        self._along_leg = self._along("leg", "upperleg01", "lowerleg01", "foot")

    def dress(self, body: int, rng: np.random.Generator) -> Outfit:
        """Give a body random skin, face, hair, an upper and a lower garment, and shoes.

        Args:
            body: index in the bodies.
            rng: decides all of it.
        """
        canvas = _Canvas(len(self._normals))
        skin = _skin_color(rng)
        canvas.paint(slice(None), skin)
        hair = _hair_color(rng)
        self._paint_face(canvas, skin, hair, rng)
        self._paint_hair(canvas, hair, rng)
        self._paint_clothes(canvas, rng)
        self._paint_shoes(canvas, rng)
        folds = 1 + 0.3 * np.sin(self._bodies.template_vertices @ rng.normal(0, 30, 3))
        offset = (canvas.thickness * folds)[:, None] * self._normals
        vertices = (self._bodies.vertices[body] + offset).astype(np.float32)
        return Outfit(vertices, self._normals_of(vertices), canvas.colors, canvas.pattern)

    def _along(self, part: str, first: str, middle: str, last: str) -> np.ndarray:
        """Position (V,) of each vertex along its limb: 0, 0.5 and 1 at the joints, else inf."""
        points = self._bodies.template_vertices.astype(float)
        along = np.full(len(points), np.inf)
        for letter, sign in (("L", 1), ("R", -1)):
            joints = [
                self._bodies.template_bone_heads[self._bone[f"{bone}.{letter}"]].astype(float)
                for bone in (first, middle, last)
            ]
            halves = [
                ((points - a) @ (b - a) / ((b - a) @ (b - a))).clip(0, 1)
                for a, b in pairwise(joints)
            ]
            on_side = self._part[part] & (sign * points[:, 0] > 0)
            along[on_side] = (sum(halves) / 2)[on_side]
        return along

    def _paint_face(
        self, canvas: _Canvas, skin: np.ndarray, hair: np.ndarray, rng: np.random.Generator
    ) -> None:
        x, y, z = self._from_eyes
        head, eye = self._part["head"], self._part["eye"]
        in_front = head & (y < 0)
        chin = in_front & (z < -0.055) & (y < 0.02)
        if rng.random() < 0.2:
            canvas.paint(chin, 0.6 * hair + 0.4 * skin, thickness=rng.uniform(0.001, 0.012))
        lips = in_front & (np.abs(x) < 0.024) & (np.abs(z + 0.068) < 0.009)
        canvas.paint(lips, skin * [0.8, 0.5, 0.5])
        brows = in_front & (np.abs(np.abs(x) - 0.03) < 0.018) & (np.abs(z - 0.022) < 0.005)
        canvas.paint(brows, 0.8 * hair)
        canvas.paint(eye, np.full(3, 0.75))
        iris = [[0.04, 0.02, 0.01], [0.1, 0.06, 0.03], [0.1, 0.16, 0.25]]
        canvas.paint(eye & (y < y[eye].min(initial=0) + 0.004), np.array(iris[rng.integers(3)]))

    def _paint_hair(self, canvas: _Canvas, hair: np.ndarray, rng: np.random.Generator) -> None:
        if rng.random() < 0.06:
            return  # bald
        _, y, z = self._from_eyes
        head = self._part["head"]
        hairline, temples, nape = rng.uniform([0.04, 0.03, -0.11], [0.06, 0.055, -0.02])
        covered = head & ((z > hairline) | ((y > temples) & (z > nape)))
        thickness = rng.uniform(0.003, 0.03)
        if rng.random() < 0.3:  # long, down to the shoulders or to the back
            end = rng.uniform(-0.4, -0.12)
            behind = self._part["neck"] | self._part["torso"]
            covered |= behind & (y > 0.09) & (z > end)
            covered |= head & (y > temples) & (z > -0.2)
        if rng.random() < 0.12:  # a cap or a scarf
            hair = _cloth_color(rng)
        canvas.paint(covered, hair, thickness, (PATTERN_NOISE, 120))

    def _paint_clothes(self, canvas: _Canvas, rng: np.random.Generator) -> None:
        z = self._bodies.template_vertices[:, 2]
        waist, collar = rng.uniform([0.06, 0.49], [0.16, 0.56])
        sleeve, leg = rng.choice(_SLEEVES), rng.choice(_LEGS)
        coat = rng.random() < 0.12  # an upper garment that hangs to the thighs
        hem = rng.uniform(0.1, 0.45) if coat else -np.inf
        torso, legs, along_leg = self._part["torso"], self._part["leg"], self._along_leg
        long_neck = self._part["neck"] & (rng.random() < 0.1)
        upper = torso & (z >= waist) & (z < collar) | (self._along_arm < sleeve) | long_neck
        upper |= legs & (z > waist) | (coat & (torso & (z < waist) | (along_leg < hem)))
        lower = torso & (z < waist) | (along_leg < leg)
        trousers = _cloth_color(rng)
        shirt = trousers if rng.random() < 0.1 else _cloth_color(rng)
        below, above = rng.uniform(0.002, [0.022, 0.025])
        canvas.paint(lower, trousers, below, _cloth_pattern(rng, plain=0.6))
        canvas.paint(upper, shirt, above + 0.008 * coat, _cloth_pattern(rng, plain=0.4))

    def _paint_shoes(self, canvas: _Canvas, rng: np.random.Generator) -> None:
        if rng.random() < 0.08:
            return  # barefoot
        foot, z = self._part["foot"], self._bodies.template_vertices[:, 2]
        canvas.paint(foot, _cloth_color(rng), 0.008)
        sole = foot & (z < z.min() + 0.02)
        canvas.paint(sole, np.full(3, rng.uniform(0.02, 0.8)), 0.008)


class _Canvas:
    """Color, pattern and thickness of the vertices of one outfit; later paint covers earlier."""

    def __init__(self, count: int) -> None:
        self.colors = np.zeros((count, 3), np.float32)
        self.pattern = np.zeros((count, 2), np.float32)
        self.thickness = np.zeros(count, np.float32)

    def paint(
        self,
        where: np.ndarray | slice,
        color: np.ndarray,
        thickness: float = 0.0,
        pattern: tuple[float, float] = (PATTERN_PLAIN, 0),
    ) -> None:
        """Cover the vertices of a mask (V,) or slice.

        Args:
            where: the vertices.
            color: (3,) linear RGB; clipped to 0 to 1.
            thickness: of the cloth or hair, metres.
            pattern: one of the PATTERN constants, and its cycles per metre.
        """
        self.colors[where] = np.clip(color, 0, 1)
        self.thickness[where] = thickness
        self.pattern[where] = pattern


def _linear(srgb: np.ndarray) -> np.ndarray:
    """Convert sRGB to linear RGB, both 0 to 1 (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _skin_color(rng: np.random.Generator) -> np.ndarray:
    """Linear RGB of skin: any tone from the darkest to the lightest, with some random tint."""
    tones = np.array(_SKIN) / 255
    place = rng.uniform(0, len(tones) - 1)
    tone = [np.interp(place, np.arange(len(tones)), channel) for channel in tones.T]
    return _linear(np.clip(tone * rng.normal(1, [0.04, 0.03, 0.05]), 0, 1))


def _hair_color(rng: np.random.Generator) -> np.ndarray:
    colors, shares = zip(*_HAIR, strict=True)
    return _linear(np.array(colors[rng.choice(len(colors), p=shares)]) / 255)


def _cloth_color(rng: np.random.Generator) -> np.ndarray:
    """Linear RGB of cloth: in 35 % black, gray or white, otherwise of any hue."""
    if rng.random() < 0.35:
        return _linear(np.clip(rng.uniform(0.05, 0.95) * rng.uniform(0.95, 1.05, 3), 0, 1))
    hue, saturation, value = rng.uniform([0, 0.15, 0.12], [1, 0.95, 0.95])
    return _linear(np.array(colorsys.hsv_to_rgb(hue, saturation, value)))


def _cloth_pattern(rng: np.random.Generator, plain: float) -> tuple[float, float]:
    """Kind of pattern and its cycles per metre; `plain` is the probability of none."""
    patterned = (PATTERN_STRIPES_ACROSS, PATTERN_STRIPES_ALONG, PATTERN_CHECKS, PATTERN_NOISE)
    kind = PATTERN_PLAIN if rng.random() < plain else int(rng.choice(patterned))
    return kind, float(rng.uniform(8, 45))
