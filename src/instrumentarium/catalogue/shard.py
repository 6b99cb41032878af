"""What a worker does: it loads the model once, and makes the tables of one lot of files after the other."""

import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from instrumentarium.catalogue.bucket import SCHEME, stream_of_object
from instrumentarium.catalogue.folder import Staged
from instrumentarium.catalogue.listing import Lot
from instrumentarium.catalogue.tables import REJECTED, prediction_row, predictions_schema, write_table
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.inputs import readable_name
from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.predicting.prediction import Prediction


class ShardWriter:
    """Makes shards' tables in a staging folder.

    Args:
        load: returns the ladder; called once.
        staging: the folder that tables are written into.
        relative_to: the folder that names are relative to.
        model_sha256: of the model's description, for the rows.
        timeline: whether rows have the timeline.
    """

    def __init__(
        self, load: Callable[[], Files2Table], staging: Path, relative_to: Path, model_sha256: str, *, timeline: bool
    ) -> None:
        self.ladder, self.staging, self.relative_to = load(), staging, relative_to
        self.model_sha256, self.timeline = model_sha256, timeline
        taxonomy = self.ladder.audio2timeline.taxonomy
        self.schema = predictions_schema(taxonomy.codes, timeline=timeline)

    def ready(self) -> None:
        """Return when the model is loaded."""

    def probe(self, name: str) -> None:
        """Predict for one file alone, and keep nothing: to know whether this process outlives it."""
        for _ in self._predictions((name,)):
            pass

    def write(self, lot: Lot, unusable: Mapping[str, str]) -> Staged:
        """Write the tables of a lot; `unusable` names files that are not to be touched, with the reason."""
        rows: list[dict[str, object]] = []
        rejected = [{"path": readable_name(Path(name)), "reason": reason} for name, reason in unusable.items()]
        for found in self._predictions(tuple(name for name in lot.names if name not in unusable)):
            if found.error is None:
                rows.append(prediction_row(found, self.model_sha256, timeline=self.timeline))
            else:
                rejected.append({"path": found.path, "reason": found.error})
        if len(rows) + len(rejected) != len(lot.names):
            raise RuntimeError(f"shard {lot.number}: {len(rows)} and {len(rejected)} rows of {len(lot.names)} files")
        mine = f"{lot.number:08d}.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex}"
        predictions, failures = self.staging / f"{mine}.predictions", self.staging / f"{mine}.rejected"
        write_table(predictions, rows, self.schema)
        if rejected:
            write_table(failures, rejected, REJECTED)
        return Staged(lot.number, predictions, failures if rejected else None, len(lot.names))

    def _predictions(self, names: tuple[str, ...]) -> Iterator[Prediction]:
        rate_hz = self.ladder.audio2timeline.samples2scores.sample_rate_hz

        def streams() -> Iterator[tuple[str, SampleStream]]:
            for name in names:
                if name.startswith(SCHEME):
                    yield name, stream_of_object(name, rate_hz)
                else:
                    yield readable_name(Path(name)), SampleStream.of_file(self.relative_to / name, rate_hz)

        return self.ladder.of_streams(streams())
