"""What a small data set is rendered of: made-up motion capture and bodies, of both splits."""

from __future__ import annotations

from pathlib import Path

from captured_files import CapturedMotion
from made_up_bodies import made_up_bodies

from pinet_training.rendering.scene_rendering import Ingredients


def made_up_ingredients(folder: Path, width: int, height: int) -> Ingredients:
    """Files in a folder: clips of several subjects, and bodies."""
    motion = folder / "walking"
    motion.mkdir()
    for subject in range(12):
        (motion / f"{subject:02d}_01.bvh").write_text(CapturedMotion(subject).bvh())
    sizes = (1.0, 0.9, 1.1, 0.8, 1.05, 0.95)
    bodies = made_up_bodies(sizes=sizes, splits=["train"] * 4 + ["test"] * 2)
    bodies.save(folder / "bodies.npz")
    return Ingredients(motion, folder / "bodies.npz", None, width, height, seed=3)
