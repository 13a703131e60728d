"""Renders meshes with instance and depth maps: offscreen OpenGL, on a GPU or the CPU."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from pinet_ros.errors import PinetError
from pinet_training.rendering import shaders
from pinet_training.rendering.lighting import Light
from pinet_training.rendering.mesh import Mesh

if TYPE_CHECKING:
    import moderngl

NOTHING = -1  # instance of a pixel in which no mesh is visible
NEAREST, FARTHEST = 0.1, 250.0  # metres: depths of the near and the far clipping plane

_SHADOW_SIZE = 768  # pixels
_COMPACT = 6.0  # metres: the shadow map covers the meshes that are smaller than this
_ATTRIBUTES = {"position": 3, "normal": 3, "color": 3, "surface": 3, "pattern": 2}
_DEPTH_CLAMP = 0x864F  # GL_DEPTH_CLAMP, for which moderngl has no name
_ONE = 65535  # the value 1.0 in the framebuffer's 16-bit numbers
_NOISE_SIZE = 128


@dataclass(frozen=True, eq=False)
class Rendering:
    """A rendered image of meshes.

    Attributes:
        color: (H,W,3) float32 linear RGB, 0 where there is no mesh, above 1 in overexposed
            areas; premultiplied by the coverage.
        coverage: (H,W) float32, 0 to 1: the fraction of each pixel that meshes cover. Add a
            background with color + (1 - coverage) * background.
        instances: (h,w) int16 at the supersampled size: index of the visible mesh, or NOTHING.
        depth: (h,w) float32 at the supersampled size: metres along z, inf where there is no mesh.
    """

    color: np.ndarray
    coverage: np.ndarray
    instances: np.ndarray
    depth: np.ndarray

    def supersampled(self, pixels: np.ndarray) -> np.ndarray:
        """Convert image points (...,2), pixels, to pixels of the supersampled arrays."""
        size, larger = self.coverage.shape[::-1], self.instances.shape[::-1]
        scale = np.array(larger) / np.array(size)
        return (np.asarray(pixels) + 0.5) * scale - 0.5


class Renderer:
    """Renders images of one size.

    On a machine with several GPUs, the environment variable GLCONTEXT_DEVICE_INDEX selects one by
    its EGL device number.

    Args:
        width, height: of the images, pixels.
        supersampling: factor by which meshes are rendered larger before the image is reduced.

    Raises:
        PinetError: offscreen OpenGL 3.3 is not available on this machine.
    """

    def __init__(self, width: int, height: int, supersampling: float = 1.25) -> None:
        self.width, self.height = width, height
        self._size = round(width * supersampling), round(height * supersampling)
        context = self._context = _create_context()
        self._program = context.program(shaders.VERTEX, shaders.FRAGMENT)
        self._shadow_program = context.program(shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT)
        self._framebuffer = context.framebuffer(
            [context.texture(self._size, 4, dtype="nu2")], context.depth_texture(self._size)
        )
        self._shadows = context.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
        self._shadows.repeat_x = self._shadows.repeat_y = False
        self._shadow_framebuffer = context.framebuffer(depth_attachment=self._shadows)
        self._noise = context.texture((_NOISE_SIZE, _NOISE_SIZE), 1, _noise().tobytes())
        self._shadows.use(0)
        self._noise.use(1)
        self._program["shadows"], self._program["noise"] = 0, 1
        context.enable(context.DEPTH_TEST | context.CULL_FACE)
        # the image's y axis points down, OpenGL's up, which reverses the winding of the triangles
        context.front_face = "cw"

    def render(
        self, meshes: Sequence[Mesh], matrix: np.ndarray, light: Light, up: np.ndarray
    ) -> Rendering:
        """Render meshes, of which only the outer side is visible.

        Args:
            meshes: in the camera frame, fewer than 32,768.
            matrix: (3,3) intrinsics of a pinhole camera for an image of width x height pixels;
                the centre of the first pixel is at (0, 0).
            light: with directions in the camera frame.
            up: (3,) unit vector in the camera frame.
        """
        with self._context:  # makes it current: there may be several
            self._framebuffer.use()
            self._framebuffer.clear()
            if meshes:
                self._draw(meshes, matrix, light, up)
            return self._read()

    def _draw(
        self, meshes: Sequence[Mesh], matrix: np.ndarray, light: Light, up: np.ndarray
    ) -> None:
        vertices = self._context.buffer(_vertex_data(meshes))
        indices = self._context.buffer(_vertex_numbers(meshes))
        bounds = np.stack([_bounds(mesh) for mesh in meshes])
        sun_projection, texel = _sun_projection(bounds, light.sun)
        self._draw_shadows(vertices, indices, sun_projection)
        uniforms = {
            "projection": self._projection(matrix),
            "sun_projection": sun_projection,
            "shadow_margin": 1.5 * texel,
            "up": up,
            **vars(light),
        }
        for name, value in uniforms.items():
            self._program[name].write(np.asarray(value, np.float32).T.tobytes())
        form = " ".join(f"{size}f" for size in _ATTRIBUTES.values())
        array = self._context.vertex_array(
            self._program, [(vertices, form, *_ATTRIBUTES)], indices
        )
        self._framebuffer.use()
        ends = np.cumsum([3 * len(mesh.faces) for mesh in meshes])
        # nearest meshes first, so that pixels hidden behind them are not shaded
        for index in np.argsort(bounds[:, 1, 2], kind="stable"):
            self._program["instance"] = (index + 1) / _ONE
            count = 3 * len(meshes[index].faces)
            array.render(vertices=count, first=ends[index] - count)
        for resource in (array, vertices, indices):
            resource.release()

    def _draw_shadows(
        self, vertices: moderngl.Buffer, indices: moderngl.Buffer, sun_projection: np.ndarray
    ) -> None:
        context, program = self._context, self._shadow_program
        program["sun_projection"].write(sun_projection.T.tobytes())
        unused = 4 * (sum(_ATTRIBUTES.values()) - 3)
        array = context.vertex_array(program, [(vertices, f"3f {unused}x", "position")], indices)
        self._shadow_framebuffer.use()
        self._shadow_framebuffer.clear()
        # keeps meshes that are between the sun and the volume that the shadow map covers
        context.enable_direct(_DEPTH_CLAMP)
        array.render()
        context.disable_direct(_DEPTH_CLAMP)
        array.release()

    def _projection(self, matrix: np.ndarray) -> np.ndarray:
        """(4,4) float32, camera frame to OpenGL's clip space; the first row of pixels is -1."""
        size = np.array([self.width, self.height])
        projection = np.zeros((4, 4))
        projection[:2, :3] = 2 * np.asarray(matrix)[:2] / size[:, None]
        projection[:2, 2] += 1 / size - 1
        depth = FARTHEST - NEAREST
        projection[2, 2:] = (FARTHEST + NEAREST) / depth, -2 * FARTHEST * NEAREST / depth
        projection[3, 2] = 1
        return projection.astype(np.float32)

    def _read(self) -> Rendering:
        shape = self._size[::-1]
        pixels = np.frombuffer(self._framebuffer.read(components=4, dtype="nu2"), np.uint16)
        pixels = pixels.reshape(*shape, 4).copy()
        buffer = np.frombuffer(
            self._framebuffer.read(components=1, attachment=-1, dtype="f4"), np.float32
        )
        instances = pixels[..., 3].astype(np.int16) + np.int16(NOTHING)
        covered = instances != NOTHING
        np.multiply(covered, _ONE, out=pixels[..., 3], casting="unsafe")
        reduced = cv2.resize(pixels, (self.width, self.height), interpolation=cv2.INTER_AREA)
        reduced = reduced * np.float32(1 / _ONE)
        return Rendering(
            color=reduced[..., :3] * np.float32(shaders.BRIGHTEST),
            coverage=reduced[..., 3],
            instances=instances,
            depth=_depth(buffer.reshape(shape), covered),
        )


