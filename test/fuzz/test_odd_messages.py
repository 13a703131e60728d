from __future__ import annotations

import pytest
from attempts import amount, require_clean, run
from harness import next_domain

_MARGIN = 200 * 2**20  # bytes


@pytest.mark.slow
def test_every_odd_message_is_answered_or_refused_in_one_line(clip, tmp_path, monkeypatch):
    from nodes import feeding

    monkeypatch.setenv("ROS_DOMAIN_ID", str(next_domain()))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    require_clean(run(feeding, tmp_path, amount(200), limit=30.0), _MARGIN)
