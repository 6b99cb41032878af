"""Trains the model that comes with the package, src/instrumentarium/shipped, anew.

    apt-get install fluid-soundfont-gm musescore-general-soundfont
    python .ci/ship.py FOLDER --real ~/real [--seed 2026]

The pipeline runs in a clone of HEAD that FOLDER becomes, with OVERRIDES in its params.yaml: the miniature, rendered with
SoundFonts under the MIT licence alone (docs/downloads.md), and as own data the real notes and everyday sounds that
shipped_notes.csv lists, CC BY and CC0, which all train. So nothing the model has learned from is under a licence that would
bind its users. TimGM6mb, the miniature's own, is under the GPL and must not be among them. Only the stages that lead to the
model's thresholds run. A FOLDER in which it was cut off goes on where it was.

~/real has the files of the list, and others for measuring, in the form that benchmarks/real_notes.py takes: an index.csv
and the audio. It is dealt into two halves by recording. One is the list; the other was never trained on, and by it the
model is measured.

Then the model takes the place of the one in the package, with a card as `instrumentarium publish` writes it.
"""

import argparse
import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]  # this checkout's code, not an installed one's
NOTES = ROOT / ".ci" / "shipped_notes.csv"
"""The real recordings that the model was trained on: path, md5, labels, recording, source, licence."""
OWN = Path("data") / "notes"
"""Where they lie in the clone."""
SHIPPED = ROOT / "src" / "instrumentarium" / "shipped"
LICENCE = "apache-2.0"
"""Of the weights: the project's own."""
SOUNDFONTS = {
    "/usr/share/sounds/sf2/FluidR3_GM.sf2": "af289497caf8c76d97fdc67ec8409f05",
    "/usr/share/sounds/sf3/MuseScore_General_Full.sf3": "3dff921882350953a32fee6af5611668",
}
"""Files of Debian 12's packages and their md5."""
SOURCES = """
- FluidR3 GM, © 2000-2002, 2008 Frank Wen: MIT licence (FluidR3_GM.sf2, Debian's package fluid-soundfont-gm)
- MuseScore General, © 2018-2021 S. Christian Collins, after FluidR3 Mono, © 2014-2017 Michael Cowgill: MIT licence, some
  of its samples public domain or CC0 (MuseScore_General_Full.sf3, Debian's package musescore-general-soundfont)

All music was composed and rendered by instrumentarium: no audio and no label of IRMAS or OpenMIC-2018 was used, and no
pretrained weights. {notes} notes and {negatives} everyday sounds are real; `.ci/shipped_notes.csv` lists them:

- NSynth, test split, Engel et al. 2017: CC BY 4.0
- FSDKaggle2018, Fonseca et al. 2018, of Freesound's users: CC BY or CC0, clip by clip
- ESC-10, Piczak 2015, of Freesound's users: CC BY 3.0
"""
"""What a card says of them."""
RENAMED = {
    " + Your own data": " + real notes and everyday sounds",
    "- Your own data: Licensed as you have them: a model learns from them, and they are neither copied nor passed on.": (
        "- real notes and everyday sounds: CC BY and CC0, see Sources"
    ),
}
"""What the card calls them, which came in through the door of own data."""
OVERRIDES = (
    "collections.miniature.soundfonts=["
    + ", ".join(f"{{at: {path}, md5: {md5}}}" for path, md5 in SOUNDFONTS.items())
    + "]",
    "training.reproducible=strict",
    "evaluate.rule=fixed",
    "collections.miniature.corpora.own.use=true",
    f"collections.miniature.corpora.own.path={(OWN / 'index.csv').as_posix()}",
)
"""What differs from params.yaml, in the form of `dvc exp run -S`. Rendered validation clips choose thresholds as low as
0.23, which real noises pass; fixed ones let fewer of them pass on the half of the real recordings that chooses."""
STAGES = ("params", "download", "ingest", "duplicates", "split", "keys", "stats", "train", "score", "evaluate")
SEED = 2026
_APPLY = "import sys; from dvc.utils.hydra import apply_overrides; apply_overrides('params.yaml', sys.argv[1:])"


def clone(folder: Path) -> None:
    """Clone HEAD into `folder`, unless it is a clone already; what is not committed stays out of it.

    Raises:
        FileExistsError: if it holds something else.
    """
    if (folder / "dvc.yaml").exists():
        return
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds something else; name an empty folder, or one that does not exist")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)


