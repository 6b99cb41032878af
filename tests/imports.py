"""Which modules of the package a script reaches, read from its imports without running it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"
PACKAGE = "instrumentarium"


def module_file(name: str) -> Path | None:
    """Return the file of a module of the package, or None if `name` is no module (but a class, say)."""
    path = SRC / Path(*name.split("."))
    if (path / "__init__.py").exists():
        return path / "__init__.py"
    return path.with_suffix(".py") if path.with_suffix(".py").exists() else None


LAZY = {"__all__", "_PLACES", "__getattr__", "__dir__"}
"""What a package's `__init__.py` may hold to load names when they are first asked for (PEP 562)."""


@cache
def tree(path: Path) -> ast.Module:
    """Return a file as a syntax tree, which nobody is to change."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def does_nothing(path: Path) -> bool:
    """Return whether a file is a package's `__init__.py` that makes nothing stale.

    It holds only a docstring, and names that are loaded on demand, of which stages demand none.
    """
    if path.name != "__init__.py":
        return False
    for node in tree(path).body:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.ImportFrom(module="importlib"):
                continue
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.FunctionDef(name=name) if name in LAZY:
                continue
        return False
    return True


@cache
def imported(path: Path, item: str | None) -> frozenset[str]:
    """Return the names the file imports; `item` fills the gap of `import_module(f"…{corpus}…")`."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            argument = node.args[0]
            assert isinstance(argument, ast.JoinedStr), f"{path}: a dynamic import this reader cannot follow"
            names.add("".join(part.value if isinstance(part, ast.Constant) else str(item) for part in argument.values))
    return frozenset(names)


def reached(script: Path, item: str | None = None) -> set[Path]:
    """Return the script and every file of the package it reaches, packages' `__init__.py` included."""
    files, waiting = {script}, [script]
    while waiting:
        for name in imported(waiting.pop(), item):
            parts = name.split(".")
            if parts[0] != PACKAGE:
                continue
            for length in range(1, len(parts) + 1):
                file = module_file(".".join(parts[:length]))
                if file is not None and file not in files:
                    files.add(file)
                    waiting.append(file)
    return files
