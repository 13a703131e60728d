"""Loose clothes, hats and bags: they are part of the person's own mesh."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_bodies import made_up_bodies
from test_acting import Standing

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.figures import make_figure
from pinet_training.rendering.rig import Rig


@pytest.fixture(scope="module")
def dressed():
    """Figures of one body with the number of vertices that the body itself has."""
    rig = Rig(made_up_bodies(sizes=(1.0,)))
    posture, *_ = Standing().sample(None)
    rngs = map(np.random.default_rng, range(150))
    return len(rig.bodies.template_vertices), [make_figure(rig, 0, posture, g) for g in rngs]


@pytest.mark.parametrize("name", ["skirt", "dress", "long coat", "backpack", "cap", "helmet"])
def test_what_is_worn_belongs_to_the_mesh_of_the_person(dressed, name):
    bare, figures = dressed
    wearing = [figure for figure in figures if name in figure.clothes]
    assert wearing
    for figure in wearing:
        assert len(figure.mesh.vertices) > bare
        assert figure.mesh.faces.max() < len(figure.mesh.vertices)
        assert np.isfinite(figure.mesh.vertices).all()


def test_a_skirt_is_around_hips_and_thighs(dressed):
    bare, figures = dressed
    for figure in figures:
        if figure.clothes != ("skirt",):
            continue
        cloth = figure.mesh.vertices[bare:]
        pelvis = figure.joints[MUPOTS_17.index("pelvis")]
        assert cloth[:, 2].max() > pelvis[2]
        assert cloth[:, 2].min() < pelvis[2] - 0.15
        assert np.linalg.norm(cloth[:, :2] - pelvis[:2], axis=1).max() < 0.6
