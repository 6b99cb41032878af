"""Every command that a page shows is run, line after line, each from where the line before it left things.

A page begins with a copy of a clone whose first run is committed, and with what the page takes for granted: a song, a
folder of yours, an experiment of another page. What can't be run here is named with the reason; nothing else is left out.
"""

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from documents import DOCUMENTS, ROOT, blocks
from pipeline.checkout import LONGEST_S, Checkout

VENV = Path(sys.executable).parents[1]
PAGES = [page for page in DOCUMENTS if blocks(page.read_text(encoding="utf-8"))]
LEFT_OUT = {
    r"^pip install ": "the environment has it, and the wheel has tests of its own",
    r"^make test(-all|-commands)?$": "this is a part of it",
    r"^source \.venv/bin/activate$": "the tests run in the environment",
    r"collection=full": "fetches the publishers' archives",
    r"^torchrun |^dvc commit train$|^srun ": "trains on `full`, or on several machines",
    r"hf:OWNER|^hf upload": "needs a hub; a local one is tested beside the code",
    r"s3://|AWS_ACCESS|^dvc remote modify": "needs a bucket; a local one is tested beside the code",
    r"^docker ": "needs an engine",
    r"example\.org": "nobody's address",
}
SMALLER = {
    r"^make (repro|record|offline-plots)$": r"make \1 VENV={venv} --old-file={venv}/.ready",
    r"/mnt/store": "{home}/store",
    r"LISTING\.csv": "{home}/listing.csv",
    r"\bFOLDER\b": "{home}/real",
    r"(metric_equality\.py)": r"\1 --cases 50",
    r"(bootstrap_intervals\.py)": r"\1 --collections 5 --resamples 100 --resamples-each 100",
    r"(step_parts\.py)": r"\1 --steps 4",
    r"(training_cost\.py) cnn mobilenet resnext": r"\1 cnn --batch 2 --batches 1",
    r"(model_table\.py) --out": r"\1 cnn --out",
    r"--limit-s 75": "--limit-s 3",
    r"--epochs 10 --windows 1440": "--epochs 1 --windows 32 --seed 0 head=deep",
    r"(pretraining_gain\.py .*)--share 0\.1 --share 1\.0": r"\1--share 1.0 --seeds 1 --epochs 1 --method masked",
    r"(trainer\.devices=2)": r"\1 -S training.trainer.accelerator=cpu",
    r"esc50/ESC-50-master/audio/[\w-]+": "{sound}",
    r"irmas/IRMAS-TestingData-Part1/[^']+": "{song}",
    r"^# fill in start_s.*": "sed -i 's/,,,/,0,1,/' spans.csv",
    r"--clients 64 --seconds 300": "--clients 2 --seconds 3",
}
"""What is made smaller, or moved, so that a run ends soon and touches nothing but the test's own folder."""
CLIPS = {"sound": "esc50/", "song": "irmas/IRMAS-TestingData-Part"}
"""With what the ids of clips begin, one of which stands for a clip of the full miniature that a page names."""
SERVERS = {
    r"^instrumentarium serve ": "http://127.0.0.1:8000/healthz",
    r"^tensorboard ": "http://127.0.0.1:6006/",
    r"^instrumentarium review$": None,
}
"""What runs until Ctrl-C, and an address that answers as soon as it is up."""
BACK = "git read-tree HEAD && git restore . && dvc checkout --quiet"
RESNEXT = ("dvc exp run --quiet -n resnext -S model=resnext", BACK)
BEFORE = {
    "comparing.md": (
        *RESNEXT,
        *(line for n in range(3) for line in (f"dvc exp run --quiet -n seed{n} -S training.seed={n}", BACK)),
    ),
    "evaluation.md": RESNEXT,
}
"""What a page takes for granted."""
PYTHON = {"evaluation.md"}
"""Pages whose commands use what Python between them makes."""
UP_S = 120


def _as_command(block: re.Match[str]) -> str:
    """Return a block of Python as one of the shell."""
    code = "; ".join(line for line in block[1].splitlines() if line)
    return f"```console\n$ python -c {shlex.quote(code)}\n```"


def written(line: str, named: dict[str, str]) -> str:
    """Return a command as it is run here; `named` has what stands in braces."""
    for pattern, smaller in SMALLER.items():
        for name, value in named.items():
            smaller = smaller.replace(f"{{{name}}}", value)  # noqa: PLW2901
        line = re.sub(pattern, smaller, line)
    return line


def names_of(copy: Checkout, home: Path) -> dict[str, str]:
    """Return what stands for names in commands: of clips, those of this small collection."""
    clips = pd.read_csv(copy.path("data/split.csv"))["clip_id"]
    there = {kind: clips[clips.str.startswith(start)].iloc[-1] for kind, start in CLIPS.items()}
    return {"venv": str(VENV), "home": str(home), **there}


def note(hz: float, seconds: float = 3.0) -> np.ndarray:
    time_s = np.arange(round(44100 * seconds)) / 44100
    return 0.2 * sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 6))


