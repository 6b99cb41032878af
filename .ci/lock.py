"""What `make repro` looks at first: whether dvc.lock is whole. docs/experiments.md says how it gets cut.

DVC writes dvc.lock in place after each stage; a signal in that moment leaves its beginning. Cut between two stages it is
still YAML, and what is missing would be run again, or taken for never run, without a word.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

RECOVER = "A signal cut it while DVC was writing. Recover it with: git checkout dvc.lock && dvc repro"
_HASH = re.compile(r"[0-9a-f]{32}(\.dir)?")


def stages_of(text: str) -> Mapping[str, object] | None:
    """Return the stages that the text of a dvc.lock records, by name; None if it is no such text."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError):
        return None
    stages = content.get("stages") if isinstance(content, dict) else None
    return stages if isinstance(stages, dict) else None


def problem(text: str, committed: str | None, declared: str) -> str | None:
    """Say what is wrong with the text of a dvc.lock, or None.

    Args:
        text: of the file.
        committed: what Git's HEAD has, or None where it has none.
        declared: the text of dvc.yaml; what it no longer has may be missing.
    """
    if not text.strip("\0 \n"):
        return "it is empty"
    stages = stages_of(text)
    if stages is None or not text.endswith("\n"):
        return "it breaks off"
    for name, stage in stages.items():
        if not _is_whole(stage):
            return f"it breaks off in stage {name}"
    missing = list(_missing(stages, committed, declared))
    return f"the committed one has {len(missing)} stages more: {', '.join(missing)}" if missing else None


def _is_whole(stage: object) -> bool:
    if not isinstance(stage, dict) or not stage.get("cmd"):
        return False
    files = [file for kind in ("deps", "outs") for file in stage.get(kind) or [None]] if "outs" in stage else [None]
    return all(
        isinstance(file, dict) and file.get("path") and _HASH.fullmatch(str(file.get("md5"))) and "size" in file
        for file in files
    )


def _missing(stages: Mapping[str, object], committed: str | None, declared: str) -> Iterator[str]:
    """Yield the stages that only the committed lock has, of those that dvc.yaml still declares."""
    earlier = None if committed is None else stages_of(committed)
    still = YAML(typ="safe", pure=True).load(declared).get("stages") or {}
    for name in earlier or {}:
        if name not in stages and name.partition("@")[0] in still:
            yield name


def main() -> int:
    """Look at ./dvc.lock; where there is none, everything will be run, as it should be."""
    lock = Path("dvc.lock")
    if not lock.exists():
        return 0
    shown = subprocess.run(["git", "show", "HEAD:./dvc.lock"], capture_output=True, check=False)
    committed = shown.stdout.decode("utf-8", "replace") if shown.returncode == 0 else None
    text = lock.read_bytes().decode("utf-8", "replace")
    found = problem(text, committed, Path("dvc.yaml").read_text(encoding="utf-8"))
    if found is not None:
        print(f"dvc.lock is cut: {found}. {RECOVER}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
