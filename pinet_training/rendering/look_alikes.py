"""Things that look like people and are none: mannequins, statues, hanging coats, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.acting import upright_act
from pinet_training.rendering.figures import Figure, make_figure
from pinet_training.rendering.furniture import Piece
from pinet_training.rendering.lighting import random_light
from pinet_training.rendering.mesh import PATTERN_NOISE, PATTERN_PLAIN, Mesh
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.places import Place
from pinet_training.rendering.posture import yaw_rotation
from pinet_training.rendering.props import place_pieces
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.rig import Rig
from pinet_training.rendering.shapes import Paint, box, cone, grid_faces, join, random_paint
from pinet_training.rendering.viewpoint import Viewpoint

# How many there are, with probabilities: among people, and where nobody is.
_NUMBERS = {0: 0.7, 1: 0.2, 2: 0.1}
_NUMBERS_ALONE = {0: 0.25, 1: 0.35, 2: 0.25, 3: 0.15}

_PLASTIC = ((0.85, 0.82, 0.78), (0.5, 0.36, 0.27), (0.03, 0.03, 0.03), (0.75, 0.6, 0.5))
_STONE = ((0.6, 0.58, 0.52), (0.25, 0.25, 0.24), (0.14, 0.09, 0.05), (0.8, 0.8, 0.78))
_HEADLESS = 0.6  # share of the mannequins without a head
_NECK = 0.02  # metres above the thorax, where it ends
_FLAT = 0.45  # depth of a hanging coat over that of somebody who wears it
_TOP = (1.45, 1.85)  # metres: height at which it hangs
_PICTURE = (48, 96)  # quads of a picture, across and up
_HEIGHT = (0.5, 2.0)  # metres, of a picture


@dataclass(frozen=True, eq=False)
class LookAlikes:
    """Makes things that look like people.

    Attributes:
        rig: poses the bodies that they are made from.
        motions: clips that the postures are from.
        renderer: draws the pictures.
    """

    rig: Rig
    motions: Motions
    renderer: Renderer

    def __call__(
        self, rng: np.random.Generator, places: Sequence[Place], viewpoint: Viewpoint, alone: bool
    ) -> list[Mesh]:
        """Place a few around people, clear of them and of the camera.

        Args:
            rng: source of the randomness.
            places: of the people; if nobody is there, where somebody could be.
            viewpoint: the camera.
            alone: whether nobody is there.

        Returns:
            The things in the world frame.
        """
        numbers = _NUMBERS_ALONE if alone else _NUMBERS
        count = int(rng.choice(list(numbers), p=list(numbers.values())))
        makers = (self._mannequin, self._statue, self._coat, self._picture)
        pieces = [makers[rng.integers(len(makers))](rng) for _ in range(count)]
        return place_pieces(rng, pieces, places, viewpoint)

    def _figure(self, rng: np.random.Generator) -> Figure:
        body = int(rng.integers(len(self.rig.bodies)))
        return make_figure(self.rig, body, upright_act(self.motions, rng).posture, rng)

    def _mannequin(self, rng: np.random.Generator) -> Piece:
        """A dressed figure of plastic, in most cases without a head."""
        figure = self._figure(rng)
        mesh = figure.mesh
        bare = mesh.pattern[:, 1] == 0
        colors = np.where(bare[:, None], np.float32(_any(rng, _PLASTIC)), mesh.colors)
        mesh = replace(mesh, colors=colors.astype(np.float32))
        if rng.random() < _HEADLESS:
            mesh = _below(mesh, figure.joints[MUPOTS_17.index("thorax"), 2] + _NECK)
        return _piece(mesh)

    def _statue(self, rng: np.random.Generator) -> Piece:
        """A figure of stone or metal, on a plinth."""
        mesh = self._figure(rng).mesh
        paint = Paint(np.array(_any(rng, _STONE)), PATTERN_NOISE, float(rng.uniform(5, 30)))
        high, wide = rng.uniform(0.05, 1.0), rng.uniform(0.5, 0.8)
        plinth = box((wide, wide, high), random_paint(rng), (0, 0, high / 2))
        return _piece(join([_painted(mesh, paint).transformed(np.eye(3), [0, 0, high]), plinth]))

    def _coat(self, rng: np.random.Generator) -> Piece:
        """What covers somebody's trunk and arms, on a stand."""
        figure = self._figure(rng)
        joints = figure.joints
        thorax, pelvis = (joints[MUPOTS_17.index(each), 2] for each in ("thorax", "pelvis"))
        mesh = _below(figure.mesh, thorax + _NECK)
        lowest = pelvis * (1 - rng.uniform(0.0, 0.5))
        mesh = _where(mesh, (mesh.vertices[:, 2] > lowest) & (mesh.pattern[:, 1] > 0))
        top = rng.uniform(*_TOP)
        lift = np.array([0, 0, top - thorax])
        coat = replace(mesh, vertices=mesh.vertices * np.float32([1, _FLAT, 1]))
        stand = cone((0.02, 0.02), top + 0.1, random_paint(rng), (0, 0.05, 0))
        foot = cone((0.25, 0.05), 0.05, random_paint(rng))
        return _piece(join([coat.transformed(np.eye(3), lift), stand, foot]))

    def _picture(self, rng: np.random.Generator) -> Piece:
        """A poster or a screen that shows somebody."""
        height = rng.uniform(*_HEIGHT)
        width = height * _PICTURE[0] / _PICTURE[1]
        low = rng.uniform(0.0, max(0.05, 1.9 - height))
        sheet = _sheet(self._photo(rng), width, height).transformed(np.eye(3), [0, -0.02, low])
        board = box(
            (width + 0.06, 0.03, height + 0.06), random_paint(rng), (0, 0, low + height / 2)
        )
        other = sheet.transformed(yaw_rotation(np.pi), [0, 0, 0])  # whatever side is seen
        return _piece(join([sheet, other, board]))

    def _photo(self, rng: np.random.Generator) -> np.ndarray:
        """(97,49,3) linear RGB of a figure before a plain ground, from the top row."""
        figure = self._figure(rng)
        mesh = figure.mesh.transformed(yaw_rotation(rng.normal(0, 0.6)), [0, 0, 0])
        top = float(mesh.vertices[:, 2].max())
        low = rng.choice([0.0, 0.45]) * top  # whole, or from the hips up
        tall = 1.1 * (top - low)
        focal, away = 0.9 * self.renderer.height, 0.9 * tall  # so tall fills the height
        rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # world to camera
        seen = mesh.transformed(rotation, [0, (top + low) / 2, away])
        middle = [(self.renderer.width - 1) / 2, (self.renderer.height - 1) / 2]
        matrix = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
        light = random_light(rng).turned(rotation)
        rendering = self.renderer.render([seen], matrix, light, rotation[:, 2])
        ground = random_paint(rng).color
        image = rendering.color + (1 - rendering.coverage[..., None]) * ground
        half = round(self.renderer.height * _PICTURE[0] / _PICTURE[1] / 2)
        center = self.renderer.width // 2
        cut = image[:, center - half : center + half].astype(np.float32)
        size = (_PICTURE[0] + 1, _PICTURE[1] + 1)
        return cv2.resize(cut, size, interpolation=cv2.INTER_AREA)


