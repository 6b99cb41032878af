"""Whether a single flipped bit in a file that answers depend on is noticed, as one line of JSON.

Bits are drawn at random. Each is flipped in a copy, which keeps its time, as on a failing disk; then the copy is read as
the commands and stages read it. By kind of file:

    python benchmarks/bit_flips.py [--count 25] [--seed 0] [--kind shards --kind weights …]

tried       flips
noticed     refused with a message that says what to do
harmless    nothing is said, and every answer is the same: spaces between the numbers of a JSON file
silent      nothing is said, and an answer is another: damage that goes unnoticed
crashed     anything else but a message

workspace   any output of any stage, found by `make verify`; DVC does not look into a file whose size and time are the same
cache       any object of DVC's cache, found by `make verify`
pulled      an object of a remote that has `verify true`, found by `dvc pull`
weights, model.json, thresholds, onnx      the model's files, found as it is loaded; answers are predictions for noise
shards      samples of a corpus, found by every stage that reads one

It needs a checkout in which `dvc repro` has run, and leaves it alone.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import typer
from ruamel.yaml import YAML

from instrumentarium.clips.collection import open_samples, read_clips
from instrumentarium.predicting.choices import Backend
from instrumentarium.predicting.exporting import export_model
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.predicting.modelsource import thresholds_of
from instrumentarium.predicting.onnxfile import onnx_path
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.runtime.stage import run

ROOT = Path(__file__).resolve().parents[1]
ONNX = "model.onnx"
RESULTS = ("noticed", "harmless", "silent", "crashed")


class NoticedError(UserError):
    """A command that found the damage."""


Flips = tuple[Sequence[Path], Callable[[Path], object]]
"""Files to damage, and what reads the one that is: it raises a UserError, or returns an answer."""


def main(
    count: Annotated[int, typer.Option(min=1, help="Flips in each kind of file.")] = 25,
    seed: Annotated[int, typer.Option(min=0, help="Of which bits are flipped.")] = 0,
    checkout: Annotated[Path, typer.Option(help="Where the pipeline has run.")] = ROOT,
    kind: Annotated[list[str] | None, typer.Option(help="A kind of file; all of them without it.")] = None,
) -> None:
    """Flip bits, one at a time, and count what is noticed."""
    unknown = sorted(set(kind or ()) - set(KINDS))
    if unknown:
        raise typer.BadParameter(f"no kinds of file: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    rng, result = np.random.default_rng(seed), {}
    for name in kind or KINDS:
        with tempfile.TemporaryDirectory(prefix="bit-flips-") as temporary:
            paths, read = KINDS[name](checkout.resolve(), Path(temporary))
            result[name] = flip_bits(name, paths, read, count, rng)
    total = {each: sum(counts[each] for counts in result.values()) for each in ("tried", *RESULTS)}
    print(json.dumps({"seed": seed, "kinds": result, "total": total}, allow_nan=False))


def flip_bits(
    title: str, paths: Sequence[Path], read: Callable[[Path], object], count: int, rng: np.random.Generator
) -> dict[str, int]:
    """Flip `count` bits, each of a file drawn from `paths`, and return how many were noticed, harmless, silent, crashed."""
    found, sound = Counter[str](), {}
    with progress_bar(title, "flips", total=count) as bar:
        for _ in range(count):
            path = paths[int(rng.integers(len(paths)))]
            if path not in sound:
                sound[path] = read(path)
            bit = int(rng.integers(8 * path.stat().st_size))
            _flip(path, bit)
            try:
                found["harmless" if read(path) == sound[path] else "silent"] += 1
            except UserError:
                found["noticed"] += 1
            except Exception:
                found["crashed"] += 1
            _flip(path, bit)
            bar.update()
    return {"tried": count, **{each: found[each] for each in RESULTS}}


def _flip(path: Path, bit: int) -> None:
    """Flip one bit of a file, which keeps its size and times."""
    status = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _workspace(checkout: Path, folder: Path) -> Flips:
    """Copy the outputs of all stages but the archives, which are the publishers'."""
    verify = runpy.run_path(str(ROOT / ".ci" / "verify.py"))["differing_outputs"]
    lock = YAML(typ="safe").load((checkout / "dvc.lock").read_text(encoding="utf-8"))
    outs = {out["path"] for stage in lock["stages"].values() for out in stage["outs"]}
    outs = {out for out in outs if not out.startswith("data/raw/")}
    for out in sorted(outs):
        _copy(checkout / out, folder / out)

    def read(path: Path) -> object:
        name = path.relative_to(folder).as_posix()
        (folder / "dvc.lock").write_text(json.dumps(_only(lock, name)), encoding="utf-8")  # JSON is YAML
        return _none(list(verify(folder)))

    return [path for path in _files(folder) if path.stat().st_size], read


