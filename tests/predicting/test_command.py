"""The command as people and programs meet it: formats, exit statuses, strange names, interruptions."""

import csv
import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from children import killed_after
from model_fixtures import change_sealed
from PIL import Image
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.predicting.inputs import PipeError, spooled
from instrumentarium.predicting.record import RecordError, read_done
from instrumentarium.runtime.sealed import read_seal
from instrumentarium.scoring.recognizer import Recognizer
from taxonomies import IRMAS11

PIPE = "a pipe or a device, not a file: save what it gives as a file first"
Music = Callable[..., npt.NDArray[np.float64]]
CODES, NAMES = IRMAS11.codes, IRMAS11.names
RUN = [sys.executable, "-c", "from instrumentarium.commands.app import app; app()"]


def predict(model: Path, *words: object, status: int = 0, stdin: bytes | None = None) -> tuple[str, str]:
    """Run the command; return standard output and standard error."""
    result = CliRunner().invoke(app, ["predict", "--model", str(model), *map(str, words)], input=stdin)
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def test_json_lists_scores_timeline_and_error(model: Path, song: Path):
    (found,) = json.loads(predict(model, song, "--format", "json")[0])
    assert list(found) == ["path", "duration_s", "instruments", "timeline", "note", "error"]
    assert found["path"] == str(song)
    assert found["duration_s"] == pytest.approx(1.3)
    assert list(found["instruments"]) == list(CODES)
    assert all(set(said) == {"score", "present"} for said in found["instruments"].values())
    assert {"instrument", "start_s", "end_s", "score"} == set(found["timeline"][0])
    assert found["error"] is None
    assert found["note"] is None


def test_the_table_names_instruments_in_full_with_code_bar_and_times(model: Path, song: Path):
    out, _ = predict(model, song)
    assert out.splitlines()[0] == f"{song}  (0:01)"
    assert all(f"{NAMES[code]:<16} {code}" in out for code in CODES)
    assert "✓" in out
    assert "█" in out
    assert "0:00–0:01" in out


def test_csv_has_a_row_for_every_instrument_and_one_for_a_bad_file(model: Path, song: Path):
    out, err = predict(model, song, song.with_name("gone.wav"), "--format", "csv", status=1)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["instrument"] for row in rows] == [*CODES, ""]
    assert rows[-1]["error"] == "No such file or directory"
    assert "1 of 2 files could not be used" in err


def test_audacity_reads_the_timeline_as_labels(model: Path, song: Path):
    for line in predict(model, song, "--format", "audacity")[0].splitlines():
        start, end, name = line.split("\t")
        assert 0 <= float(start) < float(end) <= 1.3
        assert name in NAMES.values()


def test_jams_holds_both_annotations(model: Path, song: Path):
    document = json.loads(predict(model, song, "--format", "jams")[0])
    assert set(document) == {"file_metadata", "annotations", "sandbox"}
    assert document["file_metadata"]["duration"] == pytest.approx(1.3)
    whole, parts = document["annotations"]
    assert whole["namespace"] == parts["namespace"] == "tag_open"
    assert {seen["value"] for seen in parts["data"]} <= set(NAMES.values())
    assert set(parts["data"][0]) == {"time", "duration", "value", "confidence"}


def test_several_files_in_a_format_of_one_go_into_a_folder(model: Path, song: Path, tmp_path: Path):
    shutil.copy(song, song.with_name("other.wav"))
    _, err = predict(model, song.parent, "--format", "jams", status=2)
    assert "--out" in err
    predict(model, song.parent, "--format", "jams", "--out", tmp_path / "jams")
    assert sorted(path.name for path in (tmp_path / "jams").rglob("*.jams")) == ["other.wav.jams", "song.wav.jams"]


