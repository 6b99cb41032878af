"""From the corpora's own labels to the instruments of a taxonomy.

A clip has an instrument with the highest relevance of its labels that name the instrument. An instrument is known to be
absent only where every label of that corpus which names it is known to be: of a corpus that parts acoustic from electric
guitars, `guitar` is absent where both are. Anything else is unobserved, and has no row.

A corpus may say itself which instruments its labels mean, by their names; then it needs no entry in a taxonomy (kinds.py).
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from instrumentarium.tables.kinds import Verdict, verdict
from instrumentarium.tables.params import LabelParams, TaxonomyParams
from instrumentarium.tables.schemas import EVERY_OTHER
from instrumentarium.tables.spelling import code_from, plain
from instrumentarium.tables.taxonomy import Instrument, Taxonomy, TaxonomyError

OWN = "own"
COLUMNS = ("clip_id", "instrument", "relevance")
_SHOWN = 20
"""Labels that a message names."""

Meanings = Mapping[str, Sequence[str]]
"""The names of instruments that each label of a corpus may mean, one of them in truth."""


@dataclass(frozen=True)
class LabelMapping:
    """A taxonomy, and for each corpus what its labels say of the instruments.

    Attributes:
        taxonomy: of the run.
        corpora: as params.yaml has it. Labels of a corpus without an entry go by its meanings, those of own data by
            spelling, and any others say nothing.
        meanings: of the labels of those corpora that say it themselves.
    """

    taxonomy: Taxonomy
    corpora: Mapping[str, LabelParams]
    meanings: Mapping[str, Meanings] = field(default_factory=dict)

    @cached_property
    def _code_of(self) -> dict[str, str]:
        """Every code and every name, as names are compared, to the code."""
        names = {plain(instrument.name): instrument.code for instrument in self.taxonomy.instruments}
        return names | {plain(code): code for code in self.taxonomy.codes}

    def codes_of(self, corpus: str, label: str) -> tuple[str, ...] | None:
        """Return the instruments that a label names, which may be none; None where the mapping does not know the label."""
        if self.goes_by_meaning(corpus):
            return self._with_verdict(corpus, label, "present") or None
        rule = self.corpora.get(corpus, "spelling" if corpus == OWN else {})
        if rule == "none":
            return ()
        if not isinstance(rule, str):
            mapped = rule.get(label) if corpus != OWN else _by_spelling(rule, label)
            if mapped is not None or corpus != OWN:
                return None if mapped is None else (mapped,) if isinstance(mapped, str) else tuple(mapped)
        return self._spelled(label)

    def _spelled(self, label: str) -> tuple[str, ...] | None:
        """Return the instruments whose codes or names a label consists of, the longest names first."""
        words, codes = plain(label).split(), dict[str, None]()
        while words:
            lengths = range(len(words), 0, -1)
            taken = next((length for length in lengths if " ".join(words[:length]) in self._code_of), None)
            if taken is None:
                return None
            codes[self._code_of[" ".join(words[:taken])]] = None
            del words[:taken]
        return tuple(codes) or None

    def goes_by_meaning(self, corpus: str) -> bool:
        """Say whether a corpus itself says what its labels mean, and the taxonomy does not say it in its place."""
        return corpus in self.meanings and corpus not in self.corpora

    def unsure(self, corpus: str, label: str) -> frozenset[str]:
        """Return the instruments of which nobody can say whether a label means them."""
        if self.goes_by_meaning(corpus) and label in self.meanings[corpus]:
            return frozenset(self._with_verdict(corpus, label, "unknown"))
        return frozenset() if self.codes_of(corpus, label) else self._akin(label)

    def _with_verdict(self, corpus: str, label: str, wanted: Verdict) -> tuple[str, ...]:
        """Return the instruments of which a label of a corpus that goes by meaning says what is `wanted`."""
        meant = self.meanings[corpus].get(label, ())
        return tuple(each.code for each in self.taxonomy.instruments if wanted == _verdict_of(meant, each))

    def _akin(self, label: str) -> frozenset[str]:
        """Return the instruments that share a word with a label, so that nobody can say they are not meant by it."""
        words = set(plain(label).split())
        return frozenset(code for name, code in self._code_of.items() if words & set(name.split()))


def _verdict_of(meant: Sequence[str], instrument: Instrument) -> Verdict:
    """Return what a label says of an instrument, whose name or code is a word that is known; the other may be none."""
    found = {verdict(meant, instrument.name), verdict(meant, instrument.code)}
    return "present" if "present" in found else "unknown" if "unknown" in found else "other"


def _by_spelling(rule: Mapping[str, str | list[str]], label: str) -> str | list[str] | None:
    return next((codes for known, codes in rule.items() if plain(known) == plain(label)), None)


@dataclass(frozen=True)
class MappedLabels:
    """Labels in a taxonomy's instruments.

    Attributes:
        taxonomy: with what the labels of each corpus at hand can say anything of.
        labels: columns clip_id, instrument, relevance; one row a known pair, sorted.
        left_out: for each label of own data that the taxonomy does not know, how many clips state it.
    """

    taxonomy: Taxonomy
    labels: pd.DataFrame
    left_out: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> str:
        """Say in a line what came out, and which labels of own data did not."""
        shown = list(self.left_out.items())[:_SHOWN]
        named = ", ".join(f"{label} ({count}{self._likely(label)})" for label, count in shown)
        more = f" and {len(self.left_out) - _SHOWN} more" if len(self.left_out) > _SHOWN else ""
        missing = f"; labels of your own data that it has no instrument for: {named}{more}" if named else ""
        return f"{len(self.labels)} labels in the {len(self.taxonomy)} instruments of {self.taxonomy.name}{missing}"

    def _likely(self, label: str) -> str:
        known = [plain(word) for each in self.taxonomy.instruments for word in (each.code, each.name)]
        meant = difflib.get_close_matches(plain(label), known, n=1, cutoff=0.75)
        return f", did you mean {meant[0]!r}?" if meant else ""


def build_mapping(name: str, params: TaxonomyParams) -> LabelMapping:
    """Return the taxonomy and the mapping that a section of params.yaml, or a file like it, describes."""
    instruments = tuple(Instrument(each.code, each.name, each.family) for each in params.instruments)
    return LabelMapping(Taxonomy(name, instruments), params.corpora)


def automatic_mapping(labels: pd.DataFrame, corpus_of: Mapping[str, str]) -> LabelMapping:
    """Return a taxonomy of the labels that own data have: coded by their names, sorted by code.

    Args:
        labels: columns clip_id, label.
        corpus_of: each clip's corpus.

    Raises:
        TaxonomyError: if clips of another corpus are among them, own data have no label, or two labels get one code.
    """
    others = sorted(set(corpus_of.values()) - {OWN})
    if others:
        raise TaxonomyError(
            f"`taxonomy: auto` is for own data alone, and {', '.join(others)} is used as well; switch it off under "
            "`collections`, or write a taxonomy that says what its labels mean (docs/own-data.md)"
        )
    named = [str(label) for label in sorted(set(labels["label"]) - {EVERY_OTHER})]
    if not named:
        raise TaxonomyError("`taxonomy: auto` takes the labels of your own data, and none of their clips has a label")
    spelled: dict[str, str] = {}
    for label in named:
        other = spelled.setdefault(code_from(label), label)
        if other != label:
            raise TaxonomyError(
                f"the labels {other!r} and {label!r} of your own data would both get the code {code_from(label)}; "
                "rename one, or write a taxonomy (docs/own-data.md)"
            )
    instruments = tuple(Instrument(code, label) for code, label in sorted(spelled.items()))
    return LabelMapping(Taxonomy("auto", instruments), {OWN: {label: code for code, label in spelled.items()}})


def map_labels(labels: pd.DataFrame, corpus_of: Mapping[str, str], mapping: LabelMapping) -> MappedLabels:
    """Return labels in the instruments of a taxonomy.

    Where a clip has the label EVERY_OTHER, the instruments that it has no other row of are absent with that relevance, but
    for those that may be meant by a label which the clip has: a `guitar` may be any. Of a corpus that doesn't say what its
    labels mean, these are the ones that share a word with a label which the taxonomy does not know.

    Args:
        labels: columns clip_id, label, relevance; one row a known pair.
        corpus_of: each clip's corpus.
        mapping: the taxonomy and what the corpora's labels say of it.

    Raises:
        TaxonomyError: if own data have labels, and the taxonomy knows none of them.
    """
    left_out: Counter[str] = Counter()
    relevance: dict[tuple[str, str], float] = {}
    covered: dict[str, tuple[str, ...]] = {}
    corpora = labels["clip_id"].map(corpus_of)
    for name, rows in labels.groupby(corpora):
        corpus = str(name)
        covered[corpus] = mapping.taxonomy.codes
        if mapping.corpora.get(corpus) == "none":
            for clip_id in rows["clip_id"].unique():
                relevance |= {(str(clip_id), code): 0.0 for code in mapping.taxonomy.codes}
            continue
        stated = [str(label) for label in rows["label"].unique() if label != EVERY_OTHER]
        found = {label: mapping.codes_of(corpus, label) for label in stated}
        named_by = _named_by(corpus, found, mapping)
        relevance |= _relevances(rows, found, named_by)
        if corpus != OWN and not mapping.goes_by_meaning(corpus):
            covered[corpus] = tuple(code for code in mapping.taxonomy.codes if code in named_by)
        elif corpus == OWN:
            left_out.update(str(label) for label in rows["label"] if label in found and found[str(label)] is None)
            if found and all(codes is None for codes in found.values()):
                raise TaxonomyError(_nothing_known(mapping.taxonomy, found))
        for clip_id, code, value in _others(corpus, rows, found, mapping):
            relevance.setdefault((clip_id, code), value)
    rows_out = [(clip_id, code, value) for (clip_id, code), value in sorted(relevance.items())]
    table = pd.DataFrame(rows_out, columns=list(COLUMNS))
    return MappedLabels(replace(mapping.taxonomy, covered=covered), table, dict(left_out.most_common()))


def _named_by(corpus: str, found: Mapping[str, Sequence[str] | None], mapping: LabelMapping) -> Counter[str]:
    """Return how many labels of the corpus name each instrument, those of a mapping whether or not a clip has them."""
    rule = mapping.corpora.get(corpus, {})
    labels: Iterable[str] = found if isinstance(rule, str) or corpus == OWN else rule
    return Counter(code for label in labels for code in mapping.codes_of(corpus, label) or ())


def _relevances(
    rows: pd.DataFrame, found: Mapping[str, Sequence[str] | None], named_by: Mapping[str, int]
) -> dict[tuple[str, str], float]:
    """Return the relevance of each clip and instrument that its labels state."""
    highest: dict[tuple[str, str], float] = {}
    stated: Counter[tuple[str, str]] = Counter()
    for clip_id, label, value in zip(rows["clip_id"], rows["label"], rows["relevance"], strict=True):
        for code in found.get(str(label)) or ():
            pair = str(clip_id), code
            highest[pair] = max(highest.get(pair, 0.0), float(value))
            stated[pair] += 1
    return {pair: value for pair, value in highest.items() if value > 0.5 or stated[pair] == named_by[pair[1]]}


def _others(
    corpus: str, rows: pd.DataFrame, found: Mapping[str, Sequence[str] | None], mapping: LabelMapping
) -> Iterable[tuple[str, str, float]]:
    """Yield what EVERY_OTHER says of a clip: each instrument that may be meant, with its relevance.

    A label of relevance 0.5 is unobserved, and so is all that it may mean.
    """
    meant = {label: mapping.unsure(corpus, label) for label in found}
    named = {label: meant[label] | frozenset(codes or ()) for label, codes in found.items()}
    unsure: dict[str, set[str]] = {}
    stated = rows.loc[rows["relevance"] >= 0.5, ["clip_id", "label", "relevance"]]
    for clip_id, label, value in stated.itertuples(index=False):
        may_be = meant if float(value) > 0.5 else named
        unsure.setdefault(str(clip_id), set()).update(may_be.get(str(label), ()))
    others = rows[rows["label"] == EVERY_OTHER]
    for clip_id, value in zip(others["clip_id"], others["relevance"], strict=True):
        for code in mapping.taxonomy.codes:
            if code not in unsure.get(str(clip_id), ()):
                yield str(clip_id), code, float(value)


def _nothing_known(taxonomy: Taxonomy, labels: Iterable[str]) -> str:
    stated = sorted(labels)
    more = f" and {len(stated) - _SHOWN} more" if len(stated) > _SHOWN else ""
    known = ", ".join(f"{code} ({name})" for code, name in taxonomy.names.items())
    return (
        f"taxonomy {taxonomy.name} knows none of the labels of your own data: {', '.join(stated[:_SHOWN])}{more}. "
        f"It knows {known}. Set `taxonomy` to auto (own data alone), or say what they mean (docs/own-data.md)"
    )
