"""What damaged files come to: archives, tables, JSON and params.yaml, mutated at random, are read: one line of JSON.

Each case takes one small file, changes it in one to four places (bits flipped, bytes cut out, doubled, zeroed, put in, cut
off; numbers, words and brackets that break readers put in place of others), and reads it as the pipeline does. A case may
be `accepted` (what is left may well be valid) or `refused` with a message. Nothing else is right: a `traceback`, or a
folder for results that holds something `half_written`. Printed are the counts by `kinds` of file, the first few `wrong`
cases with what was raised, and the peak of memory; the exit status is 1 where anything is wrong. `--count` and `--seed`
make a case again: its number is the second part of its seed.
"""

import contextlib
import gzip
import io
import json
import logging
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import pandas as pd
import soundfile
import typer

from instrumentarium.config.whole import load_params
from instrumentarium.corpora.esc50 import parser as esc50
from instrumentarium.corpora.irmas import parser as irmas
from instrumentarium.corpora.openmic import parser as openmic
from instrumentarium.corpora.own.manifest.writing import write_manifest
from instrumentarium.corpora.source.members import Source
from instrumentarium.evaluation.thresholds import Support, Thresholds
from instrumentarium.ingestion.ingest import PARTS, ingest
from instrumentarium.measuring.tables import read_clips, read_labels, read_scores
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.memory import peak_mb
from instrumentarium.runtime.stage import run
from instrumentarium.tables.samplestore import CHECKSUMS, SampleStore, SampleWriter
from instrumentarium.tables.schemas import CLIPS, LABELS, SPLIT, scores_table
from instrumentarium.tables.taxonomy import Instrument, Taxonomy, read_taxonomy, write_taxonomy

ROOT = Path(__file__).resolve().parents[1]
RATE_HZ = 8000
BAND = Taxonomy("band", (Instrument("cel", "cello"), Instrument("flu", "flute")))
SHOWN = 5
"""Wrong cases that are printed."""
WORDS = (
    *(
        b"9" * 30,
        b"9" * 5000,
        b"-1",
        b"0",
        b"1e999",
        b"NaN",
        b"Infinity",
        b"null",
        b"true",
        b'""',
        b"[" * 2000,
        b'{"a":' * 2000,
    ),
    *(
        b"\xff",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\\ud800",
        b'"',
        b"'",
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
    ),
    *(
        b"clip_id",
        b" clip_id",
        b"../",
        b"/",
        b"=1+1",
        b"&a *a",
        b"!!python/name:os.system",
        b"2024-13-45",
        "é".encode(),
    ),
)
"""What readers have stumbled over."""

Read = Callable[[Path, Path], None]


@dataclass(frozen=True)
class Kind:
    """One kind of file: its whole content, and how the file at a path is read, writing what is made of it to a folder."""

    name: str
    content: bytes
    read: Read
    whole: tuple[str, ...] = ()
    """What a folder of results has, all of it or nothing."""


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return the content changed in one place, sometimes in up to four."""
    data = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        start = int(rng.integers(0, len(data) + 1))
        end = min(len(data), start + int(rng.choice([1, 1, 2, 4, 16, 200])))
        match int(rng.integers(0, 8)):
            case 0 if start < len(data):
                data[start] ^= 1 << int(rng.integers(0, 8))
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end]
            case 3:
                data[start:end] = bytes(end - start)
            case 4:
                data[start:start] = rng.bytes(int(rng.integers(1, 9)))
            case 5 if rng.random() < 0.5:
                del data[start:]
            case _:
                word = WORDS[int(rng.integers(0, len(WORDS)))]
                data[start : start + int(rng.choice([0, 1, len(word)]))] = word
    return bytes(data)


def repacked(members: Mapping[str, bytes], rng: np.random.Generator) -> dict[str, bytes]:
    """Return the members of an archive with one of them mutated, or its name: so checksums hold, and parsers see it."""
    names = list(members)
    chosen = names[int(rng.integers(0, len(names)))]
    changed = dict(members)
    if rng.random() < 0.3:
        name = mutated(chosen.encode(), rng)[:200].decode("utf-8", "replace")
        changed[name] = changed.pop(chosen)
    else:
        changed[chosen] = mutated(changed[chosen], rng)
    return changed


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that occur twice
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(members: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def audio(hz: float, kind: str) -> bytes:
    """Return a tenth of a second of a sine as the bytes of an audio file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.3 * np.sin(2 * np.pi * hz * np.arange(800) / RATE_HZ), RATE_HZ, format=kind)
    return buffer.getvalue()


