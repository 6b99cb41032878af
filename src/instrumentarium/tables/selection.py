"""Which taxonomy a run has: an entry of params.yaml's `taxonomies`, a file of the user's, or own data's labels."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from instrumentarium.runtime.section import ParamsError, closest, read_yaml, validate
from instrumentarium.tables.mapping import LabelMapping, automatic_mapping, build_mapping
from instrumentarium.tables.params import TaxonomyParams
from instrumentarium.tables.taxonomy import TaxonomyError

AUTO = "auto"
TAXONOMIES: TypeAdapter[dict[str, TaxonomyParams]] = TypeAdapter(dict[str, TaxonomyParams])
SUFFIXES = (".yaml", ".yml", ".json")


def is_file(name: str) -> bool:
    """Say whether the parameter `taxonomy` names a file."""
    return name.endswith(SUFFIXES)


def read_taxonomy_file(folder: Path, name: str) -> TaxonomyParams:
    """Read a taxonomy that the user has put into `folder`; it holds what an entry of `taxonomies` holds.

    Raises:
        TaxonomyError: if `folder` has no file of that plain name.
        ParamsError: if it is neither YAML nor JSON, or holds something else.
    """
    present = sorted(path.name for path in folder.iterdir() if is_file(path.name)) if folder.is_dir() else []
    if name not in present:
        raise TaxonomyError(
            f"taxonomy is {name!r}, but {folder} holds {', '.join(present) or 'no YAML or JSON file'}; put the file "
            "there and name it without its folder"
        )
    return validate(read_yaml(folder / name), TaxonomyParams, source=folder / name)


def select_mapping(
    name: str,
    entries: Mapping[str, TaxonomyParams],
    folder: Path,
    labels: pd.DataFrame,
    corpus_of: Mapping[str, str],
) -> LabelMapping:
    """Return the taxonomy that the parameter `taxonomy` names, and what the corpora's labels say of its instruments.

    Args:
        name: a key of `entries`, the name of a file in `folder`, or "auto".
        entries: the section `taxonomies` of params.yaml.
        folder: of the user's taxonomies.
        labels: columns clip_id, label; of all corpora, looked at for "auto" alone.
        corpus_of: each clip's corpus, of all clips.

    Raises:
        TaxonomyError: if there is no such taxonomy, or the clips and labels don't allow an automatic one.
        ParamsError: if the file holds something else.
    """
    if name == AUTO:
        return automatic_mapping(labels, corpus_of)
    if is_file(name):
        return build_mapping(Path(name).stem, read_taxonomy_file(folder, name))
    if name not in entries:
        raise ParamsError(f"taxonomy: {unknown_taxonomy(name, entries)}")
    return build_mapping(name, entries[name])


def unknown_taxonomy(name: str, entries: Mapping[str, TaxonomyParams]) -> str:
    """Say that `name` is no taxonomy, and which there are."""
    return (
        f"{name!r} is neither a key of `taxonomies`, nor {AUTO!r}, nor the name of a file in taxonomies/ "
        f"({', '.join(SUFFIXES)}); {closest(name, [AUTO, *entries])}"
    )