def lay_out(copy: Checkout, home: Path, *, whole: bool) -> None:
    """Make the files that pages speak of as yours: songs, tables, folders; `whole` says that they score every clip."""
    for name in ("song.wav", "song.mp3", "songs/one.wav", "songs/two.flac", "more/below/three.flac"):
        path = copy.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, note(220.0 + 40.0 * len(name)), 44100)
    copy.path("songs.csv").write_text("path\nsongs/one.wav\nsong.wav\n", encoding="utf-8")
    scores, labels = pd.read_csv(copy.path("data/scores/model.csv")), pd.read_csv(copy.path("data/labels.csv"))
    theirs = scores if whole else scores[scores["clip_id"].str.startswith("irmas/IRMAS-TestingData")]
    theirs.to_csv(copy.path("theirs.csv"), index=False)
    labels[labels["clip_id"].isin(theirs["clip_id"])].to_csv(copy.path("labels.csv"), index=False)
    labels.to_csv(copy.path("ours.csv"), index=False)
    for name in labels["clip_id"].unique()[:3]:
        copy.path(f"theirs/{name}.txt").parent.mkdir(parents=True, exist_ok=True)
        copy.path(f"theirs/{name}.txt").write_text("pia\n", encoding="utf-8")
    for name, codes in {"band": ("banjo", "bass"), "notes": ("brass", "string"), "real": ("cel", "vio")}.items():
        below = home / name
        below.mkdir(parents=True)
        rows = ["path,labels,recording,split"]
        for number in range(12):
            path = below / f"{number}.wav"
            soundfile.write(path, note(150.0 * (1 + number % 2) * 1.05**number), 44100)
            rows.append(f"{path},{codes[number % 2]},{number},{('train', 'validation', 'test')[number // 2 % 3]}")
        (home / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        (below / "index.csv").write_text("\n".join(rows).replace(f"{below}/", "") + "\n", encoding="utf-8")
    listing = ["filename,labels", *(f"song{n // 3}-{n % 3}.wav,{('pia', 'vio', 'pia-vio')[n % 3]}" for n in range(60))]
    (home / "listing.csv").write_text("\n".join(listing) + "\n", encoding="utf-8")
    (example,) = re.findall(r"```python\n(from pathlib.*?)```", (ROOT / "docs/own-data.md").read_text(), re.DOTALL)
    copy.path("example.py").write_text(example, encoding="utf-8")


def wait_for_the_queue(copy: Checkout, **environment: str) -> None:
    """Wait until all experiments of the queue have run, each with success."""
    until = time.monotonic() + LONGEST_S
    while re.search(r"Queued|Running", status := copy.dvc("queue", "status", **environment)):
        assert time.monotonic() < until, status
        time.sleep(5)
    assert "Failed" not in status, status


@contextmanager
def running(copy: Checkout, line: str, address: str | None, **environment: str) -> Iterator[None]:
    """Run a server for as long as the block lasts, then stop it as Ctrl-C does."""
    server = subprocess.Popen(
        ["bash", "-c", f"exec {line}"], cwd=copy.root, env=copy.environment | environment, start_new_session=True
    )
    try:
        until = time.monotonic() + UP_S
        while address is not None:
            assert server.poll() is None, f"{line} ended with {server.returncode}"
            assert time.monotonic() < until, f"{line} does not answer"
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.5)
        yield
    finally:
        time.sleep(0 if address else 15)
        os.killpg(server.pid, signal.SIGINT)
        assert server.wait(60) in {0, -signal.SIGINT, 130}, line


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_the_commands_of_a_page_run_in_their_order(page: Path, copy: Checkout) -> None:
    home = Path(copy.environment["HOME"]) / page.stem
    lay_out(copy, home, whole=page.name == "comparing.md")
    code = {"PYTHONPATH": str(copy.path("src")), "HOME": str(home), "SHELL": "/bin/bash"}
    copy.git("config", "core.excludesFile", "/dev/null")
    named = names_of(copy, home)
    if page.name == "labels.md":
        clip = pd.read_csv(copy.path("data/labels.csv"))["clip_id"][0]
        copy.path("overrides/reviewed.csv").write_text(
            f'clip_id,instrument,relevance,source,note\n"{clip}",pia,1,reviewed,heard\n', encoding="utf-8"
        )
    with ExitStack() as servers:
        for line in BEFORE.get(page.name, ()):
            copy.run("bash", "-c", line, **code)
        text = page.read_text(encoding="utf-8")
        if page.name in PYTHON:
            text = re.sub(r"```python\n(.*?)```", _as_command, text, flags=re.DOTALL)
        for shown in itertools.chain(*blocks(text)):
            line, began = written(shown, named), time.monotonic()
            if line.startswith("#") or any(re.search(pattern, shown) for pattern in LEFT_OUT):
                continue
            served = [address for pattern, address in SERVERS.items() if re.search(pattern, line)]
            if served:
                servers.enter_context(running(copy, line, served[0], **code))
                continue
            output = copy.run("bash", "-c", line, **code)
            if line == "dvc queue start":
                wait_for_the_queue(copy, **code)
            sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {line}\n{output[-1000:]}\n")


@pytest.mark.parametrize("patterns", [LEFT_OUT, SMALLER, SERVERS], ids=["left out", "smaller", "servers"])
def test_each_exception_is_of_a_command_that_pages_show(patterns: dict[str, str]) -> None:
    shown = [line for page in PAGES for block in blocks(page.read_text(encoding="utf-8")) for line in block]
    for pattern in patterns:
        assert any(re.search(pattern, line) for line in shown), f"no page shows {pattern}"
