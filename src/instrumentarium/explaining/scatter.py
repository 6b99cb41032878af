"""Pictures of the projected embeddings, coloured by instrument, genre and corpus, and of the variance they keep."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from instrumentarium.drawing.colours import MARKERS, OKABE_ITO, PALE, colours_of, looks_of
from instrumentarium.drawing.style import new_figure, styled, to_png
from instrumentarium.explaining.projection import FloatArray, Projection
from instrumentarium.explaining.scored import NONE, SEVERAL, UNKNOWN, ScoredClips

Words = npt.NDArray[np.str_]
Looks = dict[str, tuple[str, str]]

SCREE_COMPONENTS = 30
DECIMALS = 4
LEGEND_COLUMNS = 2
LEGEND_ROW_IN = 0.125
GREY_NAMES = {SEVERAL: "several known", NONE: "no instrument", UNKNOWN: "none known", "": "none stated"}
GREY_MARKERS = {SEVERAL: "x", NONE: ".", UNKNOWN: "+", "": ".", "others": "+"}


def draw_all(scored: ScoredClips, projection: Projection) -> dict[str, bytes]:
    """Return file name to PNG: pca.png, tsne.png and scree.png."""
    shares = projection.explained_variance
    labels = [f"component {n + 1} ({100 * shares[n]:.1f} % of variance)" for n in range(2)]
    return {
        "pca.png": _draw_points(
            scored, projection.rows, projection.pca, labels, "Principal components of the embeddings"
        ),
        "tsne.png": _draw_points(
            scored,
            projection.rows,
            projection.tsne,
            ["t-SNE 1", "t-SNE 2"],
            f"t-SNE of the embeddings, perplexity {projection.perplexity:g}: neighbourhoods count, distances mean little",
        ),
        "scree.png": _draw_scree(shares),
    }


def embedding_rows(scored: ScoredClips, projection: Projection) -> list[dict[str, object]]:
    """Return plot rows, one a drawn clip: clip_id, corpus, genre, instrument, colour, pca_1, pca_2, tsne_1, tsne_2.

    `instrument` is a name where one instrument is known to play, else what `ScoredClips.instruments` says; `colour` is that
    of all pictures of the taxonomy.
    """
    instruments, names = scored.instruments(), scored.taxonomy.names
    colours = colours_of(scored.taxonomy.codes)
    return [
        {
            "clip_id": scored.clip_ids[row],
            "corpus": str(scored.corpora[row]),
            "genre": str(scored.genres[row]),
            "instrument": names.get(str(instruments[row]), str(instruments[row])),
            "colour": colours.get(str(instruments[row]), PALE),
            **{f"pca_{n + 1}": round(float(projection.pca[point, n]), DECIMALS) for n in range(2)},
            **{f"tsne_{n + 1}": round(float(projection.tsne[point, n]), DECIMALS) for n in range(2)},
        }
        for point, row in enumerate(projection.rows.tolist())
    ]


def genre_words(scored: ScoredClips) -> Words:
    """Return a genre a clip; the category of a sound without instruments stands for its group."""
    groups = [
        f"{group} sound" if group else str(genre) for group, genre in zip(scored.groups, scored.genres, strict=True)
    ]
    return np.array(groups, dtype=np.str_)


def _draw_points(
    scored: ScoredClips, rows: npt.NDArray[np.int_], points: FloatArray, labels: list[str], title: str
) -> bytes:
    panels: list[tuple[str, Words, Callable[[Words], Looks]]] = [
        ("instrument, where one is known to play", scored.instruments(), lambda _: looks_of(scored.taxonomy.codes)),
        ("genre", genre_words(scored), _looks),
        ("corpus", scored.corpora, _looks),
    ]
    with styled():
        longest = max(len(np.unique(words[rows])) for _, words, _ in panels)
        figure = new_figure(9.0, 3.0 + LEGEND_ROW_IN * -(-longest // LEGEND_COLUMNS), layout="constrained")
        for axes, (name, words, choose_looks) in zip(figure.subplots(1, 3), panels, strict=True):
            _scatter(axes, points, words[rows], choose_looks(words), scored.taxonomy.names)
            axes.set_title(name)
            axes.set(xlabel=labels[0], ylabel=labels[1])
        figure.suptitle(title, fontsize=8.5)
        return to_png(figure)


def _looks(words: Words) -> Looks:
    """Return colour and marker of the most frequent words; the others, and the empty one, are drawn in grey."""
    counted = Counter(str(word) for word in words if word)
    ranked = sorted(counted, key=lambda word: (-counted[word], word))
    return {word: (OKABE_ITO[n], MARKERS[n]) for n, word in enumerate(ranked[: len(OKABE_ITO)])}


def _scatter(axes: Axes, points: FloatArray, words: Words, looks: Looks, names: Mapping[str, str]) -> None:
    """Draw what has a look over what is grey, and name both with their number of clips in a legend below."""
    grey = np.array([word if word in GREY_NAMES else "others" for word in words], dtype=np.str_)
    coloured = np.isin(words, list(looks))
    for word in (SEVERAL, NONE, UNKNOWN, "", "others"):
        mine = ~coloured & (grey == word)
        if mine.any():
            label = f"{GREY_NAMES.get(word, word)} ({mine.sum()})"
            axes.scatter(
                points[mine, 0], points[mine, 1], s=11, c=PALE, marker=GREY_MARKERS[word], linewidths=0.7, label=label
            )
    for word, (colour, marker) in looks.items():
        mine = words == word
        if mine.any():
            label = f"{names.get(word, word)} ({mine.sum()})"
            axes.scatter(
                points[mine, 0], points[mine, 1], s=10, c=colour, marker=marker, linewidths=0, alpha=0.85, label=label
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.09),
        ncols=LEGEND_COLUMNS,
        columnspacing=0.8,
        handletextpad=0.2,
        borderpad=0,
    )


def _draw_scree(shares: FloatArray) -> bytes:
    shown = min(SCREE_COMPONENTS, len(shares))
    numbers = np.arange(1, shown + 1)
    with styled():
        figure = new_figure(4.0, 2.4, layout="constrained")
        axes = figure.subplots()
        axes.bar(numbers, 100 * shares[:shown], color=OKABE_ITO[0], label="each")
        axes.plot(
            numbers, 100 * np.cumsum(shares)[:shown], color=OKABE_ITO[3], marker="o", markersize=2.5, label="together"
        )
        axes.set(xlabel="principal component", ylabel="% of variance", ylim=(0, 103))
        axes.set_title("Variance explained by components of the embeddings")
        axes.legend(loc="center right")
        return to_png(figure)
