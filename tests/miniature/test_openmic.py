"""The miniature OpenMIC-2018: the published layout, ternary labels that are true, an artist-disjoint split."""

import csv
import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from instrumentarium.miniature.layouts import openmic
from instrumentarium.runtime import workers
from instrumentarium.runtime.section import read_yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openmic")
    openmic.render(folder, folder / "truth.csv", seed=5, clips=16)
    with tarfile.open(folder / "openmic-2018-v1.0.0.tgz") as archive:
        return folder, {entry.name: archive.extractfile(entry).read() for entry in archive if entry.isfile()}


def _table(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))


def test_bytes_repeat_with_any_number_of_workers(rendered, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 1)
    openmic.render(tmp_path, tmp_path / "truth.csv", seed=5, clips=16)
    name = "openmic-2018-v1.0.0.tgz"
    assert (tmp_path / name).read_bytes() == (rendered[0] / name).read_bytes()


def test_audio_lies_where_its_key_says_and_lasts_ten_seconds(rendered):
    folder, members = rendered
    truth = {row["flaw"]: row["clip_id"] for row in csv.DictReader((folder / "truth.csv").open())}
    assert sorted(truth) == ["shared", "unreadable"]
    audio = [name for name in members if name.endswith(".ogg")]
    assert len(audio) == 16
    forms = set()
    for name in audio:
        top, kind, prefix, base = name.split("/")
        assert (top, kind, prefix) == ("openmic-2018", "audio", base[:3])
        if f"openmic/{name[:-4]}" == truth["unreadable"]:
            with pytest.raises(soundfile.LibsndfileError):
                soundfile.info(io.BytesIO(members[name]))
            continue
        info = soundfile.info(io.BytesIO(members[name]))
        assert info.frames == 10 * info.samplerate
        forms.add((info.samplerate, info.channels))
    assert len(forms) > 2


def test_the_truth_parts_what_the_labels_do_not(rendered):
    folder, members = rendered
    rows = list(csv.DictReader((folder / "truth-instruments.csv").open()))
    assert {f"{row['clip_id'].removeprefix('openmic/')}.ogg" for row in rows} == {
        name for name in members if name.endswith(".ogg")
    }
    lineups = {}
    for row in rows:
        lineups.setdefault(row["clip_id"].rpartition("/")[2], set()).add(row["instrument"])
    assert {"gac", "gel"} & set.union(*lineups.values())
    for label in _table(members["openmic-2018/openmic-2018-aggregated-labels.csv"]):
        if label["instrument"] == "guitar":
            assert bool(lineups[label["sample_key"]] & {"gac", "gel"}) is (float(label["relevance"]) > 0.5)


def test_tables_have_the_published_columns(rendered):
    _, members = rendered
    labels = members["openmic-2018/openmic-2018-aggregated-labels.csv"].decode()
    assert labels.splitlines()[0] == "sample_key,instrument,relevance,num_responses"
    assert json.loads(members["openmic-2018/class-map.json"]) == {name: i for i, name in enumerate(openmic.CLASSES)}
    assert len(openmic.CLASSES) == 20
    metadata = _table(members["openmic-2018/openmic-2018-metadata.csv"])
    assert len(metadata[0]) == 41
    assert len(metadata) == 16


def test_the_split_is_complete_headless_and_artist_disjoint(rendered):
    _, members = rendered
    artist = {row["sample_key"]: row["artist_id"] for row in _table(members["openmic-2018/openmic-2018-metadata.csv"])}
    sides = [members[f"openmic-2018/partitions/split01_{side}.csv"].decode().split() for side in ("train", "test")]
    assert sorted(sides[0] + sides[1]) == sorted(artist)
    assert not {artist[key] for key in sides[0]} & {artist[key] for key in sides[1]}


def test_labels_are_true_to_what_sounds(rendered):
    _, members = rendered
    plan = {excerpt.key: excerpt for excerpt in openmic.plan(5, 16)}
    for row in _table(members["openmic-2018/openmic-2018-aggregated-labels.csv"]):
        sounding = {openmic.CLASS_OF.get(name, name) for name in plan[row["sample_key"]].lineup}
        if row["instrument"] != "cymbals":
            assert (float(row["relevance"]) > 0.5) == (row["instrument"] in sounding)


def test_the_full_size_plan_observes_a_small_share_of_both_kinds():
    plan = openmic.plan(2026, 220)
    judgements = [
        judgement
        for excerpt in plan
        for judgement in openmic.judge(excerpt, frozenset(openmic.CLASS_OF.get(name, name) for name in excerpt.lineup))
    ]
    assert 0.10 <= len(judgements) / (220 * 20) <= 0.20
    present = Counter(judgement.label for judgement in judgements if judgement.relevance > 0.5)
    absent = Counter(judgement.label for judgement in judgements if judgement.relevance < 0.5)
    for label in set(openmic.CLASS_OF.values()):
        assert present[label] >= 10
        assert absent[label] >= 5
    assert len({excerpt.key for excerpt in plan}) == 220


def test_every_class_plays_in_clips_enough_to_train_validate_and_test():
    """Cymbals are part of drum beats, so that only a rendering tells which clips have them."""
    size = read_yaml(ROOT / "params.yaml")["collections"]["miniature"]["corpora"]["openmic"]["clips"]
    present: Counter[tuple[str, bool]] = Counter()
    for excerpt in openmic.plan(2026, size):
        sounding = frozenset(openmic.CLASS_OF.get(name, name) for name in excerpt.lineup)
        for judgement in openmic.judge(excerpt, sounding):
            if judgement.relevance > 0.5:
                present[judgement.label, excerpt.artist % 4 == 0] += 1
    for label in set(openmic.CLASSES) - {"cymbals"}:
        assert present[label, False] >= 6, f"{label}: too few of the training part to share with validation"
        assert present[label, True] >= 2, f"{label}: too few of the test part"


def test_a_count_that_is_not_positive_is_refused(tmp_path):
    with pytest.raises(ValueError, match="clips must be positive, found 0"):
        openmic.render(tmp_path, tmp_path / "t.csv", seed=0, clips=0)
