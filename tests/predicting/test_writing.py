"""Every form and place that predictions are written in, for instruments that no corpus here has."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image
from predicting.made import Steady, ladder_of

from instrumentarium.predicting.choices import SINGLE, Format
from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.predicting.plot import draw_file
from instrumentarium.predicting.prediction import Prediction
from instrumentarium.predicting.writing import DestinationError, check_destination, open_destination, place_in
from taxonomies import BAND3


@pytest.fixture
def ladder() -> Files2Table:
    """Return a ladder that finds banjo and steel drums in every sound."""
    return ladder_of(Steady(BAND3, [0.9, 0.2, 0.6]), 0.5)


def write(
    ladder: Callable[[Sequence[Path]], Iterator[Prediction]],
    files: Sequence[Path],
    format_: Format,
    out: Path | None = None,
) -> str:
    """Write the predictions for files; return what went to standard output."""
    said: list[str] = []
    with open_destination(len(files), format_, out, "run", said.append) as take:
        for path, prediction in zip(files, ladder(files), strict=True):
            take(path, prediction)
    return "\n".join(said)


def test_a_table_has_the_models_instruments_by_score(ladder: Files2Table, song: Path):
    names = BAND3.names
    first, *rows = write(ladder, [song], Format.TABLE).splitlines()
    assert first == f"{song}  (0:01)"
    assert [row.split("  0.")[0].strip("✓ ").split()[-1] for row in rows] == ["banjo", "steel_drums", "bass"]
    assert ["✓" in row for row in rows] == [True, True, False]
    assert len({row.index("  0.") for row in rows}) == 1, "in columns, however long a code is"
    assert names["banjo"] in rows[0]


def test_json_and_its_lines_have_them_by_code(ladder: Files2Table, song: Path):
    (found,) = json.loads(write(ladder, [song], Format.JSON))
    assert found["instruments"] == {
        "banjo": {"score": 0.9, "present": True},
        "bass": {"score": 0.2, "present": False},
        "steel_drums": {"score": 0.6, "present": True},
    }
    line = json.loads(write(ladder, [song], Format.JSONL))
    assert line == found | {"run": "run"}


def test_csv_has_a_row_for_each(ladder: Files2Table, song: Path):
    rows = list(csv.DictReader(io.StringIO(write(ladder, [song], Format.CSV))))
    assert [row["instrument"] for row in rows] == list(BAND3.codes)
    assert [row["present"] for row in rows] == ["true", "false", "true"]


def test_formats_of_one_recording_name_them(ladder: Files2Table, song: Path):
    tracks = [line.split("\t") for line in write(ladder, [song], Format.AUDACITY).splitlines()]
    names = [ladder.audio2timeline.taxonomy.names[code] for code in ("banjo", "steel_drums")]
    assert [name for _, _, name in tracks] == names
    whole, parts = json.loads(write(ladder, [song], Format.JAMS))["annotations"]
    assert [each["value"] for each in whole["data"]] == [each["value"] for each in parts["data"]] == names


def test_a_plot_has_a_row_for_each(ladder: Files2Table, song: Path, tmp_path: Path):
    draw_file(tmp_path / "plot.png", song, ladder.file2timeline(song), ladder.audio2timeline)
    with Image.open(tmp_path / "plot.png") as picture:
        assert len(picture.getcolors(1 << 24) or []) > 50


@pytest.mark.parametrize("format_", list(Format))
def test_a_file_holds_what_standard_output_would(ladder: Files2Table, song: Path, tmp_path: Path, format_: Format):
    assert write(ladder, [song], format_, tmp_path / "deep" / "out") == ""
    assert (tmp_path / "deep" / "out").read_text(encoding="utf-8") == write(ladder, [song], format_) + "\n"


@pytest.mark.parametrize("format_", list(SINGLE))
def test_several_files_get_a_file_each_but_none_for_a_bad_one(
    ladder: Files2Table, song: Path, tmp_path: Path, format_: Format
):
    write(ladder, [song, song.with_name("gone.wav")], format_, tmp_path / "out")
    (written,) = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written == place_in(tmp_path / "out", song, SINGLE[format_])
    assert written.read_text(encoding="utf-8") == write(ladder, [song], format_)
    assert write(ladder, [song.with_name("gone.wav")], format_) == ""


def test_nothing_is_written_as_a_whole_when_a_run_breaks_off(ladder: Files2Table, song: Path, tmp_path: Path):
    def broken(files: Sequence[Path]) -> Iterator[Prediction]:
        yield ladder.file2timeline(files[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(broken, [song, song], Format.CSV, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_result_never_lies_beside_the_folder(tmp_path: Path):
    for path in ("../song.wav", "/music/song.wav", "./song.wav"):
        assert place_in(tmp_path, Path(path), ".txt").is_relative_to(tmp_path)
        assert place_in(tmp_path, Path(path), ".txt").name == "song.wav.txt"


def test_destinations_that_cannot_be_are_refused(tmp_path: Path):
    with pytest.raises(DestinationError, match="there are 2; name a folder with --out"):
        check_destination(2, Format.JAMS, None)
    with pytest.raises(DestinationError, match="is a folder; name a file"):
        check_destination(1, Format.JSON, tmp_path)
    check_destination(2, Format.JAMS, tmp_path)
