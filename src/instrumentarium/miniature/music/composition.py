"""Writing parts: melodies with phrases and rests, chords, arpeggios, bass lines and drum beats over a harmony.

Every writer returns notes in seconds that begin in [0, length_s). How dense, how detached and how often silent a part is
lies in `Habits`, drawn without regard to the instrument.
"""

from dataclasses import dataclass

import numpy as np

from instrumentarium.miniature.music.harmony import Harmony
from instrumentarium.miniature.synthesis.randomness import between, choose, happens
from instrumentarium.miniature.synthesis.sampler import Note

RHYTHMS: dict[str, tuple[tuple[float, ...], ...]] = {
    "single": ((4.0,), (3.0,), (6.0,)),
    "slow": ((2.0, 2.0), (1.0, 1.0, 2.0), (3.0, 1.0), (4.0,)),
    "medium": ((1.0, 0.5, 0.5), (1.5, 0.5), (0.5, 0.5, 1.0), (1.0, 1.0), (2.0,)),
    "fast": ((0.5, 0.5), (0.25, 0.25, 0.5), (0.5, 0.25, 0.25), (0.25, 0.25, 0.25, 0.25), (1.0,)),
}
STEPS = (-3, -2, -2, -1, -1, -1, 0, 1, 1, 1, 2, 2, 4)
COMPING = ((0.0,), (0.0, 2.0), (1.0, 3.0), (0.0, 1.0, 2.0, 3.0), (0.0, 1.5, 2.5), (0.5, 1.5, 2.5, 3.5), (0.0, 1.5, 3.0))
KICK, SNARE, STICK, CLOSED, OPEN, PEDAL, RIDE, CRASH, CONGA, CLAVE, SHAKER = 36, 38, 37, 42, 46, 44, 51, 49, 63, 75, 70


@dataclass(frozen=True)
class Habits:
    """How a part is played throughout a recording."""

    pace: str  # a key of RHYTHMS
    held: float  # share of a note's written length that sounds
    rests: float  # probability that a place for a note stays empty
    phrase_bars: int
    loudness: float  # mean velocity
    accent: float  # how much velocities differ
    spread_s: float  # between the notes of a chord


def draw_habits(random: np.random.Generator) -> Habits:
    """Habits of a player, the same odds for every instrument."""
    return Habits(
        pace=choose(random, ("single", "single", "slow", "slow", "medium", "medium", "fast")),
        held=between(random, 0.45, 1.1),
        rests=between(random, 0.0, 0.2),
        phrase_bars=int(random.integers(1, 4)),
        loudness=between(random, 0.45, 0.85),
        accent=between(random, 0.03, 0.15),
        spread_s=between(random, 0.0, 0.04) if happens(random, 0.6) else 0.0,
    )


def _velocity(random: np.random.Generator, habits: Habits, weight: float = 1.0) -> float:
    return float(np.clip(habits.loudness * weight + habits.accent * random.standard_normal(), 0.15, 1.0))


def _rhythm(random: np.random.Generator, pace: str, beats: float) -> list[tuple[float, float]]:
    """(onset, length) pairs in beats, the first somewhat before the beginning so that a clip starts mid-phrase."""
    onset, pairs = -between(random, 0.0, 1.0), []
    while onset < beats:
        for length in choose(random, RHYTHMS[pace]):
            pairs.append((onset, length))
            onset += length
    return pairs


def melody(
    random: np.random.Generator, harmony: Harmony, habits: Habits, low: int, high: int, length_s: float
) -> list[Note]:
    """A single line: a walk along the scale, drawn to chord notes on strong beats, in phrases that end in a rest."""
    ladder = harmony.pitches(low, high)
    place = int(random.integers(len(ladder)))
    phrase = habits.phrase_bars * harmony.beats_per_bar
    notes = []
    for onset, length in _rhythm(random, habits.pace, length_s / harmony.beat_s):
        place = int(np.clip(place + choose(random, STEPS), 0, len(ladder) - 1))
        pitch = ladder[place]
        strong = abs(onset - round(onset)) < 0.01 or length >= 1.0
        if strong and happens(random, 0.7):
            pitch = min(harmony.pitches(low, high, chord=harmony.chord(onset)) or [pitch], key=lambda p: abs(p - pitch))
            place = min(range(len(ladder)), key=lambda i: abs(ladder[i] - pitch))
        into_phrase = (onset % phrase) / phrase
        if happens(random, habits.rests) or (into_phrase > 0.9 and happens(random, 0.5)):
            continue
        start_s = max(0.0, harmony.seconds(onset) + 0.008 * random.standard_normal())
        arc = 0.9 + 0.2 * np.sin(np.pi * into_phrase)
        if start_s < length_s:
            notes.append(
                Note(start_s, max(0.06, habits.held * length * harmony.beat_s), pitch, _velocity(random, habits, arc))
            )
    return notes


def _voicing(random: np.random.Generator, harmony: Harmony, beat: float, low: int, high: int, voices: int) -> list[int]:
    """A chord's notes in close or open position around a centre that wanders within the register."""
    pitches = harmony.pitches(low, high, chord=harmony.chord(beat))
    span = max(1, len(pitches) - voices)
    first = int(np.clip(round(between(random, 0.2, 0.8) * span), 0, span))
    return pitches[first : first + voices]


