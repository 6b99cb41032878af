"""Random erasing and patch shuffle, against torchvision and by their laws."""

import numpy as np
import pytest
import torch
import torchaudio.functional as taf
from torchvision.transforms.functional import erase
from training.augment.signals import noise, seeded

from instrumentarium.training.augment.erasing import ErasingDraw, RandomErasing
from instrumentarium.training.augment.params import ErasingParams, PatchShuffleParams
from instrumentarium.training.augment.patches import PatchDraw, PatchShuffle
from instrumentarium.training.augment.spectra import MaskDraw, apply_masks

ROWS, FRAMES = 20, 33
SHAPE = torch.Size((300, 2, ROWS, FRAMES))


def features(batch: int = 4) -> torch.Tensor:
    return 3 + noise(batch, 2 * ROWS * FRAMES).view(batch, 2, ROWS, FRAMES)


def test_a_rectangle_is_erased_as_torchvision_does():
    draw = ErasingDraw(*(torch.tensor(each) for each in ([[2], [0]], [[5], [1]], [[3], [20]], [[7], [2]])))
    x = features(2)
    expected = torch.stack([erase(x[0], 2, 5, 3, 7, torch.tensor(0.0)), erase(x[1], 0, 1, 20, 2, torch.tensor(0.0))])
    assert torch.equal(RandomErasing(ErasingParams(probability=1.0, rectangles=1, area=0.1)).apply(x, draw), expected)


@pytest.mark.parametrize("area", [0.01, 0.05, 0.4])
def test_rectangles_lie_inside_and_have_at_most_their_area(area: float):
    draw = RandomErasing(ErasingParams(probability=1.0, rectangles=3, area=area)).draw(SHAPE, seeded())
    there = draw.height > 0
    assert set(there.sum(dim=1).tolist()) == {1, 2, 3}
    assert ((draw.top >= 0) & (draw.top + draw.height <= ROWS)).all()
    assert ((draw.left >= 0) & (draw.left + draw.width <= FRAMES)).all()
    share = (draw.height * draw.width)[there] / (ROWS * FRAMES)
    assert share.max() <= max(area, 1 / (ROWS * FRAMES)) + 1e-6
    assert share.max() > 0.6 * area


def test_masks_are_those_of_torchaudio():
    x = features(1)
    bands, frames = torch.zeros(1, ROWS, dtype=torch.bool), torch.zeros(1, FRAMES, dtype=torch.bool)
    bands[0, 4:9] = True
    frames[0, 10:12] = True
    masked = apply_masks(x, MaskDraw(bands, frames))
    torch.manual_seed(0)
    for axis, mask in ((2, bands), (3, frames)):
        first, width = int(mask[0].int().argmax()), int(mask.sum())
        wide = masked.movedim(axis, -1)[..., first : first + width]
        assert not wide.any()
    theirs = taf.mask_along_axis(x, mask_param=6, mask_value=0.0, axis=2)  # one stretch over all channels, as ours
    gone = (theirs == 0).all(dim=3).all(dim=1)[0]
    assert torch.equal(apply_masks(x, MaskDraw(gone[None], torch.zeros(1, FRAMES, dtype=torch.bool))), theirs)


@pytest.mark.parametrize(("bands", "frames"), [(2, 2), (1, 4), (3, 5)])
def test_a_patch_keeps_its_values_and_the_rest_its_places(bands: int, frames: int):
    augmentation = PatchShuffle(PatchShuffleParams(probability=1.0, bands=bands, frames=frames))
    x = features()
    shuffled = augmentation.apply(x, augmentation.draw(x.shape, seeded()))
    high, wide = ROWS // bands * bands, FRAMES // frames * frames
    assert torch.equal(shuffled[..., high:, :], x[..., high:, :])
    assert torch.equal(shuffled[..., wide:], x[..., wide:])
    for top in range(0, high, bands):
        for left in range(0, wide, frames):
            one, other = (each[..., top : top + bands, left : left + frames].flatten(2) for each in (x, shuffled))
            assert torch.equal(one.sort(dim=2).values, other.sort(dim=2).values)
    assert (shuffled != x).float().mean() > 0.3


def test_the_order_is_what_was_drawn_and_all_channels_share_it():
    augmentation = PatchShuffle(PatchShuffleParams(probability=1.0, bands=1, frames=3))
    x = torch.arange(12.0).view(1, 2, 1, 6)
    draw = PatchDraw(torch.tensor([True]), torch.tensor([[[2, 0, 1], [0, 2, 1]]]))
    assert augmentation.apply(x, draw).view(2, 6).tolist() == [[2, 0, 1, 3, 5, 4], [8, 6, 7, 9, 11, 10]]


def test_every_order_is_as_likely():
    augmentation = PatchShuffle(PatchShuffleParams(probability=1.0, bands=1, frames=3))
    order = augmentation.draw(torch.Size((600, 1, 10, 30)), seeded(1)).order.view(-1, 3)
    counts = np.unique(order.numpy(), axis=0, return_counts=True)[1]
    assert len(counts) == 6
    np.testing.assert_allclose(counts / len(order), 1 / 6, atol=0.01)