def describe_renderer() -> str:
    """Return OpenGL's name of the renderer for the log: a GPU, or the CPU ("llvmpipe").

    Raises:
        PinetError: offscreen OpenGL 3.3 is not available on this machine.
    """
    context = _create_context()
    try:
        return context.info["GL_RENDERER"]
    finally:
        context.release()


def _create_context() -> moderngl.Context:
    try:
        import moderngl
    except ImportError as error:
        raise PinetError(
            "rendering needs moderngl, which is not installed: pip install 'pinet_ros[render]'"
        ) from error
    # Mesa and triton both contain LLVM, and torchvision imports triton, which crashes after Mesa
    with suppress(ImportError):
        import triton  # noqa: F401
    # EGL needs no screen; on other systems moderngl chooses what there is
    backend = {"backend": "egl"} if sys.platform == "linux" else {}
    try:
        return moderngl.create_context(standalone=True, require=330, **backend)
    except Exception as error:  # moderngl raises Exception itself for every failure
        raise PinetError(
            "rendering needs OpenGL 3.3, on Linux through EGL, which is not available here "
            f"({error}): install the driver of the GPU, or Mesa to render on the CPU (on Debian "
            "and Ubuntu: apt install libegl1 libgl1-mesa-dri)"
        ) from error


def _noise() -> np.ndarray:
    """Noise (N,N) uint8 of several scales, with a mean of half the range, tileable."""
    rng = np.random.default_rng(0)
    total = np.zeros((_NOISE_SIZE, _NOISE_SIZE))
    for sigma in (1.0, 2.5, 6.0):
        octave = gaussian_filter(rng.standard_normal(total.shape), sigma, mode="wrap")
        total += octave / octave.std()
    return np.clip(127.5 + 50 * total / total.std(), 0, 255).astype(np.uint8)