def bring_notes(folder: Path, real: Path) -> None:
    """Copy the real recordings that train into the clone, unless they are there.

    Raises:
        ValueError: if they are not those of the list.
    """
    from real_notes import Half, copy_half

    from instrumentarium.models.modelfile import load_model

    own = folder / OWN
    if not own.exists():
        copy_half(real, Half.CHOOSE, load_model(SHIPPED)[1].taxonomy, own)
    listed = {row["path"]: row["md5"] for row in read_list()}
    found = {
        path.relative_to(own).as_posix(): hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in own.rglob("*.*")
        if path.is_file() and path.name != "index.csv"
    }
    if found != listed:
        unlike = sorted(name for name in found.keys() | listed.keys() if found.get(name) != listed.get(name))
        raise ValueError(
            f"{len(unlike)} files of {real} are missing, unlike or not among those that {NOTES.name} lists, first "
            f"{unlike[0]}; bring the listed ones, and remove {own}"
        )


def read_list() -> list[dict[str, str]]:
    """Return the rows of shipped_notes.csv."""
    with NOTES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sources() -> str:
    """Return the card's section on what the model was trained on."""
    negatives = sum(not row["labels"] for row in read_list())
    return SOURCES.format(notes=len(read_list()) - negatives, negatives=negatives)


def train(folder: Path, seed: int) -> None:
    """Run the stages in the clone.

    Args:
        folder: the clone.
        seed: of weights, windows and augmentation; what is rendered stays the same.
    """
    overrides = (*OVERRIDES, f"training.seed={seed}")
    subprocess.run([sys.executable, "-c", _APPLY, *overrides], cwd=folder, check=True)
    dvc = Path(sys.executable).parent / "dvc"
    subprocess.run([dvc, "repro", "--single-item", *STAGES], cwd=folder, check=True)


def publish(folder: Path, out: Path) -> None:
    """Write the clone's model and its card into `out`."""
    from instrumentarium.publishing.modelfolder import publish_model

    publish_model(out, folder / "data" / "model", folder, LICENCE)


def measure(out: Path, real: Path) -> str:
    """Return a section of the card: how the model of `out` does on one half of the recordings in `real`."""
    command = [sys.executable, ROOT / "benchmarks" / "real_notes.py", real, "--model", out, "--half", "report"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    rows = [
        f"| {code} | {sum(row.values())} | {found['per_instrument'][code]:.2f} | {_mistakes(code, row)} |"
        for code, row in found["confusion"].items()
    ]
    counts, (low, high), (least, most) = found["clips"], found["top1_interval"], found["negatives_interval"]
    return "\n".join(
        [
            "## On real notes",
            "",
            f"`python benchmarks/real_notes.py FOLDER --half report`: {counts['notes']} real single notes and phrases of "
            f"{len(rows)} instruments (NSynth's test split, FSDKaggle2018), and {counts['negatives']} everyday sounds "
            "(ESC-10), of recordings by which no model was chosen and on which none was trained; other recordings of the "
            "same corpora were. Intervals: 95 %, by "
            "bootstrap over recordings.",
            "",
            f"- the right instrument has the highest score for {found['top1']:.3f} of the notes ({low:.3f} to {high:.3f}; "
            f"chance is {1 / len(rows):.2f}), {found['top1_macro']:.3f} as the mean over instruments",
            f"- an instrument is predicted in {found['negatives_with_any']:.3f} of the everyday sounds ({least:.3f} to "
            f"{most:.3f})",
            "",
            "| instrument | notes | right | most often taken for |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _mistakes(code: str, row: dict[str, int]) -> str:
    wrong = sorted(((count, other) for other, count in row.items() if other != code), reverse=True)
    return ", ".join(f"{other} {count}" for count, other in wrong[:2]) or "–"


def main() -> int:
    """Train, copy and measure."""
    parser = argparse.ArgumentParser(description="Train the model that comes with the package.")
    parser.add_argument("folder", type=Path, help="becomes a clone of HEAD, in which the pipeline runs")
    parser.add_argument("--seed", type=int, default=SEED, help="of weights, windows and augmentation")
    parser.add_argument("--real", type=Path, required=True, help="real notes as benchmarks/real_notes.py takes them")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="where the model goes")
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    clone(folder)
    bring_notes(folder, asked.real)
    train(folder, asked.seed)
    publish(folder, asked.out)
    card = asked.out / "README.md"
    text = card.read_text(encoding="utf-8").replace("## Limits\n", f"## Sources\n{sources()}\n## Limits\n", 1)
    text = text.replace("## Training\n", f"{measure(asked.out, asked.real)}\n\n## Training\n", 1)
    for own, ours in RENAMED.items():
        text = text.replace(own, ours)
    card.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