def test_folders_patterns_and_standard_input(model: Path, song: Path):
    (song.parent / "deep").mkdir()
    shutil.copy(song, song.parent / "deep" / "b.WAV")
    (song.parent / "notes.txt").write_text("no audio", encoding="utf-8")
    (song.parent / ".hidden.wav").write_bytes(b"")
    expected = [str(song.parent / "deep" / "b.WAV"), str(song)]
    for word in (song.parent, f"{song.parent}/**/*.[wW]*"):
        found = json.loads(predict(model, word, song, "--format", "json")[0])
        assert sorted(one["path"] for one in found) == expected
    (piped,) = json.loads(predict(model, "-", "--format", "json", stdin=song.read_bytes())[0])
    assert piped["path"] == "-"
    assert piped["instruments"] == found[0]["instruments"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_read_like_a_file(model: Path, song: Path):
    pipe, whole = song.with_name("a pipe"), json.loads(predict(model, song, "--format", "json")[0])[0]
    os.mkfifo(pipe)

    def feed() -> None:
        pipe.write_bytes(song.read_bytes())

    feeding = threading.Thread(target=feed)
    feeding.start()
    found = json.loads(predict(model, pipe, song, "--format", "json")[0])
    feeding.join()
    assert [one["path"] for one in found] == [str(pipe), str(song)]
    assert found[0]["instruments"] == found[1]["instruments"] == whole["instruments"]


def test_what_the_shell_makes_of_a_command_is_read_like_a_file(model: Path, song: Path, tmp_path: Path):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(song.read_bytes()[:30_000])  # fits into a pipe; what comes is cut
    name = f"/dev/fd/{reading}"
    out = predict(model, name, song, "--format", "audacity", "--out", tmp_path / "out", status=1)
    os.close(reading)
    assert f"{name}: truncated" in out[1]
    assert [path.name for path in (tmp_path / "out").rglob("*.txt")] == ["song.wav.txt"]


def test_a_pipe_without_an_end_does_not_fill_the_disk(tmp_path: Path):
    with (
        pytest.raises(PipeError, match=r"^standard input holds more than 0\.00195312 GiB; save it as a file first$"),
        Path("/dev/zero").open("rb") as endless,
        spooled(["-"], endless, 1 << 21),
    ):
        pass


def test_devices_and_pipes_in_folders_are_refused_at_once(model: Path, song: Path):
    os.mkfifo(song.with_name("nobody writes.wav"))
    found = json.loads(predict(model, song.parent, "/dev/zero", "--format", "json", status=1)[0])
    assert [one["error"] for one in found] == [PIPE, None, PIPE]


def test_names_that_no_file_can_have_are_that_files_error(model: Path, song: Path):
    found = json.loads(predict(model, "n" * 300, song, "--format", "json", status=1)[0])
    assert [one["error"] for one in found] == ["File name too long", None]


def test_a_folder_without_audio_and_a_pattern_without_files_are_wrong_use(model: Path, tmp_path: Path):
    (tmp_path / "void").mkdir()
    assert "no audio file below" in predict(model, tmp_path / "void", status=2)[1]
    assert "no file fits" in predict(model, f"{tmp_path}/*.ogg", status=2)[1]


def test_a_file_that_may_not_be_read_is_reported_and_the_others_are_done(
    model: Path, song: Path, monkeypatch: pytest.MonkeyPatch
):
    locked = song.with_name("locked.wav")
    shutil.copy(song, locked)
    opened = Path.open

    def guarded(path: Path, *args: object, **options: object) -> object:
        if path == locked:  # as the system answers anyone but root for a file of mode 000
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *args, **options)

    monkeypatch.setattr(Path, "open", guarded)
    out, err = predict(model, locked, song, "--format", "json", status=1)
    assert [one["error"] for one in json.loads(out)] == ["Permission denied", None]
    assert "locked.wav: Permission denied" in err


def test_silence_and_noise_below_the_thresholds_have_no_instrument(model: Path, song: Path):
    soundfile.write(song.with_name("silence.wav"), np.zeros(16000), 8000)
    soundfile.write(song.with_name("noise.wav"), 0.1 * np.random.default_rng(0).standard_normal(16000), 8000)
    change_sealed(model.parent / "thresholds.json", fixed=0.99)
    assert "no instrument is recognised" in predict(model, song.with_name("noise.wav"))[0]
    table, _ = predict(model, song.with_name("silence.wav"))
    assert "nothing to recognise: silent: its peak lies below -72 dB" in table
    assert "no instrument is recognised" not in table
    (found,) = json.loads(predict(model, song.with_name("silence.wav"), "--format", "json")[0])
    assert found["note"].startswith("nothing to recognise: silent")


