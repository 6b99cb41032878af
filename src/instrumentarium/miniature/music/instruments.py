"""Who can play: the General-MIDI programs, the real register and the ways of playing of each instrument."""

from dataclasses import dataclass

import numpy as np

from instrumentarium.miniature.music.composition import Habits, draw_habits
from instrumentarium.miniature.synthesis.randomness import between, choose, happens
from instrumentarium.miniature.synthesis.sampler import Touch


@dataclass(frozen=True)
class Sound:
    """One program: its register as MIDI pitches, what it can play, and whether its tones die away."""

    program: int
    low: int
    high: int
    roles: tuple[str, ...]  # writers of `composition`
    dies_away: bool = False
    drums: bool = False
    course_cents: float = 0.0  # between the two strings of a course; 0: single strings
    strokes_hz: float = 0.0  # of the strokes that a held note is made of; 0: it is plucked once


@dataclass(frozen=True)
class Character:
    """What belongs to an instrument beyond its samples; every value is the most a player may draw."""

    vibrato_cents: float = 0.0
    scoop_cents: float = 0.0
    release_s: tuple[float, float] = (0.05, 0.4)
    breath_db: float | None = None  # noise of breath, bow or reed under the tone
    knock: float = 0.0  # pick, hammer or key at the beginning of a note, against the tone
    tremolo: float = 0.0  # a rotary speaker's or an amplifier's swelling, as a share of the level
    amplifier: float = 0.0  # drive into a loudspeaker that passes up to about 5 kHz


CHARACTERS: dict[str, Character] = {
    "cel": Character(vibrato_cents=30, scoop_cents=40, breath_db=-32, release_s=(0.1, 0.5)),
    "cla": Character(vibrato_cents=8, breath_db=-42),
    "flu": Character(vibrato_cents=25, scoop_cents=25, breath_db=-24, release_s=(0.05, 0.25)),
    "gac": Character(knock=0.5, release_s=(0.1, 0.8)),
    "gel": Character(vibrato_cents=12, knock=0.25, tremolo=0.3, amplifier=6.0, release_s=(0.08, 0.5)),
    "org": Character(tremolo=0.45, vibrato_cents=14, release_s=(0.03, 0.2)),
    "pia": Character(knock=0.3, release_s=(0.1, 1.5)),
    "sax": Character(vibrato_cents=30, scoop_cents=120, breath_db=-32, release_s=(0.05, 0.25)),
    "mandolin": Character(knock=0.5, release_s=(0.05, 0.3)),
    "ukulele": Character(knock=0.35, release_s=(0.05, 0.25)),
    "tru": Character(vibrato_cents=18, scoop_cents=60, breath_db=-44, release_s=(0.05, 0.25)),
    "vio": Character(vibrato_cents=40, scoop_cents=50, breath_db=-34, release_s=(0.1, 0.5)),
    "voi": Character(vibrato_cents=60, scoop_cents=150, breath_db=-34, release_s=(0.08, 0.4)),
}
PLAIN = Character(vibrato_cents=20, scoop_cents=40)

LINE, KEYS, PLUCK = ("melody",), ("melody", "chords", "melody", "arpeggio"), ("melody", "chords", "melody", "arpeggio")


def _sounds(
    programs: tuple[int, ...], low: int, high: int, roles: tuple[str, ...], *, dies: bool = False
) -> list[Sound]:
    return [Sound(program, low, high, roles, dies) for program in programs]


# A program given twice is drawn twice as often.
SOUNDS: dict[str, list[Sound]] = {
    "cel": _sounds((42, 42), 36, 76, LINE),
    "cla": _sounds((71,), 50, 91, LINE),
    "flu": _sounds((73, 73, 73, 75, 74), 60, 96, LINE) + _sounds((72,), 74, 104, LINE),
    "gac": _sounds((24, 25), 40, 81, PLUCK, dies=True),
    "gel": _sounds((26, 27, 27, 28), 40, 86, PLUCK, dies=True)
    + _sounds((29, 30, 30), 40, 84, ("melody", "chords", "melody")),
    "org": _sounds((16, 17, 18, 19, 19), 36, 91, KEYS) + _sounds((20,), 41, 84, KEYS),
    "pia": _sounds((0, 0, 0, 1, 1, 2, 3), 28, 100, KEYS, dies=True),
    "sax": _sounds((64,), 56, 88, LINE)
    + _sounds((65,), 49, 81, LINE)
    + _sounds((66,), 44, 76, LINE)
    + _sounds((67,), 37, 69, LINE),
    "tru": _sounds((56, 56, 59), 54, 84, LINE),
    "vio": _sounds((40, 40, 110), 55, 98, LINE),
    "voi": _sounds((52, 52, 53, 53, 54), 45, 81, ("melody", "melody", "melody", "chords")),
    "accordion": _sounds((21, 23), 48, 88, KEYS),
    "banjo": _sounds((105,), 48, 81, ("arpeggio", "melody"), dies=True),
    "bass": _sounds((32, 33, 34, 35, 36, 38, 39), 28, 50, ("bass_line",)),
    "drums": [Sound(program, 0, 127, ("drum_beat",), drums=True) for program in (0, 8, 16, 24, 25, 32, 40)],
    "mallet_percussion": _sounds((9, 11, 12, 13), 60, 96, ("arpeggio", "melody"), dies=True),
    "synthesizer": _sounds((80, 81, 87, 88, 89, 90, 95), 45, 84, ("melody", "chords", "arpeggio")),
    "trombone": _sounds((57,), 40, 72, LINE),
    # General MIDI has neither: a steel-string guitar's samples in double courses, held notes as tremolo; a nylon-string
    # guitar's in a ukulele's register, where their tones die away sooner
    "mandolin": [
        Sound(25, 55, 88, ("melody", "arpeggio", "chords"), dies_away=True, course_cents=9.0, strokes_hz=11.0)
    ],
    "ukulele": _sounds((24,), 60, 84, ("chords", "chords", "arpeggio", "melody"), dies=True),
    "electric_piano": _sounds((4, 5), 40, 88, KEYS, dies=True),
    "harp": _sounds((46,), 36, 96, ("arpeggio",), dies=True),
    "horn": _sounds((60,), 41, 77, LINE),
    "oboe": _sounds((68,), 58, 91, LINE),
    "bassoon": _sounds((70,), 34, 72, LINE),
    "harpsichord": _sounds((6,), 36, 86, KEYS, dies=True),
}
ACCOMPANISTS = (
    "bass",
    "drums",
    "electric_piano",
    "harp",
    "synthesizer",
    "mallet_percussion",
    "horn",
    "trombone",
    "oboe",
)


