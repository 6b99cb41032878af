"""Embeddings as the TensorBoard Embedding Projector reads them: two tables of tabs and a configuration.

Format: TensorBoard, projector plug-in (projector_config.proto); a metadata file of several columns begins with their names.
The same two tables can be loaded into the projector's page by hand.
"""

import numpy as np
import numpy.typing as npt

from instrumentarium.explaining.scored import ScoredClips

CONFIG = """\
embeddings {
  tensor_name: "embeddings"
  tensor_path: "tensors.tsv"
  metadata_path: "metadata.tsv"
}
"""


def projector_files(scored: ScoredClips, embeddings: npt.NDArray[np.float32]) -> dict[str, bytes]:
    """Return file name to content: tensors.tsv, metadata.tsv and projector_config.pbtxt, rows in the clips' order.

    Metadata columns: clip_id, recording_id, corpus, split, genre, instrument (as ScoredClips.instruments says), true
    (codes of all instruments known to play), predicted (code of the highest score).
    """
    header = ("clip_id", "recording_id", "corpus", "split", "genre", "instrument", "true", "predicted")
    codes = scored.taxonomy.codes
    true = [",".join(code for code, on in zip(codes, row, strict=True) if on) for row in scored.targets]
    predicted = [codes[column] for column in scored.scores.argmax(axis=1)]
    columns = (scored.clip_ids, scored.recordings, scored.corpora, scored.splits, scored.genres, scored.instruments())
    rows = [header, *zip(*columns, true, predicted, strict=True)]
    metadata = ["\t".join(_cell(value) for value in row) for row in rows]
    tensors = ["\t".join(f"{value:.7g}" for value in row) for row in embeddings.tolist()]
    files = {"tensors.tsv": tensors, "metadata.tsv": metadata}
    return {
        **{name: "".join(f"{line}\n" for line in lines).encode() for name, lines in files.items()},
        "projector_config.pbtxt": CONFIG.encode(),
    }


def _cell(value: object) -> str:
    """Return a value on one line and in one column, whatever characters a file's name holds."""
    return " ".join(str(value).split())
