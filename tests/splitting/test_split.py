import hashlib
import json
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from splitting_fixtures import CODES, NO_DUPLICATES, PARAMS, draw_collection, levels, pairs_of, shuffled

from instrumentarium.splitting.distribution import label_distribution
from instrumentarium.splitting.errors import SplitError
from instrumentarium.splitting.frozen import frozen_file
from instrumentarium.splitting.split import Split, split_clips, write_split
from instrumentarium.splitting.units import positive_labels
from instrumentarium.tables.schemas import SPLIT
from taxonomies import IRMAS11

pytestmark = pytest.mark.usefixtures("short_search")

PARTS = ("train", "validation", "test")
NOWHERE = Path("no such folder")


@pytest.fixture(scope="module")
def collection() -> tuple[pd.DataFrame, pd.DataFrame]:
    clips, labels = draw_collection(2)
    genres = ["pop_roc" if number % 3 else "cla" for number in range(len(clips))]
    return clips.assign(genre=genres, duration_s=[float(3 + number % 40) for number in range(len(clips))]), labels


@pytest.fixture(scope="module")
def split(collection, short_search) -> Split:
    return split_clips(*collection, NO_DUPLICATES, PARAMS, 2, NOWHERE, CODES, levels)


@pytest.fixture
def frozen(tmp_path: Path, collection):
    """Return a splitter by a frozen file with the given rows or bytes."""

    def split_by(content: pd.DataFrame | bytes, duplicates: pd.DataFrame = NO_DUPLICATES) -> Split:
        path = tmp_path / "halves.csv"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.to_csv(path, index=False)
        params = PARAMS.model_copy(update={"frozen": "halves.csv"})
        return split_clips(*collection, duplicates, params, 0, tmp_path, CODES, levels)

    return split_by


def test_the_metrics_count_what_is_there(collection, split: Split):
    clips, labels = collection
    metrics = split.metrics
    assert metrics["leaks"] == {"recordings": 0, "exact_duplicates": 0, "fingerprints": 0}
    assert sum(metrics[part]["clips"] for part in PARTS) == len(clips)
    assert sum(metrics[part]["seconds"] for part in PARTS) == clips["duration_s"].sum()
    assert sum(metrics[part]["recordings"] for part in PARTS) == split.table["recording_id"].nunique()
    assert metrics["merged_recordings"] == clips["recording_id"].nunique() - split.table["recording_id"].nunique() > 0
    assert metrics["frozen"] is None
    cello = labels[labels["instrument"] == "cel"].merge(split.table, on="clip_id")
    for part in PARTS:
        mine = cello[cello["split"] == part]
        found = metrics[part]["instruments"]["cel"]
        assert found == {
            "clips": len(mine),
            "recordings": mine["recording_id"].nunique(),
            "seconds": clips[clips["clip_id"].isin(mine["clip_id"])]["duration_s"].sum(),
        }
        assert sum(metrics[part]["corpora"].values()) == metrics[part]["clips"]


def test_the_metrics_tell_how_alike_splits_and_pools_are(collection, split: Split):
    clips, labels = collection
    table = clips.merge(split.table[["clip_id", "split"]], on="clip_id")
    everything = positive_labels(table, labels, CODES)
    for part in PARTS:
        expected = label_distribution(everything, (table["split"] == part).to_numpy())
        assert split.metrics[part]["ld"] == round(expected, 6)
        assert split.metrics[part]["lpd"] > 0
    songs = table[(table["corpus"] == "irmas") & (table["official_split"] == "test")]
    pool = split.metrics["stratified"]["irmas_test_songs"]
    for part in ("validation", "test"):
        there = (songs["split"] == part).to_numpy()
        assert pool[part]["clips"] == there.sum()
        assert pool[part]["ld"] == round(label_distribution(positive_labels(songs, labels, CODES), there), 6)
    assert set(split.metrics["stratified"]) == {"irmas_test_songs", "openmic_train", "own"}
    assert 0 < pool["prevalence_gap"] < 0.2
    assert 0 <= pool["fold_size_gap"] < 0.2


