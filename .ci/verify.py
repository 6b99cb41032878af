"""`make verify`: whether every output and every object of DVC's cache is what dvc.lock says, byte by byte.

DVC takes a file whose size and time are as they were for unchanged, and an object of its cache, or of a remote without
`verify true`, for what its name says: a bit that flipped on a disk passes `dvc status`, `dvc checkout` and `dvc pull`. This
reads everything, 0.7 GB a second.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

CACHE = Path(".dvc/cache/files/md5")
IGNORED = {".gitignore"}  # of .dvcignore, what can lie among outputs


def md5_of(path: Path) -> str:
    """Return the md5 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def md5_of_folder(folder: Path) -> str:
    """Return the md5 that DVC gives to a folder: of the list of its files and their md5s, as JSON."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listed = [{"md5": md5_of(folder / name), "relpath": name} for name in files if Path(name).name not in IGNORED]
    content = json.dumps(sorted(listed, key=lambda file: file["relpath"]), sort_keys=True).encode("utf-8")
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir"


def differing_outputs(root: Path) -> Iterator[str]:
    """Yield the outputs that exist and are not what dvc.lock says, by their paths from the root of a checkout."""
    lock = YAML(typ="safe").load((root / "dvc.lock").read_text(encoding="utf-8"))
    for stage in lock["stages"].values():
        for out in stage.get("outs") or []:
            path = root / out["path"]
            if path.exists() and out["md5"] != (md5_of_folder(path) if path.is_dir() else md5_of(path)):
                yield out["path"]


def damaged_objects(root: Path) -> Iterator[str]:
    """Yield the objects of DVC's cache that do not have the md5 of their names, by their paths from the root."""
    for path in sorted((root / CACHE).glob("??/*")):
        if md5_of(path) != path.parent.name + path.name.removesuffix(".dir"):
            yield path.relative_to(root).as_posix()


def main() -> int:
    """Look at all of the checkout at hand, name what differs and say how to recover."""
    outputs, objects = list(differing_outputs(Path())), list(damaged_objects(Path()))
    for path in objects:
        print(f"{path}: this object of DVC's cache is damaged", file=sys.stderr)
    for path in outputs:
        print(f"{path}: this output is not what dvc.lock says", file=sys.stderr)
    if objects or outputs:
        print(
            "Remove what is named, objects first, then `dvc pull` from a remote, or `dvc checkout` and `dvc repro`; what "
            "is neither in the cache nor in a remote is made again. An output may also differ because another revision "
            "was checked out: then `dvc checkout`.",
            file=sys.stderr,
        )
        return 1
    print("Every output and every object of DVC's cache is what dvc.lock says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
