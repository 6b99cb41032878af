"""A miniature ESC-50: one zip with the folder, the table and the file names of the published repository.

Layout: Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015; github.com/karolpiczak/ESC-50.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrumentarium.miniature.layouts.archives import Member, encode_audio, write_zip
from instrumentarium.miniature.layouts.truth import write_flaws
from instrumentarium.miniature.synthesis.acoustics import draw_room, reverberate
from instrumentarium.miniature.synthesis.effects import RECIPES, recipes
from instrumentarium.miniature.synthesis.mastering import master
from instrumentarium.miniature.synthesis.randomness import generator
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts
from instrumentarium.runtime.workers import map_in_order, worker_pool

TOP = "ESC-50-master"
COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
ESC10 = frozenset({0, 1, 10, 11, 12, 20, 21, 38, 40, 41})
SAMPLES = 5 * SAMPLE_RATE_HZ
FOLDS = 5


@dataclass(frozen=True)
class Effect:
    """One clip; clips of one `source` are cut from one recording and lie in one fold."""

    category: str
    fold: int
    source: int
    take: str
    seed: int
    fonts: Fonts = SHIPPED

    @property
    def filename(self) -> str:
        """The published grammar `{fold}-{src_file}-{take}-{target}.wav`."""
        return f"{self.fold}-{self.source}-{self.take}-{RECIPES[self.category][0]}.wav"


def render(folder: Path, truth_path: Path, *, seed: int, clips: int, soundfonts: Fonts = SHIPPED) -> None:
    """Render the zip into `folder`; it holds no planted flaws, so `truth_path` gets a header alone.

    Args:
        folder: an existing folder.
        truth_path: CSV of planted flaws.
        seed: of everything drawn.
        clips: how many, spread evenly over the categories and folds.
        soundfonts: from which each source's sound effects are drawn.

    Raises:
        ValueError: if `clips` is not positive.
    """
    if clips < 1:
        raise ValueError(f"clips must be positive, found {clips}")
    with worker_pool("processes") as pool:
        write_zip(folder / "ESC-50-master.zip", _members(pool, plan(seed, clips, soundfonts)))
    write_flaws(truth_path, [])


def plan(seed: int, clips: int, fonts: Fonts = SHIPPED) -> list[Effect]:
    """The clips in the order of their names; every second source gives two takes."""
    random = generator(seed, "esc50", "plan")
    categories = [list(RECIPES)[int(index)] for index in random.permutation(len(RECIPES))]
    sources = iter(int(number) for number in 10_000 + random.permutation(250_000))
    effects: list[Effect] = []
    turn = 0
    while len(effects) < clips:
        category = categories[turn % len(categories)]
        fold = 1 + (turn // len(categories) + turn) % FOLDS
        source = next(sources)
        takes = "AB"[: 1 + turn % 2][: clips - len(effects)]
        effects += [Effect(category, fold, source, take, seed, fonts) for take in takes]
        turn += 1
    return sorted(effects, key=lambda effect: effect.filename)


def render_clip(effect: Effect) -> NDArray[np.int16]:
    """The (220500,) samples of one clip."""
    recipe = recipes(effect.fonts)[effect.category][1]
    source = generator(effect.seed, "esc50", "source", effect.source)
    room = draw_room(source)
    random = generator(effect.seed, "esc50", "clip", effect.source, effect.take)
    dry = recipe(source, random, SAMPLES)
    return np.ascontiguousarray(master(random, reverberate(dry, room))[:, 0])


def _members(pool: Executor | None, effects: Sequence[Effect]) -> Iterator[Member]:
    yield f"{TOP}/", b""
    yield f"{TOP}/audio/", b""
    rendered = map_in_order(pool, render_clip, effects, "ESC-50 clips")
    for effect, samples in zip(effects, rendered, strict=True):
        yield f"{TOP}/audio/{effect.filename}", encode_audio(samples, SAMPLE_RATE_HZ, "wav")
    yield f"{TOP}/meta/", b""
    yield f"{TOP}/meta/esc50.csv", _table(effects)


def _table(effects: Sequence[Effect]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for effect in effects:
        target = RECIPES[effect.category][0]
        row = (effect.filename, effect.fold, target, effect.category, target in ESC10, effect.source, effect.take)
        writer.writerow(row)
    return text.getvalue().encode("utf-8")
