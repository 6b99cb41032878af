"""Entries that build on others: `base` names an entry of the same section, which holds all that an entry does not state.

So a variant shows how it differs, and a value that both share stands in one place. What is a mapping on both sides is
merged key by key; everything else, null included, takes the place of what the base holds.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instrumentarium.runtime.section import PARAMS_FILE, ParamsError, closest

BASE = "base"
SECTIONS = ("frontends", "augmentations", "models")
"""Whose entries may build on others."""


def with_bases(values: Mapping[str, Any], source: Path = PARAMS_FILE) -> dict[str, Any]:
    """Return params.yaml's values with every entry whole, and no `base` left.

    Raises:
        ParamsError: naming each entry whose base is unknown, or builds on the entry itself.
    """
    problems: list[str] = []
    whole = dict(values)
    for section in SECTIONS:
        if isinstance(entries := values.get(section), Mapping):
            whole[section] = {name: _whole(section, entries, name, problems) for name in entries}
    if problems:
        raise ParamsError("\n  ".join([f"{source} cannot be used as it is:", *dict.fromkeys(problems)]))
    return whole


def _whole(section: str, entries: Mapping[str, Any], name: str, problems: list[str]) -> Any:
    chain = [name]
    while isinstance(entry := entries[chain[-1]], Mapping) and BASE in entry:
        base, key = entry[BASE], f"{section}.{chain[-1]}.{BASE}"
        if base not in entries:
            known = closest(str(base), [other for other in entries if other != chain[-1]])
            problems.append(f"{key}: {base!r} is not a key of `{section}` ({known})")
            return {}
        if base in chain:
            problems.append(f"{section}.{name}.{BASE}: {' builds on '.join([*chain, base])}, which has no end")
            return {}
        chain.append(base)
    found: Any = {}
    for each in reversed(chain):
        found = _merged(found, entries[each])
    return {key: value for key, value in found.items() if key != BASE} if isinstance(found, Mapping) else found


def _merged(base: Any, own: Any) -> Any:
    if not (isinstance(base, Mapping) and isinstance(own, Mapping)):
        return own
    return dict(base) | {key: _merged(base.get(key), value) for key, value in own.items()}
