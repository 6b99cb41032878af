"""A shard's tables: a row a file, the same scores as without a catalogue, and the same bytes whenever they are made."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from instrumentarium.catalogue.listing import Lot
from instrumentarium.catalogue.shard import ShardWriter
from instrumentarium.catalogue.sources import find_names
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.runtime.sealed import read_seal
from taxonomies import IRMAS11

SONGS = 12
PAGE = Path(__file__).resolve().parents[2] / "docs" / "catalogue.md"


@pytest.fixture
def writer(model: Path, tmp_path: Path) -> Callable[..., ShardWriter]:
    """Return a maker of writers, each with a staging folder of its own."""

    def make(name: str = "staging", *, timeline: bool = False) -> ShardWriter:
        (tmp_path / name).mkdir()
        seal = read_seal(model / "model.json")
        return ShardWriter(
            lambda: load_ladder(model, single_core=True), tmp_path / name, tmp_path, seal, timeline=timeline
        )

    return make


def test_rows_hold_what_predict_says_of_each_file(
    model: Path, writer: Callable[..., ShardWriter], songs: Callable[..., Path]
):
    names = tuple(find_names([str(songs(SONGS))]))
    staged = writer(timeline=True).write(Lot(3, names), {})
    assert (staged.number, staged.files) == (3, SONGS)
    assert staged.rejected is not None
    expected = {found.path: found for found in load_ladder(model)([Path(name) for name in names])}
    rows, rejected = pq.read_table(staged.predictions).to_pylist(), pq.read_table(staged.rejected).to_pylist()
    assert sorted(row["path"] for row in (*rows, *rejected)) == sorted(names)
    for row in rows:
        found = expected[row["path"]]
        assert found.error is None
        assert row["duration_s"] == found.duration_s
        np.testing.assert_allclose([row[f"score_{code}"] for code in IRMAS11.codes], found.scores, atol=1e-5)
        assert row["present"] == [code for code, plays in zip(IRMAS11.codes, found.present, strict=True) if plays]
        assert [part["instrument"] for part in row["timeline"]] == [part.instrument for part in found.segments]
        assert row["note"] == found.note
        assert row["model_sha256"] == read_seal(model / "model.json")
    assert any(row["present"] for row in rows)
    assert any(row["note"] for row in rows)
    assert {row["path"]: row["reason"] for row in rejected} == {
        name: found.error for name, found in expected.items() if found.error is not None
    }


def test_tables_made_again_are_the_same_bytes(writer: Callable[..., ShardWriter], songs: Callable[..., Path]):
    lot = Lot(0, tuple(find_names([str(songs(SONGS))])))
    first, second = (writer(name).write(lot, {}) for name in ("one", "two"))
    assert first.predictions.read_bytes() == second.predictions.read_bytes()
    assert first.rejected is not None
    assert second.rejected is not None
    assert first.rejected.read_bytes() == second.rejected.read_bytes()


def test_what_is_known_to_be_unusable_is_not_touched(writer: Callable[..., ShardWriter], songs: Callable[..., Path]):
    names = tuple(find_names([str(songs(3))]))
    staged = writer().write(Lot(0, names), {names[1]: "ended the process"})
    assert staged.rejected is not None
    assert pq.read_table(staged.rejected).to_pylist() == [{"path": names[1], "reason": "ended the process"}]
    assert pq.read_table(staged.predictions)["path"].to_pylist() == [names[0], names[2]]


def test_there_is_a_timeline_only_where_it_is_asked_for(writer: Callable[..., ShardWriter], songs: Callable[..., Path]):
    lot = Lot(0, tuple(find_names([str(songs(1))])))
    assert "timeline" not in pq.read_schema(writer("one").write(lot, {}).predictions).names
    assert "timeline" in pq.read_schema(writer("two", timeline=True).write(lot, {}).predictions).names


def test_a_shard_without_a_usable_file_has_its_columns(writer: Callable[..., ShardWriter], tmp_path: Path):
    staged = writer().write(Lot(0, ("gone.wav",)), {})
    assert pq.read_table(staged.predictions).num_rows == 0
    assert f"score_{IRMAS11.codes[0]}" in pq.read_schema(staged.predictions).names
    assert staged.rejected is not None
    assert pq.read_table(staged.rejected).to_pylist() == [{"path": "gone.wav", "reason": "No such file or directory"}]


def test_the_example_of_the_page_reads_all_shards(
    writer: Callable[..., ShardWriter],
    songs: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    names, maker, folder = tuple(find_names([str(songs(2))])), writer(), tmp_path / "results" / "predictions"
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        maker.write(Lot(number, (name,)), {}).predictions.replace(folder / f"part-{number:08d}.parquet")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(PAGE), "exec"), {})
    said = capsys.readouterr().out
    assert "score_pia" in said
    assert len(said.splitlines()) == 3
