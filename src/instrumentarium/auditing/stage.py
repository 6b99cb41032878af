"""The audit stage's work, from the files of the stages before to its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from instrumentarium.auditing.audit import Audit, audit_labels, describe_audit, nothing_audited, write_audit
from instrumentarium.auditing.embedding import read_embeddings
from instrumentarium.auditing.params import AuditParams
from instrumentarium.auditing.planted import planted_errors, score_audit
from instrumentarium.clips.collection import clips_of, read_clips
from instrumentarium.clips.duplicates import pairs_among
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, LabelArrays, label_arrays
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import DeclaredParams, Seed
from instrumentarium.tables.schemas import DUPLICATES, SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import Taxonomy, read_taxonomy


@dataclass(frozen=True)
class Sources:
    """What an audit reads: folders of the ingested corpora, files, the folder of the truth."""

    corpora: Sequence[Path]
    labels: Path
    taxonomy: Path
    split: Path
    duplicates: Path
    embeddings: Path
    training_embeddings: Path
    truth: Path


def audit_collection(params: DeclaredParams, sources: Sources, out: Path, neighbours: Path, metrics: Path) -> str:
    """Audit the labels of a collection, write what comes out, and return a line about it.

    Raises:
        UserError: of the kind that fits, if a file is missing or does not go with the others.
    """
    settings, taxonomy = params.read("audit", AuditParams), read_taxonomy(sources.taxonomy)
    if not settings.use:
        write_audit(nothing_audited(taxonomy), taxonomy, out, neighbours)
        write_json(metrics, describe_audit(None, taxonomy.codes, None))
        return "not asked for (audit.use is false)"
    absent = params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT)
    audit, known = _audit(sources, settings, taxonomy, absent, params.read("seed", Seed))
    write_audit((audit.table, audit.neighbours), taxonomy, out, neighbours)
    scored = score_audit(audit.issues, planted_errors(sources.truth, known, taxonomy.codes))
    write_json(metrics, describe_audit(audit, taxonomy.codes, scored))
    pairs, flagged = int(known.observed.sum()), int(audit.issues.flagged.sum())
    return f"{len(known.clip_ids)} clips and {pairs} labels in; {flagged} flagged, {len(audit.table)} listed"


def _audit(
    sources: Sources, settings: AuditParams, taxonomy: Taxonomy, absent: str, seed: int
) -> tuple[Audit, LabelArrays]:
    split = SPLIT.read(sources.split)
    clips = clips_of(read_clips(sources.corpora), split, "train", "validation", "test")
    every = resolved_labels_table(taxonomy).read(sources.labels)
    labels = every[every["clip_id"].isin(clips["clip_id"])]
    known = label_arrays(clips, labels, taxonomy, irmas_train_absent=IRMAS_TRAIN_ABSENT.validate_python(absent))
    audit = audit_labels(
        clips,
        split,
        known,
        pairs_among(clips, DUPLICATES.read(sources.duplicates)),
        read_embeddings(clips, split, sources.embeddings, sources.training_embeddings),
        taxonomy,
        settings,
        seed,
    )
    return audit, known
