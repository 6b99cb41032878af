"""`make verify` names each output and each object of DVC's cache that is not what its md5 says, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "verify.py"
STAGES = """
stages:
  make:
    cmd: mkdir -p out/deep && echo a > out/deep/b.csv && echo c > out/é.txt && touch out/.gitignore && echo d > one
    outs: [out, one]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout that DVC has run a stage in, with a folder and a file as outputs."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "dvc.yaml").write_text(STAGES, encoding="utf-8")
    (root / ".dvcignore").write_text(".gitignore\n", encoding="utf-8")
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root / "site")}
    for words in (["init", "--no-scm", "--force"], ["repro"]):
        subprocess.run(
            [sys.executable, "-m", "dvc", *words], cwd=root, env=environment, check=True, capture_output=True
        )
    return root


@pytest.fixture
def checkout(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "checkout")
    (tmp_path / "checkout" / ".dvcignore").write_text(".gitignore\n", encoding="utf-8")
    return tmp_path / "checkout"


def verify(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT)], cwd=checkout, capture_output=True, text=True)


def flip(path: Path) -> None:
    """Flip a bit of a file, which keeps its time."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[0] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_dvc_wrote_is_in_order(checkout: Path):
    found = verify(checkout)
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize(("path", "output"), [("out/deep/b.csv", "out"), ("out/é.txt", "out"), ("one", "one")])
def test_a_damaged_output_is_named(checkout: Path, path: str, output: str):
    flip(checkout / path)
    found = verify(checkout)
    assert found.returncode == 1
    assert [line for line in found.stderr.splitlines() if "is not what" in line] == [
        f"{output}: this output is not what dvc.lock says"
    ]
    assert "Remove what is named" in found.stderr


def test_a_missing_or_surplus_file_in_a_folder_is_noticed_and_a_missing_output_is_not(checkout: Path):
    (checkout / "out" / "more").touch()
    assert "out: this output" in verify(checkout).stderr
    (checkout / "out" / "more").unlink()
    (checkout / "out" / "é.txt").unlink()
    assert "out: this output" in verify(checkout).stderr
    shutil.rmtree(checkout / "out")
    assert verify(checkout).returncode == 0


def test_each_damaged_object_of_the_cache_is_named(checkout: Path):
    objects = sorted((checkout / ".dvc" / "cache" / "files" / "md5").glob("??/*"))
    assert len(objects) == 4
    assert any(path.suffix == ".dir" for path in objects)
    for path in objects:
        flip(path)
        found = verify(checkout)
        assert found.returncode == 1
        assert f"{path.relative_to(checkout)}: this object" in found.stderr
        assert found.stderr.count("this object of DVC's cache is damaged") == 1
        flip(path)
    assert verify(checkout).returncode == 0