def test_every_format_says_that_there_was_nothing_to_recognise(model: Path, song: Path, tmp_path: Path):
    silence = song.with_name("silence.wav")
    soundfile.write(silence, np.zeros(16000), 8000)
    change_sealed(model.parent / "thresholds.json", fixed=0.0)  # even so, nothing plays
    rows = list(csv.DictReader(io.StringIO(predict(model, silence, song, "--format", "csv")[0])))
    said = [(row["path"], row["note"][:21], row["present"]) for row in rows]
    assert said == [(str(silence), "nothing to recognise:", "false")] * 11 + [(str(song), "", "true")] * 11
    (found,) = json.loads(predict(model, silence, "--format", "json")[0])
    assert not any(said["present"] for said in found["instruments"].values())
    assert found["timeline"] == []
    labels, err = predict(model, silence, "--format", "audacity")
    assert labels.strip() == ""
    assert f"{silence}: nothing to recognise: silent" in err
    document = json.loads(predict(model, silence, "--format", "jams")[0])
    assert document["sandbox"]["note"].startswith("nothing to recognise: silent")
    assert [each["data"] for each in document["annotations"]] == [[], []]
    assert "nothing to recognise: silent" in predict(model, silence)[0]


def test_thresholds_and_temperature_are_the_models_own(model: Path, song: Path):
    (plain,) = json.loads(predict(model, song, "--format", "json")[0])
    limits = json.loads((model.parent / "thresholds.json").read_text(encoding="utf-8"))
    scores = {code: said["score"] for code, said in plain["instruments"].items()}
    middle = sorted(scores.values())[5] + 1e-5
    own = limits | {"rule": "per_instrument", "per_instrument": dict.fromkeys(CODES, middle), "temperature": 0.5}
    del own["sha256"]  # as the error says to whoever changes thresholds by hand
    (model / "thresholds.json").write_text(json.dumps(own), encoding="utf-8")  # in the folder: it goes before
    (cooled,) = json.loads(predict(model, song, "--format", "json")[0])
    for code, score in scores.items():
        odds = (score / (1 - score)) ** 2
        assert cooled["instruments"][code] == {
            "score": pytest.approx(odds / (1 + odds), abs=1e-5),
            "present": score >= middle,
        }


def test_a_single_bad_file_is_reported_once(model: Path, song: Path):
    out, err = predict(model, song.with_name("gone.wav"), status=1)
    assert "not recognised: No such file" in out
    assert not err


NAMES_OF_ALL_KINDS = (b"two\nlines.wav", b"latin-\xe9.wav", "señor 歌.wav".encode(), b"\x1b[31m.wav")


def named(song: Path, name: bytes) -> Path:
    """Return a copy of the song with a name of any bytes."""
    path = song.parent / os.fsdecode(name)
    shutil.copy(song, path)
    return path


@pytest.mark.parametrize("name", NAMES_OF_ALL_KINDS)
@pytest.mark.parametrize("format_", ["table", "json", "jsonl", "csv", "jams"])
def test_any_name_is_written_and_no_line_is_broken(model: Path, song: Path, name: bytes, format_: str):
    path = named(song, name)
    text, _ = predict(model, path, "--format", format_)
    assert "\x1b" not in text or format_ == "csv"
    if format_ == "table":
        assert len(text.splitlines()) == 12
    if format_ == "jsonl":
        assert len(text.splitlines()) == 1
    if format_ == "json":
        assert json.loads(text)[0]["path"] == os.fsencode(path).decode("utf-8", "backslashreplace")


def test_names_come_from_the_shell_and_json_is_utf_8_where_the_terminal_is_not(model: Path, song: Path):
    paths = [named(song, name) for name in NAMES_OF_ALL_KINDS]
    command = [*RUN, "predict", "--model", model, *paths, "--format", "jsonl"]
    result = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0, result.stderr
    found = [json.loads(line)["path"] for line in result.stdout.decode("utf-8").splitlines()]
    assert found == [os.fsencode(path).decode("utf-8", "backslashreplace") for path in paths]


def test_a_run_that_was_cut_off_goes_on(model: Path, song: Path, tmp_path: Path):
    for name in ("a.wav", "b.wav"):
        shutil.copy(song, song.with_name(name))
    song.with_name("bad.wav").write_bytes(b"")
    out = tmp_path / "run.jsonl"
    predict(model, song.parent, "--format", "jsonl", "--out", out, status=1)
    whole = out.read_text(encoding="utf-8").splitlines()
    assert len(whole) == 4
    out.write_text("\n".join(whole[:1]) + "\n" + whole[1][:40], encoding="utf-8")
    _, err = predict(model, song.parent, "--format", "jsonl", "--out", out, status=1)
    assert "1 of 4 files are in" in err
    assert sorted(out.read_text(encoding="utf-8").splitlines()) == sorted(whole)
    shutil.copy(song, song.with_name("bad.wav"))  # mended: it is tried again
    predict(model, song.parent, "--format", "jsonl", "--out", out)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert sorted(Path(line["path"]).name for line in lines) == ["a.wav", "b.wav", "bad.wav", "song.wav"]
    assert not any(line["error"] for line in lines)


