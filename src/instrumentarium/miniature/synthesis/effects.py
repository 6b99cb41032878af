"""Sounds that are no music: shaped noise, knocks, glides and the bank's sound effects, one recipe an ESC-50 category.

A recipe takes two generators, one for what a source sounds like (shared by its clips) and one for what happens in the
clip, and returns mono samples of any level. Frequencies in hertz, times in seconds.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import fft

from instrumentarium.miniature.synthesis.randomness import between, choose, happens
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ, Note, Touch, Waveform, play
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts, fonts_with, load_soundfont

Random = np.random.Generator
Recipe = Callable[[Random, Random, int], Waveform]


def noise(random: Random, samples: int, low: float, high: float, tilt: float = 0.0) -> Waveform:
    """Noise between two frequencies, falling by `tilt` dB an octave; RMS 1."""
    size = fft.next_fast_len(samples, real=True)
    frequencies = np.maximum(fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ), 1.0)
    shape = (frequencies / 1000.0) ** (-tilt / 6.02)
    shape /= np.sqrt((1 + (low / frequencies) ** 6) * (1 + (frequencies / high) ** 6))
    out = fft.irfft(fft.rfft(random.standard_normal(size)) * shape, size)[:samples]
    return np.asarray(out / (np.sqrt(np.mean(out**2)) + 1e-12))


def wander(random: Random, samples: int, rate_hz: float, low: float, high: float) -> Waveform:
    """A curve that drifts between two values, with about `rate_hz` turning points a second."""
    knots = random.uniform(low, high, max(3, int(samples / SAMPLE_RATE_HZ * rate_hz) + 3))
    return np.asarray(np.interp(np.linspace(0, len(knots) - 1, samples), np.arange(len(knots)), knots))


def voiced(pitch_hz: Waveform, partials: Sequence[float]) -> Waveform:
    """A harmonic tone along a pitch curve; partials above 20 kHz stay silent."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    top = float(pitch_hz.max())
    tone = np.zeros(len(pitch_hz))
    for number, level in enumerate(partials, start=1):
        if number * top < 20000:
            tone += level * np.sin(number * phase)
    return tone


def formants(count: int, pitch_hz: float, peaks: Sequence[float], width_hz: float = 200.0) -> list[float]:
    """Levels of `count` partials under resonances at `peaks`."""
    return [
        sum(1.0 / (1.0 + ((number * pitch_hz - peak) / width_hz) ** 2) for peak in peaks) / number**0.3
        for number in range(1, count + 1)
    ]


def hit(samples: int, attack: float, decay: float) -> Waveform:
    """An envelope that rises within `attack` and falls by 60 dB within `decay`."""
    time = np.arange(samples) / SAMPLE_RATE_HZ
    return np.asarray(np.minimum(1.0, time / attack) * np.exp(-6.9 * time / decay))


def scatter(random: Random, samples: int, onsets: Sequence[float], make: Callable[[], Waveform]) -> Waveform:
    """Sum a fresh event at every onset, each at a level of its own."""
    out = np.zeros(samples)
    for onset in onsets:
        begin = int(onset * SAMPLE_RATE_HZ)
        if 0 <= begin < samples:
            event = make()[: samples - begin]
            out[begin : begin + len(event)] += event * between(random, 0.4, 1.0)
    return out


def regular(random: Random, seconds: float, every: float, jitter: float = 0.0) -> list[float]:
    """Onsets one after another, `every` apart, each moved by up to `jitter`."""
    first = between(random, 0.0, min(every, 0.6 * seconds))
    return [max(0.0, float(t) + between(random, -jitter, jitter)) for t in np.arange(first, seconds, every)]


def bank(fonts: Fonts, program: int, *, every: float = 1.2, low: int = 48, high: int = 72) -> Recipe:
    """A bank's sound effect, played again and again at a pitch of the source's own; of several banks, by the source."""

    def recipe(source: Random, random: Random, samples: int) -> Waveform:
        able = fonts_with(fonts, program, name="a sound effect")
        font = able[0] if len(able) == 1 else choose(source.spawn(1)[0], able)
        seconds = samples / SAMPLE_RATE_HZ
        pitch = int(source.integers(low, high))
        gap = every * between(source, 0.6, 1.6)
        notes = [
            Note(t, 1.3 * gap, pitch + int(random.integers(-1, 2)), 0.9) for t in regular(random, seconds, gap, 0.1)
        ]
        return play(load_soundfont(font), Touch(program=program, release_s=0.4, brightness=200.0), notes, samples)

    return recipe


