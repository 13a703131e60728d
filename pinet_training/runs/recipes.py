"""What all recipes of trainings share."""

from __future__ import annotations

from pinet_ros.errors import PinetError


class RecipeError(PinetError):
    """A training cannot be run with the requested settings."""
