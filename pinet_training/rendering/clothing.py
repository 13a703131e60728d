"""Dress bodies: color, pattern and thickness of skin, hair and clothes at each vertex at rest.

Clothes are the body's own surface, moved outwards along its normals, so that they move with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pinet_training.rendering.accessories import Worn, put_on
from pinet_training.rendering.bodies import Bodies
from pinet_training.rendering.canvas import (
    Canvas,
    cloth_color,
    cloth_pattern,
    hair_color,
    skin_color,
)
from pinet_training.rendering.mesh import PATTERN_NOISE, VertexNormals
from pinet_training.rendering.skirts import Drape, Draper
from pinet_training.rendering.styles import Style, draw_style

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

# Ends of sleeves from the shoulder (0) via the elbow (0.5) to the wrist (1), and of trouser legs
# from the hip (0) via the knee (0.5) to the ankle (1).
_SLEEVES = (0.0, 0.22, 0.28, 0.4, 0.6, 0.93, 0.96, 0.97)
_LEGS = (0.2, 0.35, 0.5, 0.75, 0.94, 0.96, 0.97, 0.97)


_BARE_LEGS = (0.15, 0.2, 0.97)  # those of what is worn under a skirt
_BAGS = {"backpack": 0.1, "shoulder bag": 0.06, "handbag": 0.06}
_HATS = {"cap": 0.06, "hat": 0.04, "helmet": 0.04}
_NO_HAT = 1 - sum(_HATS.values())


@dataclass(frozen=True, eq=False)
class Outfit:
    """A dressed body at rest.

    Attributes:
        vertices: (V,3) float32 metres, body frame.
        normals: (V,3) float32 unit vectors.
        colors: (V,3) float32 linear RGB, 0 to 1.
        pattern: (V,2) float32, as Mesh.pattern.
        names: of the garments and accessories that not everybody wears, such as "skirt".
        drape: cloth that hangs around the legs; None for none.
        worn: hats and bags.
    """

    vertices: np.ndarray
    normals: np.ndarray
    colors: np.ndarray
    pattern: np.ndarray
    names: tuple[str, ...] = ()
    drape: Drape | None = None
    worn: tuple[Worn, ...] = ()


class Wardrobe:
    """Dresses bodies in random skin, hair and clothes.

    Args:
        bodies: with the bone names of Anny; their template shows where each part of the body is.

    Attributes:
        draper: hangs the loose parts of the clothes around the posed body.
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
        knee, ankle = (
            float(bodies.template_bone_heads[self._bone[f"{bone}.L"], 2])
            for bone in ("lowerleg01", "foot")
        )
        below_waist = self._part["torso"] | self._part["leg"]
        self.draper = Draper(bodies.template_vertices, below_waist, knee, ankle)

    def dress(self, body: int, rng: np.random.Generator) -> Outfit:
        """Give a body random skin, face, hair, an upper and a lower garment, and shoes.

        Args:
            body: index in the bodies.
            rng: decides all of it.
        """
        canvas = Canvas(len(self._normals))
        skin = skin_color(rng)
        canvas.paint(slice(None), skin)
        hair = hair_color(rng)
        self._paint_face(canvas, skin, hair, rng)
        self._paint_hair(canvas, hair, rng)
        style = draw_style(rng)
        drape = self._paint_clothes(canvas, style, rng)
        self._paint_shoes(canvas, rng)
        names = list(style.names)
        if style.hood:
            self._paint_hood(canvas, rng)
        bag = str(rng.choice([*_BAGS, ""], p=[*_BAGS.values(), 1 - sum(_BAGS.values())]))
        hat = "" if style.hood else str(rng.choice([*_HATS, ""], p=[*_HATS.values(), _NO_HAT]))
        names += [name for name in (bag, hat) if name]
        strap = cloth_color(rng)
        for where in self._straps(bag):
            canvas.paint(where, strap, 0.012 + canvas.thickness[where])
        folds = 1 + 0.3 * np.sin(self._bodies.template_vertices @ rng.normal(0, 30, 3))
        offset = (canvas.thickness * folds)[:, None] * self._normals
        vertices = (self._bodies.vertices[body] + offset).astype(np.float32)
        head = vertices[self._part["head"]]
        trunk = vertices[self._part["torso"]]
        worn = put_on([bag, hat], head, trunk, strap, rng)
        return Outfit(
            vertices,
            self._normals_of(vertices),
            canvas.colors,
            canvas.pattern,
            tuple(names),
            drape,
            worn,
        )

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
        self, canvas: Canvas, skin: np.ndarray, hair: np.ndarray, rng: np.random.Generator
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

    def _paint_hair(self, canvas: Canvas, hair: np.ndarray, rng: np.random.Generator) -> None:
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
            hair = cloth_color(rng)
        canvas.paint(covered, hair, thickness, (PATTERN_NOISE, 120))

    def _paint_clothes(
        self, canvas: Canvas, style: Style, rng: np.random.Generator
    ) -> Drape | None:
        """Paint an upper and a lower garment; returns the part of them that hangs loosely."""
        z = self._bodies.template_vertices[:, 2]
        waist, collar = rng.uniform([0.06, 0.49], [0.16, 0.56])
        sleeve = 0.97 if style.bulky or style.coat else rng.choice(_SLEEVES)
        leg = rng.choice(_BARE_LEGS) if style.skirt else rng.choice(_LEGS)
        short_coat = style.bulky or rng.random() < 0.1  # an upper garment down to the thighs
        hem = rng.uniform(0.05, 0.25) if short_coat else -np.inf
        torso, legs, along_leg = self._part["torso"], self._part["leg"], self._along_leg
        long_neck = self._part["neck"] & (style.bulky or rng.random() < 0.1)
        upper = torso & (z >= waist) & (z < collar) | (self._along_arm < sleeve) | long_neck
        upper |= legs & (z > waist) | (short_coat & (torso & (z < waist) | (along_leg < hem)))
        lower = torso & (z < waist) | (along_leg < leg)
        trousers = cloth_color(rng)
        shirt = trousers if rng.random() < 0.1 else cloth_color(rng)
        below, above = rng.uniform(0.002, [0.022, 0.025])
        widening = below + style.wide * 0.045 * along_leg.clip(0, 1)[lower]
        lower_pattern, upper_pattern = cloth_pattern(rng, plain=0.6), cloth_pattern(rng, plain=0.4)
        canvas.paint(lower, trousers, widening, lower_pattern)
        thickness = above + 0.008 * short_coat
        if style.bulky:  # quilted
            seams = np.where(np.isfinite(self._along_arm), 0.55 * self._along_arm, z)
            thickness = rng.uniform(0.02, 0.042) * (1 + 0.25 * np.sin(seams * 75))[upper]
        canvas.paint(upper, shirt, thickness, upper_pattern)
        if style.gloves:
            canvas.paint(self._part["hand"], cloth_color(rng))
        if not (style.skirt or style.coat):
            return None
        of_shirt = style.coat or style.dress
        return Drape(
            hem=style.hem,
            flare=style.flare,
            gap=style.gap,
            color=shirt if of_shirt else trousers,
            pattern=upper_pattern if of_shirt else lower_pattern,
        )

    def _paint_hood(self, canvas: Canvas, rng: np.random.Generator) -> None:
        _, y, z = self._from_eyes
        hood = (self._part["head"] & ((y > 0.02) | (z > 0.06))) | (self._part["neck"] & (y > 0.03))
        canvas.paint(hood, cloth_color(rng), rng.uniform(0.015, 0.035))

    def _straps(self, bag: str) -> list[np.ndarray]:
        """Masks (V,) of the straps of a bag, on the trunk."""
        x, _, z = self._bodies.template_vertices.T
        torso = self._part["torso"]
        if bag == "backpack":
            return [torso & (np.abs(np.abs(x) - 0.1) < 0.025) & (z > 0.25)]
        if bag == "shoulder bag":  # across the chest
            return [torso & (np.abs(x + 0.13 - (0.5 - z) * 0.6) < 0.025)]
        return []

    def _paint_shoes(self, canvas: Canvas, rng: np.random.Generator) -> None:
        if rng.random() < 0.08:
            return  # barefoot
        foot, z = self._part["foot"], self._bodies.template_vertices[:, 2]
        canvas.paint(foot, cloth_color(rng), 0.008)
        sole = foot & (z < z.min() + 0.02)
        canvas.paint(sole, np.full(3, rng.uniform(0.02, 0.8)), 0.008)
