"""A patch is decoded from what lies in its place, however the backbone's map, its steps and the patches compare."""

import pytest
import torch
from model_fixtures import NETWORK
from models.test_families import AST
from torch import Tensor

from instrumentarium.models.backbones.base import Backbone
from instrumentarium.models.backbones.build import build_backbone
from instrumentarium.pretraining.decoder import PatchDecoder, gathering, map_and_embeddings
from instrumentarium.pretraining.patches import Grid

GRID = Grid(channels=1, bands=2, frames=2, rows=3, columns=8)


class Still(Backbone):
    """Makes so many steps of whatever it is given."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.size, self.steps = 5, steps

    def forward(self, features: Tensor) -> Tensor:
        return torch.zeros(len(features), 5, self.steps)


@pytest.mark.parametrize("cells", [1, 3, 7, 8, 9, 65])
def test_each_column_is_decoded_from_the_steps_of_its_time(cells: int) -> None:
    decoder = PatchDecoder(Still(cells), (1, 6, 16), GRID, 4)
    embeddings = torch.randn(1, 5, cells, requires_grad=True)
    decoded = decoder(None, embeddings)
    assert decoded.shape == (1, 24, 4)
    for column in range(8):
        picked = decoded.unflatten(1, (3, 8))[:, :, column].sum()
        (gradient,) = torch.autograd.grad(picked, embeddings, retain_graph=True)
        used = gradient.abs().sum(dim=(0, 1)).nonzero()[:, 0].tolist()
        if cells < 8:
            assert used == [column * cells // 8]
        else:
            assert used == [cell for cell in range(cells) if cell * 8 // cells == column]


@pytest.mark.parametrize(("cells", "patches"), [(1, 8), (5, 8), (8, 8), (65, 8), (9, 8)])
def test_what_is_gathered_for_a_patch_is_a_mean(cells: int, patches: int) -> None:
    weights = gathering(cells, patches)
    assert weights.shape == (cells, patches)
    assert torch.allclose(weights.sum(dim=0), torch.ones(patches))
    assert (weights >= 0).all()


def test_patches_of_one_step_are_told_apart() -> None:
    decoder = PatchDecoder(Still(1), (1, 6, 16), GRID, 1)
    assert len(set(decoder(None, torch.randn(1, 5, 1)).flatten().tolist())) == 24


def test_a_patch_sees_the_map_in_its_place_alone() -> None:
    shape = (1, 16, 33)
    backbone = build_backbone(NETWORK, shape).eval()
    grid = Grid(channels=1, bands=4, frames=8, rows=4, columns=4)
    decoder = PatchDecoder(backbone, shape, grid, 1)
    last_map, embeddings = map_and_embeddings(backbone, torch.randn(1, *shape))
    assert last_map is not None
    assert last_map.shape == (1, 8, 8, 9)  # after the stem, before the block's own pooling
    leaf = last_map.detach().requires_grad_()
    picked = decoder(leaf, embeddings.detach())[0, 4 * 2 + 1]  # row 2, column 1
    (gradient,) = torch.autograd.grad(picked.sum(), leaf)
    used = gradient.abs().sum(dim=(0, 1))
    assert used.sum(dim=1).nonzero()[:, 0].tolist() == [4, 5]
    assert used.sum(dim=0).nonzero()[:, 0].tolist() == [3, 4]


def test_a_backbone_without_a_map_is_decoded_from_its_embeddings() -> None:
    last_map, embeddings = map_and_embeddings(build_backbone(AST, (1, 16, 32)), torch.randn(2, 1, 16, 32))
    assert last_map is None
    assert embeddings.ndim == 3


def test_no_hook_is_left_behind() -> None:
    backbone = build_backbone(NETWORK, (1, 16, 32))
    target = backbone.gradcam_target
    assert target is not None
    map_and_embeddings(backbone, torch.randn(2, 1, 16, 32))
    assert not target._forward_pre_hooks