def steady(low: float, high: float, tilt: float, *, turns: float = 1.0, depth: float = 0.3) -> Recipe:
    """Noise that swells and ebbs: rain, wind, waves, machines."""

    def recipe(source: Random, random: Random, samples: int) -> Waveform:
        lower, upper = low * between(source, 0.6, 1.6), high * between(source, 0.6, 1.5)
        ebb = wander(random, samples, turns, 1.0 - depth, 1.0)
        return np.asarray(noise(random, samples, lower, upper, tilt * between(source, 0.7, 1.3)) * ebb)

    return recipe


def impacts(every: float, jitter: float, low: float, high: float, decay: float, *, ring: float = 0.0) -> Recipe:
    """Knocks, ticks, steps: short noises, `every` apart, over a resonance of relative level `ring`."""

    def recipe(source: Random, random: Random, samples: int) -> Waveform:
        gap = every * between(source, 0.6, 1.6)
        lower, upper = low * between(source, 0.7, 1.4), high * between(source, 0.7, 1.4)
        fall = decay * between(source, 0.6, 1.8)
        tones = [between(source, lower, upper) for _ in range(3)]

        def make() -> Waveform:
            length = int(1.2 * fall * SAMPLE_RATE_HZ) + 64
            envelope = hit(length, 0.001, fall)
            time = np.arange(length) / SAMPLE_RATE_HZ
            tone = sum((np.sin(2 * np.pi * f * time) for f in tones), start=np.zeros(length))
            return np.asarray(envelope * (noise(random, length, lower, upper) + ring * tone))

        return scatter(random, samples, regular(random, samples / SAMPLE_RATE_HZ, gap, jitter * gap), make)

    return recipe


def calls(
    pitches: tuple[float, float],
    bend: tuple[float, float],
    length: float,
    every: float,
    breath: float,
    peaks: tuple[float, ...],
) -> Recipe:
    """Voices of animals and people that do not sing: tones that bend from one pitch to another, rough and breathy."""

    def recipe(source: Random, random: Random, samples: int) -> Waveform:
        base = between(source, *pitches)
        moved = [peak * between(source, 0.8, 1.25) for peak in peaks]
        pause = every * between(source, 0.7, 1.5)

        def make() -> Waveform:
            n = int(length * between(random, 0.6, 1.5) * SAMPLE_RATE_HZ)
            course = np.interp(np.linspace(0, 1, n), [0.0, 0.3, 1.0], [bend[0], max(bend), bend[1]])
            rough = 1.0 + 0.03 * between(random, 0.3, 2.0) * np.cumsum(random.standard_normal(n)) / np.sqrt(n)
            curve = np.asarray(base * between(random, 0.9, 1.1) * course * rough)
            tone = voiced(curve, formants(24, base, moved)) + breath * noise(random, n, 300.0, 6000.0)
            return np.asarray(tone * np.hanning(n) ** 0.5)

        return scatter(random, samples, regular(random, samples / SAMPLE_RATE_HZ, pause, 0.15 * pause), make)

    return recipe


def motor(pitches: tuple[float, float], partials: int, roughness: float, chop_hz: float = 0.0) -> Recipe:
    """Engines and hums: a low harmonic tone whose speed drifts, with noise, chopped at `chop_hz` if that is positive."""

    def recipe(source: Random, random: Random, samples: int) -> Waveform:
        base = between(source, *pitches)
        curve = base * wander(random, samples, 0.8, 0.9, 1.12)
        tone = voiced(curve, [between(source, 0.2, 1.0) / number**0.7 for number in range(1, partials + 1)])
        tone = tone / (np.sqrt(np.mean(tone**2)) + 1e-12) + roughness * noise(random, samples, 60.0, 5000.0, 4.0)
        if chop_hz > 0:
            time = np.arange(samples) / SAMPLE_RATE_HZ
            tone = tone * (0.5 + 0.5 * np.cos(2 * np.pi * chop_hz * between(source, 0.7, 1.4) * time)) ** 3
        return np.asarray(tone)

    return recipe


