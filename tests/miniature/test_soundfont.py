"""SoundFonts of any maker: PCM and Vorbis samples sound alike, velocities have layers, broken files are named."""

from pathlib import Path

import numpy as np
import pytest
from soundfont_banks import Sounding, bank

from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ, Note, Touch, play
from instrumentarium.miniature.synthesis.soundfont import (
    RIGHT_HALF,
    ROM,
    SoundFont,
    SoundFontError,
    load_soundfont,
    read_soundfont,
)

TOUCH = Touch(program=0, brightness=1000.0)


def sine(frequency_hz: float, seconds: float, amplitude: float = 0.5) -> np.ndarray:
    time_s = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return np.round(32767 * amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.int16)


def timgm6mb_violin() -> list[Sounding]:
    """Return the violin's zones of the bank that pretty_midi ships, with their samples."""
    font = load_soundfont()
    zones = []
    for zone in font.presets[(0, 40)]:
        samples = font.waveform(zone)[zone.start : zone.end]
        loop = (zone.loop_start - zone.start, zone.loop_end - zone.start)
        keys = (zone.low_key, zone.high_key)
        zones.append(Sounding(samples, round(zone.root_pitch), loop, keys, rate=zone.sample_rate_hz))
    return zones


def font_of(tmp_path: Path, *zones: Sounding, vorbis: bool = False) -> SoundFont:
    path = tmp_path / ("font.sf3" if vorbis else "font.sf2")
    path.write_bytes(bank(zones, vorbis=vorbis))
    return read_soundfont(path)


def peak_hz(tone: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), 2**18))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HZ / 2**18


def test_vorbis_samples_sound_as_the_pcm_that_they_were_made_of(tmp_path: Path):
    zones = timgm6mb_violin()
    plain, packed = font_of(tmp_path, *zones), font_of(tmp_path, *zones, vorbis=True)
    assert len(zones) > 2
    for pitch in (57, 69, 81):  # longer than any sample, so its loop is played
        notes = [Note(0.0, 2.0, pitch, 0.9)]
        expected, found = (play(font, TOUCH, notes, 88_200) for font in (plain, packed))
        assert np.std(expected[66_150:]) > 0.001
        assert np.corrcoef(expected, found)[0, 1] > 0.99


def test_chunks_of_odd_length_end_with_a_byte_to_fill_them_up_or_do_not(tmp_path: Path):
    path, lengths = tmp_path / "font.sf3", set()
    for n_samples in range(10_000, 10_012):
        whole = bank([Sounding(sine(441.0, 1.0)[:n_samples])], vorbis=True)
        begin = whole.index(b"smpl") + 8
        size = int.from_bytes(whole[begin - 4 : begin], "little")
        path.write_bytes(whole)
        assert read_soundfont(path).zones(0, 69)[0].end == n_samples
        if size % 2:  # the same, filled up
            at = whole.index(b"LIST", begin + size)
            path.write_bytes(whole[:at] + b"\0" + whole[at:])
            assert read_soundfont(path).zones(0, 69)[0].end == n_samples
        lengths.add(size % 2)
    assert lengths == {0, 1}


def test_loops_of_vorbis_samples_begin_where_those_of_pcm_do(tmp_path: Path):
    samples = np.concatenate([sine(220.0, 0.2), sine(441.0, 0.5)])
    loop = (8820 + 100 * 10, 8820 + 100 * 200)  # whole periods of 441 Hz
    for vorbis in (False, True):
        font = font_of(tmp_path, sounding := Sounding(samples, loop=loop), sounding, vorbis=vorbis)
        tone = play(font, TOUCH, [Note(0.0, 3.0, 69, 1.0)], 132_300)
        assert peak_hz(tone[66_150:]) == pytest.approx(441.0, abs=1.0)
        assert np.std(tone[66_150:88_200]) == pytest.approx(np.std(tone[99_225:121_275]), rel=0.01)


def test_a_loop_beyond_the_decoded_sound_is_held_to_its_end(tmp_path: Path):
    font = font_of(tmp_path, Sounding(sine(441.0, 0.5), loop=(100, 10**6)), vorbis=True)
    (zone,) = font.zones(0, 69)
    assert (zone.end, zone.loop_end) == (22_050, 22_050)
    assert np.isfinite(play(font, TOUCH, [Note(0.0, 2.0, 69, 1.0)], 88_200)).all()


def test_velocity_chooses_the_layer_and_the_nearest_one_where_there_is_none(tmp_path: Path):
    soft, loud = Sounding(sine(441.0, 2.0), velocities=(1, 40)), Sounding(sine(882.0, 2.0), velocities=(90, 127))
    font = font_of(tmp_path, soft, loud)
    for velocity, frequency_hz in ((0.2, 441.0), (1.0, 882.0), (60 / 127, 441.0), (70 / 127, 882.0)):
        tone = play(font, TOUCH, [Note(0.0, 1.0, 69, velocity)], 44_100)
        assert peak_hz(tone) == pytest.approx(frequency_hz, rel=0.005), velocity


def test_a_key_that_no_zone_has_is_played_by_the_nearest(tmp_path: Path):
    low, high = Sounding(sine(441.0, 1.0), keys=(40, 50)), Sounding(sine(441.0, 1.0), keys=(60, 70))
    font = font_of(tmp_path, low, high)
    assert [font.zones(0, key)[0].low_key for key in (20, 54, 56, 90)] == [40, 40, 60, 60]
    assert font.has(0)
    assert not font.has(1)
    assert not font.has(0, drums=True)


def test_right_halves_and_samples_in_rom_are_left_out(tmp_path: Path):
    samples = sine(441.0, 1.0)
    for vorbis in (False, True):
        zones = (Sounding(samples, kind=RIGHT_HALF), Sounding(samples, kind=1 | ROM), Sounding(samples, kind=4))
        assert [zone.sample for zone in font_of(tmp_path, *zones, vorbis=vorbis).zones(0, 69)] == [2]


def test_what_is_no_soundfont_or_a_broken_one_is_named(tmp_path: Path):
    path = tmp_path / "font.sf3"
    whole = bank([Sounding(sine(441.0, 1.0))], vorbis=True)
    for content, message in (
        (b"", r"font\.sf3 is not a SoundFont 2 bank: it begins with b''"),
        (b"This is text of some length", r"font\.sf3 is not a SoundFont 2 bank: it begins with b'This is text'"),
        (whole.replace(b"shdr", b"xxxx"), r"font\.sf3 is a broken SoundFont \(KeyError: b'shdr'\)"),
        (whole.replace(b"OggS", b"Oggs"), r"font\.sf3 is a broken SoundFont \(LibsndfileError"),
        (whole[: len(whole) - 30], r"font\.sf3 is a broken SoundFont \(error: "),
    ):
        path.write_bytes(content)
        with pytest.raises(SoundFontError, match=message):
            read_soundfont(path)
