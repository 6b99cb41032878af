"""Files in a bucket: listed in an order that repeats, and predicted for as if they lay here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from s3 import BUCKET, CREDENTIALS, REGION, Bucket, empty_bucket

from instrumentarium.catalogue import bucket as catalogue_bucket
from instrumentarium.catalogue.listing import Lot
from instrumentarium.catalogue.shard import ShardWriter
from instrumentarium.catalogue.sources import find_names
from instrumentarium.predicting.inputs import NoAudioError
from instrumentarium.predicting.loading import load_ladder


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with empty_bucket() as found:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": found.url, "AWS_REGION": REGION}.items():
            monkeypatch.setenv(name, value)
        catalogue_bucket._server.cache_clear()
        yield found
        catalogue_bucket._server.cache_clear()


def test_a_bucket_is_gone_through_as_a_folder_is(bucket: Bucket):
    for name in ("b/2.wav", "b/1.MP3", "z.ogg", "notes.txt", ".hidden/1.wav", "a/x/1 ü.flac"):
        bucket.put(f"music/{name}", b"x")
    url = f"s3://{BUCKET}/music"
    assert list(find_names([url])) == [f"{url}/{name}" for name in ("z.ogg", "a/x/1 ü.flac", "b/1.MP3", "b/2.wav")]
    bucket.put("texts/notes.txt", b"x")
    with pytest.raises(NoAudioError, match="has no audio below it"):
        list(find_names([f"s3://{BUCKET}/texts"]))
    with pytest.raises(FileNotFoundError):
        list(find_names([f"s3://{BUCKET}/gone"]))


def test_objects_have_the_rows_of_the_same_files(
    bucket: Bucket, model: Path, songs: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = songs(5)
    names = tuple(find_names([str(folder)]))
    for name in names:
        bucket.put(f"music/{Path(name).relative_to(folder)}", Path(name).read_bytes())
    urls = (*find_names([f"s3://{BUCKET}/music"]), f"s3://{BUCKET}/music/gone.wav")
    (tmp_path / "staging").mkdir()
    (tmp_path / "fetched").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "fetched"))
    writer = ShardWriter(
        lambda: load_ladder(model, single_core=True), tmp_path / "staging", tmp_path, "seal", timeline=False
    )
    here, there = writer.write(Lot(0, names), {}), writer.write(Lot(1, urls), {})

    def rows(path: Path | None) -> list[dict[str, object]]:
        assert path is not None
        return [
            {**row, "path": row["path"].removeprefix(str(folder)).removeprefix(f"s3://{BUCKET}/music")}
            for row in pq.read_table(path).to_pylist()
        ]

    assert rows(there.predictions) == rows(here.predictions)
    assert rows(there.rejected)[:-1] == rows(here.rejected)
    assert rows(there.rejected)[-1]["path"] == "/gone.wav"
    assert not list((tmp_path / "fetched").iterdir())
