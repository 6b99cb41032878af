"""The miniature's sound: the SoundFont is read rightly, notes are in tune, mastering keeps its promises."""

from dataclasses import replace

import numpy as np
import pytest

from instrumentarium.miniature.layouts.codes import CODES
from instrumentarium.miniature.layouts.openmic import CLASS_OF, CLASSES
from instrumentarium.miniature.music.composition import draw_habits, melody
from instrumentarium.miniature.music.harmony import GENRES, draw_harmony
from instrumentarium.miniature.music.instruments import SOUNDS, draw_manner, draw_player
from instrumentarium.miniature.music.performance import WRITERS, _played, _strokes
from instrumentarium.miniature.synthesis import soundfont
from instrumentarium.miniature.synthesis.mastering import master
from instrumentarium.miniature.synthesis.randomness import generator
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ, Note, Touch, play


def test_every_instrument_has_a_sound_the_bank_holds():
    font = soundfont.load_soundfont()
    assert set(CODES) | (set(CLASSES) - set(CLASS_OF.values()) - {"cymbals"}) <= set(SOUNDS)
    for sounds in SOUNDS.values():
        for sound in sounds:
            assert font.presets[(soundfont.DRUM_BANK if sound.drums else 0, sound.program)]


@pytest.mark.parametrize("code", CODES)
def test_notes_are_in_tune_over_the_register(code):
    font = soundfont.load_soundfont()
    sound = SOUNDS[code][0]
    for pitch in (sound.low + 5, (sound.low + sound.high) // 2, sound.high - 5):
        tone = play(font, Touch(program=sound.program, brightness=500.0), [Note(0.0, 1.5, pitch, 1.0)], 66_150)
        spectrum = np.abs(np.fft.rfft(tone[13_230:46_305] * np.hanning(33_075), 2**18))

        def salience(
            cents: float, spectrum: np.ndarray = spectrum, fundamental: float = 440.0 * 2 ** ((pitch - 69) / 12)
        ) -> float:
            partials = np.arange(1, 7) * fundamental * 2 ** (cents / 1200)
            return float(np.sum(spectrum[np.round(partials / SAMPLE_RATE_HZ * 2**18).astype(int)]))

        best = max(range(-80, 81, 5), key=salience)
        assert abs(best) <= 40, f"program {sound.program}, pitch {pitch}: {best} cents off"


def test_softer_notes_are_quieter_and_duller():
    font = soundfont.load_soundfont()
    loud, soft = (play(font, Touch(program=56, brightness=12.0), [Note(0.0, 0.5, 64, v)], 22_050) for v in (1.0, 0.3))

    def centroid(tone: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(tone))
        return float(np.sum(spectrum * np.arange(len(spectrum))) / np.sum(spectrum))

    assert np.std(soft) < 0.5 * np.std(loud)
    assert centroid(soft) < centroid(loud)


def test_melodies_keep_to_scale_register_and_time():
    for index in range(30):
        random = generator(7, "melody", index)
        harmony = draw_harmony(random, GENRES[index % len(GENRES)])
        notes = melody(random, harmony, draw_habits(random), 55, 74, 6.0)
        assert all(55 <= note.pitch <= 74 and 0 <= note.start_s < 6.0 and 0 < note.velocity <= 1 for note in notes)
        classes = set(harmony.scale) | {pitch for chord in harmony.chords for pitch in chord}
        assert {note.pitch % 12 for note in notes} <= classes


def test_players_draw_only_roles_that_can_be_written():
    for name in SOUNDS:
        for index in range(8):
            random = generator(0, name, index)
            manner = draw_manner(random, draw_player(random, name, level_db=0.0))
            assert manner.role in {*WRITERS, "drum_beat"}
            assert manner.low < manner.high


def test_silence_and_nan_are_refused_by_mastering():
    for wrong in (0.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="holds no sound, or numbers that are not finite"):
            master(generator(0), np.full((2, 4410), wrong))


@pytest.mark.parametrize("kind", ["steady", "plucked", "sparse"])
def test_mastering_reaches_its_loudness_without_clipping_whatever_comes_in(kind):
    time = np.arange(132_299) / SAMPLE_RATE_HZ
    tone = np.sin(2 * np.pi * 220 * time)
    shape = {"steady": 1.0 + 0 * time, "plucked": np.exp(-4 * (time % 0.75)), "sparse": (time % 1.5 < 0.1) * 1.0}[kind]
    levels = []
    for index in range(12):
        done = (
            master(generator(3, index), np.vstack([tone * shape] * 2) * 10.0 ** (index - 6)).astype(np.float64) / 32768
        )
        assert done.shape == (132_299, 2)
        peak, rms = np.abs(done).max(), np.sqrt(np.mean(done**2))
        assert peak < 1.0
        assert 9.0 < 20 * np.log10(peak / rms) < 18.0
        levels.append(20 * np.log10(rms))
    assert -36 < min(levels) < max(levels) < -10


def test_a_missing_soundfont_says_what_to_do(monkeypatch):
    monkeypatch.setattr(soundfont.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="reinstall pretty_midi"):
        soundfont.soundfont_path()


def test_a_file_that_is_no_soundfont_is_refused(tmp_path):
    (tmp_path / "a.sf2").write_bytes(b"not a bank at all")
    with pytest.raises(ValueError, match="not a SoundFont 2 bank"):
        soundfont.read_soundfont(tmp_path / "a.sf2")


def test_a_held_note_of_a_mandolin_is_a_tremolo_and_a_short_one_a_stroke():
    held = Note(1.0, 2.0, 76, 0.8)
    strokes = _strokes(held, 0.1)
    assert [round(stroke.start_s, 6) for stroke in strokes] == [round(1.0 + 0.1 * turn, 6) for turn in range(20)]
    assert {stroke.pitch for stroke in strokes} == {76}
    assert all(down.velocity > up.velocity for down, up in zip(strokes[::2], strokes[1::2], strict=True))
    assert _strokes(replace(held, duration_s=0.3), 0.1) == [replace(held, duration_s=0.3)]


def test_the_two_strings_of_a_course_beat():
    """Two partials 9 cents apart make one whose level falls and rises: of 659.3 and 662.7 Hz, 3.4 times a second."""
    player = draw_player(generator(1, "mandolin"), "mandolin", level_db=0.0)
    lasting = replace(player.touch, decay_s=0.0, detune_cents=0.0, key_shift=0, knock=0.0)

    def depth(course_cents: float) -> float:
        sound = replace(player.sound, strokes_hz=0.0, course_cents=course_cents)
        tone = _played(replace(player, sound=sound, touch=lasting), [Note(0.0, 1.4, 76, 1.0)], SAMPLE_RATE_HZ * 3 // 2)
        carrier = np.exp(-2j * np.pi * 659.3 * np.arange(len(tone)) / SAMPLE_RATE_HZ)
        level = np.abs(np.convolve(tone * carrier, np.hanning(2205), "same"))[4410:-8820:441]
        return float((level / np.maximum.accumulate(level[::-1])[::-1]).min())  # against what is still to come

    assert depth(9.0) < 0.8 * depth(0.0)
