"""Matching: which prediction is whose, by the joints in the image.

Source: the evaluation script of MuPoTS-3D (Mehta et al., 3DV 2018).
"""

from __future__ import annotations

import numpy as np

from pinet_ros.skeleton import MUPOTS_17

_TOLERANCE = 40.0  # pixels, in x and in y
_COMPARED = [MUPOTS_17.index("thorax"), *MUPOTS_17.limbs]


def match_by_image(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Match the true people of one image with predictions.

    True people choose in their order; each gets the prediction of those that are left with the
    most joints within 40 pixels in x and in y, and nobody without such a joint. The thorax and
    the 12 joints of the limbs are compared; a predicted joint that is NaN or at (0,0) counts as
    not found.

    Args:
        truth: (N,17,2) pixels, joints of MUPOTS_17, only people whose annotation is valid.
        predicted: (M,17,2) pixels.

    Returns:
        (N,) the row of the prediction that belongs to each true person, or -1.
    """
    truth, predicted = truth[:, _COMPARED], predicted[:, _COMPARED]
    offsets = np.abs(truth[:, None] - predicted).max(axis=-1)  # (N,M,13), of x or y
    found = (predicted != 0).any(axis=-1)
    close = ((offsets < _TOLERANCE) & found).sum(axis=-1)  # (N,M)
    matches = np.full(len(truth), -1)
    for person in range(len(truth)):
        if close[person].any():
            matches[person] = close[person].argmax()
            close[:, matches[person]] = 0
    return matches
