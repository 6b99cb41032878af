"""Time shift, polarity, coloured noise, pitch, filters, distortion and rooms: what each promises of the signal."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.signal
import soundfile
import torch
import torchaudio.functional as taf
from training.augment.signals import RATE_HZ, decibels, frequency_hz, noise, rms, seeded, tone
from training.augment.test_every import ALWAYS

from instrumentarium.runtime.errors import UserError
from instrumentarium.training.augment.distortion import Clipping, ClippingDraw, Codec, mu_law
from instrumentarium.training.augment.filters import (
    BAND_PASS,
    HIGH_PASS,
    LOW_PASS,
    FilterDraw,
    Filters,
    high_pass,
    low_pass,
)
from instrumentarium.training.augment.noises import ColouredNoise, ColouredNoiseDraw, coloured_noise
from instrumentarium.training.augment.params import (
    ClippingParams,
    CodecParams,
    ColouredNoiseParams,
    FilterParams,
    ImpulseResponseParams,
    PitchShiftParams,
    PolarityParams,
    TimeShiftParams,
    TimeStretchParams,
)
from instrumentarium.training.augment.pitch import PitchDraw, PitchShift, TimeStretch, stretch
from instrumentarium.training.augment.rooms import (
    ImpulseResponse,
    ImpulseResponseError,
    convolved,
    made_responses,
    read_responses,
)
from instrumentarium.training.augment.timing import Polarity, TimeShift

ALL = torch.ones(6, dtype=torch.bool)


def test_a_time_shift_is_a_roll():
    augmentation = TimeShift(TimeShiftParams(**ALWAYS["time_shift"]))
    x = noise()
    draw = augmentation.draw(x.shape, seeded())
    assert 0 < draw.abs().max() <= 4000
    shifted = augmentation.apply(x, draw)
    assert all(torch.equal(shifted[row], x[row].roll(int(draw[row]))) for row in range(6))


def test_polarity_is_minus_the_waveform():
    x = noise()
    augmentation = Polarity(PolarityParams(probability=1.0))
    assert torch.equal(augmentation.apply(x, augmentation.draw(x.shape, seeded())), -x)
    half = torch.tensor([True, False] * 3)
    assert torch.equal(augmentation.apply(x, half)[1::2], x[1::2])


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 30.0])
def test_coloured_noise_has_the_drawn_ratio_whatever_its_colour_and_the_level(snr_db: float):
    augmentation = ColouredNoise(ColouredNoiseParams(**ALWAYS["coloured_noise"]), RATE_HZ)
    x = noise()
    draw = ColouredNoiseDraw(torch.full((6,), 10 ** (-snr_db / 20)), torch.linspace(-6, 6, 6), seed=3)
    added = augmentation.apply(x, draw) - x
    np.testing.assert_allclose(decibels(rms(x) / rms(added)), snr_db, atol=0.02)


@pytest.mark.parametrize("slope_db", [-6.0, -3.0, 0.0, 3.0, 6.0])
def test_its_power_rises_by_the_slope_an_octave(slope_db: float):
    sound = coloured_noise(torch.full((8,), slope_db), 64000, RATE_HZ, seed=1)
    np.testing.assert_allclose(rms(sound), 1.0, atol=1e-4)
    power = torch.fft.rfft(sound).abs().square().mean(dim=0)
    octave = [power[round(hz * 4) : round(hz * 8)].mean() for hz in (250, 500, 1000, 2000)]  # a bin is 0.25 Hz
    rises = np.diff(10 * np.log10(octave))
    np.testing.assert_allclose(rises, slope_db, atol=0.5)


def test_drawn_slopes_and_ratios_lie_within_their_limits():
    augmentation = ColouredNoise(ColouredNoiseParams(probability=1.0, snr_db=12.0, slope_db=4.0), RATE_HZ)
    draw = augmentation.draw(torch.Size((2000, 100)), seeded())
    assert draw.slope_db.abs().max() <= 4
    snr_db = -decibels(draw.gain)
    assert 12 - 1e-4 <= snr_db.min() < 12.5
    assert 39 < snr_db.max() <= 40 + 1e-4


@pytest.mark.parametrize("rate", [0.7, 0.9, 1.25, 1.6])
def test_a_stretched_waveform_has_the_stated_length_pitch_and_level(rate: float):
    x = tone(440.0)
    slow = stretch(x, rate, RATE_HZ)
    assert slow.shape == (1, round(16000 / rate))
    assert frequency_hz(slow[0]) == pytest.approx(440, rel=1e-3)
    middle = slow[0, 2000:-2000]
    assert abs(float(decibels(rms(middle) / (0.5 / 2**0.5)))) < 1  # a vocoder's frames no longer match to the sample


def test_a_stretch_moves_an_onset():
    x = torch.zeros(1, 16000)
    x[0, 8000:] = tone(440.0)[0, :8000]
    for rate in (0.8, 1.25):
        power = stretch(x, rate, RATE_HZ)[0].square().unfold(0, 160, 160).mean(dim=1)
        onset = int((power > 0.25 * power.max()).int().argmax()) * 160
        assert onset == pytest.approx(8000 / rate, abs=700)


def test_time_stretch_keeps_the_window_and_fills_it_with_silence():
    augmentation = TimeStretch(TimeStretchParams(probability=1.0, factor=1.5), RATE_HZ)
    x = tone(440.0, batch=6)
    faster = augmentation.apply(x, PitchDraw(ALL, 1.25))
    assert faster.shape == x.shape
    assert not faster[:, round(16000 / 1.25) :].any()
    slower = augmentation.apply(x, PitchDraw(ALL, 0.8))
    assert rms(slower[:, -1000:]).min() > 0.3
    rates = [float(augmentation.draw(x.shape, seeded(seed)).factor) for seed in range(200)]
    assert 1 / 1.5 <= min(rates) < 0.75
    assert 1.4 < max(rates) <= 1.5


@pytest.mark.parametrize("semitones", [-4.0, -1.0, 2.0, 5.0])
def test_a_shifted_tone_has_the_shifted_pitch_and_its_length_and_level(semitones: float):
    augmentation = PitchShift(PitchShiftParams(probability=1.0, semitones=6.0), RATE_HZ)
    factor = Fraction(2 ** (semitones / 12)).limit_denominator(64)
    shifted = augmentation.apply(tone(440.0, batch=6), PitchDraw(ALL, factor))
    assert shifted.shape == (6, 16000)
    assert frequency_hz(shifted[0]) == pytest.approx(440 * float(factor), rel=1e-3)
    assert abs(float(decibels(rms(shifted[0, 2000:-2000]) / (0.5 / 2**0.5)))) < 1


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_a_stretch_is_librosas(rate: float):
    x = tone(440.0) + tone(1234.0) * torch.linspace(0, 1, 16000)
    ours = stretch(x, rate, RATE_HZ)[0].numpy()
    theirs = librosa.effects.time_stretch(x[0].numpy(), rate=rate, n_fft=1024, hop_length=256)
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours[2000:-2000], theirs[2000:-2000], atol=0.01)


def test_a_pitch_shift_is_librosas_up_to_the_ratio():
    augmentation = PitchShift(PitchShiftParams(probability=1.0, semitones=6.0), RATE_HZ)
    x = tone(440.0) + tone(1234.0)
    ours = augmentation.apply(x, PitchDraw(ALL[:1], Fraction(9, 8)))[0]
    semitones = 12 * np.log2(9 / 8)
    theirs = librosa.effects.pitch_shift(x[0].numpy(), sr=RATE_HZ, n_steps=semitones, n_fft=1024, hop_length=256)
    np.testing.assert_allclose(ours[2000:-3000], theirs[2000:-3000], atol=0.02)


def test_what_rises_above_nyquist_is_gone():
    augmentation = PitchShift(PitchShiftParams(probability=1.0, semitones=12.0), RATE_HZ)
    shifted = augmentation.apply(tone(7500.0), PitchDraw(ALL[:1], Fraction(3, 2)))
    assert float(rms(shifted[:, 2000:-2000])) < 0.01


def test_drawn_shifts_lie_within_the_semitones():
    augmentation = PitchShift(PitchShiftParams(probability=1.0, semitones=3.0), RATE_HZ)
    factors = [float(augmentation.draw(torch.Size((4, 100)), seeded(seed)).factor) for seed in range(300)]
    cents = 1200 * np.log2(factors)
    assert np.abs(cents).max() <= 314
    assert cents.min() < -280
    assert cents.max() > 280


def test_filters_have_the_magnitudes_of_analogue_butterworth_filters():
    hz = torch.linspace(10, 7000, 200)
    for kind, ours in (("low", low_pass), ("high", high_pass)):
        b, a = scipy.signal.butter(2, 2 * np.pi * 1000, kind, analog=True)
        expected = np.abs(scipy.signal.freqs(b, a, 2 * np.pi * hz.numpy())[1])
        np.testing.assert_allclose(ours(hz, torch.tensor([1000.0]))[0], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "kept_hz", "lost_hz"), [(LOW_PASS, 300, 6000), (HIGH_PASS, 6000, 300), (BAND_PASS, 1500, 100)]
)
def test_a_filter_keeps_its_band_and_takes_the_rest(kind: int, kept_hz: float, lost_hz: float):
    augmentation = Filters(FilterParams(**ALWAYS["filters"]), RATE_HZ)
    draw = FilterDraw(ALL[:1], torch.tensor([kind]), torch.tensor([1000.0]), torch.tensor([2500.0]))
    change = [float(decibels(rms(augmentation.apply(tone(hz), draw)) / rms(tone(hz)))) for hz in (kept_hz, lost_hz)]
    assert change[0] > -1.5
    assert change[1] < -10


def test_a_filter_does_not_carry_the_end_to_the_beginning():
    x = torch.zeros(1, 8000)
    x[0, -1] = 1.0
    augmentation = Filters(FilterParams(**ALWAYS["filters"]), RATE_HZ)
    draw = FilterDraw(ALL[:1], torch.tensor([LOW_PASS]), torch.tensor([200.0]), torch.tensor([400.0]))
    assert augmentation.apply(x, draw)[0, :4000].abs().max() < 1e-6


@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_clipping_cuts_the_drawn_share_off_at_one_level(share: float):
    x = noise()
    clipped = Clipping(ClippingParams(probability=1.0, share=0.5)).apply(x, ClippingDraw(torch.full((6,), share)))
    changed = clipped != x
    np.testing.assert_allclose(changed.float().mean(dim=1), share, atol=2e-4)
    limit = clipped.abs().amax(dim=1, keepdim=True)
    assert torch.equal(clipped[changed].abs(), limit.expand_as(x)[changed])
    assert (x.abs()[~changed] <= limit.expand_as(x)[~changed]).all()


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_mu_law_is_torchaudios(bits: int):
    x = noise(3, 4000).clamp(-1, 1)
    expected = taf.mu_law_decoding(taf.mu_law_encoding(x, 2**bits), 2**bits)
    torch.testing.assert_close(mu_law(x, torch.full((3,), bits)), expected, atol=1e-5, rtol=1e-5)


def test_a_codec_loses_what_lies_above_its_edge_and_has_few_values():
    augmentation = Codec(CodecParams(probability=1.0, lowest_hz=1000.0, fewest_bits=4), RATE_HZ)
    x = noise(1)
    draw = replace(augmentation.draw(x.shape, seeded()), edge_hz=torch.tensor([2000.0]), bits=torch.tensor([8]))
    coded = augmentation.apply(x, draw)
    assert len(coded.unique()) <= 256
    power = torch.fft.rfft(coded).abs().square()[0]
    assert float(10 * (power[3000:].mean() / power[:1000].mean()).log10()) < -25  # the few bits' noise is left
    rough = augmentation.apply(x, replace(draw, bits=torch.tensor([4])))
    assert len(rough.unique()) <= 16


def test_a_room_is_a_convolution():
    x, responses = noise(2, 400), noise(2, 150, seed=1)
    expected = [np.convolve(a, b)[:400] for a, b in zip(x.double().numpy(), responses.double().numpy(), strict=True)]
    np.testing.assert_allclose(convolved(x, responses), np.stack(expected), atol=1e-5)


def test_a_made_response_falls_by_60_db_in_its_time_and_has_its_energy():
    rooms = torch.tensor([0.3, 0.5]), torch.tensor([0.5, 2.0])
    responses = made_responses(*rooms, 8000, RATE_HZ, seed=1)
    assert responses[:, 0].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(responses[:, 1:].square().sum(dim=1), rooms[1], rtol=1e-4)
    for row, seconds in enumerate(rooms[0].tolist()):
        level_db = 10 * responses[row, 1:].square().unfold(0, 400, 400).mean(dim=1).log10()  # of 25 ms
        slope = np.polyfit(np.arange(len(level_db)) * 0.025, level_db.numpy(), 1)[0]
        assert slope == pytest.approx(-60 / seconds, rel=0.05)


def write_response(path: Path, samples: np.ndarray, rate: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="FLOAT" if path.suffix == ".wav" else "PCM_24")


def test_measured_responses_begin_with_their_peak(tmp_path: Path):
    late = np.zeros(500, np.float32)
    late[100], late[300] = -0.5, 0.25
    write_response(tmp_path / "hall" / "a.wav", late)
    write_response(tmp_path / "b.flac", np.stack([late, np.zeros_like(late)], axis=1))  # the first channel counts
    params = ImpulseResponseParams(probability=1.0, folder=str(tmp_path), longest_s=1.0, strongest_db=0.0)
    augmentation = ImpulseResponse(params, RATE_HZ)
    x = noise(6, 1000)
    draw = augmentation.draw(x.shape, seeded())
    assert set(draw.response.tolist()) == {0, 1}
    expected = x.clone()
    expected[:, 200:] -= 0.5 * x[:, :800]  # the echo's sign is against the direct sound's
    torch.testing.assert_close(augmentation.apply(x, draw), expected, atol=1e-4, rtol=1e-4)


def test_a_measured_response_is_brought_to_the_sample_rate(tmp_path: Path):
    samples = np.zeros(2000, np.float32)
    samples[0], samples[1600] = 1.0, 0.5
    write_response(tmp_path / "a.wav", samples, rate=2 * RATE_HZ)
    (response,) = read_responses(tmp_path, RATE_HZ)
    assert len(response) == pytest.approx(1000, abs=2)
    assert int(np.abs(response[400:]).argmax()) == pytest.approx(400, abs=1)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("missing", "is no folder that exists; name a folder of impulse responses, or null for made ones"),
        ("empty", "has no WAV or FLAC file"),
        ("text", "a.wav cannot be read: .*remove it or replace it"),
        ("silent", "a.wav is silent or holds samples that are no numbers"),
        ("long", r"a.wav lasts 11.0 s, and an impulse response at most 10 s"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(case: str, message: str, tmp_path: Path):
    folder = tmp_path / "rooms"
    if case != "missing":
        folder.mkdir()
    if case == "text":
        (folder / "a.wav").write_text("no sound")
    if case in {"silent", "long"}:
        write_response(folder / "a.wav", np.full(100, 0.0) if case == "silent" else np.ones(11 * RATE_HZ))
    with pytest.raises(ImpulseResponseError, match=message) as info:
        read_responses(folder, RATE_HZ)
    assert isinstance(info.value, UserError)