def siren(source: Random, random: Random, samples: int) -> Waveform:
    """A tone that wails between two pitches."""
    low, high, rate = between(source, 400, 700), between(source, 900, 1600), between(source, 0.25, 3.0)
    time = np.arange(samples) / SAMPLE_RATE_HZ + between(random, 0, 5)
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * rate * time)
    if happens(source, 0.3):
        swing = np.round(swing)
    return voiced(low + (high - low) * swing, [1.0, 0.5, 0.35, 0.2, 0.1])


def horn(source: Random, random: Random, samples: int) -> Waveform:
    """Two reedy tones together, in one or a few blasts."""
    low = between(source, 280, 480)
    ratio = between(source, 1.18, 1.35)

    def make() -> Waveform:
        n = int(between(random, 0.2, 1.5) * SAMPLE_RATE_HZ)
        tone = sum(
            (voiced(np.full(n, f), [1 / k**0.4 for k in range(1, 16)]) for f in (low, low * ratio)), start=np.zeros(n)
        )
        return np.asarray(tone * np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / 800.0))

    return scatter(random, samples, regular(random, samples / SAMPLE_RATE_HZ, between(source, 0.8, 2.5), 0.2), make)


def beeps(source: Random, random: Random, samples: int) -> Waveform:
    """An electronic alarm: equal beeps in groups."""
    pitch, count, length = between(source, 900, 3200), int(source.integers(1, 5)), between(source, 0.05, 0.15)
    partials = choose(source, ([1.0], [1.0, 0.0, 0.3, 0.0, 0.2], [1.0, 0.5, 0.3]))
    n = int(length * SAMPLE_RATE_HZ)
    beep = voiced(np.full(n, pitch), partials) * np.minimum(1.0, np.arange(n)[::-1] / 200.0)
    starts = regular(random, samples / SAMPLE_RATE_HZ, between(source, 0.5, 1.2))
    return scatter(random, samples, [t + 2 * length * k for t in starts for k in range(count)], lambda: beep)


def bells(source: Random, random: Random, samples: int) -> Waveform:
    """Church bells: strokes of inharmonic partials that ring for seconds."""
    base = between(source, 150, 500)
    ratios, levels = (0.5, 1.0, 1.2, 1.5, 2.0, 2.67, 3.0, 4.2), (0.5, 1.0, 0.8, 0.4, 0.9, 0.4, 0.3, 0.3)

    def make() -> Waveform:
        time = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
        pitch = base * choose(random, (1.0, 1.0, 1.122, 0.891))
        partials = (
            v * np.sin(2 * np.pi * pitch * r * time) * np.exp(-r * time) for r, v in zip(ratios, levels, strict=True)
        )
        return np.asarray(sum(partials, start=np.zeros(len(time))))

    return scatter(random, samples, regular(random, samples / SAMPLE_RATE_HZ, between(source, 0.5, 1.8), 0.05), make)


def together(first: Recipe, second: Recipe, level: float) -> Recipe:
    """Two recipes at once, the second at `level` times the RMS of the first."""

    def recipe(source: Random, random: Random, samples: int) -> Waveform:
        one, two = first(source, random, samples), second(source, random, samples)
        return np.asarray(one + two * (level * np.sqrt(np.mean(one**2) / (np.mean(two**2) + 1e-12))))

    return recipe


