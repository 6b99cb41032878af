"""The same audio at any length: cut where it is longer, repeated where it is shorter, in flat memory."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from PIL import Image
from predicting.made import Steady, ladder_of
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.decoding.pcm import AudioError
from instrumentarium.predicting import lengths
from instrumentarium.predicting.lengthplot import draw_lengths
from instrumentarium.predicting.lengths import (
    LENGTHS_S,
    LengthError,
    as_json,
    as_table,
    duration_text,
    excerpt,
    predict_lengths,
)
from instrumentarium.scoring.recognizer import Recognizer
from taxonomies import BAND3, IRMAS11

Music = Callable[..., npt.NDArray[np.float64]]


def samples(path: Path, start_s: float, length_s: float) -> npt.NDArray[np.int16]:
    return np.concatenate([block.samples for block in excerpt(path, start_s, length_s)])


@pytest.mark.parametrize("held", [1 << 19, 0], ids=["from memory", "from the file"])
@pytest.mark.parametrize("start_s", [0.0, 0.25])
@pytest.mark.parametrize("length_s", [0.1, 0.7, 1.3, 3.9, 20.0])
def test_an_excerpt_is_the_files_own_samples_over_and_over(
    song: Path, monkeypatch: pytest.MonkeyPatch, held: int, start_s: float, length_s: float
):
    monkeypatch.setattr(lengths, "SHORT_FRAMES", held)
    whole, rate = soundfile.read(song, dtype="int16")
    turn = whole[round(start_s * rate) :]
    frames = round(length_s * rate)
    expected = np.tile(turn, (frames // len(turn) + 1, 1))[:frames]
    np.testing.assert_array_equal(samples(song, start_s, length_s), expected)


def test_a_start_behind_the_end_is_refused(song: Path):
    with pytest.raises(LengthError, match=r"ends before 1\.3 s"):
        samples(song, 1.3, 1.0)


def test_what_is_no_audio_says_so(tmp_path: Path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000)
    with pytest.raises(AudioError, match="no audio frame"):
        samples(tmp_path / "none.wav", 0.0, 1.0)


def test_scores_are_those_of_predict_on_the_excerpt(recognizer: Recognizer, song: Path):
    files2table = ladder_of(recognizer, 0.5)
    whole, rate = soundfile.read(song, dtype="int16")
    found = list(predict_lengths(song, files2table, [2.6, 0.5, 0.5]))
    assert [one.length_s for one in found] == [0.5, 2.6]
    for one, waveform in zip(found, (whole[: rate // 2], np.tile(whole, (2, 1))), strict=True):
        expected = files2table.audio2timeline(waveform, rate)
        np.testing.assert_allclose(one.scores, expected.scores, atol=1e-6)
        np.testing.assert_array_equal(one.present, expected.present)
        assert one.time_s > 0
        assert one.speed == pytest.approx(one.length_s / one.time_s)


@pytest.mark.parametrize("wrong", [[], [0.01], [40000.0], [float("nan")]])
def test_lengths_out_of_range_are_refused(recognizer: Recognizer, song: Path, wrong: list[float]):
    with pytest.raises(LengthError, match=r"from 0\.1 s to 36000 s"):
        next(predict_lengths(song, ladder_of(recognizer, 0.5), wrong))


def test_lengths_are_written_as_people_say_them():
    assert [duration_text(length) for length in LENGTHS_S] == [
        "0.1 s",
        "1 s",
        "5 s",
        "10 s",
        "1 min",
        "5 min",
        "30 min",
        "60 min",
    ]
    assert duration_text(90) == "90 s"


def test_other_instruments_have_their_columns_rows_and_picture(song: Path, tmp_path: Path):
    found = list(predict_lengths(song, ladder_of(Steady(BAND3, [0.9, 0.2, 0.6]), 0.5), [0.1, 1.0]))
    title, first, _ = as_table(found).splitlines()
    assert title.split()[:4] == ["length", *BAND3.codes]
    assert first.split()[2:5] == ["0.90*", "0.20", "0.60*"]
    assert first.index("0.60*") + len("0.60*") == title.index("steel_drums") + len("steel_drums")
    assert list(json.loads(as_json(found))[0]["instruments"]) == list(BAND3.codes)
    draw_lengths(tmp_path / "lengths.png", "song", found)
    with Image.open(tmp_path / "lengths.png") as drawn:
        assert len(drawn.getcolors(1 << 24) or []) > 50


def analyse(*words: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["analyse-length", *map(str, words)])
    assert result.exit_code == status, result.output
    return result.output


def test_the_command_writes_a_table_json_and_a_picture(model: Path, song: Path, tmp_path: Path):
    picture = tmp_path / "lengths.png"
    table = analyse(song, "--model", model, "--lengths", "0.1,1,120", "--plot", picture).splitlines()
    assert table[0].split()[: 1 + len(IRMAS11.codes)] == ["length", *IRMAS11.codes]
    assert [line[:8].strip() for line in table[1:]] == ["0.1 s", "1 s", "2 min"]
    assert table[1].count("*") == len(IRMAS11.codes)
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 1000
    (one,) = json.loads(analyse(song, "--model", model, "--lengths", "1", "--format", "json"))
    assert set(one) == {"length_s", "instruments", "time_s", "speed", "memory_mb"}
    assert list(one["instruments"]) == list(IRMAS11.codes)


def test_the_command_parts_wrong_use_from_a_file_that_cannot_be_used(model: Path, song: Path):
    assert "No such file" in analyse(song.with_name("gone.wav"), "--model", model, status=1)
    assert "parted by commas" in analyse(song, "--model", model, "--lengths", "1;2", status=2)
    assert "earlier start" in analyse(song, "--model", model, "--start", "60", status=2)
    assert ".png" in analyse(song, "--model", model, "--plot", "a.pdf", status=2)
    assert "is missing" in analyse(song, "--model", model.parent, status=2)
