"""Curves drawn out by straight lines."""

import numpy as np
import pytest

from instrumentarium.miniature.synthesis.curves import draw_out


@pytest.mark.parametrize(("points", "step", "length", "first"), [
    (9, 32, 257, 0.0), (9, 32, 300, 0.0), (9, 32, 100, 0.0), (7, 441, 3000, 220.5), (7, 64, 448, 32.0),
    (7, 64, 430, 32.0), (1, 64, 50, 32.0), (2, 64, 20, 32.0), (5, 1, 5, 0.0),
])  # fmt: skip
def test_it_is_interpolation_between_evenly_spaced_points(points: int, step: int, length: int, first: float) -> None:
    values = np.random.default_rng(points).standard_normal(points)
    expected = np.interp(np.arange(length), first + step * np.arange(points), values)
    np.testing.assert_allclose(draw_out(values, step, length, first=first), expected, rtol=0, atol=1e-12)
