"""The package as others get it: built as a wheel, installed where no checkout is, and used."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from instrumentarium.serving.application import PAGE

ROOT = Path(__file__).resolve().parents[2]
NO_EXTRAS = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of what Git knows, built in a folder of its own: builds leave files beside the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if name.startswith("src/") or name in {"pyproject.toml", "README.md", "LICENSE"}:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(source)]
    subprocess.run(command, check=True, timeout=900, env=NO_EXTRAS)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that has the wheel, and this one's packages behind it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python3*/site-packages")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(command, check=True, timeout=600, env=NO_EXTRAS)
    (packages / "behind.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_holds_templates_pages_and_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = "instrumentarium/"
    assert {package + name for name in ("py.typed", "__init__.pyi", "reporting/report.html.jinja")} <= names
    assert {f"{package}serving/page/{name}" for name in (*PAGE, "reference.html.jinja")} <= names
    tracked = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    missing = {name.removeprefix("src/") for name in tracked.splitlines()} - names
    assert not missing, "files of the package that package-data does not name"


def test_three_lines_from_the_wheel_say_what_the_command_says(
    python: Path, model: Path, song: Path, tmp_path: Path
) -> None:
    lines = f"""
import instrumentarium
model = instrumentarium.load({str(model)!r})
prediction = model.predict({str(song)!r})
import json
print(json.dumps([instrumentarium.__file__, prediction.content(), model.embed([{str(song)!r}]).shape[0]]))
"""
    found = subprocess.run(
        [python, "-c", lines], check=True, capture_output=True, text=True, cwd=tmp_path, env=NO_EXTRAS
    )
    place, content, rows = json.loads(found.stdout)
    assert Path(place).is_relative_to(python.parents[1]), "another instrumentarium was imported"
    assert rows == 1
    command = [python.parent / "instrumentarium", "predict", "--model", model, "--format", "json", song]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=NO_EXTRAS).stdout
    assert json.loads(said) == [content]


def test_the_wheel_predicts_with_the_model_that_comes_with_it(python: Path, song: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    command = [python.parent / "instrumentarium", "predict", "--format", "json", song]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=empty, env=NO_EXTRAS)
    (found,) = json.loads(said.stdout)
    assert found["error"] is None
    assert len(found["instruments"]) == 11
    told = [line for line in said.stderr.splitlines() if "the small one that comes with instrumentarium" in line]
    assert len(told) == 1
    describe = [python.parent / "instrumentarium", "describe"]
    table = subprocess.run(describe, check=True, capture_output=True, text=True, cwd=empty, env=NO_EXTRAS).stdout
    card = Path(table.splitlines()[-1].split(maxsplit=1)[1])
    assert card.is_relative_to(python.parents[1]), "the card of another installation"
    assert card.is_file()


def test_types_are_found_where_the_wheel_is_installed(python: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(
        "import instrumentarium\n"
        "reveal_type(instrumentarium.load('m').predict('song.mp3').playing())\n"
        "reveal_type(instrumentarium.__version__)\n"
    )
    command = [sys.executable, "-m", "mypy", "--python-executable", str(python), "--follow-imports=silent", "user.py"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=NO_EXTRAS, timeout=1200)
    assert 'Revealed type is "dict[str, float]"' in found.stdout.replace("builtins.", ""), found.stdout + found.stderr
    assert 'Revealed type is "str"' in found.stdout.replace("builtins.", "")