TRAIN = {f"IRMAS-TrainingData/cel/[cel][nod][cla]005{n}__1.wav": audio(200 + 50 * n, "WAV") for n in range(2)}
TEST = {
    f"IRMAS-TestingData-Part1/Part1/song-{n}.{end}": data
    for n in range(2)
    for end, data in (("wav", audio(300 + 50 * n, "WAV")), ("txt", b"cel\t\nflu\t\n"))
}
KEYS = ("000046_3840", "000135_483840")
OPENMIC = {
    "openmic-2018/openmic-2018-aggregated-labels.csv": (
        "sample_key,instrument,relevance,num_responses\n"
        + "".join(f"{key},flute,0.9,3\n{key},cello,0.1,3\n" for key in KEYS)
    ).encode(),
    "openmic-2018/openmic-2018-metadata.csv": (
        "sample_key,artist_name,license_title,license_url\n"
        + "".join(f'{key},"A, B",Attribution,https://creativecommons.org/licenses/by/4.0/\n' for key in KEYS)
    ).encode(),
    "openmic-2018/partitions/split01_train.csv": f"{KEYS[0]}\n".encode(),
    "openmic-2018/partitions/split01_test.csv": f"{KEYS[1]}\n".encode(),
    **{f"openmic-2018/audio/{key[:3]}/{key}.ogg": audio(400, "OGG") for key in KEYS},
}
ESC50 = {
    "ESC-50-master/audio/1-100032-A-0.wav": audio(500, "WAV"),
    "ESC-50-master/audio/2-100032-B-1.wav": audio(600, "WAV"),
    "ESC-50-master/meta/esc50.csv": (
        b"filename,fold,target,category,esc10,src_file,take\n"
        b"1-100032-A-0.wav,1,0,dog,True,100032,A\n2-100032-B-1.wav,2,1,rooster,False,100033,B\n"
    ),
}
GROUPS = {"human": True, "tonal": True, "other": True}


def clips_table() -> pd.DataFrame:
    """Return a table of four clips."""
    return pd.DataFrame(
        [
            {
                "clip_id": f"irmas/{n}",
                "corpus": "irmas",
                "recording_id": f"irmas/song {n}",
                "path": f"{n}.wav",
                "duration_s": 1.5,
                "sample_rate_hz": 44100,
                "channels": 2,
                "first_sample": 100 * n,
                "n_samples": 100,
                "official_split": "train",
                "genre": "cla",
                "drums": "no",
                "licence": "CC",
                "group": "",
                "pcm_hash": "0" * 32,
            }
            for n in range(4)
        ]
    )