def recipes(fonts: Fonts = SHIPPED) -> dict[str, tuple[int, Recipe]]:
    """ESC-50's categories with their numbers, and how each is made with sound effects of these banks.

    A recipe raises SoundFontError if none of the banks has the sound effect that it plays.
    """
    return {  # ESC-50's category, its number, how it is made
        "dog": (0, calls((250, 700), (0.8, 0.6), 0.16, 0.7, 0.5, (700, 1400, 2800))),
        "rooster": (1, calls((450, 800), (0.7, 0.9), 0.7, 1.1, 0.15, (1100, 2200, 3500))),
        "cow": (3, calls((90, 180), (0.8, 0.9), 1.4, 2.2, 0.15, (400, 900, 2300))),
        "cat": (5, calls((400, 750), (0.8, 0.7), 0.7, 1.5, 0.05, (900, 1800, 3200))),
        "crow": (9, calls((350, 600), (0.9, 0.8), 0.3, 0.8, 1.0, (1200, 1900, 3000))),
        "rain": (10, together(steady(900, 12000, 1.0, depth=0.15), impacts(0.03, 0.9, 2000, 9000, 0.01), 0.5)),
        "sea_waves": (11, steady(150, 5000, 3.0, turns=0.4, depth=0.85)),
        "crackling_fire": (12, together(impacts(0.06, 0.95, 1200, 9000, 0.012), steady(60, 900, 4.0), 0.25)),
        "crickets": (13, calls((3800, 5200), (1.0, 1.0), 0.05, 0.12, 0.01, (4500,))),
        "chirping_birds": (14, together(
            bank(fonts, 123, high=80), calls((2200, 4500), (1.3, 0.8), 0.12, 0.35, 0.02, (3000,)), 1),
        ),
        "water_drops": (15, impacts(0.5, 0.4, 700, 2600, 0.08, ring=3.0)),
        "wind": (16, steady(80, 900, 5.0, turns=0.7, depth=0.7)),
        "thunderstorm": (19, together(steady(500, 9000, 2.0, depth=0.2), impacts(2.4, 0.3, 30, 220, 2.5), 2.5)),
        "crying_baby": (20, calls((380, 560), (0.85, 0.9), 0.9, 1.2, 0.08, (1100, 2900, 4200))),
        "sneezing": (21, together(
            impacts(2.2, 0.2, 900, 9000, 0.3), calls((180, 350), (1.2, 0.8), 0.3, 2.2, 0.8, (900,)), 1),
        ),
        "clapping": (22, together(bank(fonts, 126, every=2.0), impacts(0.16, 0.6, 700, 4000, 0.03), 1.5)),
        "breathing": (23, steady(400, 4000, 3.0, turns=0.9, depth=0.97)),
        "coughing": (24, calls((120, 260), (1.1, 0.8), 0.2, 0.55, 2.0, (600, 1300, 2500))),
        "footsteps": (25, impacts(0.5, 0.1, 80, 1800, 0.06)),
        "laughing": (26, calls((180, 380), (1.15, 0.85), 0.12, 0.22, 0.5, (750, 1300, 2600))),
        "snoring": (28, motor((35, 75), 30, 0.8, chop_hz=0.35)),
        "door_wood_knock": (30, impacts(0.25, 0.15, 120, 900, 0.07, ring=0.8)),
        "keyboard_typing": (32, impacts(0.14, 0.6, 1500, 8000, 0.02)),
        "vacuum_cleaner": (36, motor((180, 420), 12, 1.5)),
        "clock_alarm": (37, beeps),
        "clock_tick": (38, impacts(0.5, 0.0, 1800, 7000, 0.025, ring=0.5)),
        "glass_breaking": (39, impacts(0.35, 0.9, 2500, 11000, 0.25, ring=1.5)),
        "helicopter": (40, together(bank(fonts, 125, every=2.0), motor((18, 30), 20, 1.0, chop_hz=14.0), 1.0)),
        "chainsaw": (41, motor((70, 170), 40, 0.6)),
        "siren": (42, siren),
        "car_horn": (43, horn),
        "engine": (44, motor((28, 80), 24, 0.7)),
        "train": (45, together(motor((40, 90), 10, 2.5), impacts(0.4, 0.1, 100, 1500, 0.1), 0.7)),
        "church_bells": (46, bells),
        "airplane": (47, motor((90, 220), 6, 3.0)),
        "fireworks": (48, together(bank(fonts, 127, every=0.6), impacts(0.45, 0.8, 60, 5000, 0.3), 1.0)),
        "hand_saw": (49, steady(1200, 8000, 1.0, turns=6.0, depth=0.95)),
    }  # fmt: skip


RECIPES = recipes()
"""Those of the bank that is shipped."""