def chords(
    random: np.random.Generator, harmony: Harmony, habits: Habits, low: int, high: int, length_s: float
) -> list[Note]:
    """Comped, held or strummed chords, the same pattern in every bar, sometimes with a bass note under them."""
    beats = length_s / harmony.beat_s
    pattern = (0.0,) if habits.pace in ("single", "slow") else choose(random, COMPING)
    voices = int(random.integers(2, 5))
    notes = []
    for bar in np.arange(-1.0 * int(random.integers(2)), beats, harmony.beats_per_bar):
        onsets = [float(bar) + place for place in pattern if place < harmony.beats_per_bar]
        voicing = _voicing(random, harmony, float(bar), low, high, voices)
        ends = [*onsets[1:], float(bar) + harmony.beats_per_bar]
        for onset, end in zip(onsets, ends, strict=True):
            start_s = max(0.0, harmony.seconds(onset))
            if start_s >= length_s or harmony.seconds(end) <= 0.05 or happens(random, habits.rests):
                continue
            held_s = max(0.08, habits.held * (end - onset) * harmony.beat_s)
            order = voicing if happens(random, 0.7) else voicing[::-1]
            notes += [
                Note(start_s + index * habits.spread_s, held_s, pitch, _velocity(random, habits))
                for index, pitch in enumerate(order)
            ]
    return [note for note in notes if note.start_s < length_s]


def arpeggio(
    random: np.random.Generator, harmony: Harmony, habits: Habits, low: int, high: int, length_s: float
) -> list[Note]:
    """Broken chords, up, down or in a fixed figure; the notes ring into each other."""
    step = {"single": 1.0, "slow": 1.0, "medium": 0.5, "fast": 0.25}[habits.pace]
    voices = int(random.integers(3, 6))
    figure = [int(index) for index in random.permutation(voices)] if happens(random, 0.4) else list(range(voices))
    figure = figure[::-1] if happens(random, 0.3) else figure
    notes, count, onset, bar, voicing = [], 0, -between(random, 0.0, 1.0) * step, None, [60]
    while onset < length_s / harmony.beat_s:
        if bar != (bar := int(onset // harmony.beats_per_bar)):
            voicing = _voicing(random, harmony, onset, low, high, voices)
        pitch = voicing[figure[count % voices] % len(voicing)]
        start_s = max(0.0, harmony.seconds(onset))
        if start_s < length_s and not happens(random, habits.rests):
            ring = 1.0 + 2.0 * (habits.held > 0.8)
            notes.append(Note(start_s, habits.held * ring * step * harmony.beat_s, pitch, _velocity(random, habits)))
        onset, count = onset + step, count + 1
    return notes


def bass_line(
    random: np.random.Generator, harmony: Harmony, habits: Habits, low: int, high: int, length_s: float
) -> list[Note]:
    """Roots on the first beat, and between them fifths or steps: walking in jazz, sparser elsewhere."""
    step = 1.0 if harmony.genre == "jaz_blu" else choose(random, (0.5, 1.0, 2.0))
    notes = []
    for onset in np.arange(0.0, length_s / harmony.beat_s, step):
        chord = harmony.chord(float(onset))
        root = onset % harmony.beats_per_bar < step
        wanted = chord[0] if root else choose(random, chord[:3])
        pitches = harmony.pitches(low, high, chord=(wanted,))
        if pitches and (root or not happens(random, 0.2 + habits.rests)):
            start_s = harmony.seconds(float(onset))
            if start_s < length_s:
                notes.append(
                    Note(start_s, max(0.1, habits.held * step * harmony.beat_s), pitches[0], _velocity(random, habits))
                )
    return notes


def drum_beat(random: np.random.Generator, harmony: Harmony, habits: Habits, length_s: float) -> list[Note]:
    """A beat by the genre: kick and snare, ride or hats, congas and claves; with ghost notes and a crash."""
    bar = harmony.beats_per_bar
    latin, jazz = harmony.genre == "lat_sou", harmony.genre == "jaz_blu"
    cymbal = RIDE if jazz or happens(random, 0.25) else CLOSED
    step = choose(random, (0.5, 1.0)) if not jazz else 0.5
    beats: list[tuple[float, int, float]] = [(float(b), cymbal, 0.6) for b in np.arange(0.0, bar, step)]
    if jazz:
        beats = [(b, key, level) for b, key, level in beats if b % 2 != 0.5] + [(1.0, PEDAL, 0.6), (3.0, PEDAL, 0.6)]
    kicks = choose(random, ((0.0, 2.0), (0.0, 2.5), (0.0, 1.5, 2.0), (0.0,)))
    beats += [(b, KICK, 0.9) for b in kicks]
    beats += [(float(b), STICK if latin or happens(random, 0.2) else SNARE, 0.8) for b in range(1, bar, 2)]
    if latin:
        beats += [(b, CONGA + int(random.integers(-1, 2)), 0.7) for b in (0.5, 1.5, 3.0, 3.5)]
        beats += [(b, choose(random, (CLAVE, SHAKER)), 0.6) for b in (0.0, 1.0, 1.5, 2.5, 3.0)]
    if happens(random, 0.3):
        beats.append((0.0, CRASH, 0.7))
    notes = []
    for first in np.arange(0.0, length_s / harmony.beat_s, bar):
        for beat, key, level in beats:
            start_s = max(0.0, harmony.seconds(float(first) + beat) + 0.004 * random.standard_normal())
            if beat < bar and start_s < length_s and not happens(random, 0.08):
                notes.append(Note(start_s, 0.9, key, _velocity(random, habits, level * 1.2)))
    return notes