def test_the_plots_add_up(collection, split: Split):
    clips, labels = collection
    positives = positive_labels(clips, labels, CODES)
    assert {name: len(rows) for name, rows in split.plots.items() if name not in ("durations", "loudness")} == {
        "prevalence": 33,
        "cooccurrence": 121,
        "labels_per_clip": 3 * len(set(positives.sum(axis=1))),
        "genres": 22,
        "drums": 33,
    }
    for name in ("labels_per_clip", "durations", "loudness"):
        for part in PARTS:
            mine = [row for row in split.plots[name] if row["split"] == part]
            assert sum(row["clips"] for row in mine) == split.metrics[part]["clips"]
            assert sum(row["share"] for row in mine) == pytest.approx(1, abs=1e-4)
    assert {row["level_db"] for row in split.plots["loudness"]} == {-63, -60, -33, -3, 0}
    assert max(row["duration_s"] for row in split.plots["durations"]) == 30
    for row in split.plots["prevalence"]:
        assert row["clips"] == split.metrics[row["split"]]["instruments"][row["instrument"]]["clips"]
        assert row["prevalence"] == round(row["clips"] / split.metrics[row["split"]]["clips"], 6)
    together = {(row["instrument"], row["with"]): row for row in split.plots["cooccurrence"]}
    for i, code in enumerate(CODES):
        assert together[code, code]["count"] == positives[:, i].sum()
        assert together[code, code]["share"] == 1
        for j, other in enumerate(CODES):
            assert together[code, other]["count"] == together[other, code]["count"]
            assert together[code, other]["count"] == (positives[:, i] & positives[:, j]).sum()
        said = {"with drums": "yes", "without drums": "no", "not stated": "unknown"}
        drums = [row for row in split.plots["drums"] if row["instrument"] == code]
        for row in drums:
            held = positives[:, i] & (clips["drums"] == said[row["drum_track"]]).to_numpy()
            assert (row["clips"], row["share"]) == (held.sum(), round(held.sum() / positives[:, i].sum(), 6))
        assert sum(row["clips"] for row in drums) == positives[:, i].sum()
        assert sum(row["count"] for row in split.plots["genres"] if row["instrument"] == code) == positives[:, i].sum()


def test_only_genres_of_clips_with_instruments_have_a_column(collection):
    clips, labels = collection
    genres = clips["genre"].where(clips["corpus"] == "irmas", "").where(clips["corpus"] != "esc50", "engine")
    rows = split_clips(clips.assign(genre=genres), labels, NO_DUPLICATES, PARAMS, 2, NOWHERE, CODES, levels).plots[
        "genres"
    ]
    assert {row["genre"] for row in rows} == {"cla", "pop_roc"}
    for code in CODES:
        assert sum(row["share"] for row in rows if row["instrument"] == code) == pytest.approx(1, abs=1e-5)


def test_pairs_found_by_fingerprints_never_straddle(collection, split: Split):
    clips, labels = collection
    table = split.table
    songs = table[table["clip_id"].str.startswith("irmas/test")]
    one = songs[songs["split"] == "validation"]["clip_id"].iloc[0]
    two = songs[songs["split"] == "test"]["clip_id"].iloc[0]
    pairs = pairs_of((*sorted((one, two)), "fingerprint"))
    again = split_clips(clips, labels, pairs, PARAMS, 2, NOWHERE, CODES, levels).table.set_index("clip_id")
    assert again["split"][one] == again["split"][two]
    assert again["recording_id"][one] == again["recording_id"][two]


def test_what_is_written_depends_on_no_order(collection, split: Split, tmp_path: Path):
    clips, labels = collection
    other = split_clips(shuffled(clips, 5), shuffled(labels, 6), NO_DUPLICATES, PARAMS, 2, NOWHERE, CODES, levels)
    for name, each in (("one", split), ("two", other)):
        write_split(each, IRMAS11, *(tmp_path / name / part for part in ("split.csv", "split.json", "plots")))
    files = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*")}
    assert len(files) == 9
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    pd.testing.assert_frame_equal(SPLIT.read(tmp_path / "one" / "split.csv"), split.table, check_dtype=False)
    assert json.loads((tmp_path / "one" / "split.json").read_text()) == split.metrics


def test_a_frozen_split_is_taken_over_and_recorded(collection, split: Split, frozen):
    taken = frozen(shuffled(split.table, 3)[["split", "clip_id"]])
    pd.testing.assert_frame_equal(taken.table, split.table, check_dtype=False)
    content = shuffled(split.table, 3)[["split", "clip_id"]].to_csv(index=False).encode()
    assert taken.metrics == {
        **split.metrics,
        "frozen": {"file": "halves.csv", "md5": hashlib.md5(content).hexdigest()},
    }


def test_a_frozen_split_may_differ_from_every_rule(collection, split: Split, frozen):
    swapped = split.table.assign(
        split=split.table["split"].map({"train": "test", "test": "train"}).fillna("validation")
    )
    taken = frozen(swapped[["clip_id", "split"]])
    assert taken.metrics["train"]["clips"] == split.metrics["test"]["clips"]
    assert set(taken.metrics["stratified"]["irmas_test_songs"]) == {
        *("train", "validation", "test"),
        *("prevalence_gap", "fold_size_gap"),
    }


