"""What every system leaves behind, classical or of others: a folder to predict from, and a table of scores to evaluate."""

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

from instrumentarium.baselines.rows import ScoredWindows
from instrumentarium.baselines.system import Arrays, Kind
from instrumentarium.baselines.systemfile import CARD, THRESHOLDS, SystemCard, save_system
from instrumentarium.clips.labels import BoolArray, FloatArray, LabelArrays
from instrumentarium.descriptors.table import DescriptorCard
from instrumentarium.evaluation.choosing import choose_thresholds
from instrumentarium.evaluation.thresholds import Rule
from instrumentarium.runtime.sealed import read_seal
from instrumentarium.tables.schemas import scores_table
from instrumentarium.tables.taxonomy import Taxonomy

LIBRARIES = ("numpy", "scikit-learn", "scipy")
DECIMALS = 6
"""Of scores in tables."""


@dataclass(frozen=True)
class Publisher:
    """Where systems go, and what is the same for all of them.

    Attributes:
        systems: the folder for a folder each.
        scores: the folder for a table each.
        scored: the clips that are scored.
        known: what is known of them, in their order.
        taxonomy: the instruments.
        descriptors: how descriptors are computed.
        rule: which thresholds make the predictions.
        seed: of what was drawn.
    """

    systems: Path
    scores: Path
    scored: ScoredWindows
    known: LabelArrays
    taxonomy: Taxonomy
    descriptors: DescriptorCard
    rule: Rule
    seed: int

    def publish(
        self, name: str, kind: Kind, arrays: Arrays, scores: FloatArray, members: dict[str, str] | None = None
    ) -> FloatArray:
        """Write a system's folder and table; return the scores as the table has them, (clips, instruments).

        The thresholds are those that the evaluate stage chooses: by the same function, from the same scores.

        Args:
            name: of the system.
            kind: what its arrays are.
            arrays: all that it scores by.
            scores: of the clips, (clips, instruments); those of validation must not have seen their own labels.
            members: name to sha256 of the systems that it is made of.

        Raises:
            EvaluationError: if there is too little to choose thresholds on.
        """
        rounded = scores.round(DECIMALS)
        table = pd.DataFrame(rounded, columns=list(self.taxonomy.codes))
        table.insert(0, "clip_id", self.scored.clip_ids)
        scores_table(self.taxonomy).write(self.scores / f"{name}.csv", table)
        folder = self.systems / name
        card = SystemCard(
            format=1,
            name=name,
            kind=kind,
            taxonomy_name=self.taxonomy.name,
            labels=self.taxonomy.instruments,
            descriptors=self.descriptors,
            members=members or {},
            seed=self.seed,
            versions={library: metadata.version(library) for library in LIBRARIES},
        )
        save_system(folder, card, arrays)
        validation = self.scored.splits == "validation"
        choose_thresholds(
            self.known.targets[validation],
            rounded[validation],
            self.known.observed[validation],
            self.scored.recordings[validation],
            codes=self.taxonomy.codes,
            rule=self.rule,
        ).write(folder / THRESHOLDS, read_seal(folder / CARD))
        return rounded


def of_validation(
    scored: ScoredWindows, scores: FloatArray, known: LabelArrays
) -> tuple[BoolArray, FloatArray, BoolArray]:
    """Return targets, scores and observed of the validation clips, as metrics take them."""
    mine = scored.splits == "validation"
    return known.targets[mine], scores[mine], known.observed[mine]