def test_a_record_of_another_run_is_left_alone(model: Path, song: Path, tmp_path: Path):
    out = tmp_path / "run.jsonl"
    predict(model, song, "--format", "jsonl", "--out", out)
    before = out.read_bytes()
    _, err = predict(model, song, "--format", "jsonl", "--out", out, "--overlap", 0.75, status=2)
    assert "other settings" in err
    assert out.read_bytes() == before
    out.write_text("my diary\n", encoding="utf-8")
    with pytest.raises(RecordError, match="line 1"):
        read_done(out, "run")
    assert out.read_text(encoding="utf-8") == "my diary\n"


def test_a_plot_is_a_picture_of_one_file(model: Path, song: Path, tmp_path: Path):
    predict(model, song, "--plot", tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.size[0] > 1000
        assert len(picture.getcolors(1 << 24) or []) > 50
    assert "--plot draws one" in predict(model, song, "--plot", tmp_path / "plot.pdf", status=2)[1]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--overlap", 1.5, "overlap"),
        ("--release", 0, "release"),
        ("--step", 0, "step"),
        ("--model", "nowhere", "no folder with a model"),
    ],
)
def test_wrong_options_are_wrong_use(model: Path, song: Path, option: str, value: object, message: str):
    assert message in predict(model, song, option, value, status=2)[1]


def test_a_copy_of_the_folder_is_the_whole_calibrated_model(model: Path, song: Path, tmp_path: Path):
    change_sealed(model.parent / "thresholds.json", fixed=0.4, temperature=2.5)
    (model.parent / "thresholds.json").rename(model / "thresholds.json")
    here = predict(model, song, "--format", "json")[0]
    shutil.copytree(model, tmp_path / "elsewhere" / "of any name")
    shutil.rmtree(model.parent)
    assert predict(tmp_path / "elsewhere" / "of any name", song, "--format", "json")[0] == here


def test_thresholds_of_an_earlier_training_are_refused_unless_they_are_named(model: Path, song: Path):
    beside = model.parent / "thresholds.json"
    change_sealed(beside, model_sha256=read_seal(model / "model.json"))
    predict(model, song)
    change_sealed(beside, model_sha256="0" * 64)
    err = predict(model, song, status=2)[1]
    assert "holds thresholds of another model (000000000000…" in err
    assert "dvc repro evaluate" in err
    predict(model, song, "--thresholds", beside)


@pytest.mark.parametrize(
    "content",
    [b"\xff", b"[" * 100_000, b'{"fixed": ' + b"9" * 5000 + b"}", b'{"fixed": NaN}', b""],
    ids=["no text", "brackets", "digits", "NaN", "empty"],
)
def test_broken_thresholds_are_wrong_use(model: Path, song: Path, content: bytes):
    (model.parent / "thresholds.json").write_bytes(content)
    assert "thresholds.json does not hold thresholds: it is no JSON" in predict(model, song, status=2)[1]


def test_flipped_bits_in_thresholds_are_noticed(model: Path, song: Path):
    path = model.parent / "thresholds.json"
    sound, before = path.read_bytes(), predict(model, song)[0]
    for place, bit in ((sound.index(b"0.01") + 3, 1), (sound.index(b'sha256": "') + 10, 2), (sound.index(b"rule"), 0)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << bit]) + sound[place + 1 :])
        assert "does not hold thresholds" in predict(model, song, status=2)[1]
    path.write_bytes(sound.replace(b"\n", b"\n\n"))
    assert predict(model, song)[0] == before


def test_the_workspaces_model_is_found_from_any_of_its_folders(
    model: Path, song: Path, monkeypatch: pytest.MonkeyPatch
):
    root, below = model.parents[1], model.parents[1] / "notes" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    for command in (["predict", str(song)], ["describe"]):
        missing = CliRunner().invoke(app, [*command, *(["--model"] if command[0] == "predict" else []), "data/model"])
        assert missing.exit_code == 2
        assert "data/model/model.json is missing" in missing.output
        (root / "dvc.yaml").touch()
        assert CliRunner().invoke(app, command).exit_code == 0
        (root / "dvc.yaml").unlink()


