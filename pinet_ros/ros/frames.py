"""Names of tf frames."""

from __future__ import annotations


def camera_frame(namespace: str) -> str:
    """Default frame of the camera of a namespace, so that two robots have two frames."""
    return f"{namespace.strip('/')}/camera_optical_frame".lstrip("/")
