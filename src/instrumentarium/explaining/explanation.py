"""All that the explain stage writes: maps of chosen clips, projected embeddings, and the projector's files."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.explaining.choosing import Choice, choose_clips, choose_named
from instrumentarium.explaining.errors import BrokenEmbeddingsError, StaleScoresError
from instrumentarium.explaining.maps import Method, choose_method
from instrumentarium.explaining.overlay import draw_overlay
from instrumentarium.explaining.params import ExplainParams
from instrumentarium.explaining.projection import Projection, project
from instrumentarium.explaining.projector import projector_files
from instrumentarium.explaining.scatter import draw_all, embedding_rows
from instrumentarium.explaining.scored import ScoredClips
from instrumentarium.explaining.strongest import explain_strongest, shown_frontend
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.files import write_folder, write_json
from instrumentarium.runtime.progress import progress_bar

DECIMALS = 4
LISTED_COMPONENTS = 10
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Explanation:
    """What is written: file name to content for each folder, rows of the plot, metrics."""

    maps: Files
    embeddings: Files
    projector: Files
    rows: Sequence[Mapping[str, object]]
    metrics: Mapping[str, object]


def read_embeddings(path: Path) -> npt.NDArray[np.float32]:
    """Return embeddings as the score stage wrote them, (clips, size).

    Raises:
        BrokenEmbeddingsError: if the file is cut off, or its header damaged.
    """
    try:
        embeddings = np.load(path, allow_pickle=False)
    except (
        ValueError,
        EOFError,
        MemoryError,
        OverflowError,
        SyntaxError,
        TokenError,
    ) as error:  # NumPy parses the header
        raise BrokenEmbeddingsError(f"{path} is damaged: {error}; run `dvc repro --force score`") from error
    if not isinstance(embeddings, np.ndarray) or embeddings.dtype != np.dtype("<f4"):
        raise BrokenEmbeddingsError(f"{path} is damaged: it holds no 32-bit numbers; run `dvc repro --force score`")
    return embeddings


def explain(
    model: RecognitionModel,
    card: ModelCard,
    scored: ScoredClips,
    samples: ClipSamples,
    embeddings: npt.NDArray[np.float32],
    params: ExplainParams,
    seed: int,
) -> Explanation:
    """Explain a trained model.

    Args:
        model: in evaluation mode, on the processor.
        card: its card.
        scored: validation and test clips.
        samples: of these clips, in their order.
        embeddings: (clips, size), in their order.
        params: what to explain, and how.
        seed: of which points are drawn, and of t-SNE.

    Raises:
        StaleScoresError: if embeddings or samples are not those of the scored clips.
        UnknownClipError: if a clip to explain is not among them.
        NoFeatureMapError: if the network has no feature map for Grad-CAM.
        TooFewClipsError: if there are too few clips to project.
    """
    if embeddings.ndim != 2 or len(embeddings) != len(scored.clip_ids) or samples.clip_ids != scored.clip_ids:
        raise StaleScoresError(
            f"embeddings of shape {embeddings.shape} and samples of {len(samples)} clips don't belong to "
            f"{len(scored.clip_ids)} scored clips; run `dvc repro score`"
        )
    method = choose_method(model, params.method)
    chosen = choose_named(scored, params.clips) if params.clips else choose_clips(scored, params.per_instrument)
    projection = project(embeddings, perplexity=params.perplexity, most_points=params.most_points, seed=seed)
    if len(projection.rows) < len(embeddings):
        logging.getLogger(__name__).info(
            "explain: %d of %d clips drawn; explain.most_points sets how many", len(projection.rows), len(embeddings)
        )
    return Explanation(
        maps=_draw_maps(model, card, samples, chosen, method),
        embeddings=draw_all(scored, projection),
        projector=projector_files(scored, embeddings),
        rows=embedding_rows(scored, projection),
        metrics=_metrics(embeddings, projection, chosen, method),
    )


def write_explanation(
    found: Explanation, *, maps: Path, embeddings: Path, projector: Path, rows: Path, metrics: Path
) -> None:
    """Write everything; each folder is replaced as a whole."""
    for folder, files in ((maps, found.maps), (embeddings, found.embeddings), (projector, found.projector)):
        write_folder(folder, files)
    write_json(rows, found.rows)
    write_json(metrics, found.metrics)


def _draw_maps(
    model: RecognitionModel, card: ModelCard, samples: ClipSamples, chosen: Sequence[Choice], method: Method
) -> Files:
    """Return file name to content: a picture for each choice, and maps.json, which lists them."""
    axes = shown_frontend(model, card.sample_rate_hz).axes
    assert axes is not None
    centres = axes.band_centres_hz.numpy().astype(np.float64)
    files, listing = {}, []
    with progress_bar("explain", "clips", total=len(chosen)) as bar:
        for choice in chosen:
            window = explain_strongest(model, card, samples, choice, method)
            files[f"{choice.name}.png"] = draw_overlay(window, choice, method, centres, axes.frame_s)
            listing.append(
                {
                    "file": f"{choice.name}.png",
                    "clip_id": choice.clip_id,
                    "instrument": choice.instrument,
                    "truth": choice.truth,
                    "score": choice.score,
                    "method": method,
                    "window_start_s": _rounded(window.start_s),
                    "window_score": _rounded(window.window_score),
                    "empty": window.is_empty,
                }
            )
            bar.update(1)
    return {**files, "maps.json": (json.dumps(listing, allow_nan=False, ensure_ascii=False, indent=2) + "\n").encode()}


def _metrics(
    embeddings: npt.NDArray[np.float32], projection: Projection, chosen: Sequence[Choice], method: Method
) -> dict[str, object]:
    shares = projection.explained_variance
    together = np.cumsum(shares)
    return {
        "maps": {"method": method, "pictures": len(chosen)},
        "embeddings": {"clips": len(embeddings), "size": embeddings.shape[1], "drawn": len(projection.rows)},
        "pca": {
            "explained_variance": {
                f"{n + 1:02d}": _rounded(share) for n, share in enumerate(shares[:LISTED_COMPONENTS])
            },
            "two_components": _rounded(together[:2][-1]),
            "components_for_90_percent": int((together < 0.9).sum()) + 1 if together[-1] else 0,
        },
        "tsne": {"perplexity": _rounded(projection.perplexity), "kl_divergence": _rounded(projection.kl_divergence)},
    }


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS)
