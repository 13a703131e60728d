"""Motion of the camera in a sequence: it stands still, drives as on a robot, or is held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_training.rendering.posture import yaw_rotation
from pinet_training.rendering.viewpoint import Viewpoint

_STILL = 0.5  # share of the cameras that stand still
_HIGHEST_ROBOT = 2.0  # metres: higher cameras that move are held or mounted
_DRIVING_SPEED = (0.2, 0.6)  # metres per second at most
_DRIVING_PERIOD = (8.0, 14.0)  # seconds from forwards to forwards
_PAN = (0.1, 0.35)  # radians to each side
_PAN_PERIOD = (6.0, 14.0)  # seconds
_SHAKE = np.radians(0.25)  # of a held camera, about each axis, standard deviation
_SHAKE_PERIODS = (0.25, 1.5)  # seconds
_SWAY = 0.012  # metres, in each direction
_SWAY_PERIODS = (0.8, 3.0)  # seconds
_WAVES = 6  # that a shake is the sum of


def random_camera_motion(
    rng: np.random.Generator, viewpoint: Viewpoint, times: np.ndarray
) -> list[Viewpoint]:
    """Draw how a camera moves.

    Args:
        rng: source of the randomness.
        viewpoint: the camera at the start.
        times: (N,) seconds, the first is 0.

    Returns:
        The camera at each time. It comes back near its start again and again.
    """
    if rng.random() < _STILL:
        return [viewpoint] * len(times)
    pan = rng.choice([-1, 1]) * rng.uniform(*_PAN)
    yaws = pan * np.sin(2 * np.pi * times / rng.uniform(*_PAN_PERIOD))
    if viewpoint.position[2] < _HIGHEST_ROBOT and rng.random() < 0.5:
        speeds = rng.uniform(*_DRIVING_SPEED) * _wave(rng, times, _DRIVING_PERIOD)
        ahead = np.stack([-np.sin(yaws), np.cos(yaws), np.zeros(len(times))], axis=1)
        steps = speeds[:-1, None] * ahead[:-1] * np.diff(times)[:, None]
        shifts, shakes = np.cumsum([np.zeros(3), *steps], axis=0), np.zeros((len(times), 3))
    else:
        shifts = _SWAY * _shake(rng, times, _SWAY_PERIODS)
        shakes = _SHAKE * _shake(rng, times, _SHAKE_PERIODS)
    return [
        _moved(viewpoint, float(yaw), shift, shake)
        for yaw, shift, shake in zip(yaws, shifts, shakes, strict=True)
    ]


def _wave(rng: np.random.Generator, times: np.ndarray, periods: tuple[float, float]) -> np.ndarray:
    """(N,) a sine of a random period in seconds and of a random phase."""
    return np.sin(2 * np.pi * (times / rng.uniform(*periods) + rng.random()))


def _shake(
    rng: np.random.Generator, times: np.ndarray, periods: tuple[float, float]
) -> np.ndarray:
    """(N,3) smooth noise of standard deviation 1, of periods in seconds, that starts with 0."""
    axes = [sum(_wave(rng, times, periods) for _ in range(_WAVES)) for _ in range(3)]
    noise = np.stack(axes, axis=1) * np.sqrt(2 / _WAVES)
    return noise - noise[0]


def _moved(viewpoint: Viewpoint, yaw: float, shift: np.ndarray, shake: np.ndarray) -> Viewpoint:
    """The camera turned to the left by `yaw`, moved by shift (3,) and rotated by shake (3,)."""
    shaken = Rotation.from_rotvec(shake).as_matrix()
    rotation = shaken @ viewpoint.rotation @ yaw_rotation(-yaw)
    return replace(
        viewpoint,
        rotation=rotation,
        position=viewpoint.position + shift,
        pitch=float(np.arcsin(-rotation[2, 2])),
        roll=float(np.arctan2(rotation[0, 2], -rotation[1, 2])),
    )
