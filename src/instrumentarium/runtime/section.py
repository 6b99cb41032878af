"""What a part of params.yaml is, and the one way in for its values.

The models are frozen, know no defaults (params.yaml is the only place where a value stands) and refuse unknown keys.
YAML is read by the 1.2 rules that DVC follows, so `1e-3` is a number and `on` a word. Inside a DVC stage only the
parameters that the stage declares in dvc.yaml can be read: an undeclared one would leave stale results unnoticed.
"""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.jsonfile import MAX_DEPTH, JsonError, read_json
from instrumentarium.runtime.process import Reproducible

PARAMS_FILE = Path("params.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
REPRODUCIBLE: TypeAdapter[Reproducible] = TypeAdapter(Reproducible)
"""What `training.reproducible` may be."""


class ParamsError(UserError, ValueError):
    """params.yaml holds something it may not; the message names every offending key."""


def closest(word: str, allowed: list[str]) -> str:
    """Say which of `allowed` the writer of `word` may have meant, and list them all."""
    matches = difflib.get_close_matches(word, allowed, n=1)
    hint = f"; did you mean {matches[0]!r}?" if matches else ""
    return f"allowed: {', '.join(sorted(allowed))}{hint}"


class Section(BaseModel):
    """A part of params.yaml: frozen, strict about types, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, values: object) -> object:
        if isinstance(values, Mapping):
            unknown = sorted(str(key) for key in values if key not in cls.model_fields)
            if unknown:
                allowed = list(cls.model_fields)
                text = "; ".join(f"{key!r} is not a parameter here ({closest(key, allowed)})" for key in unknown)
                raise PydanticCustomError("unknown_key", "{text}", {"text": text})
        return values


def _explain(error: ValidationError, prefix: str, source: object, value: object) -> str:
    """One line a mistake: the key as `dvc exp run -S` would write it, what is wrong, what was found."""
    lines = []
    for item in error.errors():
        key = ".".join(part for part in [prefix, *_keys(item["loc"], value, missing=item["type"] == "missing")] if part)
        found = (
            ""
            if item["type"] in {"missing", "unknown_key", "names", "sizes", "no_path", "taxonomy"}
            else f", found {item['input']!r}"
        )
        text = "is missing" if item["type"] == "missing" else item["msg"]
        lines.append(f"  {key + ': ' if key else ''}{text}{found}")
    return f"{source} cannot be used as it is:\n" + "\n".join(lines)


def _keys(location: Sequence[str | int], value: object, *, missing: bool) -> Iterator[str]:
    """Yield the keys of a location; pydantic puts chosen variants of unions into it, which params.yaml does not have."""
    for place, part in enumerate(location):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, Sequence) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        elif not (missing and place + 1 == len(location)):
            continue
        yield str(part)


T = TypeVar("T")


def validate(value: object, kind: type[T] | TypeAdapter[T], prefix: str = "", source: object = PARAMS_FILE) -> T:
    """Return `value` as a `kind`; `prefix` is the dotted key it stood under in the file `source`, for the error's text.

    Raises:
        ParamsError: naming every key that is missing, unknown or holds a value out of its range.
    """
    try:
        return (kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)).validate_python(value)
    except ValidationError as error:
        raise ParamsError(_explain(error, prefix, source, value)) from error


def read_yaml(path: Path) -> dict[str, object]:
    """Read a YAML 1.2 mapping, as DVC does.

    Raises:
        ParamsError: if the file is missing, is not YAML, is nested more than a hundred deep or holds no mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = path.read_text(encoding="utf-8")
        if _deeper_than(MAX_DEPTH, text):
            raise ParamsError(f"{path} is no YAML that can be read: it is nested too deep")
        content = YAML(typ="safe").load(text)
    except FileNotFoundError as error:
        raise ParamsError(
            f"{path} is missing; run from the repository's root, or restore it with `git restore {path}`"
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path} is not valid YAML: {error}") from error
    except (ValueError, ArithmeticError) as error:  # a number or a date that Python does not have
        raise ParamsError(f"{path} holds a value that cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must hold a mapping of parameters, found {type(content).__name__}")
    return content


def _deeper_than(most: int, text: str) -> bool:
    """Say whether YAML is nested deeper: libyaml's loader, five times as fast as one in Python, would end the process."""
    from ruamel.yaml import YAML
    from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent

    depth = 0
    for event in YAML(typ="safe").parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > most:
            return True
    return False


class DeclaredParams:
    """The parameters one stage may read, looked up by their dotted keys and checked as they are read.

    Attributes:
        values: of params.yaml, and of `written`.
        written: sections that an earlier stage has written down; no dependency of this stage on params.yaml.
    """

    def __init__(self, values: Mapping[str, object], stage: str, written: frozenset[str] = frozenset()) -> None:
        self.values, self.written = values, written
        self._stage = stage

    def read(self, key: str, kind: type[T] | TypeAdapter[T]) -> T:
        """Return the value at the dotted `key` as a `kind`.

        Raises:
            ParamsError: if the stage does not declare the key in dvc.yaml, or its value is not a valid `kind`.
        """
        value: object = self.values
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise ParamsError(
                    f"{key} is not in params.yaml, or stage {self._stage!r} does not declare it in dvc.yaml"
                )
            value = value[part]
        return validate(value, kind, key)

    def including(self, key: str, path: Path) -> "DeclaredParams":
        """Return these parameters and, below `key`, the section that an earlier stage has written to `path` as JSON.

        Raises:
            ParamsError: if the file is missing or is no JSON.
        """
        return DeclaredParams({**self.values, key: _read_json(path)}, self._stage, self.written | {key})


def read_section(path: Path, kind: type[T] | TypeAdapter[T]) -> T:
    """Return the JSON content of `path` as a `kind`; the file is one that a stage wrote.

    Raises:
        ParamsError: if it is missing, is no JSON, or holds something else.
    """
    content = _read_json(path)
    try:
        return (kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)).validate_python(content)
    except ValidationError as error:
        raise ParamsError(f"{path} does not hold what this version reads: {error}; run `dvc repro`") from error


