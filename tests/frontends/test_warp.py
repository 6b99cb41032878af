import numpy as np
import pytest
import torch

from instrumentarium.frontends.warp import warp_matrices

CENTRES_HZ = torch.logspace(2, 4, 60)


def test_a_factor_of_one_changes_nothing():
    assert torch.equal(warp_matrices(CENTRES_HZ, torch.ones(1))[0], torch.eye(60))


def test_without_factors_there_is_no_matrix():
    assert warp_matrices(CENTRES_HZ, torch.tensor([])).shape == (0, 60, 60)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.3, 2.0])
def test_matrices_interpolate_between_the_bands_around(factor: float):
    spectrum = torch.rand(60)
    found = warp_matrices(CENTRES_HZ, torch.tensor([factor]))[0] @ spectrum
    centres = CENTRES_HZ.double().numpy()
    expected = np.interp(centres / factor, centres, spectrum.double().numpy(), right=0.0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_up_and_down_again_is_nearly_as_before():
    smooth = torch.exp(-((torch.arange(60) - 30) ** 2) / 50.0)
    up, down = warp_matrices(CENTRES_HZ, torch.tensor([1.2, 1 / 1.2]))
    assert (down @ up @ smooth - smooth).abs().max() < 0.05