@dataclass(frozen=True)
class Player:
    """One part of a recording: who plays on what, how it sounds, how loud it is and where in the stereo image."""

    instrument: str
    sound: Sound
    roles: tuple[str, ...]
    touch: Touch
    level_db: float
    pan: float  # −1 left … 1 right
    tone: tuple[float, ...]  # equaliser gains in dB at EQUALISER_HZ
    drive: float  # saturation; 0 is clean
    breath: float = 0.0  # noise that follows the tone, against its level
    tremolo: float = 0.0
    tremolo_hz: float = 6.0
    loudspeaker_hz: float = 0.0  # upper edge of an amplifier's loudspeaker; 0 is none


@dataclass(frozen=True)
class Manner:
    """What a player does in one clip: a role, a tessitura within the register, habits."""

    role: str
    low: int
    high: int
    habits: Habits


def draw_player(random: np.random.Generator, instrument: str, *, level_db: float, role: str | None = None) -> Player:
    """A player with a sound of their own, who keeps to `role` where the instrument can play it."""
    sound = choose(random, SOUNDS[instrument])
    character = CHARACTERS.get(instrument, PLAIN)
    lasting = not sound.dies_away and not sound.drums
    touch = Touch(
        program=sound.program,
        drums=sound.drums,
        key_shift=0 if sound.drums else int(np.clip(round(1.5 * random.standard_normal()), -4, 4)),
        detune_cents=12.0 * float(random.standard_normal()),
        vibrato_cents=character.vibrato_cents * between(random, 0.2, 1.0) if happens(random, 0.8) and lasting else 0.0,
        vibrato_hz=between(random, 4.2, 6.8),
        scoop_cents=character.scoop_cents * between(random, 0.2, 1.0) if happens(random, 0.4) and lasting else 0.0,
        attack_s=between(random, 0.005, 0.08) if lasting else 0.0,
        decay_s=float(np.exp(between(random, np.log(1.5), np.log(8.0)))) if sound.dies_away else 0.0,
        release_s=float(np.exp(between(random, *np.log(character.release_s)))),
        brightness=float(np.exp(between(random, np.log(15.0), np.log(150.0)))),
        layer_balance=between(random, 0.0, 1.2),
        knock=character.knock * between(random, 0.0, 1.0),
    )
    amplified = character.amplifier > 0
    breath_db = None if character.breath_db is None else character.breath_db - between(random, 0.0, 18.0)
    drive = between(random, 0.2, 1.2) if happens(random, 0.2) else 0.0
    return Player(
        instrument=instrument,
        sound=sound,
        roles=(role,) if role in sound.roles else sound.roles,
        touch=touch,
        level_db=level_db,
        pan=between(random, -0.7, 0.7),
        tone=tuple(float(gain) for gain in 2.5 * random.standard_normal(6)),
        drive=character.amplifier * between(random, 0.05, 1.0) ** 2 if amplified else drive,
        breath=0.0 if breath_db is None else 10.0 ** (breath_db / 20.0),
        tremolo=character.tremolo * between(random, 0.2, 1.0) if happens(random, 0.5) else 0.0,
        tremolo_hz=between(random, 0.7, 1.2) if happens(random, 0.3) else between(random, 4.5, 7.5),
        loudspeaker_hz=between(random, 3500.0, 6500.0) if amplified else 0.0,
    )


def draw_manner(random: np.random.Generator, player: Player) -> Manner:
    """What the player does in a clip; the odds of the habits are the same for all instruments."""
    sound = player.sound
    low, high = sound.low, sound.high
    role = choose(random, player.roles)
    span = int(random.integers(10, 24))
    if high - low > span and role in ("melody", "chords", "arpeggio"):
        low += int(random.integers(high - low - span + 1))
        high = low + span
    return Manner(role=role, low=low, high=high, habits=draw_habits(random))
