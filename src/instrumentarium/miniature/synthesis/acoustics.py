"""From dry parts to a recording: each part's equaliser and saturation, panning, a room, the band of the medium."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter

from instrumentarium.miniature.music.instruments import Player
from instrumentarium.miniature.synthesis.curves import draw_out
from instrumentarium.miniature.synthesis.randomness import between, happens
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ, Waveform

EQUALISER_HZ = (80.0, 250.0, 800.0, 2000.0, 5000.0, 11000.0)
COARSE = 32  # equalisers and bands are computed at every 32nd frequency
FLAT = (0.0,) * len(EQUALISER_HZ)


@dataclass(frozen=True)
class Room:
    """A hall and a medium, the same for all clips of a recording."""

    reverberation_s: float  # time to fall by 60 dB
    wet_db: float  # reverberation against the direct sound
    damping_hz: float  # above it the tail is duller
    low_cut_hz: float
    high_cut_hz: float
    width: float  # 0 mono … 1
    number: int  # seeds the room's reflections


def draw_room(random: np.random.Generator) -> Room:
    """A room between a dry booth and a church, recorded by anything between a telephone-like and a full band."""
    return Room(
        reverberation_s=float(np.exp(between(random, np.log(0.15), np.log(2.2)))),
        wet_db=between(random, -36.0, -8.0),
        damping_hz=float(np.exp(between(random, np.log(1500.0), np.log(9000.0)))),
        low_cut_hz=float(np.exp(between(random, np.log(20.0), np.log(180.0)))),
        high_cut_hz=float(np.exp(between(random, np.log(5000.0), np.log(20000.0)))) if happens(random, 0.3) else 21e3,
        width=between(random, 0.0, 1.0),
        number=int(random.integers(2**32)),
    )


def record(
    players: Sequence[Player], parts: Sequence[Waveform], room: Room, *, skip: int, length: int, channels: int = 2
) -> NDArray[np.float64]:
    """Mix dry mono parts into one recording.

    Args:
        players: one a part, with level, panning, tone and drive.
        parts: dry waveforms of one length; a part without sound adds nothing.
        room: where it is recorded.
        skip: samples left out at the beginning, so that the room already rings when the clip begins.
        length: samples to keep.
        channels: 2, or 1 for the left one alone.

    Returns:
        (channels, length).
    """
    size = fft.next_fast_len(max(len(part) for part in parts) + int(0.25 * SAMPLE_RATE_HZ), real=True)
    frequencies = np.asarray(fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ))
    direct = np.zeros((channels, len(frequencies)), dtype=np.complex128)
    for player, part in zip(players, parts, strict=True):
        dry = _levelled(_coloured(part, player), player.level_db)
        if dry is None:
            continue
        spectrum = fft.rfft(dry, size) * _curve(frequencies, player.tone, high_cut_hz=player.loudspeaker_hz or 1e6)
        angle = (1.0 + player.pan * room.width) * np.pi / 4
        gains = np.array([np.cos(angle), np.sin(angle)])[:channels]
        direct += gains[:, None] * spectrum
    return _in_room(direct, room, frequencies, size)[:, skip : skip + length]


def reverberate(dry: Waveform, room: Room) -> NDArray[np.float64]:
    """One mono sound in a room and through its medium, to one microphone: (1, samples)."""
    size = fft.next_fast_len(len(dry) + int(0.25 * SAMPLE_RATE_HZ), real=True)
    frequencies = np.asarray(fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ))
    direct = fft.rfft(dry / (np.sqrt(np.mean(dry**2)) + 1e-12), size)
    return _in_room(direct[None], room, frequencies, size)[:, : len(dry)]


def _in_room(direct: NDArray[np.complex128], room: Room, frequencies: Waveform, size: int) -> NDArray[np.float64]:
    """Add the room's echoes to direct spectra, limit the band, and return to time: (channels, size)."""
    echoes = _reflections(room, len(direct), size)
    middle = np.mean(direct, axis=0) * 10.0 ** (room.wet_db / 20.0)
    band = _curve(frequencies, FLAT, low_cut_hz=room.low_cut_hz, high_cut_hz=room.high_cut_hz)
    channels = [
        fft.irfft((channel + middle * fft.rfft(echo, size)) * band, size)
        for channel, echo in zip(direct, echoes, strict=True)
    ]
    return np.asarray(channels)


def _coloured(part: Waveform, player: Player) -> Waveform:
    """What happens to a part before the microphone: breath or bow noise, swelling, an amplifier's saturation."""
    rms = float(np.sqrt(np.mean(part**2)))
    if rms <= 0.0:
        return part
    if player.breath > 0:
        loudness = np.sqrt(np.maximum(0.0, uniform_filter1d(part**2, 1323, mode="constant")))  # sums round below 0
        part = part + loudness * (player.breath * np.random.default_rng(len(part)).standard_normal(len(part)))
    if player.tremolo > 0:
        phase = np.arange(len(part)) * (2 * np.pi * player.tremolo_hz / SAMPLE_RATE_HZ)
        part = part * (1.0 + player.tremolo * np.sin(phase))
    if player.drive > 0:
        scaled = part * (player.drive / rms)
        part = scaled / (1.0 + np.abs(scaled))
    return part


def _levelled(part: Waveform, level_db: float) -> Waveform | None:
    """The part at `level_db` by its loudness while it sounds, so that a sparse part is no quieter than a dense one."""
    blocks = part[: len(part) // 2205 * 2205].reshape(-1, 2205)
    powers = np.mean(blocks**2, axis=1)
    loud = powers[powers > 0.01 * powers.max()] if len(powers) else powers
    if not len(loud) or loud.max() <= 0.0:
        return None
    return np.asarray(part * (10.0 ** (level_db / 20.0) / np.sqrt(np.mean(loud))))


def _curve(
    frequencies: Waveform, gains_db: tuple[float, ...], *, low_cut_hz: float = 0.0, high_cut_hz: float = 1e6
) -> Waveform:
    """Gains over `frequencies`: an equaliser, straight lines in decibels over octaves, within the slopes of a band.

    They are smooth, so they are computed at a few frequencies only.
    """
    coarse = np.maximum(frequencies[::COARSE], 1.0)
    gains = np.interp(np.log2(coarse), np.log2(EQUALISER_HZ), gains_db)
    curve = np.exp(gains * (np.log(10.0) / 20.0))
    curve /= (1.0 + (low_cut_hz / coarse) ** 4) * (1.0 + (coarse / high_cut_hz) ** 8)
    return draw_out(curve, COARSE, len(frequencies))


def _reflections(room: Room, channels: int, size: int) -> NDArray[np.float64]:
    """(channels, n) decaying noise, duller as it goes, of unit energy; two channels correlated by the room's width."""
    random = np.random.default_rng(room.number)
    n = min(size, int(min(room.reverberation_s, 1.5) * SAMPLE_RATE_HZ))
    noise = random.standard_normal((channels, n))
    noise[1:] = room.width * noise[1:] + (1.0 - room.width) * noise[0]
    time = np.arange(n) / SAMPLE_RATE_HZ
    noise *= np.exp(-6.9 * time / room.reverberation_s)
    noise[:, : int(0.004 * SAMPLE_RATE_HZ)] = 0.0
    pole = float(np.exp(-2 * np.pi * room.damping_hz / SAMPLE_RATE_HZ))
    noise = np.asarray(lfilter([1.0 - pole], [1.0, -pole], noise, axis=1))
    return np.asarray(noise / np.sqrt(np.sum(noise**2, axis=1, keepdims=True) + 1e-12))
