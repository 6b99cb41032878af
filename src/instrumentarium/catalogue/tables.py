"""A shard's two tables as Parquet: predictions, a row a file, and the files that could not be used, with the reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from instrumentarium.predicting.prediction import Prediction
from instrumentarium.runtime.files import sync

SCORE = "score_"
"""Before an instrument's code: the name of the column of its scores."""
SEGMENT = pa.struct(
    [("instrument", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64()), ("score", pa.float64())]
)
REJECTED = pa.schema([("path", pa.string()), ("reason", pa.string())])


def predictions_schema(codes: Sequence[str], *, timeline: bool) -> pa.Schema:
    """Return the columns of predictions with the instruments `codes`.

    These are path, duration_s, a score in [0, 1] for each instrument, the codes of those that are present, the timeline
    where it is asked for, a note where scores say nothing of the recording, and the sha256 of the model's description.
    """
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            pa.field("duration_s", pa.float64(), nullable=False),
            *(pa.field(SCORE + code, pa.float32(), nullable=False) for code in codes),
            pa.field("present", pa.list_(pa.string()), nullable=False),
            *([pa.field("timeline", pa.list_(SEGMENT), nullable=False)] if timeline else []),
            pa.field("note", pa.string()),
            pa.field("model_sha256", pa.string(), nullable=False),
        ]
    )


def prediction_row(prediction: Prediction, model_sha256: str, *, timeline: bool) -> dict[str, object]:
    """Return a prediction as a row of that table."""
    codes = prediction.taxonomy.codes
    row: dict[str, object] = {"path": prediction.path, "duration_s": prediction.duration_s}
    row |= {SCORE + code: score for code, score in zip(codes, prediction.scores.tolist(), strict=True)}
    row["present"] = [code for code, plays in zip(codes, prediction.present.tolist(), strict=True) if plays]
    if timeline:
        row["timeline"] = [
            {"instrument": part.instrument, "start_s": part.start_s, "end_s": part.end_s, "score": part.score}
            for part in prediction.segments
        ]
    return row | {"note": prediction.note, "model_sha256": model_sha256}


def write_table(path: Path, rows: Sequence[Mapping[str, object]], schema: pa.Schema) -> None:
    """Write rows, and return when the disk holds them."""
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")
    sync(path)


def count_rows(path: Path) -> int:
    """Return how many rows a table has; only its end is read."""
    return int(pq.read_metadata(path).num_rows)