def kinds(folder: Path) -> list[Kind]:
    """Return every kind, its whole file made in `folder`."""
    CLIPS.write(folder / "clips.csv", clips_table())
    ids = list(clips_table()["clip_id"])
    LABELS.write(
        folder / "labels.csv", pd.DataFrame([(name, "cel", 1.0) for name in ids], columns=list(LABELS.columns))
    )
    split = [(name, ("train", "validation", "test", "test")[n], f"song {n}") for n, name in enumerate(ids)]
    SPLIT.write(folder / "split.csv", pd.DataFrame(split, columns=list(SPLIT.columns)))
    scores = scores_table(BAND)
    scores.write(folder / "scores.csv", pd.DataFrame({"clip_id": ids, "cel": 0.25, "flu": 0.75}))
    write_taxonomy(folder / "taxonomy.json", BAND)
    thresholds = Thresholds(
        chosen_from="validation",
        rule="global",
        fixed=0.5,
        global_=0.4,
        per_instrument={"cel": 0.3, "flu": 0.2},
        unshrunk={"cel": 0.3, "flu": None},
        positives={code: Support(clips=2, recordings=1) for code in BAND.codes},
        cross_fitted_f1_macro={"fixed": 0.5},
    )
    write_json(folder / "thresholds.json", thresholds.content(), sort_keys=False)
    with SampleWriter(folder / "samples") as writer:
        writer.append(np.arange(300, dtype=np.int16))
    (folder / "own.csv").write_text("path,cello,flute,recording\na.wav,1,0,one\nb.wav,0,1,two\n", encoding="utf-8")
    for name in "ab":
        (folder / f"{name}.wav").write_bytes(audio(200, "WAV"))

    def table(contract: object) -> Read:
        def read(path: Path, out: Path) -> None:
            frame = contract.read(path)  # type: ignore[attr-defined]
            contract.write(out / "again.csv", frame)  # type: ignore[attr-defined]

        return read

    def stored(path: Path, _: Path) -> None:
        (path.parent / CHECKSUMS).write_bytes((folder / "samples" / CHECKSUMS).read_bytes())
        store = SampleStore(path.parent)
        np.asarray(store.read(0, len(store))).sum()

    def scored(path: Path, out: Path) -> None:
        frame, taxonomy = read_scores(path, BAND)
        read_labels(folder / "labels-wide.csv", taxonomy)  # of another taxonomy, refused; so nothing is written before
        frame.to_csv(out / "again.csv")

    (folder / "labels-wide.csv").write_text("clip_id,cel,flu\nirmas/0,1,0\n", encoding="utf-8")
    readers: dict[str, Read] = {
        "clips.csv": table(CLIPS),
        "labels.csv": table(LABELS),
        "split.csv": table(SPLIT),
        "scores.csv": table(scores),
        "taxonomy.json": lambda path, out: write_taxonomy(out / "again.json", read_taxonomy(path)),
        "thresholds.json": lambda path, out: write_json(out / "again.json", Thresholds.read(path).content()),
        "samples/000.npy": stored,
    }
    found = [Kind(name, (folder / name).read_bytes(), read) for name, read in readers.items()]
    handed: dict[str, Read] = {
        "evaluate scores": scored,
        "evaluate labels": lambda path, out: read_labels(path, BAND).to_csv(out / "again.csv"),
        "evaluate clips": lambda path, out: read_clips([path]).to_csv(out / "again.csv"),
    }
    contents = ("scores.csv", "labels-wide.csv", "split.csv")
    found += [
        Kind(name, (folder / of).read_bytes(), read) for (name, read), of in zip(handed.items(), contents, strict=True)
    ]
    found.append(Kind("params.yaml", (ROOT / "params.yaml").read_bytes(), lambda path, _: ignore(load_params(path))))

    def own(path: Path, out: Path) -> None:
        for name in "ab":
            (path.parent / f"{name}.wav").write_bytes(b"sound")
        write_manifest(str(path), "table", "negative", out)

    found.append(Kind("own table", (folder / "own.csv").read_bytes(), own, ("labels.csv", "manifest.csv")))
    return found


def ignore(value: object) -> None:
    """Do nothing with a value that was only to be read."""


