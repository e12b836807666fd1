"""Sums of numbers that are kept as logarithms."""

import numpy as np

from custody.investigation.frame import Floats


def log_sum(values: Floats, axis: int | tuple[int, ...] = -1) -> Floats:
    """Log sum exp along an axis; the sum of nothing but impossible terms is impossible (-inf)."""
    top = values.max(axis=axis, keepdims=True)
    level = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - level).sum(axis=axis)) + level.squeeze(axis))
