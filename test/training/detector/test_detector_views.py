"""Views of pictures: boxes go where their pixels go."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pinet_training.detector import detector_views
from pinet_training.detector.detector_scenes import DetectorScenes, SceneOfPeople
from pinet_training.detector.detector_views import MOST, DetectorViews

BOX = np.array([[200.0, 120, 320, 400]])
NOBODY = np.zeros((0, 4))


class Painted:
    """One gray picture with a white box."""

    def __len__(self):
        return 1

    def image(self, _):
        picture = np.full((480, 640, 3), 60, np.uint8)
        x0, y0, x1, y1 = BOX[0].astype(int)
        picture[y0:y1, x0:x1] = 255
        return picture


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    monkeypatch.setattr(detector_views, "change_appearance", lambda image, _: image)


def views(scene, count=30, real=()):
    order = np.zeros(count, int) + (1 if real else 0)
    return DetectorViews(DetectorScenes(Painted(), [scene]), real, order, (0,))


def test_people_are_where_they_are_seen():
    seen = 0
    for view in views(SceneOfPeople(BOX, NOBODY)):
        white = (view["image"].numpy() > 200).all(axis=0)
        known = view["people"][view["people"].isfinite().all(1)].numpy()
        assert view["people"].shape == (MOST, 4)
        if not len(known):
            continue
        seen += 1
        rows, columns = np.nonzero(white)
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(known[0], expected, atol=1.6)
        assert view["is_real"] == 0
    assert seen > 15


def test_people_who_are_hardly_in_the_view_are_ignored():
    found = []
    for view in views(SceneOfPeople(BOX, NOBODY), 200):
        white = (view["image"].numpy() > 200).all(axis=0).sum()
        counts = [view[name].isfinite().all(1).sum().item() for name in ("people", "ignored")]
        assert sum(counts) <= 1
        assert white > 0 or counts == [0, 0]
        found.append(counts)
    assert [0, 1] in found
    assert [1, 0] in found


def test_people_of_whom_little_is_visible_are_ignored():
    for view in views(SceneOfPeople(NOBODY, BOX)):
        assert torch.isnan(view["people"]).all()


def test_real_places_have_nobody():
    place = np.full((300, 500, 3), 90, np.uint8)
    for view in views(SceneOfPeople(BOX, NOBODY), 3, [place]):
        assert view["is_real"] == 1
        assert torch.isnan(view["people"]).all()
        assert torch.isnan(view["ignored"]).all()
        assert (view["image"] == 90).any()


def test_a_view_is_the_same_each_time():
    first, second = (views(SceneOfPeople(BOX, NOBODY))[3] for _ in range(2))
    for name, value in first.items():
        assert torch.equal(torch.nan_to_num(value), torch.nan_to_num(second[name]))