def test_the_version_is_told():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"instrumentarium {version('instrumentarium')}\n"


def test_a_device_can_be_chosen(model: Path, song: Path, monkeypatch: pytest.MonkeyPatch):
    found = {device: predict(model, song, "--format", "json", "--device", device)[0] for device in ("cpu", "auto")}
    if not torch.cuda.is_available():
        assert found["cpu"] == found["auto"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    err = predict(model, song, "--device", "cuda", status=2)[1]
    assert f"--device cuda: PyTorch {torch.__version__}" in err
    assert "take --device cpu or auto" in err
    err = predict(model, song, "--device", "cuda", "--backend", "onnxruntime", status=2)[1]
    assert "runs on the processor" in err


def test_scores_that_are_no_numbers_end_the_run_with_a_message(
    model: Path, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    right = Recognizer.windows
    monkeypatch.setattr(Recognizer, "windows", lambda *args: right(*args) * np.float32(np.nan))
    err = predict(model, song, "--format", "csv", "--out", tmp_path / "out.csv", status=2)[1]
    assert "the model's scores are not finite" in err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["=1+1.wav", "+a.wav", "-a.wav", "@a.wav"])
def test_no_spreadsheet_runs_a_name(model: Path, song: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(song.parent)
    shutil.copy(song, name)
    out = predict(model, "--format", "csv", "--", name, "gone", "-", status=1, stdin=song.read_bytes())[0]
    paths = [row["path"] for row in csv.DictReader(io.StringIO(out))]
    assert list(dict.fromkeys(paths)) == [f"'{name}", "gone", "-"]


def test_a_corrupt_or_newer_model_is_wrong_use(model: Path, song: Path):
    (model / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:-100])
    assert "does not hold the weights" in predict(model, song, status=2)[1]
    card = json.loads((model / "model.json").read_text(encoding="utf-8"))
    (model / "model.json").write_text(json.dumps(card | {"format": 3}), encoding="utf-8")
    assert "upgrade instrumentarium" in predict(model, song, status=2)[1]
    (model / "model.json").write_text("{", encoding="utf-8")
    assert "no model description" in predict(model, song, status=2)[1]


def test_missing_thresholds_say_what_to_run(model: Path, song: Path):
    (model.parent / "thresholds.json").unlink()
    assert "dvc repro evaluate" in predict(model, song, status=2)[1]


def test_a_closed_pipe_ends_the_command_quietly(model: Path, song: Path):
    process = subprocess.Popen(
        [*RUN, "predict", "--model", model, song, song.with_name("gone.wav")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with killed_after(120, process):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141
        process.stderr.close()


def test_sigterm_leaves_no_audio_of_standard_input(model: Path, tmp_path: Path):
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [*RUN, "predict", "--model", model, "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path / "temporary")},
    )
    with killed_after(120, process):
        assert process.stdin is not None
        process.stdin.write(b"RIFF" + bytes(1 << 17))
        process.stdin.flush()
        while process.poll() is None and not list(tmp_path.glob("temporary/instrumentarium-*/stdin")):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.communicate()[1] == b""
    assert process.returncode == 143
    assert list((tmp_path / "temporary").iterdir()) == []


def test_ctrl_c_ends_the_command_without_a_traceback(model: Path, tmp_path: Path, music: Music):
    soundfile.write(tmp_path / "hour.wav", np.tile(music(8000, 60.0), (60, 1)), 8000)
    pipe = tmp_path / "said.jsonl"
    first = tmp_path / "first.wav"
    soundfile.write(first, music(8000, 1.0), 8000)
    command = [*RUN, "predict", "--model", model, first, tmp_path / "hour.wav", "--overlap", "0.99"]
    process = subprocess.Popen(
        [*command, "--format", "jsonl", "--out", pipe],
        stderr=subprocess.PIPE,
    )
    with killed_after(120, process):
        assert process.stderr is not None
        while process.poll() is None and not (pipe.exists() and pipe.stat().st_size):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        process.stderr.close()
        assert process.wait() == 130
    assert "Traceback" not in said
    assert "Interrupted" in said
    assert len(pipe.read_text(encoding="utf-8").splitlines()) == 1
