"""A passage of a recording: its players write and play their parts, the room and the mastering do the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrumentarium.miniature.music import composition
from instrumentarium.miniature.music.harmony import Harmony, draw_harmony
from instrumentarium.miniature.music.instruments import Manner, Player, draw_manner
from instrumentarium.miniature.synthesis.acoustics import Room, draw_room, record
from instrumentarium.miniature.synthesis.mastering import master
from instrumentarium.miniature.synthesis.randomness import between, choose
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ, Note, play
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts, fonts_with, load_soundfont

JOINED_S = 0.75  # a shorter gap between notes does not interrupt an instrument's activity
WRITERS = {
    "melody": composition.melody,
    "chords": composition.chords,
    "arpeggio": composition.arpeggio,
    "bass_line": composition.bass_line,
}


@dataclass(frozen=True)
class Piece:
    """What the clips of one recording share."""

    harmony: Harmony
    players: tuple[Player, ...]
    room: Room


@dataclass(frozen=True)
class Clip:
    """A finished clip, (samples, channels) int16, when each instrument sounds in it (seconds), which drums were struck."""

    samples: NDArray[np.int16]
    activity: Mapping[str, tuple[tuple[float, float], ...]]
    drum_keys: frozenset[int]


def draw_piece(random: np.random.Generator, genre: str, players: Sequence[Player], fonts: Fonts = SHIPPED) -> Piece:
    """A piece in a genre for these players, each with an instrument of one of the SoundFonts, and the room they play in.

    The music is the same whatever the SoundFonts.

    Raises:
        SoundFontError: if none of them has an instrument that plays.
    """
    dealt = _dealt(random.spawn(1)[0], players, fonts)
    return Piece(harmony=draw_harmony(random, genre), players=dealt, room=draw_room(random))


def _dealt(random: np.random.Generator, players: Sequence[Player], fonts: Fonts) -> tuple[Player, ...]:
    if fonts == SHIPPED:
        return tuple(players)
    dealt = []
    for player in players:
        touch = player.touch
        able = fonts_with(fonts, touch.program, drums=touch.drums, name=player.instrument)
        dealt.append(replace(player, touch=replace(touch, font=choose(random, able))))
    return tuple(dealt)


def perform(
    random: np.random.Generator,
    piece: Piece,
    *,
    samples: int,
    channels: int = 2,
    playing: Sequence[bool] | None = None,
    spans: Mapping[str, tuple[float, float]] | None = None,
) -> Clip:
    """Compose, play, record and master one clip.

    Args:
        random: of the clip.
        piece: what its recording's clips share.
        samples: the clip's length at 44.1 kHz.
        channels: 1 or 2.
        playing: which players sound in this clip; all by default.
        spans: the shares of the clip, as (from, to) in [0, 1], outside which an instrument starts no note.
    """
    lead_s = between(random, 0.3, 1.0)
    length_s = samples / SAMPLE_RATE_HZ
    total = samples + int(lead_s * SAMPLE_RATE_HZ)
    players = [p for p, sounds in zip(piece.players, playing or [True] * len(piece.players), strict=True) if sounds]
    parts, activity, drum_keys = [], dict[str, tuple[tuple[float, float], ...]](), set[int]()
    for player in players:
        span = (spans or {}).get(player.instrument, (-1.0, 2.0))
        window = (lead_s + span[0] * length_s, lead_s + span[1] * length_s)
        manner = draw_manner(random, player)
        notes = _notes(random, piece.harmony, manner, lead_s, length_s, window)
        parts.append(_played(player, notes, total))
        drum_keys |= {note.pitch for note in notes if player.touch.drums and note.start_s >= lead_s}
        activity[player.instrument] = _activity(notes, player, lead_s, length_s)
    recording = record(players, parts, piece.room, skip=total - samples, length=samples, channels=channels)
    return Clip(samples=master(random, recording), activity=activity, drum_keys=frozenset(drum_keys))


def _notes(
    random: np.random.Generator,
    harmony: Harmony,
    manner: Manner,
    lead_s: float,
    length_s: float,
    window: tuple[float, float],
) -> list[Note]:
    """A part whose notes sound in at least a third of the window; the last of a few attempts gets a held note."""
    begin, end = max(lead_s, window[0]), min(lead_s + length_s, window[1])
    notes: list[Note] = []
    for _ in range(4):
        if manner.role == "drum_beat":
            notes = composition.drum_beat(random, harmony, manner.habits, lead_s + length_s)
        else:
            write = WRITERS[manner.role]
            notes = write(random, harmony, manner.habits, manner.low, manner.high, lead_s + length_s)
        notes = [note for note in notes if window[0] <= note.start_s < window[1] - 0.1]
        sounding = sum(max(0.0, min(end, n.start_s + n.duration_s) - max(begin, n.start_s)) for n in notes)
        if sounding >= 0.33 * (end - begin):
            return notes
    pitch = int(random.integers(manner.low, manner.high + 1)) if manner.role != "drum_beat" else 38
    return [*notes, Note(begin, 0.6 * (end - begin), pitch, 0.7)]


def _played(player: Player, notes: Sequence[Note], samples: int) -> NDArray[np.float64]:
    """The (samples,) of one part: a note a string, or as many strokes as it lasts, on single strings or double courses."""
    if player.sound.strokes_hz:
        notes = [stroke for note in notes for stroke in _strokes(note, 1.0 / player.sound.strokes_hz)]
    part = play(load_soundfont(player.touch.font), player.touch, notes, samples)
    if player.sound.course_cents:
        second = replace(player.touch, detune_cents=player.touch.detune_cents + player.sound.course_cents)
        late = [replace(note, start_s=note.start_s + 0.004) for note in notes]  # the pick reaches one string first
        part = 0.7 * (part + play(load_soundfont(player.touch.font), second, late, samples))
    return part


def _strokes(note: Note, period_s: float) -> list[Note]:
    """A tremolo of whole strokes in the place of a held note, every second one, upwards, softer; a short note as it is."""
    count = int(note.duration_s / period_s)
    if count < 4:
        return [note]
    return [
        Note(note.start_s + turn * period_s, period_s, note.pitch, note.velocity * (0.85 if turn % 2 else 1.0))
        for turn in range(count)
    ]


def _activity(notes: Sequence[Note], player: Player, lead_s: float, length_s: float) -> tuple[tuple[float, float], ...]:
    """Stretches of the clip in which the instrument sounds, gaps shorter than `JOINED_S` closed."""
    stretches: list[tuple[float, float]] = []
    for note in sorted(notes, key=lambda note: note.start_s):
        begin = max(0.0, note.start_s - lead_s)
        end = min(length_s, note.start_s + note.duration_s + min(player.touch.release_s, 0.2) - lead_s)
        if end <= begin:
            continue
        if stretches and begin - stretches[-1][1] < JOINED_S:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((begin, end))
    return tuple((round(begin, 3), round(end, 3)) for begin, end in stretches)
