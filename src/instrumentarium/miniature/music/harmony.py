"""Key, tempo and chords of a piece, drawn by a genre's habits; times are in beats until a part is written."""

from dataclasses import dataclass

import numpy as np

from instrumentarium.miniature.synthesis.randomness import between, choose

GENRES = ("cla", "cou_fol", "jaz_blu", "lat_sou", "pop_roc")  # IRMAS's codes
MAJOR, MINOR, HARMONIC_MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 8, 11)
DORIAN, MIXOLYDIAN, BLUES = (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 5, 7, 9, 10), (0, 3, 5, 6, 7, 9, 10)


@dataclass(frozen=True)
class Style:
    """A genre's habits: tempi in beats a minute, beats a bar, scales, progressions of scale degrees, swing."""

    tempi: tuple[float, float]
    metres: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    progressions: tuple[tuple[int, ...], ...]
    chord_notes: tuple[int, ...]  # thirds stacked in a chord
    swing: float  # where the second half of a beat begins
    drums: float  # probability that a drummer plays along


STYLES: dict[str, Style] = {
    "cla": Style(
        (50, 150), (3, 4), (MAJOR, MINOR, HARMONIC_MINOR), ((0, 3, 4, 0), (0, 4, 0, 4), (0, 5, 1, 4)), (3,), 0.5, 0.1
    ),
    "cou_fol": Style(
        (75, 150), (3, 4), (MAJOR, MIXOLYDIAN, DORIAN), ((0, 3, 0, 4), (0, 4, 3, 0), (0, 6, 3, 0)), (3,), 0.52, 0.4
    ),
    "jaz_blu": Style(
        (60, 190),
        (4,),
        (MAJOR, DORIAN, MIXOLYDIAN, BLUES),
        ((1, 4, 0, 5), (0, 3, 0, 4), (0, 5, 1, 4)),
        (4, 5),
        0.63,
        0.7,
    ),
    "lat_sou": Style(
        (80, 140), (4,), (MINOR, MAJOR, DORIAN), ((0, 3, 4, 4), (0, 6, 5, 4), (1, 4, 0, 0)), (3, 4), 0.5, 0.8
    ),
    "pop_roc": Style(
        (70, 170), (4,), (MAJOR, MINOR, MIXOLYDIAN), ((0, 4, 5, 3), (5, 3, 0, 4), (0, 3, 4, 3)), (3, 3, 4), 0.5, 0.8
    ),
}


@dataclass(frozen=True)
class Harmony:
    """What the players of one piece agree on."""

    genre: str
    beat_s: float
    beats_per_bar: int
    swing: float
    scale: tuple[int, ...]  # pitch classes, the tonic first
    chords: tuple[tuple[int, ...], ...]  # pitch classes, the root first; one chord a bar, then again

    def seconds(self, beat: float) -> float:
        """When a beat sounds, with the off-beats swung."""
        whole = float(np.floor(beat))
        part = beat - whole
        bent = part * 2 * self.swing if part < 0.5 else self.swing + (part - 0.5) * 2 * (1 - self.swing)
        return (whole + bent) * self.beat_s

    def chord(self, beat: float) -> tuple[int, ...]:
        """The chord that holds at a beat; before the first beat the last one does."""
        return self.chords[int(np.floor(beat / self.beats_per_bar)) % len(self.chords)]

    def pitches(self, low: int, high: int, *, chord: tuple[int, ...] | None = None) -> list[int]:
        """All MIDI pitches in low … high that belong to the scale, or to a chord."""
        classes = self.scale if chord is None else chord
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]


def draw_harmony(random: np.random.Generator, genre: str) -> Harmony:
    """A key, a tempo and a progression in the genre's manner."""
    style = STYLES[genre]
    scale = choose(random, style.scales)
    tonic = int(random.integers(12))
    classes = tuple((tonic + step) % 12 for step in scale)
    degrees = choose(random, style.progressions)
    turn = int(random.integers(len(degrees)))
    size = choose(random, style.chord_notes)
    return Harmony(
        genre=genre,
        beat_s=60.0 / float(np.exp(between(random, float(np.log(style.tempi[0])), float(np.log(style.tempi[1]))))),
        beats_per_bar=choose(random, style.metres),
        swing=style.swing,
        scale=classes,
        chords=tuple(
            tuple(classes[(degree + 2 * third) % 7] for third in range(size))
            for degree in degrees[turn:] + degrees[:turn]
        ),
    )
