"""Command lines of the pages do what they say: options exist, values are allowed, an example follows from the last."""

import ast
import itertools
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from documents import DOCUMENTS, ROOT, benchmarks, blocks, commands, split
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

from instrumentarium.config.whole import load_params

SELECTED = ("models", "frontends", "heads", "losses", "augmentations", "windows", "taxonomies", "collections")


def test_command_lines_are_split_as_a_shell_splits_them() -> None:
    assert split("a 'b; c' | d -e \"f&g\" && h > out.txt") == [("a", "b; c"), ("d", "-e", "f&g"), ("h",)]
    assert blocks("```console\n$ a \\\n  b  # why\nsaid\n```") == [["a    b"]]


def test_commands_of_the_package_take_the_arguments_that_pages_give_them() -> None:
    from instrumentarium.commands.app import app

    group = typer.main.get_command(app)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    seen = set()
    for command in commands():
        program, *words = command.words
        if program != "instrumentarium" or words == ["--help"]:
            continue
        seen.add(words[0])
        found = group.commands[words[0]]  # type: ignore[attr-defined]
        try:
            found.make_context(words[0], [word for word in words[1:] if word != "…"])
        except Exception as error:
            pytest.fail(f"{command}: {error}")
    assert len(seen) > 10


def options_of(script: Path) -> set[str]:
    """Return the options of a benchmark, read from its code without running it."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    (main,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    arguments = {f"--{argument.arg.replace('_', '-')}" for argument in main.args.args}
    return {name for name in named if name.startswith("--")} | arguments | {"--help"}


def test_benchmarks_in_pages_exist_with_their_options() -> None:
    found = list(benchmarks())
    assert len(found) > 10
    for command in found:
        script = ROOT / command.words[1]
        assert script.exists(), command
        options = {word.partition("=")[0] for word in command.words[2:] if word.startswith("--")}
        assert options <= options_of(script), command


def settings(words: tuple[str, ...]) -> list[str]:
    return [word for option, word in itertools.pairwise(words) if option in {"-S", "--set-param"}]


class Workspace:
    """params.yaml as one experiment after the other leaves it; DVC's own code sets the values."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.restore()

    def restore(self) -> None:
        shutil.copy(ROOT / "params.yaml", self.path)

    def sweep(self, words: list[str]) -> Iterator[Mapping[str, Any]]:
        """Yield what each run of a sweep uses; the workspace stays."""
        before = self.path.read_bytes()
        for overrides in get_hydra_sweeps({str(self.path): words}):
            apply_overrides(self.path, overrides[str(self.path)])
            yield self.used()
            self.path.write_bytes(before)

    def set(self, words: list[str]) -> None:
        apply_overrides(self.path, words)

    def used(self) -> Mapping[str, Any]:
        """Return all that has an effect: what is selected in place of everything that could be."""
        params = load_params(self.path)
        rest = {name: value for name, value in params.model_dump().items() if name not in SELECTED}
        taxonomies = {name: each.model_dump() for name, each in params.taxonomies.items()}
        return {
            **{name: value for name, value in rest.items() if name not in {"frontend", "head", "loss", "augmentation"}},
            "selection": params.selection,
            "taxonomies": taxonomies.get(params.taxonomy),
            "collections": params.collections[params.collection].model_dump(),
        }


@pytest.mark.parametrize(
    "document",
    [page for page in DOCUMENTS if re.search(r"^\$ dvc exp run", page.read_text(encoding="utf-8"), re.MULTILINE)],
    ids=lambda page: page.name,
)
def test_each_experiment_changes_what_is_run_from_where_the_last_one_left_the_workspace(
    document: Path, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "params.yaml")
    used = committed = workspace.used()
    for block in blocks(document.read_text(encoding="utf-8")):
        for line in block:
            if "git restore ." in line:
                workspace.restore()
                used = committed
            for words in split(line):
                if words[:3] != ("dvc", "exp", "run"):
                    continue
                values = [
                    re.sub(r"0{2}md5sum\w*", "0" * 32, word).replace("$HOME", "/music") for word in settings(words)
                ]
                if "--queue" in words:
                    runs = list(workspace.sweep(values))
                    assert len(runs) > 1, line
                    assert all(one != other for n, one in enumerate(runs) for other in runs[:n]), f"{line}: equal runs"
                else:
                    workspace.set(values)
                    before, used = used, workspace.used()
                    assert used != before, f"{document.name}: {line} changes nothing that is used"


def test_every_page_of_the_repository_is_on_the_site() -> None:
    named = set(re.findall(r": ([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    docs = {page.relative_to(ROOT / "docs").as_posix() for page in DOCUMENTS if page.is_relative_to(ROOT / "docs")}
    assert docs <= named, f"name them in mkdocs.yml: {sorted(docs - named)}"