@dataclass(frozen=True)
class Corpus:
    """A corpus's archives: the one that is mutated, the others, and its parser."""

    name: str
    archive: str
    members: Mapping[str, bytes]
    pack: Callable[[Mapping[str, bytes]], bytes]
    parse: Callable[[Path], Source]
    others: Mapping[str, bytes]

    def kinds(self) -> list[Kind]:
        """Return the archive as one kind of file, and as another whose members are mutated."""

        def read(path: Path, out: Path) -> None:
            for name, data in self.others.items():
                (path.parent / name).write_bytes(data)
            path.replace(path.parent / self.archive)
            ingest(self.name, self.parse(path.parent), out, RATE_HZ)

        return [Kind(f"{self.archive} {what}", self.pack(self.members), read, PARTS) for what in ("bytes", "members")]


TRAINING, TESTING = "IRMAS-TrainingData.zip", "IRMAS-TestingData-Part1.zip"
CORPORA = (
    Corpus("irmas", TRAINING, TRAIN, zipped, irmas.read_clips, {TESTING: zipped(TEST)}),
    Corpus("irmas", TESTING, TEST, zipped, irmas.read_clips, {TRAINING: zipped(TRAIN)}),
    Corpus("openmic", "openmic-2018-v1.0.0.tgz", OPENMIC, tarred, openmic.read_clips, {}),
    Corpus("esc50", "ESC-50-master.zip", ESC50, zipped, lambda folder: esc50.read_clips(folder, GROUPS), {}),
)


def content_of(kind: Kind, rng: np.random.Generator) -> bytes:
    """Return the mutated content of a case: of a file, of an archive's stream, or of one of its members."""
    corpus = next((each for each in CORPORA if kind.name.startswith(each.archive)), None)
    if corpus is not None and kind.name.endswith("members"):
        return corpus.pack(repacked(corpus.members, rng))
    if corpus is not None and corpus.archive.endswith("tgz") and rng.random() < 0.5:
        return gzip.compress(mutated(gzip.decompress(kind.content), rng), mtime=0)
    return mutated(kind.content, rng)


def outcome(kind: Kind, content: bytes, folder: Path) -> tuple[str, str]:
    """Read one mutated file in an empty folder; return what became of it, and what was raised."""
    source, out = folder / "in", folder / "out"
    source.mkdir()
    out.mkdir()
    path = source / Path(kind.name.split(" ", maxsplit=1)[0]).name
    path.write_bytes(content)
    said, result = "", "accepted"
    try:
        kind.read(path, out)
    except UserError as error:
        said, result = str(error), "refused"
    except Exception:
        said, result = traceback.format_exc(limit=-3), "traceback"
    there = sorted(each.name for each in out.iterdir())
    expected = [sorted(kind.whole)] if kind.whole else [["again.csv"], ["again.json"], []]
    if (result == "accepted" and there not in expected) or (result == "refused" and there):
        return "half_written", f"{there} after: {said}"
    return result, said


def main(
    count: Annotated[int, typer.Option(min=1, help="Cases.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the mutations.")] = 0,
) -> None:
    """Read mutated files and count what they come to."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    began, counts, wrong = time.monotonic(), {}, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "whole").mkdir()
        every = [*kinds(folder / "whole"), *(kind for corpus in CORPORA for kind in corpus.kinds())]
        for number in range(count):
            kind = every[number % len(every)]
            content = content_of(kind, np.random.default_rng([seed, number]))
            case = folder / str(number)
            case.mkdir()
            with contextlib.redirect_stderr(io.StringIO()):
                result, said = outcome(kind, content, case)
            counts.setdefault(kind.name, Counter())[result] += 1
            if result not in ("accepted", "refused"):
                wrong.append({"number": number, "kind": kind.name, "result": result, "said": said})
            else:
                for path in sorted(case.rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
                case.rmdir()
    total = sum(counts.values(), Counter())
    results = ("accepted", "refused", "traceback", "half_written")
    found = {
        "count": count,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "peak_mb": round(peak_mb()),
        **{result: total[result] for result in results},
        "kinds": {name: {result: found[result] for result in results} for name, found in counts.items()},
        "wrong": wrong[:SHOWN],
    }
    typer.echo(json.dumps(found))
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(main)
