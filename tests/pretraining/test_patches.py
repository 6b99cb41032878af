"""Laws of patches: cutting and putting them back, drawing them, and what is too small."""

import pytest
import torch

from instrumentarium.pretraining.patches import (
    PatchError,
    draw_patches,
    grid_of,
    marked,
    patches_in_share,
)

GRID = grid_of((2, 13, 18), 4, 5)


def test_a_grid_covers_whole_patches_only() -> None:
    assert (GRID.rows, GRID.columns, GRID.patches, GRID.values) == (3, 3, 9, 40)


def test_what_is_cut_and_put_back_is_what_it_was() -> None:
    features = torch.randn(3, 2, 13, 18)
    assert torch.equal(GRID.put(features, GRID.cut(features)), features)


def test_a_patch_is_a_rectangle_of_bands_and_frames() -> None:
    features = torch.randn(3, 2, 13, 18)
    for number in range(9):
        row, column = divmod(number, 3)
        tile = features[:, :, 4 * row : 4 * row + 4, 5 * column : 5 * column + 5]
        assert torch.equal(GRID.cut(features)[:, number], tile.flatten(1))


def test_putting_leaves_bands_and_frames_outside_the_grid() -> None:
    features = torch.randn(1, 2, 13, 18)
    emptied = GRID.put(features, torch.zeros(1, 9, 40))
    assert emptied[:, :, :12, :15].abs().sum() == 0
    assert torch.equal(emptied[:, :, 12:], features[:, :, 12:])
    assert torch.equal(emptied[..., 15:], features[..., 15:])


def test_draws_are_distinct_and_every_patch_is_drawn() -> None:
    drawn = draw_patches(500, 9, 4, torch.Generator().manual_seed(0))
    assert all(len(set(row)) == 4 for row in drawn.tolist())
    counts = torch.bincount(drawn.flatten(), minlength=9)
    assert counts.min() > 180  # 222 expected, deviation 11
    assert torch.equal(draw_patches(500, 9, 4, torch.Generator().manual_seed(0)), drawn)


def test_marks_stand_where_they_were_drawn() -> None:
    assert marked(torch.tensor([[2, 0], [1, 3]]), 4).tolist() == [
        [True, False, True, False],
        [False, True, False, True],
    ]


@pytest.mark.parametrize(
    ("share", "patches", "expected"), [(0.4, 64, 26), (0.01, 64, 2), (0.99, 4, 3), (0.999, 64, 63)]
)
def test_a_share_of_patches_is_never_all_and_at_least_two(share: float, patches: int, expected: int) -> None:
    assert patches_in_share(share, patches, 2) == expected


def test_patches_too_large_are_refused_with_what_there_is() -> None:
    with pytest.raises(
        PatchError, match=r"patch_bands 16 and patch_frames 9 leave 2 patches .* 16 bands and 18 frames"
    ):
        grid_of((1, 16, 18), 16, 9)


def test_waveforms_have_no_patches() -> None:
    with pytest.raises(PatchError, match="the front end makes waveforms"):
        grid_of((4000,), 4, 4)
