"""The test clips of the miniature IRMAS: songs with a line-up of one to five instruments, of which some sound in a clip."""

from dataclasses import dataclass

import numpy as np

from instrumentarium.miniature.layouts.codes import CODES
from instrumentarium.miniature.layouts.titles import draw_titles
from instrumentarium.miniature.music.harmony import GENRES, STYLES
from instrumentarium.miniature.music.instruments import ACCOMPANISTS, draw_player
from instrumentarium.miniature.music.performance import Clip, draw_piece, perform
from instrumentarium.miniature.synthesis.randomness import between, choose, generator, happens
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts

LABELS_A_CLIP = {1: 0.430, 2: 0.445, 3: 0.1105, 4: 0.0135, 5: 0.001}  # of the published test clips


@dataclass(frozen=True)
class TestClip:
    """One test clip: its song, its place in the song, its length and who sounds."""

    song: int
    name: str
    samples: int
    labels: tuple[str, ...]
    lineup: tuple[str, ...]
    seed: int
    fonts: Fonts = SHIPPED


def label_counts(random: np.random.Generator, clips: int) -> list[int]:
    """How many labels each of `clips` clips has, in the published proportions by largest remainder, shuffled."""
    exact = {count: share * clips for count, share in LABELS_A_CLIP.items()}
    whole = {count: int(value) for count, value in exact.items()}
    missing = clips - sum(whole.values())
    for count in sorted(exact, key=lambda count: whole[count] - exact[count])[:missing]:
        whole[count] += 1
    counts = [count for count, times in whole.items() for _ in range(times)]
    return [counts[int(index)] for index in random.permutation(clips)]


def plan_test(seed: int, songs: int, fonts: Fonts = SHIPPED) -> list[TestClip]:
    """The test clips. Line-ups are dealt from shuffled decks of all instruments, so that each plays in many songs."""
    random = generator(seed, "irmas", "test", "plan")
    sizes = [int(random.integers(2, 5)) for _ in range(songs)]
    counts = iter(label_counts(random, sum(sizes)))
    titles = draw_titles(random, songs)
    deck: list[str] = []
    plan = []
    for song, size in enumerate(sizes):
        wanted = [next(counts) for _ in range(size)]
        extra = sum(wanted) > max(wanted) and happens(random, 0.5)
        lineup: list[str] = []
        while len(lineup) < max(wanted) + extra:
            fresh = [code for code in deck if code not in lineup]
            if not fresh:
                deck += [CODES[int(index)] for index in random.permutation(len(CODES))]
                continue
            deck.remove(fresh[0])
            lineup.append(fresh[0])
        turn = 0
        for place, count in enumerate(wanted):
            labels = tuple(lineup[(turn + index) % len(lineup)] for index in range(count))
            turn += count
            length_s = 5.03 + 14.97 * float(random.beta(0.5, 4.5))
            plan.append(
                TestClip(
                    song=song,
                    name=f"{titles[song]}-{1 + 3 * place + int(random.integers(3))}",
                    samples=int(length_s * SAMPLE_RATE_HZ),
                    labels=tuple(sorted(labels)),
                    lineup=tuple(lineup),
                    seed=seed,
                    fonts=fonts,
                )
            )
    return plan


def render_test_clip(clip: TestClip) -> Clip:
    """One test clip, in which the labelled instruments sound and no other of the taxonomy does."""
    random = generator(clip.seed, "irmas", "test", "piece", clip.song)
    genre = choose(random, GENRES)
    players = [draw_player(random, code, level_db=-between(random, 0.0, 3.5)) for code in clip.lineup]
    backing = [name for name in ("drums", "bass") if happens(random, 0.6 * STYLES[genre].drums + 0.1)]
    backing += [choose(random, ACCOMPANISTS[2:])] if happens(random, 0.25) else []
    players += [draw_player(random, name, level_db=-between(random, 9.0, 18.0)) for name in backing]
    piece = draw_piece(random, genre, players, clip.fonts)
    random = generator(clip.seed, "irmas", "test", "clip", clip.name)
    playing = [player.instrument in clip.labels or player.instrument not in CODES for player in players]
    spans = {}
    if len(clip.labels) > 1:
        for code in clip.labels[int(random.integers(len(clip.labels))) :][:1]:
            spans[code] = (0.0, between(random, 0.5, 0.8)) if happens(random, 0.5) else (between(random, 0.2, 0.5), 1.0)
    return perform(random, piece, samples=clip.samples, playing=playing, spans=spans)
