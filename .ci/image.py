"""The steps of the Dockerfile without an engine: in a folder that stands for the image's root.

    python .ci/image.py FOLDER [--build-arg DEVICE=gpu] [--model data/model]

COPY copies what Git knows and .dockerignore lets through, RUN runs with the folder in the place of /opt, /source and
/workspace, by the Python that runs this. Left out are steps that need root or another system: those that call apt-get or
useradd. Then CMD is started with a model, HEALTHCHECK asked, and an answer awaited; the size of what would be copied into
the last stage is printed as a line of JSON, with its largest packages.
"""

import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = re.compile(r"(?<![\w.])/(opt|source|workspace)\b")
SECONDS = 180


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions: word and text, continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]  # type: ignore[misc]


def sent() -> list[Path]:
    """Return the files that the engine would be sent: those Git knows, less what .dockerignore keeps back."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    found = []
    for name in filter(None, listed.split("\0")):
        kept = True
        for rule in rules:
            pattern = rule.removeprefix("!")
            if pattern.startswith("**/"):
                fits = any(fnmatch.fnmatch(part, pattern.removeprefix("**/")) for part in Path(name).parts)
            else:  # a path from the root on, and all that lies below it
                fits = any(fnmatch.fnmatch(str(place), pattern) for place in [Path(name), *Path(name).parents][:-1])
            if fits:
                kept = rule.startswith("!")
        if kept:
            found.append(Path(name))
    return found


def moved(text: str, root: Path) -> str:
    """Return text with the image's folders below `root`."""
    return PLACES.sub(lambda match: f"{root}/{match[1]}", text)


def build(root: Path, arguments: dict[str, str]) -> dict[str, list[str]]:
    """Do the steps; return the commands of CMD and HEALTHCHECK."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    here, commands = root, dict[str, list[str]]()
    for word, text in instructions():
        match word:
            case "ARG":
                name, _, default = text.partition("=")
                environment |= {name: arguments.get(name, default)}
            case "ENV":
                for setting in shlex.split(moved(text, root)):
                    name, _, value = setting.partition("=")
                    environment[name] = value.replace("$PATH", environment["PATH"])
            case "WORKDIR":
                here = Path(moved(text, root))
                here.mkdir(parents=True, exist_ok=True)
            case "COPY" if "--from=" not in text:
                *sources, target = text.split()
                for path in sent():
                    for source in sources:
                        if path == Path(source) or path.is_relative_to(source):
                            copy = here / target / (path if target == "./" else path.relative_to(source))
                            copy.parent.mkdir(parents=True, exist_ok=True)
                            shutil.copyfile(ROOT / path, copy)
            case "RUN" if re.search(r"apt-get|useradd", text):
                print(f"left out: {text[:70]}…", file=sys.stderr)
            case "RUN":
                print(f"RUN {text[:100]}", file=sys.stderr)
                set_ = {name: value for name, value in environment.items() if value or name == "DEVICE"}
                subprocess.run(
                    ["/bin/bash", "-euo", "pipefail", "-c", moved(text, root)], cwd=here, env=set_, check=True
                )
            case "CMD":
                commands["CMD"] = json.loads(text)
            case "HEALTHCHECK":
                commands["HEALTHCHECK"] = json.loads(text[text.index("[") :])
    return commands


def try_it(root: Path, commands: dict[str, list[str]], model: Path) -> str:
    """Start CMD, ask HEALTHCHECK until it holds, and predict; return the answer."""
    environment = {"PATH": f"{root}/opt/venv/bin:{os.environ['PATH']}", "HOME": str(root), "PYTHONUNBUFFERED": "1"}
    command = [str(model.resolve()) if word == "/model" else word for word in commands["CMD"]]
    with subprocess.Popen(command, cwd=root / "workspace", env=environment) as process:
        try:
            end = time.monotonic() + SECONDS
            while subprocess.run(
                commands["HEALTHCHECK"], env=environment, stderr=subprocess.DEVNULL, check=False
            ).returncode:
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit("the server is not healthy")
                time.sleep(1)
            code = (
                "import io, urllib.request as r, numpy as np, soundfile as s\n"
                "b = io.BytesIO(); s.write(b, np.sin(np.arange(88200) / 16), 44100, format='WAV')\n"
                "print(r.urlopen(r.Request('http://127.0.0.1:8000/v1/predict', b.getvalue())).read().decode())"
            )
            found = subprocess.run(
                ["python", "-c", code], env=environment, check=True, capture_output=True, text=True
            ).stdout
        finally:
            process.send_signal(signal.SIGTERM)
    if process.returncode:
        raise SystemExit(f"the server ended with status {process.returncode}")
    return found


def size_mb(path: Path) -> int:
    """Return what a folder's files hold, hard links once."""
    files = {
        (stat.st_dev, stat.st_ino): stat.st_size
        for each in path.rglob("*")
        if (stat := each.lstat()) and not each.is_dir()
    }
    return round(sum(files.values()) / 1e6)


def main() -> None:
    """Build, try and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a new one")
    parser.add_argument("--build-arg", action="append", default=[], help="NAME=VALUE, as of docker build")
    parser.add_argument("--model", type=Path, default=ROOT / "data" / "model")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    root = options.folder.resolve()
    commands = build(root, dict(each.split("=", 1) for each in options.build_arg))
    answer = try_it(root, commands, options.model)
    venv = root / "opt" / "venv"
    (packages,) = venv.glob("lib/python3*/site-packages")
    sizes = sorted(((size_mb(each), each.name) for each in packages.iterdir() if each.is_dir()), reverse=True)
    largest = {name: size for size, name in sizes[:12]}
    print(
        json.dumps({"venv_mb": size_mb(venv), "largest_mb": largest, "answered": "instruments" in json.loads(answer)})
    )


if __name__ == "__main__":
    main()
