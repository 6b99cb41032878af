"""What params.yaml says of clips, held against the corpora that its collections use."""

import importlib
from collections.abc import Mapping, Sequence

from instrumentarium.clips.params import WindowsParams
from instrumentarium.config.collections import CollectionParams
from instrumentarium.config.models import ModelParams
from instrumentarium.corpora.source.params import Corpus
from instrumentarium.runtime.section import closest
from instrumentarium.training.augment.params import AugmentParams


def longest_clip_s(corpus: Corpus) -> float | None:
    """Return the longest of a corpus's clips in s; None where it is not known before the files are read.

    What is too long then is refused by the stats stage.
    """
    longest: float | None = importlib.import_module(f"instrumentarium.corpora.{corpus}.published").LONGEST_CLIP_S
    return longest


def used_corpora(collection: CollectionParams, named: Sequence[Corpus]) -> list[Corpus]:
    """Return the corpora that a collection uses, of those that the parameter `corpora` names."""
    return [corpus for corpus in named if getattr(collection.corpora, corpus).use]


def too_long_windows(
    models: Mapping[str, ModelParams],
    windows: Mapping[str, WindowsParams],
    collections: Mapping[str, CollectionParams],
    named: Sequence[Corpus],
) -> list[str]:
    """Say of every recipe whose windows are longer than the longest clip of its collection, selected or not."""
    problems = []
    for collection, params in collections.items():
        lengths = [longest_clip_s(corpus) for corpus in used_corpora(params, named)]
        longest = None if None in lengths else max((length for length in lengths if length is not None), default=None)
        for name, model in models.items():
            entry = model.recipes[collection].windows
            if longest is not None and entry in windows and windows[entry].length_s > longest:
                problems.append(
                    f"windows.{entry}.length_s is {windows[entry].length_s:g}, and the longest clip of collection "
                    f"{collection} lasts {longest:g} s; models.{name}.recipes.{collection} needs shorter windows"
                )
    return problems


def lacking_backgrounds(augmentation: AugmentParams, collection: CollectionParams) -> list[str]:
    """Say where backgrounds are asked for of a collection that can have no clip without any instrument."""
    if augmentation.background is None or collection.corpora.esc50.use or collection.corpora.own.use:
        return []
    return [
        "the augmentation has `background`, which takes clips without any instrument, and the collection uses neither "
        "esc50 nor own; use one of them, or choose another augmentation"
    ]


def unknown_clips(clip_ids: tuple[str, ...], collection: CollectionParams, named: Sequence[Corpus]) -> list[str]:
    """Say of every clip to explain that can be in no corpus of the collection."""
    used = used_corpora(collection, named)
    return [
        f"explain.clips: {clip_id!r} is no clip of this collection: an id begins with its corpus and a slash "
        f"({closest(clip_id.partition('/')[0], [*used])})"
        for clip_id in clip_ids
        if clip_id.partition("/")[0] not in used or not clip_id.partition("/")[2]
    ]
