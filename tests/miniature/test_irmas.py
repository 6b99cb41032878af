"""The miniature IRMAS: the published layout, the published proportions, planted flaws that the truth file lists."""

import csv
import io
import re
import unicodedata
import zipfile
from collections import Counter, defaultdict

import numpy as np
import pytest
import soundfile

from instrumentarium.miniature.layouts import irmas, irmas_testing, irmas_training
from instrumentarium.miniature.layouts.codes import CODES
from instrumentarium.miniature.synthesis.randomness import generator
from instrumentarium.runtime import workers

# The grammar of the published names: shared knowledge of the dataset, restated here on purpose.
GRAMMAR = re.compile(
    r"^(?:(\d{3})__)?\[(cel|cla|flu|gac|gel|org|pia|sax|tru|vio|voi)\](?:\[(dru|nod|---)\])?"
    r"\[(cla|cou_fol|jaz_blu|lat_sou|pop_roc)\](\d{4})__([1-3])\.wav$"
)
ARCHIVES = ("IRMAS-TrainingData.zip", "IRMAS-TestingData-Part1.zip", "IRMAS-TestingData-Part2.zip")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("irmas")
    (folder / "raw").mkdir()
    irmas.render(folder / "raw", folder / "truth.csv", seed=11, train_recordings=3, test_songs=6)
    return folder


def _rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(rendered, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 1)
    irmas.render(tmp_path, tmp_path / "truth.csv", seed=11, train_recordings=3, test_songs=6)
    for name in ARCHIVES:
        assert (tmp_path / name).read_bytes() == (rendered / "raw" / name).read_bytes()
    for name in ("truth.csv", "truth-timeline.csv"):
        assert (tmp_path / name).read_bytes() == (rendered / name).read_bytes()


