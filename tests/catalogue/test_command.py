"""The command over a catalogue: killed workers and a killed run leave the same bytes as one that nothing happened to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from instrumentarium.catalogue.listing import read_lots
from instrumentarium.catalogue.shard import ShardWriter
from instrumentarium.catalogue.sources import find_names, read_listing
from instrumentarium.commands.app import app
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.runtime.sealed import read_seal

RUN = [sys.executable, "-c", "from instrumentarium.commands.app import app; app()", "predict", "--ray"]
TIMEOUT_S = 300.0  # only a hung run lasts as long, also on a machine that does much else


def refused(*words: object) -> str:
    """Run the command, which must be wrong use, and return what it says."""
    result = CliRunner().invoke(app, ["predict", *map(str, words)], env={"COLUMNS": "400", "TERM": "dumb"})
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def workers_of(run: int) -> list[int]:
    """Return the processes of a run that hold a model."""
    found, seen = [], [run]
    while seen:
        process = seen.pop()
        try:
            seen += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
            if Path(f"/proc/{process}/cmdline").read_bytes().startswith(b"ray::Worker"):
                found.append(process)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def wait_for(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + TIMEOUT_S
    while not ready():
        assert process.poll() is None, "the run is over already"
        assert time.monotonic() < end
        time.sleep(0.01)


def tables(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("*/part-*.parquet"))}


def uninterrupted(model: Path, out: Path, folder: Path) -> dict[str, bytes]:
    """Return the tables that one process makes of a run's listing without any of its machinery."""
    folder.mkdir()
    seal = read_seal(model / "model.json")
    writer = ShardWriter(lambda: load_ladder(model, single_core=True), folder, Path.cwd(), seal, timeline=False)
    found = {}
    for lot in read_lots(out / "listing.csv", 2, set()):
        staged, name = writer.write(lot, {}), f"part-{lot.number:08d}.parquet"
        found[f"predictions/{name}"] = staged.predictions.read_bytes()
        if staged.rejected is not None:
            found[f"rejected/{name}"] = staged.rejected.read_bytes()
    return dict(sorted(found.items()))


def test_a_killed_worker_and_a_killed_run_leave_each_file_in_exactly_one_shard(
    model: Path, songs: Callable[..., Path], tmp_path: Path
):
    folder, out = songs(80, duration_s=8.0), tmp_path / "out"
    command = [*RUN, "--model", str(model), "--workers", "2", "--shard-files", "2", "--out", str(out), str(folder)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE)

    def shards() -> int:
        return len(list(out.glob("predictions/part-*")))

    wait_for(lambda: shards() >= 2 and bool(workers_of(run.pid)), run)
    os.kill(workers_of(run.pid)[0], signal.SIGKILL)
    before = shards()
    wait_for(lambda: shards() >= before + 2, run)
    run.kill()
    run.communicate()
    left = shards()
    assert left < 40, "killed too late to show anything"
    early = {name: (out / name).stat().st_mtime_ns for name in tables(out)}

    again = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT_S)
    assert again.returncode == 1, again.stderr
    assert f"of 80 files are in {out} already" in again.stderr
    rejected = [number for number in range(80) if number % 7 == 3]
    assert f"{80 - len(rejected)} of 80 files predicted" in again.stderr
    assert f"{len(rejected)} could not be used" in again.stderr
    committed = {name for name in early if name.startswith("predictions")}
    assert len(committed) >= left
    assert all((out / name).stat().st_mtime_ns == early[name] for name in committed), "what is done is not touched"

    names = [
        path
        for part in sorted(out.glob("*/part-*"))
        for path in pq.read_table(part, columns=["path"])["path"].to_pylist()
    ]
    assert sorted(names) == sorted(find_names([str(folder)]))
    assert list(read_listing(out / "listing.csv")) == list(find_names([str(folder)]))
    assert tables(out) == uninterrupted(model, out, tmp_path / "alone")
    assert not (out / ".staging").exists()

    # from here on nothing needs Ray: there is nothing left to do, or nothing may be done
    words = ["--ray", "--model", model, "--out", out]
    done = CliRunner().invoke(app, ["predict", *map(str, words), str(folder)])
    assert done.exit_code == 1, done.output
    assert f"80 of 80 files are in {out} already" in done.output
    assert "another model or other options (hop_samples: 2000, now 4000)" in refused(*words, "--overlap", 0, folder)
    assert "has_timeline: False, now True" in refused(*words, "--timeline", folder)
    assert "shard_files: 2, now 3" in refused(*words, "--shard-files", 3, folder)
    (folder / "new.wav").touch()
    assert "begun with other files (80, now 81);" in refused(*words, folder)
    listed = CliRunner().invoke(app, ["predict", *map(str, words), "--listing", str(out / "listing.csv")])
    assert f"80 of 80 files are in {out} already" in listed.output
    assert tables(out) == uninterrupted(model, out, tmp_path / "alone again")


def test_another_model_is_refused(model: Path, songs: Callable[..., Path], tmp_path: Path):
    from model_fixtures import RELATIVE, Parts
    from predicting.made import save

    from instrumentarium.catalogue.folder import open_folder
    from instrumentarium.catalogue.run import Inference

    names = list(find_names([str(songs(2))]))
    with open_folder(tmp_path / "out") as folder:
        folder.begin({**Inference(model).identity(timeline=False), "has_timeline": False}, names)
    save(tmp_path / "other" / "model", Parts(RELATIVE.model_copy(update={"n_mels": 12})), 0.5)
    said = refused("--ray", "--model", tmp_path / "other" / "model", "--out", tmp_path / "out", *names)
    assert "begun with another model or other options" in said
    assert f"model_sha256: {read_seal(model / 'model.json')[:57]}" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ray", "a.wav"], "name a folder with --out"),
        (["--ray", "a.wav", "--out", "o", "--format", "csv"], "leave --format and --plot out"),
        (["--ray", "--out", "o"], "name files or folders, or with --ray a --listing"),
        ([], "name files or folders"),
        (["a.wav", "--workers", "2"], "--workers is of --ray"),
        (["a.wav", "--listing", "l.txt"], "--listing is of --ray"),
        (["a.wav", "--timeline"], "--timeline is of --ray"),
        (["a.wav", "--shard-files", "2"], "--shard-files is of --ray"),
    ],
)
def test_wrong_use_is_said_before_any_work(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_said(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    words = ("--ray", "--model", model, "--out", tmp_path / "out")
    assert "gone.txt" in refused(*words, "--listing", tmp_path / "gone.txt")
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install 'instrumentarium[scale]'" in refused(*words, "a.wav")
