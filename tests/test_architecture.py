"""The rules that hold the parts together: imports run one way, torch stays where it belongs, commands answer."""

import ast
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import imports
import pytest

ROOT = imports.ROOT
PACKAGE = imports.SRC / imports.PACKAGE

FLOORS = (
    ("runtime",),
    ("tables",),
    ("clips", "corpora", "decoding", "drawing", "miniature"),
    ("acquisition", "descriptors", "duplicates", "evaluation", "frontends", "ingestion", "keys"),
    ("baselines", "comparing", "models", "reporting", "splitting", "statistics"),
    ("auditing", "ensembles", "explaining", "measuring", "reviewing", "scoring", "training"),
    ("pretraining",),
    ("config", "predicting", "relabelling"),
    ("api", "catalogue", "publishing", "serving"),
    ("commands",),
)
"""Rooms (the packages right below `instrumentarium`): one may use those of floors above it, and its own parts."""

WITHOUT_TORCH = (
    "runtime",
    "tables",
    "clips",
    "corpora",
    "decoding",
    "acquisition",
    "miniature",
    "ingestion",
    "duplicates",
    "keys",
    "splitting",
    "descriptors",
    "baselines",
    "ensembles",
    "evaluation",
    "drawing",
    "comparing",
    "measuring",
    "reporting",
    "reviewing",
)


def modules(room: str) -> list[str]:
    """Return the names of all modules of a room."""
    folder = PACKAGE / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    names = (".".join(file.relative_to(imports.SRC).with_suffix("").parts) for file in files)
    return [name.removesuffix(".__init__") for name in names]


@cache
def package_imports(module: str) -> frozenset[str]:
    """Return the modules of the package that `module` imports; `from package import module` counts as the module."""
    path = imports.module_file(module)
    assert path is not None
    names: set[str] = set()
    for node in ast.walk(imports.tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                names.add(name if imports.module_file(name) else str(node.module))
    return frozenset(name for name in names if name.split(".")[0] == imports.PACKAGE)


def room_of(module: str) -> str:
    """Return the room of a module; the package itself is in none."""
    return module.split(".")[1] if "." in module else ""


def all_modules() -> list[str]:
    return [name for floor in FLOORS for room in floor for name in modules(room)]


def test_every_module_has_its_floor() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} == {room for floor in FLOORS for room in floor}, "name a new module in FLOORS"


def test_imports_run_one_way() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    problems = [
        f"{module} (floor {floor[room_of(module)]}) imports {other} (floor {floor[room_of(other)]})"
        for module in all_modules()
        for other in sorted(package_imports(module))
        if room_of(other) and room_of(other) != room_of(module) and floor[room_of(other)] >= floor[room_of(module)]
    ]
    assert not problems, "\n".join(problems)


def test_no_module_imports_itself_in_a_circle() -> None:
    finished: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path, module))
        if module not in finished:
            for other in sorted(package_imports(module)):
                walk(other, (*path, module))
            finished.add(module)

    for module in all_modules():
        walk(module, ())


def test_no_module_of_the_package_imports_stages_or_tests() -> None:
    for module in all_modules():
        path = imports.module_file(module)
        assert path is not None
        names = {name.split(".")[0] for name in imports.imported(path, "x")}
        assert not names & {"stages", "tests", "benchmarks"}, module


def test_nothing_prints() -> None:
    for module in all_modules():
        path = imports.module_file(module)
        assert path is not None
        calls = [node.func for node in ast.walk(imports.tree(path)) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"], module


def run_python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)


def test_tables_splits_and_evaluation_never_import_torch() -> None:
    names = [name for room in WITHOUT_TORCH for name in modules(room)]
    run_python(f"import sys, {', '.join(names)}\nassert 'torch' not in sys.modules")


def test_inference_never_imports_lightning() -> None:
    reached = imports.reached(PACKAGE / "scoring" / "recognizer.py")
    assert not [path for path in reached if path.is_relative_to(PACKAGE / "training")]
    for path in reached:
        assert not {name for name in imports.imported(path, None) if "lightning" in name}, path


def repository_files() -> Iterator[tuple[str, str]]:
    """Yield (path, text) of all text files that Git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in sorted(filter(None, listed.stdout.split("\0"))):
        if (ROOT / name).is_file():
            yield name, (ROOT / name).read_bytes().decode("utf-8", errors="ignore")


def test_no_file_names_a_package_registry() -> None:
    # a mirror or another registry is the user's choice, in pip's own configuration
    hosts = re.compile("|".join((r"pypi\." + "org", "python" + "hosted", r"conda\." + "anaconda", "index" + "-url")))
    found = [f"{name}: {match[0]}" for name, text in repository_files() for match in hosts.finditer(text)]
    assert not found


def test_no_file_names_a_folder_of_one_machine() -> None:
    folders = re.compile(r"(?<![\w.$}~/])/(?:work|root|tmp|home|Users)/[\w.-]+")
    ours = Path(__file__).name
    found = [
        f"{name}: {match[0]}"
        for name, text in repository_files()
        if not name.endswith(ours)
        for match in folders.finditer(text)
    ]
    assert not found


def helps(code: str) -> list[str]:
    """Run Python that prints the help of several commands, a form feed after each; return them."""
    environment = os.environ | {"COLUMNS": "120", "TERM": "dumb"}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\f")[:-1]


def test_every_command_explains_itself() -> None:
    code = """
import contextlib
from instrumentarium.commands.app import app
for command in ["", *(found.name or found.callback.__name__ for found in app.registered_commands)]:
    with contextlib.suppress(SystemExit):
        app([*command.split(), "--help"])
    print(end="\\f")
"""
    for text in helps(code):
        assert "Usage" in text
        assert len(text.splitlines()) > 5


def test_every_stage_script_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # in this process: torch takes seconds to import
    monkeypatch.setattr(sys, "path", list(sys.path))
    for script in sorted((ROOT / "stages").glob("*.py")):
        monkeypatch.setattr(sys, "argv", [str(script), "--help"])
        with pytest.raises(SystemExit):
            runpy.run_path(str(script), run_name="__main__")
        text = capsys.readouterr().out
        assert "Usage" in text, script
        assert ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))), script
        assert len(text.splitlines()) > 5, script


def test_the_command_line_answers_without_torch() -> None:
    code = """
import sys
from instrumentarium.commands.app import app
try:
    app(["--help"])
except SystemExit:
    pass
heavy = {"torch", "pandas", "pytorch_lightning", "dvc"} & set(sys.modules)
assert not heavy, heavy
"""
    run_python(code)


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "stages").glob("*.py")))
def test_a_stage_script_takes_the_code_of_its_own_checkout(script: str) -> None:
    # with an editable install, a queued experiment would otherwise run the code of the live checkout
    text = (ROOT / "stages" / script).read_text(encoding="utf-8")
    line = 'sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))'
    assert line in text
    assert text.index(line) < text.index("instrumentarium")