def test_all_that_is_wrong_with_a_frozen_split_is_listed(collection, split: Split, frozen):
    rows = split.table[["clip_id", "split"]].copy()
    rows.loc[0, "split"] = "dev"
    missing = rows["clip_id"].iloc[1]
    wrong = pd.concat(
        [rows.drop(index=1), pd.DataFrame({"clip_id": ["own/nobody", rows["clip_id"].iloc[5]], "split": "train"})]
    )
    with pytest.raises(SplitError, match=rf"halves\.csv is not a split of these {len(rows)} clips") as error:
        frozen(wrong)
    assert str(error.value).splitlines()[1:] == [
        "  1 split names other than train, validation, test: 'dev'",
        f"  1 clips that occur more than once: '{rows['clip_id'].iloc[5]}'",
        "  1 clips that the corpora in use do not have: 'own/nobody'",
        f"  1 clips of the corpora in use that the file leaves out: '{missing}'",
    ]


def test_a_frozen_split_may_have_ids_in_the_other_unicode_form(collection, split: Split, tmp_path: Path):
    clips, labels = collection
    renamed = {clips["clip_id"].iloc[0]: "irmas/Canção-1"}
    file = split.table[["clip_id", "split"]].replace({"clip_id": renamed})
    file["clip_id"] = [unicodedata.normalize("NFD", clip_id) for clip_id in file["clip_id"]]
    file.to_csv(tmp_path / "halves.csv", index=False)
    clips, labels = clips.replace({"clip_id": renamed}), labels.replace({"clip_id": renamed})
    params = PARAMS.model_copy(update={"frozen": "halves.csv"})
    taken = split_clips(clips, labels, NO_DUPLICATES, params, 0, tmp_path, CODES, levels)
    assert "irmas/Canção-1" in set(taken.table["clip_id"])


def test_a_frozen_split_needs_all_three_splits(split: Split, frozen):
    merged = split.table[["clip_id"]].assign(split=split.table["split"].replace("validation", "train"))
    with pytest.raises(SplitError, match="1 splits without a clip: 'validation'"):
        frozen(merged)


def test_a_frozen_split_that_tears_recordings_or_duplicates_apart_is_refused(collection, split: Split, frozen):
    clips, _ = collection
    table = split.table[["clip_id", "split"]].set_index("clip_id")
    torn = table.copy()
    songs = clips[clips.duplicated("recording_id", keep=False)].sort_values("clip_id")
    torn.loc[songs["clip_id"].iloc[0], "split"] = "train"
    torn.loc[songs["clip_id"].iloc[1], "split"] = "test"
    with pytest.raises(SplitError, match=r"halves\.csv puts what belongs.*\n  1 recordings: .*") as error:
        frozen(torn.reset_index())
    assert songs["clip_id"].iloc[0] in str(error.value)
    copies = clips[clips.duplicated("pcm_hash", keep=False)].sort_values(["pcm_hash", "clip_id"])
    torn = table.copy()
    torn.loc[copies["clip_id"].iloc[0], "split"] = "train"
    torn.loc[copies["clip_id"].iloc[1], "split"] = "test"
    with pytest.raises(SplitError, match="pairs of clips with equal samples: "):
        frozen(torn.reset_index())
    across = sorted(table[table["split"] == part].index[0] for part in ("train", "test"))
    with pytest.raises(SplitError, match=f"1 pairs of clips with matching fingerprints: '{across[0]} ~ {across[1]}'"):
        frozen(table.reset_index(), pairs_of((*across, "fingerprint")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"halves\.csv is not a CSV table"),
        (b'a,b\n"', r"halves\.csv is not a CSV table"),
        (b"clip_id,split\n\xff,train\n", r"halves\.csv is not a CSV table"),
        (b"clip_id,part\na,train\n", r"has the columns clip_id, part; it must have clip_id, split"),
    ],
)
def test_a_file_that_is_no_split_is_refused(frozen, content: bytes, message: str):
    with pytest.raises(SplitError, match=message):
        frozen(content)


@pytest.mark.parametrize("name", ["other.csv", "../halves.csv", "README.md"])
def test_a_frozen_split_is_a_file_of_its_folder(tmp_path: Path, name: str):
    folder = tmp_path / "splits"
    folder.mkdir()
    for path in (tmp_path / "halves.csv", folder / "mine.csv", folder / "README.md"):
        path.write_text("")
    with pytest.raises(SplitError, match=r"split\.frozen is '.*', but .*splits holds mine\.csv; put the file there"):
        frozen_file(folder, name)
    with pytest.raises(SplitError, match="holds no CSV file"):
        frozen_file(tmp_path / "nothing", name)
