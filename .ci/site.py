"""What `make site` builds: the repository's pages and the reference of its public modules, as a site that needs no network.

Pages are written for a repository's own viewer. Here their links are brought to where the pages lie on the site; a link to
what is no page (code, params.yaml) becomes its text, and a diagram that a script of a CDN would draw is left out, the table
below it saying the same.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build" / "pages"
MOVED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "data/README.md": "data.md",
    "splits/README.md": "split-files.md",
    "overrides/README.md": "override-files.md",
}
"""Pages outside docs/, and where they lie on the site; those of docs/ keep their names."""
REFERENCE = {
    "python": ("In Python", ("api.model", "api.embedder", "predicting.prediction", "predicting.timeline")),
    "inference": (
        "Inference",
        ("predicting.ladder", "predicting.modelsource", "models.modelfile", "models.recognition"),
    ),
    "parts": (
        "Parts of a model",
        ("frontends.base", "models.backbones.base", "models.heads.base", "training.objectives.base"),
    ),
    "tables": ("Tables and labels", ("tables.schemas", "tables.taxonomy", "tables.samplestore", "clips.labels")),
    "evaluation": (
        "Evaluation",
        (
            "evaluation.metrics",
            "evaluation.ranking",
            "evaluation.thresholds",
            "evaluation.choosing",
            "evaluation.bootstrap",
        ),
    ),
    "comparing": ("Comparing", ("comparing.pairing", "evaluation.significance")),
    "publishing": ("Publishing", ("publishing.modelfolder", "publishing.collectionfolder", "publishing.results")),
}
"""Pages of the reference: title and modules."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_DIAGRAM = re.compile(r"`dvc dag [^`]*`.*?:\n+```mermaid\n.*?```\n+", re.DOTALL)


def places() -> dict[Path, str]:
    """Return each page of the repository and its path on the site."""
    docs = {path: path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))}
    return docs | {ROOT / name: place for name, place in MOVED.items() if (ROOT / name).exists()}


def moved(text: str, page: Path, where: dict[Path, str]) -> str:
    """Return the text of a page with the links of the site."""

    def link(match: re.Match[str]) -> str:
        mark, title, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, hash_, anchor = target.partition("#")
        found = where.get((page.parent / path).resolve())
        if found is None:
            return title
        relative = os.path.relpath(found, Path(where[page]).parent)
        return f"{mark}[{title}]({relative}{hash_}{anchor})"

    parts = re.split(r"(```.*?```)", _DIAGRAM.sub("", text), flags=re.DOTALL)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def main() -> int:
    """Write the pages, then have zensical build them."""
    shutil.rmtree(PAGES, ignore_errors=True)
    where = places()
    for page, place in where.items():
        (PAGES / place).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / place).write_text(moved(page.read_text(encoding="utf-8"), page, where), encoding="utf-8")
    for name, (title, modules) in REFERENCE.items():
        blocks = "\n\n".join(f"::: instrumentarium.{module}" for module in modules)
        path = PAGES / "reference" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {title}\n\n{blocks}\n", encoding="utf-8")
    program = Path(sys.executable).parent / "zensical"
    return subprocess.run(
        [program, "build", "--clean", "--strict", "-f", ROOT / "mkdocs.yml"], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
