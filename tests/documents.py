"""The pages of the repository, and the command lines that they show."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")])
JOINTS = {"&&", "||", ";", "|", "&"}


@dataclass(frozen=True)
class Command:
    """One program with its arguments, as a shell would hand them over; a substitution stands as it is written."""

    document: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join(self.words)}"


def blocks(text: str) -> list[list[str]]:
    """Return the command lines of every block of a page, continued lines joined, output and comments left out."""
    found = []
    for block in re.findall(r"```(?:console|sh|bash|shell)\n(.*?)```", text, re.DOTALL):
        lines = block.replace("\\\n", " ").splitlines()
        prompted = any(line.startswith("$ ") for line in lines)
        wanted = [line for line in lines if line.startswith("$ ") or (not prompted and line.strip() and line[0] != "#")]
        found.append([re.split(r"\s+# ", line.removeprefix("$ "))[0] for line in wanted])
    return found


def split(line: str) -> list[tuple[str, ...]]:
    """Return the programs that a command line starts, each with its arguments; what is redirected is left out."""
    whole = re.sub(r"[$<]\((?:[^()]|\([^()]*\))*\)", lambda match: re.sub(r"\W", "0", match[0]), line)
    lexer = shlex.shlex(whole, posix=True, punctuation_chars="|&;>")
    lexer.whitespace_split, lexer.commenters = True, ""
    programs: list[tuple[str, ...]] = [()]
    for token in lexer:
        if token in JOINTS:
            programs.append(())
        else:
            programs[-1] += (token,)
    return [program[: program.index(">")] if ">" in program else program for program in programs if program]


def commands() -> Iterator[Command]:
    """Yield every program that a page shows, in the order of the pages."""
    for document in DOCUMENTS:
        for block in blocks(document.read_text(encoding="utf-8")):
            for line in block:
                for words in split(line):
                    yield Command(document.relative_to(ROOT).as_posix(), words)


def benchmarks() -> Iterator[Command]:
    """Yield every call of a benchmark that a page names, in a block or within a sentence."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        found = re.findall(r"`(python benchmarks/[^`]+)`", re.sub(r"\n", " ", text))
        lines = [line for block in blocks(text) for line in block if "python benchmarks/" in line]
        for line in [*found, *lines]:
            yield from (Command(document.name, words) for words in split(line) if words[0] == "python")