def _read_json(path: Path) -> object:
    try:
        return read_json(path)
    except FileNotFoundError as error:
        raise ParamsError(f"{path} is missing; run `dvc repro`") from error
    except JsonError as error:
        raise ParamsError(f"{error}; run `dvc repro`") from error


def stage_params() -> DeclaredParams:
    """Return what the running DVC stage declares; outside DVC, all of params.yaml.

    DVC names the stage in the environment variable DVC_STAGE.
    """
    stage = os.environ.get("DVC_STAGE")
    values = read_yaml(PARAMS_FILE)
    if stage is None:
        return DeclaredParams(values, "(none)")
    return DeclaredParams(_restricted(values, _declared_keys(stage)), stage)


def _declared_keys(stage: str) -> list[str]:
    """Return the dotted keys that a stage declares in its dvc.yaml, its templates resolved by DVC.

    A stage of another dvc.yaml than the one in the root has that file's path and a colon before its name.

    `dvc.api.params_show` finds the same, but reads dvc.yaml and dvc.lock twice: a second more in every stage.
    """
    from dvc.dvcfile import load_file
    from dvc.repo import Repo

    with Repo() as repo:
        path, _, name = stage.rpartition(":")
        definition = load_file(repo, path or "dvc.yaml").resolver.resolve_one(name)[name]
    return list(definition.get("params", []))


def _restricted(values: Mapping[str, object], keys: list[str]) -> dict[str, object]:
    """Return only what stands under the dotted keys; a key that is not there is left out."""
    below: dict[str, list[str]] = {}
    for key in keys:
        head, _, rest = key.partition(".")
        below.setdefault(head, []).append(rest)
    kept: dict[str, object] = {}
    for head, rests in below.items():
        value = values.get(head)
        if "" in rests:
            kept |= {head: value} if head in values else {}
        elif isinstance(value, Mapping):
            kept[head] = _restricted(value, rests)
    return kept