def test_another_seed_gives_other_audio():
    first, second = (irmas_training.render_train_clip((irmas_training.plan_train(seed, 1)[0], 1)) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_training_names_follow_the_published_grammar(rendered):
    numbers = defaultdict(set)
    planted = {row["clip_id"] for row in _rows(rendered / "truth.csv") if row["flaw"] == "contradiction"}
    with zipfile.ZipFile(rendered / "raw" / ARCHIVES[0]) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    assert len(names) == len(set(names))
    for name in names:
        top, folder, base = name.split("/")
        match = GRAMMAR.match(base)
        assert match, base
        assert (top, folder) == ("IRMAS-TrainingData", match[2])
        assert (match[1] is None) == (match[3] is None)
        if f"irmas/{name[:-4]}" not in planted:
            numbers[match[5]].add(folder)
    assert all(len(folders) == 1 for folders in numbers.values())


def test_training_audio_has_the_published_form_and_flaws_are_as_told(rendered):
    flaws = {row["clip_id"]: row for row in _rows(rendered / "truth.csv")}
    audio = {}
    with zipfile.ZipFile(rendered / "raw" / ARCHIVES[0]) as archive:
        for name in archive.namelist():
            if name.endswith("/"):
                continue
            clip = f"irmas/{name[:-4]}"
            try:
                samples, rate = soundfile.read(io.BytesIO(archive.read(name)), dtype="int16", always_2d=True)
            except soundfile.LibsndfileError:
                assert flaws[clip]["flaw"] == "unreadable"
                continue
            assert samples.shape == (132_299, 2)
            assert rate == 44_100
            assert samples.any() == (flaws.get(clip, {}).get("flaw") != "silent")
            audio[clip] = samples
    same = defaultdict(list)
    for clip, samples in audio.items():
        same[samples.tobytes()].append(clip)
    repeated = {frozenset(clips) for clips in same.values() if len(clips) > 1}
    listed = {
        frozenset((row["clip_id"], row["partner"]))
        for row in flaws.values()
        if row["flaw"] == "contradiction" or row["detail"] in ("same bytes", "same number, other drum tag")
    }
    assert repeated == listed
    assert {row["flaw"] for row in flaws.values()} == {
        "duplicate", "shared", "contradiction", "wrong_label", "unreadable", "silent", "no_audio", "no_labels",
    }  # fmt: skip
    quieter = next(row for row in flaws.values() if "quieter" in row["detail"])
    first, second = (audio[quieter[key]].astype(float)[:, 0] for key in ("partner", "clip_id"))
    assert np.corrcoef(first[:-4410], second[4410:])[0, 1] > 0.999


def test_wrong_labels_name_what_truly_leads(rendered):
    plan = {recording.number: recording for recording in irmas_training.plan_train(11, 3)}
    for row in _rows(rendered / "truth.csv"):
        if row["flaw"] == "wrong_label":
            number = int(re.search(r"(\d{4})__\d$", row["clip_id"])[1])
            assert row["detail"] == plan[number].leader != plan[number].label


def test_testing_layout_and_labels(rendered):
    alone = {row["clip_id"]: row["flaw"] for row in _rows(rendered / "truth.csv") if row["flaw"].startswith("no_")}
    for part in (1, 2):
        with zipfile.ZipFile(rendered / "raw" / f"IRMAS-TestingData-Part{part}.zip") as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            assert all(name.startswith(f"IRMAS-TestingData-Part{part}/Part{part}/") for name in names)
            stems = {suffix: {n[:-4] for n in names if n.endswith(suffix)} for suffix in (".wav", ".txt")}
            for stem in stems[".wav"] ^ stems[".txt"]:
                assert f"irmas/{unicodedata.normalize('NFC', stem)}" in alone
            for stem in stems[".txt"] & stems[".wav"]:
                lines = archive.read(f"{stem}.txt").decode("ascii").split("\n")
                assert lines[-1] == ""
                assert all(re.fullmatch(r"[a-z]{3}\t", line) and line[:3] in CODES for line in lines[:-1])
                info = soundfile.info(io.BytesIO(archive.read(f"{stem}.wav")))
                assert (info.samplerate, info.channels, info.subtype) == (44_100, 2, "PCM_16")
                assert 5.0 <= info.duration <= 20.0
                assert re.search(r"-\d+$", stem)


def test_the_timeline_tells_every_labelled_instrument_within_its_clip(rendered):
    spans = defaultdict(list)
    for row in _rows(rendered / "truth-timeline.csv"):
        spans[row["clip_id"], row["instrument"]].append((float(row["start_s"]), float(row["end_s"])))
    plan = irmas_testing.plan_test(11, 6)
    assert len(spans) == sum(len(clip.labels) for clip in plan)
    for clip in plan:
        part = 1 if clip.song < 3 else 2
        name = unicodedata.normalize("NFC", clip.name)
        for code in clip.labels:
            stretches = spans[f"irmas/IRMAS-TestingData-Part{part}/Part{part}/{name}", code]
            assert stretches == sorted(stretches)
            assert all(0 <= start < end <= clip.samples / 44_100 + 1e-3 for start, end in stretches)
            assert sum(end - start for start, end in stretches) > 0.1 * clip.samples / 44_100


def test_the_full_size_plan_has_the_published_proportions():
    for seed in range(5):
        plan = irmas_testing.plan_test(seed, 66)
        songs = {code: {clip.song for clip in plan if code in clip.labels} for code in CODES}
        assert min(len(members) for members in songs.values()) >= 8
        counts = Counter(len(clip.labels) for clip in plan)
        shares = [counts[number] / len(plan) for number in range(1, 6)]
        np.testing.assert_allclose(shares, [0.43, 0.445, 0.1105, 0.0135, 0.001], atol=0.006)
        assert sum(clip.samples for clip in plan) / 44_100 < 1_700
        assert len({clip.song for clip in plan}) == 66
        names = [clip.name for clip in plan]
        assert len(set(names)) == len(names)
        for wanted in (",", "'", "  ", "["):
            assert any(wanted in name for name in names)
        assert any(not name.isascii() and unicodedata.is_normalized("NFC", name) for name in names)
        assert any(not unicodedata.is_normalized("NFC", name) for name in names)


def test_who_sounds_differs_between_the_clips_of_some_songs():
    by_song = defaultdict(set)
    for clip in irmas_testing.plan_test(0, 66):
        by_song[clip.song].add(clip.labels)
    assert sum(len(labels) > 1 for labels in by_song.values()) > 20


def test_label_counts_of_few_clips_still_add_up():
    for clips in range(1, 30):
        assert len(irmas_testing.label_counts(generator(0, clips), clips)) == clips


@pytest.mark.parametrize("counts", [{"train_recordings": 0, "test_songs": 5}, {"train_recordings": 2, "test_songs": 0}])
def test_counts_that_are_not_positive_are_refused(tmp_path, counts):
    with pytest.raises(ValueError, match="must be positive"):
        irmas.render(tmp_path, tmp_path / "t.csv", seed=0, **counts)
