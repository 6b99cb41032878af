"""Side inputs of training clips: which values there are, each clip's codes, and how often a model is given none.

A model that predicts knows neither genre nor drums, so in training each is dropped at random, as inputs are in Neverova,
Wolf, Taylor, Nebout: ModDrop, TPAMI 2016; of clips that are put together nothing is known.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from instrumentarium.models.params import SideInput
from instrumentarium.models.sideinputs import UNKNOWN, SideValues
from instrumentarium.runtime.errors import UserError
from instrumentarium.training.augment.base import Augmentation
from instrumentarium.training.augment.composition import CompositionDraw
from instrumentarium.training.sources import Layer

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int_]
NOT_STATED = frozenset({"", "unknown"})


class SideInputError(UserError, ValueError):
    """A side input of which nothing is known."""


def side_values(
    clips: pd.DataFrame, playing: BoolArray, names: Sequence[SideInput]
) -> dict[SideInput, tuple[str, ...]]:
    """Return the values that training clips have, by side input; both sorted, as model.json keeps them.

    Args:
        clips: a column for each of `names`.
        playing: (clips,), whether any instrument is known to play. In other clips a corpus of negatives states a kind of
            noise in place of a genre, and that would give the answer away.
        names: of the side inputs.

    Raises:
        SideInputError: if no clip states one.
    """
    sounding = clips[playing]
    values = {name: tuple(sorted(set(sounding[name].astype(str)) - NOT_STATED)) for name in sorted(set(names))}
    for name, found in values.items():
        if not found:
            raise SideInputError(
                f"training.side_inputs names {name}, and no training clip in which an instrument plays states its {name}; "
                "leave it out, or use a corpus that does (IRMAS's training clips do)"
            )
    return values


def side_codes(clips: pd.DataFrame, playing: BoolArray, values: SideValues) -> IntArray:
    """Return the code of each clip's value, (clips, inputs); UNKNOWN where it has none, or no instrument plays."""
    columns = [pd.Index(list(values[name])).get_indexer(pd.Index(clips[name])) for name in values]
    return np.where(playing[:, None], np.column_stack(columns), UNKNOWN).astype(np.int_)


def dropped(codes: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return codes (batch, inputs), each of them UNKNOWN with a probability of `share`; drawn on the processor."""
    kept = torch.rand(codes.shape, generator=generator) >= share
    return torch.where(kept.to(codes.device), codes, UNKNOWN)


def single_windows(batch: int, layers: Sequence[Layer], draws: Sequence[tuple[Augmentation, Any]]) -> Tensor:
    """Return (batch,): which windows are still of one clip alone, backgrounds apart.

    Args:
        batch: how many windows there are.
        layers: what was put together with them.
        draws: the augmentations that were applied, and what was drawn for each.
    """
    single = torch.ones(batch, dtype=torch.bool)
    for layer in layers:
        if isinstance(layer.draw, CompositionDraw):
            single &= layer.draw.count == 1
    each = torch.eye(batch)  # as if every window had an instrument of its own
    for augmentation, draw in draws:
        single &= (augmentation.unite(each, torch.ones_like(each), draw)[0] > 0).sum(dim=1) == 1
    return single
