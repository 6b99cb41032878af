"""Playing notes with the samples of a SoundFont: pitch, vibrato, attack, decay, brightness and release of each note.

Why not a ready synthesiser: the General-MIDI renderer at hand ignores velocity, bends and envelopes (its guitars never
decay) and returns NaN for some programs. Everything here is float64, so that processors that round transcendental
functions differently still agree after the audio is rounded to 16 bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from instrumentarium.miniature.synthesis.soundfont import SoundFont, Zone

SAMPLE_RATE_HZ = 44_100
DRUM_RELEASE = 4.0  # drums ring on
Waveform = NDArray[np.float64]


@dataclass(frozen=True)
class Note:
    """One note of a score; pitch is a MIDI number, velocity lies in (0, 1]."""

    start_s: float
    duration_s: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Touch:
    """How one player sounds on one instrument, for a whole recording."""

    program: int
    drums: bool = False
    font: Path | None = None  # whose samples; None is the SoundFont that pretty_midi ships
    key_shift: int = 0  # plays the sample of a key this much higher, retuned: moves the formants
    detune_cents: float = 0.0
    vibrato_cents: float = 0.0
    vibrato_hz: float = 5.5
    scoop_cents: float = 0.0  # begins this much below the pitch
    attack_s: float = 0.0  # longer than the bank's own
    decay_s: float = 0.0  # for a fall of 60 dB; 0 keeps the bank's own decay
    release_s: float = 0.08  # for a fall of 60 dB
    brightness: float = 30.0  # cutoff of the low-pass at full velocity, in multiples of the fundamental
    layer_balance: float = 1.0  # of the second layer, where the bank has one
    knock: float = 0.0  # a short noise at the beginning of each note, against the tone's level


def play(font: SoundFont, touch: Touch, notes: Sequence[Note], samples: int) -> Waveform:
    """Sound `notes` on one instrument.

    Args:
        font: the bank.
        touch: the player.
        notes: in seconds from the first sample; those that begin outside are left out.
        samples: length of the result at 44.1 kHz.

    Returns:
        (samples,) mono.
    """
    mix = np.zeros(samples)
    release = int(touch.release_s * (DRUM_RELEASE if touch.drums else 1.0) * SAMPLE_RATE_HZ)
    longest = max((int(note.duration_s * SAMPLE_RATE_HZ) + release for note in notes), default=0)
    time = np.arange(min(samples, longest) + 1) / SAMPLE_RATE_HZ
    drift = _drift(touch, time) if touch.vibrato_cents or touch.scoop_cents else None
    for note in notes:
        begin = round(note.start_s * SAMPLE_RATE_HZ)
        if not 0 <= begin < samples:
            continue
        zones = font.zones(touch.program, note.pitch + touch.key_shift, drums=touch.drums, velocity=note.velocity)[:2]
        held = max(1, int(note.duration_s * SAMPLE_RATE_HZ))
        length = min(samples - begin, held + release, len(time))
        tone = np.zeros(length)
        for zone, level in zip(zones, (1.0, touch.layer_balance), strict=False):
            if level > 0:
                moved = None if drift is None else drift[:length]
                tone += level * _sample(font, zone, touch, note, time[:length], moved)
        if touch.decay_s > 0:
            tone = _dying(tone, touch, note.pitch, time[:length])
        if length > held:
            tone[held:] *= np.exp(time[: length - held] * (-6.9 * SAMPLE_RATE_HZ / max(1, release)))
            fade = min(128, length - held)
            tone[-fade:] *= np.linspace(1.0, 0.0, fade)
        if not touch.drums:
            tone = _low_pass(tone, touch.brightness * note.velocity * 440.0 * 2.0 ** ((note.pitch - 69) / 12))
        if touch.knock > 0:
            _knock(tone, touch, note)
        mix[begin : begin + length] += tone * note.velocity**1.5
    return mix


def _sample(font: SoundFont, zone: Zone, touch: Touch, note: Note, time: Waveform, drift: Waveform | None) -> Waveform:
    """The bank's sample at the note's pitch, moved by `drift` seconds, under its envelope; as long as `time`."""
    pitch = note.pitch if not touch.drums else zone.root_pitch + (note.pitch - zone.root_pitch) * zone.semitones_per_key
    rate = zone.sample_rate_hz / SAMPLE_RATE_HZ * 2.0 ** ((pitch + touch.detune_cents / 100 - zone.root_pitch) / 12)
    position = rate * SAMPLE_RATE_HZ * (time if drift is None else np.maximum(time + drift, 0.0))
    length, loop = float(zone.end - zone.start), float(zone.loop_end - zone.loop_start)
    if zone.loops:
        into = zone.loop_start - zone.start
        first = int(np.searchsorted(position, into + loop))  # positions rise, bar a vibrato's tremble
        beyond = position[max(0, first - 64) :]
        beyond -= np.floor(np.maximum(0.0, beyond - into) / loop) * loop
    else:
        sounding = int(np.searchsorted(position, length - 2.0))
        position = position[:sounding]
    below = position.astype(np.int64)
    position -= below
    below += zone.start
    samples = font.waveform(zone)
    here = samples[below] / 32768.0
    below += 1
    position *= samples[below] / 32768.0 - here
    position += here
    tone = np.zeros(len(time))
    tone[: len(position)] = position
    _shape(tone, zone, touch, time)
    return tone


def _drift(touch: Touch, time: Waveform) -> Waveform:
    """By how many seconds vibrato and scoop have moved the reading position; small cents, so linear in them."""
    omega = 2 * np.pi * touch.vibrato_hz
    swell = np.minimum(1.0, time / 0.4)
    depth = touch.vibrato_cents / 1200 * np.log(2.0)
    scoop = touch.scoop_cents / 1200 * np.log(2.0)
    return np.asarray(-depth / omega * swell * (np.cos(omega * time) - 1) - scoop * 0.05 * (1 - np.exp(-time / 0.05)))


def _shape(tone: Waveform, zone: Zone, touch: Touch, time: Waveform) -> None:
    """Give a tone its attack, and unless it dies away in the player's own time, the bank's decay; in place."""
    attack = max(zone.attack_s, touch.attack_s, 0.001)
    risen = int(np.searchsorted(time, attack))
    tone[:risen] *= time[:risen] * (zone.gain / attack)
    tone[risen:] *= zone.gain
    if touch.decay_s > 0 or zone.sustain_db < 1.0:
        return
    lowest_db = min(zone.sustain_db, 100.0)
    begin, end = np.searchsorted(time, attack + zone.hold_s + np.array([0.0, zone.decay_s * lowest_db / 100.0]))
    fall_db = (time[begin:end] - (attack + zone.hold_s)) * (100.0 / zone.decay_s)
    tone[begin:end] *= np.exp(fall_db * (-np.log(10.0) / 20.0))
    tone[end:] *= 10.0 ** (-lowest_db / 20.0)


def _dying(tone: Waveform, touch: Touch, pitch: int, time: Waveform) -> Waveform:
    """A struck or plucked tone: its upper partials fade first, and high notes sooner than low ones."""
    fundamental = 440.0 * 2.0 ** ((pitch - 69) / 12)
    slow = np.exp(time * (-6.9 / (touch.decay_s * 2.0 ** ((60 - pitch) / 24))))
    body, middle = _low_pass(tone, 2.0 * fundamental), _low_pass(tone, 6.0 * fundamental)
    cube = slow * slow * slow
    return np.asarray(slow * body + cube * ((middle - body) + cube * slow * (tone - middle)))


def _knock(tone: Waveform, touch: Touch, note: Note) -> None:
    """Add the sound of pick, hammer or key to the beginning of a tone, in place; each key knocks in its own way."""
    n = min(len(tone), int(0.03 * SAMPLE_RATE_HZ))
    burst = np.random.default_rng(1000 * touch.program + note.pitch).standard_normal(n)
    burst = lfilter([0.3], [1.0, -0.7], burst) * np.exp(np.arange(n) * (-1.0 / (0.005 * SAMPLE_RATE_HZ)))
    tone[:n] += burst * (touch.knock * float(np.sqrt(np.mean(tone[: 4 * n] ** 2))))


def _low_pass(tone: Waveform, cutoff_hz: float) -> Waveform:
    """Two one-pole low-passes."""
    if cutoff_hz > 9000.0:
        return tone
    pole = float(np.exp(-2 * np.pi * max(cutoff_hz, 300.0) / SAMPLE_RATE_HZ))
    return np.asarray(lfilter([(1 - pole) ** 2], [1.0, -2 * pole, pole * pole], tone))