def _any(rng: np.random.Generator, colors: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return colors[rng.integers(len(colors))]


def _piece(mesh: Mesh) -> Piece:
    return Piece(mesh, radius=float(np.linalg.norm(mesh.vertices[:, :2], axis=1).max()))


def _painted(mesh: Mesh, paint: Paint) -> Mesh:
    count = len(mesh.vertices)
    return replace(
        mesh,
        colors=np.tile(np.float32(paint.color), (count, 1)),
        pattern=np.tile(np.float32([paint.pattern, paint.cycles]), (count, 1)),
    )


def _below(mesh: Mesh, height: float) -> Mesh:
    return _where(mesh, mesh.vertices[:, 2] < height)


def _where(mesh: Mesh, kept: np.ndarray) -> Mesh:
    """The triangles of which all vertices (V,) bool are kept."""
    return replace(mesh, faces=mesh.faces[kept[mesh.faces].all(axis=1)])


def _sheet(colors: np.ndarray, width: float, height: float) -> Mesh:
    """An upright sheet of colors (R,C,3), from its top row, that faces -y and stands on z = 0."""
    rows, columns = colors.shape[:2]
    x, z = np.meshgrid(np.linspace(-0.5, 0.5, columns), np.linspace(0, 1, rows))
    vertices = np.stack([x * width, 0 * x, z * height], axis=-1).reshape(-1, 3)
    count = len(vertices)
    return Mesh(
        vertices=vertices.astype(np.float32),
        normals=np.tile(np.float32([0, -1, 0]), (count, 1)),
        faces=grid_faces(rows, columns).astype(np.int32),
        colors=colors[::-1].reshape(-1, 3).astype(np.float32),
        surface=vertices.astype(np.float32),
        pattern=np.tile(np.float32([PATTERN_PLAIN, 0]), (count, 1)),
    )
