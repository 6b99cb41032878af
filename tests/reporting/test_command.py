import hashlib
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from plot_rows import rows_of
from typer.testing import CliRunner

from instrumentarium.clips.collection import open_samples, read_clips
from instrumentarium.commands.app import app
from instrumentarium.reporting.charts import draw
from instrumentarium.reporting.stamp import PLACE, TRAINED_ELSEWHERE, StampError, origin_of, stamped
from instrumentarium.runtime.machine import Training, remember_training


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    page = tmp_path / "plots" / "report.html"
    page.parent.mkdir()
    page.write_text(f"<html>{PLACE}</html>")
    digest = hashlib.md5(page.read_bytes()).hexdigest()
    (tmp_path / "dvc.lock").write_text(f"    - path: plots/report.html\n      hash: md5\n      md5: {digest}\n")
    (tmp_path / ".gitignore").write_text("/plots/report.html\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_a_report_is_stamped_with_its_commit(repository: Path) -> None:
    out = repository / "out.html"
    result = run("report", "--out", str(out), "--root", str(repository))
    assert result.exit_code == 0, result.output
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert out.read_text() == (
        f'<html><p class="stamp">Commit {commit}.</p>\n<p class="stamp">{TRAINED_ELSEWHERE}</p></html>'
    )


def test_a_report_states_how_the_model_was_trained_on_this_machine(repository: Path, cache: Path) -> None:
    weights = repository / "data" / "model" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    remember_training(weights, Training(75.5, 14, "Some <Processor>", 2, 1, 23.4))
    out = repository / "out.html"
    assert run("report", "--out", str(out), "--root", str(repository)).exit_code == 0
    expected = "Trained in 1.3 min (14 epochs) on Some &lt;Processor&gt;; 2 cores, 1 threads, 23 GiB of memory."
    assert expected in out.read_text()
    weights.write_bytes(b"other weights")
    assert run("report", "--out", str(out), "--root", str(repository)).exit_code == 0
    assert TRAINED_ELSEWHERE in out.read_text()


def test_figures_are_written_as_pdf_beside_what_is_there(repository: Path) -> None:
    figures, out = repository / "plots" / "figures", repository / "paper"
    figures.mkdir()
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    arguments = ("report", "--out", str(repository / "o.html"), "--root", str(repository), "--pdf", str(out))
    result = run(*arguments)
    assert result.exit_code == 2
    assert "holds no figures; run `dvc repro report`" in " ".join(result.output.split())
    (figures / "loss.svg").write_bytes(draw("loss", rows_of("train/loss", ())).svg)
    assert run(*arguments).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["loss.pdf", "notes.txt"]
    pdf = (out / "loss.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"LiberationSans" in pdf


def test_a_full_disk_is_a_message_and_leaves_nothing(repository: Path, small_disk: Path) -> None:
    page = repository / "plots" / "report.html"
    page.write_text(f"<html>{PLACE}{'x' * 2**20}</html>")
    result = run("report", "--out", str(small_disk / "out.html"), "--root", str(repository))
    assert result.exit_code == 2
    assert f"Error: {small_disk / 'out.html'} could not be written, since its disk is full (0 MB free)" in result.output
    assert list(small_disk.iterdir()) == []


def test_uncommitted_changes_are_told(repository: Path) -> None:
    (repository / ".gitignore").write_text("/plots/\n")
    assert origin_of(Path("plots/report.html"), repository).text().endswith(", with uncommitted changes.")


def test_a_report_that_the_commit_does_not_record_is_not_passed_off_as_its_own(repository: Path) -> None:
    (repository / "plots" / "report.html").write_text(f"<html>other {PLACE}</html>")
    text = origin_of(Path("plots/report.html"), repository).text()
    assert "records another report" in text
    assert "with uncommitted changes" in text


def test_the_stage_leaves_one_place_for_the_stamp() -> None:
    template = Path(origin_of.__code__.co_filename).with_name("report.html.jinja").read_text()
    assert template.count(PLACE) == 1
    with pytest.raises(StampError, match="is no report of this version"):
        stamped("<html></html>", None, None)


def test_a_missing_report_or_repository_is_told(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (repository / "plots" / "report.html").unlink()
    result = run("report", "--out", str(repository / "out.html"), "--root", str(repository))
    assert result.exit_code == 2
    assert "dvc repro report" in result.output
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "report.html").write_text(PLACE)
    with pytest.raises(StampError, match="run from the root of a clone"):
        origin_of(Path("report.html"), elsewhere)


def test_a_clip_is_written_as_it_is_stored(world, tmp_path: Path) -> None:
    out, clip_id = tmp_path / "x.wav", "irmas/Part1/it's song 02"
    result = run("listen", clip_id, "--out", str(out), "--root", str(world.root))
    assert result.exit_code == 0, result.output
    clips = read_clips(world.sources.corpora)
    expected = open_samples(clips[clips["clip_id"] == clip_id], world.sources.corpora).read(0)
    with wave.open(str(out)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        np.testing.assert_array_equal(np.frombuffer(file.readframes(file.getnframes()), "<i2"), expected)


@pytest.mark.parametrize(
    ("clip_id", "message"),
    [("irmas/Part1/its song 2", "did you mean"), ("nothing", "begins with its corpus (irmas)")],
)
def test_an_unknown_clip_is_told_with_the_ones_most_alike(world, tmp_path: Path, clip_id: str, message: str) -> None:
    result = run("listen", clip_id, "--out", str(tmp_path / "x.wav"), "--root", str(world.root))
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "x.wav").exists()
