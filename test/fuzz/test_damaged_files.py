from __future__ import annotations

import pytest
from attempts import amount, require_clean, run

_MARGIN = 200 * 2**20  # bytes


def test_every_damaged_file_is_read_or_refused_in_one_line(clip, tmp_path):
    pytest.importorskip("pinet_training")
    from damaged_files import reading

    require_clean(run(reading, tmp_path, amount(600), limit=30.0), _MARGIN)
