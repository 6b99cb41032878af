"""Where the repository at hand begins."""

from pathlib import Path

DEFINITION = "dvc.yaml"


def workspace_root() -> Path:
    """Return the folder with dvc.yaml that the current folder is or lies in; the current folder where there is none."""
    here = Path.cwd()
    if not Path(DEFINITION).exists():
        for folder in here.parents:
            if (folder / DEFINITION).exists():
                return folder
    return Path()
