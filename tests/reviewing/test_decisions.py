import multiprocessing
import threading
from pathlib import Path

import pytest

from instrumentarium.reviewing.decisions import Decisions
from instrumentarium.tables.overrides import Override, OverrideError, read_overrides, write_overrides

PAIR = ("irmas/a", "cel")


def test_every_decision_is_in_the_file_when_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "review.csv"
    decisions = Decisions(path, "ear")
    assert PAIR not in decisions
    decisions.decide(PAIR, "present", "  clear \n solo ")
    assert read_overrides(path) == (Override(*PAIR, 1.0, "ear", "clear solo"),)
    decisions.decide(PAIR, "absent")
    assert read_overrides(path) == (Override(*PAIR, 0.0, "ear", ""),)
    decisions.decide(PAIR, "unsure")
    assert read_overrides(path) == (Override(*PAIR, None, "ear", ""),)
    decisions.withdraw(PAIR)
    assert read_overrides(path) == ()
    assert PAIR not in decisions
    assert [entry.name for entry in path.parent.iterdir()] == ["review.csv"]


def test_what_is_in_the_file_counts_as_decided(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    write_overrides(path, [Override(*PAIR, 0.8, "somebody", "why")])
    decisions = Decisions(path, "ear")
    assert decisions[PAIR] == Override(*PAIR, 0.8, "somebody", "why")
    decisions.decide(("irmas/b", "cel"), "absent")
    assert decisions[PAIR] == Override(*PAIR, 0.8, "somebody", "why")


def test_what_others_wrote_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    first, second = Decisions(path, "one"), Decisions(path, "two")
    first.decide(PAIR, "present")
    second.decide(("irmas/b", "cel"), "absent")
    first.decide(("irmas/c", "cel"), "unsure")
    assert [(override.clip_id, override.source) for override in read_overrides(path)] == [
        ("irmas/a", "one"),
        ("irmas/b", "two"),
        ("irmas/c", "one"),
    ]
    assert first[("irmas/b", "cel")] is not None


def decide_some(path: Path, source: str) -> None:
    decisions = Decisions(path, source)
    for number in range(10):
        decisions.decide((f"irmas/{source} {number}", "cel"), "present")


def test_processes_and_threads_lose_none_of_each_others_decisions(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    processes = [multiprocessing.Process(target=decide_some, args=(path, f"process {n}")) for n in range(2)]
    threads = [threading.Thread(target=decide_some, args=(path, f"thread {n}")) for n in range(2)]
    for worker in (*processes, *threads):
        worker.start()
    for worker in (*processes, *threads):
        worker.join()
    assert len(read_overrides(path)) == 40


def test_a_broken_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    decisions = Decisions(path, "ear")
    path.write_text("clip_id\nirmas/a\n")
    with pytest.raises(OverrideError, match="it must have clip_id, instrument, relevance, source, note"):
        decisions.decide(PAIR, "present")
    assert path.read_text() == "clip_id\nirmas/a\n"
    assert PAIR not in decisions
    with pytest.raises(OverrideError):
        Decisions(path, "ear")


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    path = small_disk / "review.csv"
    decisions = Decisions(path, "ear")
    decisions.decide(PAIR, "present")
    before = path.read_bytes()
    with pytest.raises(OSError, match="No space left"):
        decisions.decide(("irmas/b", "cel"), "absent", "long " * 20000)
    assert path.read_bytes() == before
    assert ("irmas/b", "cel") not in decisions