def _only(lock: Mapping[str, dict[str, dict[str, list[dict[str, str]]]]], name: str) -> dict[str, object]:
    """Return a dvc.lock with the one output that is, or holds, the file."""
    outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
    return {
        "stages": {"one": {"outs": [out for out in outs if name == out["path"] or name.startswith(out["path"] + "/")]}}
    }


def _cache(checkout: Path, folder: Path) -> Flips:
    """Copy DVC's cache."""
    verify = runpy.run_path(str(ROOT / ".ci" / "verify.py"))["damaged_objects"]
    place = Path(".dvc", "cache", "files", "md5")
    for path in _files(checkout / place):
        _copy(path, folder / path.parent.name / path.name)

    def read(path: Path) -> object:
        alone = folder / "alone"  # what looks through the whole cache is given this object
        (alone / place / path.parent.name).mkdir(parents=True)
        (alone / place / path.parent.name / path.name).hardlink_to(path)
        try:
            return _none(list(verify(alone)))
        finally:
            shutil.rmtree(alone)

    return [path for path in _files(folder) if path.stat().st_size], read


def _pulled(checkout: Path, folder: Path) -> Flips:
    """Push the model, labels and tables to a remote that verifies."""
    repo, remote = folder / "repo", folder / "remote"
    repo.mkdir()

    def dvc(*words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder / "site")}
        command = [sys.executable, "-m", "dvc", *words]
        return subprocess.run(command, cwd=repo, env=environment, capture_output=True, text=True, check=False)

    dvc("init", "--no-scm")
    dvc("remote", "add", "--default", "store", str(remote))
    dvc("remote", "modify", "store", "verify", "true")
    for name in ("data/model", "data/labels.csv", "data/split.csv", "data/scores", "data/evaluation.json"):
        _copy(checkout / name, repo / name)
    added = dvc("add", "data/model", "data/labels.csv", "data/split.csv", "data/scores", "data/evaluation.json")
    pushed = dvc("push")
    if added.returncode or pushed.returncode:
        raise RuntimeError(added.stderr + pushed.stderr)

    def read(_: Path) -> object:
        for place in (repo / ".dvc" / "cache", repo / "data" / "model", repo / "data" / "scores"):
            shutil.rmtree(place, ignore_errors=True)
        for place in (*(repo / "data").glob("*.csv"), *(repo / "data").glob("*.json")):
            place.unlink()
        shutil.rmtree(folder / "site", ignore_errors=True)
        pulled = dvc("pull")
        if pulled.returncode:
            raise NoticedError(pulled.stderr)
        return {name: name.read_bytes() for name in _files(repo / "data")}

    return _files(remote), read


def _model(name: str) -> Callable[[Path, Path], Flips]:
    def prepare(checkout: Path, folder: Path) -> Flips:
        trained, copy = checkout / "data" / "model", folder / "model"
        shutil.copytree(trained, copy)
        shutil.copy(thresholds_of(trained), copy / "thresholds.json")
        if name != ONNX:
            return [copy / name], lambda _: _predict(copy, Backend.TORCH)
        export_model(copy, onnx_path(copy), None)
        return [onnx_path(copy)], lambda _: _predict(copy, Backend.ONNXRUNTIME)

    return prepare


def _predict(folder: Path, backend: Backend) -> object:
    """Return all that is predicted of a second of noise."""
    audio2timeline = load_ladder(folder, backend=backend).audio2timeline
    rate_hz = audio2timeline.samples2scores.sample_rate_hz
    noise = 0.1 * np.random.default_rng(0).standard_normal(rate_hz)
    return audio2timeline(noise, rate_hz).content()


def _shards(checkout: Path, folder: Path) -> Flips:
    """Copy the corpus with the least samples, of which a stage would read the clips."""
    corpora = [path for path in (checkout / "data" / "clips").glob("*/*") if len(read_clips([path]))]
    chosen = min(corpora, key=lambda path: sum(shard.stat().st_size for shard in (path / "samples").glob("*.npy")))
    corpus = folder / chosen.name
    shutil.copytree(chosen, corpus)

    def read(_: Path) -> object:
        clips = read_clips([corpus])
        samples = open_samples(clips, [corpus])
        return [samples.read(index).tobytes() for index in range(len(samples))]

    return _files(corpus / "samples"), read


KINDS: dict[str, Callable[[Path, Path], Flips]] = {
    "workspace": _workspace,
    "cache": _cache,
    "pulled": _pulled,
    "weights": _model("model.safetensors"),
    "model.json": _model("model.json"),
    "thresholds": _model("thresholds.json"),
    "onnx": _model(ONNX),
    "shards": _shards,
}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _none(found: Sequence[str]) -> None:
    """Raise NoticedError if something was found."""
    if found:
        raise NoticedError(", ".join(found))


if __name__ == "__main__":
    run(main)
