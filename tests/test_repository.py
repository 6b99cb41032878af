"""The repository as a newcomer meets it: commands in the documents exist, links resolve, pins fit the ranges."""

import argparse
import functools
import itertools
import re
import tomllib
from pathlib import Path

import pytest
from documents import DOCUMENTS, ROOT, commands
from marks import MARKS
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from running_order import RUN_FIRST


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_make_targets_in_documents_exist() -> None:
    for command in commands():
        words = command.words
        if words[0] == "make":
            named = {word for word in words[1:] if not word.startswith("-") and "=" not in word}
            assert named <= make_targets(), str(command)


def test_the_two_commands_of_a_newcomer_exist() -> None:
    assert {"repro", "test"} <= make_targets()


def test_the_readme_says_how_its_commands_come_into_reach() -> None:
    start = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Start")[2]
    activation = start.index("`source .venv/bin/activate`")
    assert start.index("$ make repro") < activation < start.index("$ dvc")


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def test_dvc_commands_in_documents_exist_with_their_options() -> None:
    from dvc.cli.parser import get_main_parser

    for command in commands():
        words = command.words
        if words[0] != "dvc":
            continue
        parser, rest = get_main_parser(), words[1:]
        while subcommands(parser):
            assert rest, str(command)
            assert rest[0] in subcommands(parser), str(command)
            parser, rest = subcommands(parser)[rest[0]], rest[1:]
        options = {word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)}
        unknown = {option for option in options if option not in parser._option_string_actions}
        assert not unknown, f"{command} has no {unknown}"


def test_commands_of_the_package_in_documents_exist() -> None:
    from instrumentarium.commands.app import app

    known = {str(command.name or command.callback.__name__) for command in app.registered_commands if command.callback}
    for command in commands():
        words = command.words
        if words[0] == "instrumentarium":
            assert words[1] in known | {"--help"}, str(command)


@functools.cache
def parameters() -> dict[str, object]:
    from instrumentarium.runtime.section import read_yaml

    return read_yaml(ROOT / "params.yaml")


def test_parameters_set_in_documents_exist() -> None:
    for command in commands():
        words = command.words
        if words[0] != "dvc":
            continue
        for option, setting in itertools.pairwise(words):
            if option in {"-S", "--set-param"}:
                found: object = parameters()
                for part in setting.partition("=")[0].split("."):
                    assert isinstance(found, dict), str(command)
                    assert part in found, str(command)
                    found = found[part]


def anchors(document: Path) -> set[str]:
    """Return the anchors that hosting sites give the headings of a document."""
    headings = re.findall(r"^#+ +(.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_resolve(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)", text) + re.findall(r"^\[[^\]]+\]: +(\S+)", text, re.MULTILINE)
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{document.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name}: {link}"


def pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    pins = {}
    for requirement in requirements:
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{requirement} is no exact pin"
        pins[canonicalize_name(requirement.name)] = Version(specifier.version)
    return pins


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    every = [Requirement(line) for line in itertools.chain.from_iterable(groups)]
    return [
        requirement for requirement in every if requirement.name != project["name"]
    ]  # dev takes in the other extras


def test_pins_satisfy_the_ranges() -> None:
    pins = pinned()
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        assert name in pins, f"{requirement} is not pinned; run `make constraints`"
        assert pins[name] in requirement.specifier, f"{requirement}, but {pins[name]} is pinned"


def test_every_range_has_a_lower_and_an_upper_bound() -> None:
    for requirement in requirements():
        assert {specifier.operator for specifier in requirement.specifier} == {">=", "<"}, requirement


def test_the_licence_is_apache() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence[:200]
    assert "Version 2.0, January 2004" in licence[:200]
    assert "END OF TERMS AND CONDITIONS" in licence
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]


def test_python_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ruff = tomllib.loads((ROOT / "ruff.toml").read_text(encoding="utf-8"))
    assert project["requires-python"] == ">=3.11"
    assert ruff["target-version"] == "py311"
    assert "python3.11" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_what_is_marked_is_there() -> None:
    marks = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"][
        "markers"
    ]
    assert set(MARKS.values()) <= {mark.partition(":")[0] for mark in marks}
    for place in MARKS:
        path, _, test = place.partition("::")
        assert (ROOT / "tests" / path).exists(), f"tests/marks.py names {place}"
        function = test.partition("[")[0]
        assert not test or f"def {function}" in (ROOT / "tests" / path).read_text(encoding="utf-8"), place


def test_the_everyday_tests_leave_out_every_mark_and_the_rest_takes_each() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.search(r"^MARKED := (.+)$", text, re.MULTILINE)
    long = re.search(r"^LONG := (.+)$", text, re.MULTILINE)
    assert named
    assert long
    assert {*named[1].split(" or "), *long[1].split(" or ")} == set(MARKS.values())


def test_what_runs_first_is_there() -> None:
    for place in RUN_FIRST:
        assert (ROOT / "tests" / place).exists(), f"tests/running_order.py names {place}"
    assert {path.name for path in (ROOT / "tests" / "pipeline").glob("test_*.py")} == {
        Path(place).name for place in RUN_FIRST if place.startswith("pipeline/")
    }