def _vertex_data(meshes: Sequence[Mesh]) -> np.ndarray:
    """Input of the vertex shader (V,14) float32 for all meshes, one after another."""
    ends = np.cumsum([len(mesh.vertices) for mesh in meshes])
    data = np.empty((ends[-1], sum(_ATTRIBUTES.values())), np.float32)
    for mesh, end in zip(meshes, ends, strict=True):
        rows = data[end - len(mesh.vertices) : end]
        rows[:, 0:3] = mesh.vertices
        rows[:, 3:6] = mesh.normals
        rows[:, 6:9] = mesh.colors
        rows[:, 9:12] = mesh.surface
        rows[:, 12:14] = mesh.pattern
    return data


def _vertex_numbers(meshes: Sequence[Mesh]) -> np.ndarray:
    """Vertex indices (F,3) int32 of all triangles, counted over all meshes."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return np.concatenate(
        [mesh.faces.astype(np.int32) + start for mesh, start in zip(meshes, starts, strict=False)],
        dtype=np.int32,
    )


def _bounds(mesh: Mesh) -> np.ndarray:
    """Lowest and highest coordinates (2,3) of a mesh."""
    reduced = [cv2.reduce(mesh.vertices, 0, kind) for kind in (cv2.REDUCE_MIN, cv2.REDUCE_MAX)]
    return np.concatenate(reduced)


def _sun_projection(bounds: np.ndarray, sun: np.ndarray) -> tuple[np.ndarray, float]:
    """The shadow map's projection, around all compact meshes: (4,4) float32, to clip space.

    The second value is the size of the map's pixels in metres. `bounds` are (M,2,3) the lowest and
    highest coordinates of the meshes in metres, `sun` is (3,) the direction towards the sun.
    """
    compact = np.linalg.norm(bounds[:, 1] - bounds[:, 0], axis=-1) < _COMPACT
    if compact.any():
        bounds = bounds[compact]
    corners = np.stack(
        [bounds[:, [i, j, k], [0, 1, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    ).reshape(-1, 3)
    axes = _axes_towards(-np.asarray(sun, float))
    placed = corners @ axes.T
    low, high = placed.min(axis=0) - 0.05, placed.max(axis=0) + 0.05
    projection = np.eye(4)
    projection[:3, :3] = 2 * axes / (high - low)[:, None]
    projection[:3, 3] = -(high + low) / (high - low)
    return projection.astype(np.float32), float((high - low)[:2].max() / _SHADOW_SIZE)


def _axes_towards(direction: np.ndarray) -> np.ndarray:
    """Rotation (3,3) into a frame whose z axis is this direction (3,)."""
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    x = np.cross(helper, direction)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(direction, x), direction])


def _depth(buffer: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Depths (h,w) float32 metres from OpenGL's depth buffer, 0 to 1."""
    # 1 - buffer is exact; FARTHEST - buffer * ... would lose precision at large depths
    inverse = (1 - buffer) * np.float32(FARTHEST - NEAREST)
    inverse += NEAREST
    inverse *= covered
    with np.errstate(divide="ignore"):
        return np.float32(NEAREST * FARTHEST) / inverse
