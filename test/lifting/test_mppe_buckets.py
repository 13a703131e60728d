"""Batches are filled up to few sizes, to no effect on what is there."""

from __future__ import annotations

import torch

from pinet_ros.lifting.mppe.buckets import in_buckets


def test_batches_are_powers_of_two_and_their_results_those_of_the_images():
    seen = []

    def network(images):
        seen.append(images)
        return images.sum(dim=(1, 2, 3)), images[:, 0] - 1

    run = in_buckets(network)
    for count in range(1, 18):
        images = torch.rand(count, 3, 4, 5)
        total, first = run(images)
        torch.testing.assert_close(total, images.sum(dim=(1, 2, 3)))
        torch.testing.assert_close(first, images[:, 0] - 1)
        assert not seen[-1][count:].any()
    assert [len(images) for images in seen] == [1, 2, 4, 4, *[8] * 4, *[16] * 8, 32]
