"""The tables' contracts: their columns, keys and allowed values.

`clip_id` is `<corpus>/<path inside the archive without suffix>` in Unicode NFC.
"""

from typing import Annotated, Literal

from pydantic import Field

from instrumentarium.tables.table import Counted, Number, Seconds, Table, Text, Unit
from instrumentarium.tables.taxonomy import Taxonomy

CLIPS = Table(
    name="clips",
    key=("clip_id",),
    made_by="ingest",
    columns={
        "clip_id": Text,
        "corpus": Text,
        "recording_id": Text,  # <corpus>/<the corpus's own name for the recording>
        "path": Text,  # inside the archive, NFC
        "duration_s": Seconds,  # of the publisher's file
        "sample_rate_hz": Counted,  # of the publisher's file
        "channels": Counted,  # of the publisher's file
        "first_sample": Number,  # in the sample store
        "n_samples": Counted,  # in the sample store
        "official_split": Literal["", "train", "validation", "test", "fold1", "fold2", "fold3", "fold4", "fold5"],
        "genre": str,
        "drums": Literal["yes", "no", "unknown"],
        "licence": str,  # of this clip; "unknown" where its publisher does not say
        "group": str,  # within its corpus, to be counted by; of ESC-50 what its sounds could be taken for
        "pcm_hash": Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")],  # of the decoded samples, before resampling
    },
)
LABELS = Table(
    name="labels",
    key=("clip_id", "label"),
    made_by="ingest",
    columns={"clip_id": Text, "label": Text, "relevance": Unit},
)
"""Of one corpus, in its own labels; only observed pairs have a row."""
EVERY_OTHER = "*"
"""A label that stands for all that a clip has no row of: with relevance 0 it says that nothing else plays."""
SOUNDING = Table(
    name="sounding",
    key=("clip_id", "label", "start_s"),
    made_by="ingest",
    columns={
        "clip_id": Text,
        "label": Text,
        "start_s": Annotated[float, Field(ge=0, allow_inf_nan=False)],  # in the clip
        "end_s": Seconds,  # in the clip, after start_s
    },
)
"""Of one corpus, where its publisher says what sounds when: samples/sounding.csv, beside the samples.

A label sounds nowhere else in a clip of such a corpus, unless the clip has it with relevance 0.5: then nobody knows when.
"""
REJECTED = Table(name="rejected", key=("path",), made_by="ingest", columns={"path": Text, "reason": Text})
DUPLICATES = Table(
    name="duplicates",
    key=("clip_a", "clip_b"),
    made_by="duplicates",
    columns={
        "clip_a": Text,
        "clip_b": Text,  # after clip_a in alphabetical order
        "kind": Literal["exact", "fingerprint"],  # equal decoded samples; or the same recording, processed or moved
        "offset_s": Annotated[float, Field(allow_inf_nan=False)],  # of clip_b's beginning in clip_a
        "overlap_s": Seconds,  # how much audio the two share
        "matches": Number,  # landmarks that agree on the offset; 0 where equal samples made them unnecessary
        "conflict": str,  # codes joined by "-" of which one clip says yes and the other no, though they sound alike
    },
)
SPLIT = Table(
    name="split",
    key=("clip_id",),
    made_by="split",
    columns={"clip_id": Text, "split": Literal["train", "validation", "test"], "recording_id": Text},
)
LABEL_NEIGHBOURS = Table(
    name="label neighbours",
    key=("clip_id", "place"),
    made_by="audit",
    columns={
        "clip_id": Text,
        "place": Counted,  # from 1, the nearest
        "neighbour": Text,  # a clip of another recording
        "cosine": Annotated[float, Field(ge=-1.000001, le=1.000001)],  # of the two embeddings, standardised
    },
)

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEYS_TEMPOS = Table(
    name="keys_tempos",
    key=("recording_id",),
    made_by="keys",
    columns={
        "recording_id": Text,  # of the split table
        "key": Literal[(*PITCH_CLASSES, "unknown")],  # unknown of silence
        "mode": Literal["major", "minor", "unknown"],
        "key_strength": Annotated[float, Field(ge=-1, le=1)],  # correlation with the key's profile; 0 where unknown
        "tempo_bpm": Annotated[float, Field(ge=0, allow_inf_nan=False)],  # 0 where unknown
    },
)


def scores_table(taxonomy: Taxonomy) -> Table:
    """Return the contract of a system's scores: one probability an instrument."""
    return Table(
        name="scores",
        key=("clip_id",),
        made_by="score",
        columns={"clip_id": Text, **dict.fromkeys(taxonomy.codes, Unit)},
    )


def resolved_labels_table(taxonomy: Taxonomy) -> Table:
    """Return the contract of data/labels.csv: all corpora's labels in the taxonomy's instruments, conflicts resolved."""
    return Table(
        name="labels",
        key=("clip_id", "instrument"),
        made_by="duplicates",
        columns={"clip_id": Text, "instrument": Literal[taxonomy.codes], "relevance": Unit},
    )


def label_issues_table(taxonomy: Taxonomy) -> Table:
    """Return the contract of data/label_issues.csv: labels that are probably wrong, with what speaks for and against."""
    return Table(
        name="label issues",
        key=("rank",),
        made_by="audit",
        columns={
            "rank": Counted,  # 1 is the least credible label
            "clip_id": Text,
            "instrument": Literal[taxonomy.codes],
            "stated": Literal["present", "absent"],
            "score": Unit,  # the probability that the instrument plays, from models that have not seen the recording
            "quality": Unit,  # the probability of what is stated: the score, or 1 minus it
            "flagged": Literal["yes", "no"],  # whether cleanlab takes the label for an error
            "split": Literal["train", "validation", "test"],
            "recording_id": Text,
            "neighbours_present": Number,  # of the nearest clips of other recordings, those known to have the instrument
            "neighbours_absent": Number,  # and those known not to
            "duplicates_present": Number,  # of the clips that sound the same, those known to have the instrument
            "duplicates_absent": Number,
        },
    )
