"""A bucket as remote, as docs/experiments.md says: what one clone pushes a fresh one pulls, and nothing is left to do."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pipeline.checkout import Checkout, stages_run
from s3 import BUCKET, CREDENTIALS, KEY_ID, REGION, SECRET, Bucket, empty_bucket


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with empty_bucket() as found:
        yield found


def use(checkout: Checkout, bucket: Bucket) -> Checkout:
    """Name the bucket in a clone as the page says; return the clone with the credentials in its environment."""
    environment = {name: value for name, value in checkout.environment.items() if not name.startswith("AWS_")}
    ready = replace(checkout, environment=environment | CREDENTIALS)
    ready.dvc("remote", "add", "--local", "-d", "store", f"s3://{BUCKET}/dvc")
    ready.dvc("remote", "modify", "--local", "store", "endpointurl", bucket.url)
    ready.dvc("remote", "modify", "--local", "store", "region", REGION)
    ready.dvc("remote", "modify", "--local", "store", "verify", "true")
    return ready


def files_with(text: str, *folders: Path) -> list[Path]:
    """Return the files below folders that hold a text."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in paths if text.encode() in path.read_bytes()]


def test_what_one_clone_pushes_to_s3_a_fresh_clone_pulls_and_has_nothing_left_to_run(
    built: Checkout, bucket: Bucket, tmp_path: Path
) -> None:
    owner = use(built.copy(tmp_path / "owner"), bucket)
    output = owner.dvc("push")
    pushed = bucket.objects()
    assert len(pushed) > 20
    assert f"{len(pushed)} files pushed" in output
    assert "Everything is up to date" in owner.dvc("push")
    archives = {hashlib.md5(content).hexdigest() for content in built.bytes_below("data/raw").values()}
    assert archives
    assert not archives & {re.sub(r"\W", "", key)[-32:] for key in pushed}, "publishers' archives are never passed on"

    owner.git("clone", "--quiet", str(owner.root), str(tmp_path / "other"))
    other = use(Checkout(tmp_path / "other", owner.environment), bucket)
    assert not other.path("data/model").exists()
    other.dvc("pull", "--allow-missing")
    for folder in ("data/clips", "data/model", "metrics", "plots"):
        assert other.bytes_below(folder) == built.bytes_below(folder), folder
    output = other.dvc("repro", "--allow-missing")
    assert stages_run(output) == []
    assert "up to date" in output
    assert other.changes() == ""

    assert not files_with(SECRET, owner.root, other.root)
    assert not files_with(KEY_ID, owner.root, other.root)
    shutil.rmtree(tmp_path)


def test_an_object_that_was_damaged_in_the_bucket_is_not_taken(built: Checkout, bucket: Bucket, tmp_path: Path) -> None:
    owner = use(built.copy(tmp_path / "owner"), bucket)
    owner.dvc("push", "train")
    weights = hashlib.md5(built.path("data/model/model.safetensors").read_bytes()).hexdigest()
    key = f"dvc/files/md5/{weights[:2]}/{weights[2:]}"
    assert bucket.objects()[key] == built.path("data/model/model.safetensors").stat().st_size
    bucket.put(key, b"something else")

    owner.git("clone", "--quiet", str(owner.root), str(tmp_path / "other"))
    other = use(Checkout(tmp_path / "other", owner.environment), bucket)
    output = other.dvc("pull", "train", fails=True)
    assert "model.safetensors" in output or weights in output
    assert not other.path("data/model/model.safetensors").exists()
    shutil.rmtree(tmp_path)


def test_without_credentials_the_remote_is_refused_with_a_reason(
    built: Checkout, bucket: Bucket, tmp_path: Path
) -> None:
    owner = use(built.copy(tmp_path / "owner"), bucket)
    bare = {name: value for name, value in owner.environment.items() if name not in CREDENTIALS}
    stranger = replace(owner, environment=bare | {"AWS_EC2_METADATA_DISABLED": "true"})
    assert "Unable to locate credentials" in stranger.dvc("push", "train", fails=True)
    assert bucket.objects() == {}
    shutil.rmtree(tmp_path)
