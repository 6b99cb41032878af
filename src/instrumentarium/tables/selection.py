"""Which taxonomy a run has: an entry of params.yaml's `taxonomies`, a file of the user's, or own data's labels."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from instrumentarium.runtime.section import ParamsError, Section, closest, read_yaml, validate
from instrumentarium.tables.mapping import LabelMapping, Meanings, automatic_mapping, build_mapping
from instrumentarium.tables.params import TaxonomyParams
from instrumentarium.tables.taxonomy import TaxonomyError

AUTO = "auto"
SUFFIXES = (".yaml", ".yml", ".json")


class SelectedTaxonomy(Section):
    """A taxonomy's name, and its entry of `taxonomies` or the content of its file; none for own data's labels."""

    name: str
    entry: TaxonomyParams | None


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


def select_taxonomy(name: str, entries: Mapping[str, TaxonomyParams], folder: Path) -> SelectedTaxonomy:
    """Return the taxonomy that the parameter `taxonomy` names.

    Args:
        name: a key of `entries`, the name of a file in `folder`, or "auto".
        entries: the section `taxonomies` of params.yaml.
        folder: of the user's taxonomies.

    Raises:
        TaxonomyError: if there is no such file.
        ParamsError: if it holds something else, or there is no such entry.
    """
    if name == AUTO:
        return SelectedTaxonomy(name=AUTO, entry=None)
    if is_file(name):
        return SelectedTaxonomy(name=Path(name).stem, entry=read_taxonomy_file(folder, name))
    if name not in entries:
        raise ParamsError(f"taxonomy: {unknown_taxonomy(name, entries)}")
    return SelectedTaxonomy(name=name, entry=entries[name])


def select_mapping(
    selected: SelectedTaxonomy,
    labels: pd.DataFrame,
    corpus_of: Mapping[str, str],
    meanings: Mapping[str, Meanings] | None = None,
) -> LabelMapping:
    """Return the selected taxonomy, and what the corpora's labels say of its instruments.

    Args:
        selected: which taxonomy.
        labels: columns clip_id, label; of all corpora, looked at for "auto" alone.
        corpus_of: each clip's corpus, of all clips.
        meanings: of the labels of those corpora that say it themselves; a taxonomy's own entry goes before.

    Raises:
        TaxonomyError: if the clips and labels don't allow an automatic one.
    """
    if selected.entry is None:
        return automatic_mapping(labels, corpus_of)
    return replace(build_mapping(selected.name, selected.entry), meanings=meanings or {})


def unknown_taxonomy(name: str, entries: Mapping[str, TaxonomyParams]) -> str:
    """Say that `name` is no taxonomy, and which there are."""
    return (
        f"{name!r} is neither a key of `taxonomies`, nor {AUTO!r}, nor the name of a file in taxonomies/ "
        f"({', '.join(SUFFIXES)}); {closest(name, [AUTO, *entries])}"
    )
