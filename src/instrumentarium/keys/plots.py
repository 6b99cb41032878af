"""The rows behind the plots of the keys stage: recordings by key and by tempo, all together and by instrument."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from instrumentarium.tables.schemas import PITCH_CLASSES

TEMPO_STEP_BPM = 10
ALL = "all"
"""In the place of an instrument: every recording, also those without any."""

Row = dict[str, object]


def with_instruments(
    table: pd.DataFrame, labels: pd.DataFrame, recordings: Mapping[str, str], codes: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of each recording: one as ALL, and one for each instrument that plays in a clip of it.

    Args:
        table: columns recording_id, key, mode, tempo_bpm; one row a recording.
        labels: columns clip_id, instrument, relevance; an instrument plays where it exceeds 0.5.
        recordings: clip_id to recording_id; clips of recordings that the table lacks count for nothing.
        codes: of the instruments, the order in which they follow after ALL.
    """
    playing = labels[labels["relevance"] > 0.5]
    pairs = pd.DataFrame(
        {"recording_id": playing["clip_id"].map(recordings), "instrument": playing["instrument"]}
    ).drop_duplicates()
    found = pd.concat([table.assign(instrument=ALL), table.merge(pairs, on="recording_id")], ignore_index=True)
    places = pd.Index([ALL, *codes]).get_indexer(pd.Index(found["instrument"]))
    return found.assign(place=places).sort_values(["place", "recording_id"], ignore_index=True).drop(columns="place")


def key_rows(table: pd.DataFrame) -> list[Row]:
    """Return how many recordings of each instrument there are in each key.

    Args:
        table: columns instrument, key, mode, as `with_instruments` returns them.
    """
    return [
        {
            "instrument": instrument,
            "key": tonic,
            "mode": mode,
            "recordings": int(((part["key"] == tonic) & (part["mode"] == mode)).sum()),
        }
        for instrument, part in _by_instrument(table[table["mode"] != "unknown"])
        for tonic in PITCH_CLASSES
        for mode in ("major", "minor")
    ]


def tempo_rows(table: pd.DataFrame) -> list[Row]:
    """Return how many recordings of each instrument there are in each range of TEMPO_STEP_BPM that occurs.

    Args:
        table: columns instrument, tempo_bpm, as `with_instruments` returns them.
    """
    known = table[table["tempo_bpm"] > 0]
    rows: list[Row] = []
    for instrument, part in _by_instrument(known):
        tempi = part["tempo_bpm"].to_numpy(dtype=np.float64)
        steps, counts = np.unique(tempi // TEMPO_STEP_BPM, return_counts=True)
        for start, count in zip((steps * TEMPO_STEP_BPM).astype(int).tolist(), counts.tolist(), strict=True):
            end = start + TEMPO_STEP_BPM
            rows.append({"instrument": instrument, "tempo_bpm": start, "to_bpm": end, "recordings": count})
    return rows


def _by_instrument(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Return the rows of each instrument that has any, in the order in which they come."""
    return ((str(name), part) for name, part in table.groupby("instrument", sort=False))
