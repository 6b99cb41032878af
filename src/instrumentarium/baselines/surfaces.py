"""Pictures of decision surfaces: what each support vector machine says over two planes of the training windows.

- *Principal components*: every point of the plane is a vector of descriptors (all other components at their mean), and is
  coloured by the machine's own score for it: an exact slice through the surface.
- *t-SNE*: no point of this plane but the windows' own stands for a vector; between them the colour is the mean of the
  scores of the nearest windows, weighted by distance. The surface is that of neighbourhoods, not a slice (Migut, Worring,
  Veenman: Visualizing multi-dimensional decision boundaries in 2D. Data Mining and Knowledge Discovery 29, 2015).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from instrumentarium.baselines.rows import Rows
from instrumentarium.baselines.system import Kernel, Linear, Scaling, System, sigmoid, squared_distances
from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.drawing.colours import GREY, PALE, colours_of
from instrumentarium.drawing.style import new_figure, styled, to_png
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.tables.taxonomy import Taxonomy

GRID = 64
"""Points of a plane's side."""
MARGIN = 0.05
"""Of the points' range, left free around them."""
NEAREST = 8
"""Windows whose scores colour a point of the t-SNE plane."""
PERPLEXITY = 30.0
FEWEST = 5
TITLES = {"svm_linear": "linear SVM", "svm_rbf": "RBF SVM"}


@dataclass(frozen=True)
class _Plane:
    """A plane: its name, the windows' places in it, (windows, 2), its extent, and scores over it by system."""

    name: str
    points: FloatArray
    extent: tuple[float, float, float, float]
    scores: Mapping[str, FloatArray]  # (GRID, GRID, instruments)


def draw_surfaces(
    systems: Mapping[str, System], rows: Rows, taxonomy: Taxonomy, most_points: int, seed: int
) -> dict[str, bytes]:
    """Return a PNG for each support vector machine, by the name of its file: <system>_<instrument>.png.

    Fewer than five windows have no planes, and give no picture.
    """
    machines = {name: each for name, each in systems.items() if isinstance(each, Linear | Kernel)}
    if len(rows) > most_points:
        draw = np.random.default_rng(derive_seed(seed, "surface-points"))
        rows = rows.take(np.sort(draw.choice(len(rows), size=most_points, replace=False)))
    if len(rows) < FEWEST:
        return {}
    with threadpool_limits(limits=1), styled():
        planes = _planes(machines, rows, derive_seed(seed, "surface-tsne") % 2**32)
        pictures = {}
        with progress_bar("surfaces", "pictures", total=len(machines) * len(taxonomy)) as bar:
            for system in machines:
                for column, code in enumerate(taxonomy.codes):
                    title = f"{taxonomy.names[code]}: {TITLES.get(system, system)}"
                    truth = rows.targets[:, column], rows.observed[:, column]
                    colour = colours_of(taxonomy.codes)[code]
                    pictures[f"{system}_{code}.png"] = _draw(planes, system, column, title, truth, colour)
                    bar.update()
    return pictures


def _planes(machines: Mapping[str, Linear | Kernel], rows: Rows, seed: int) -> list[_Plane]:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    first = next(iter(machines.values()))
    standardised = Scaling(first.mean, first.deviation)(rows.values)
    pca = PCA(2, svd_solver="full").fit(standardised)
    shares = 100 * np.nan_to_num(pca.explained_variance_ratio_)
    name = f"principal components, {shares[0]:.0f} and {shares[1]:.0f} % of variance: a slice"
    points = pca.transform(standardised)
    extent, grid = _grid(points)
    vectors = pca.inverse_transform(grid)
    slices = {system: sigmoid(machine.logits(vectors)) for system, machine in machines.items()}
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed, n_jobs=1, max_iter=500)
    spread = tsne.fit_transform(standardised).astype(np.float64) if np.ptp(standardised) else np.zeros_like(points)
    around, places = _grid(spread)
    distances = squared_distances(places, spread)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :NEAREST]  # (grid, nearest)
    weights = 1 / (np.take_along_axis(distances, nearest, axis=1) + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)
    means = {
        system: np.einsum("gn,gni->gi", weights, machine.logits(standardised)[nearest])
        for system, machine in machines.items()
    }
    return [
        _Plane(name, points, extent, {system: _square(each) for system, each in slices.items()}),
        _Plane(
            f"t-SNE, perplexity {perplexity:g}: the nearest windows' mean",
            spread,
            around,
            {system: _square(sigmoid(each)) for system, each in means.items()},
        ),
    ]


def _grid(points: FloatArray) -> tuple[tuple[float, float, float, float], FloatArray]:
    """Return the extent of points (left, right, bottom, top), and the grid's points, (GRID², 2), row by row from below."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.maximum((high - low) * MARGIN, 1e-6)
    low, high = low - room, high + room
    x, y = (np.linspace(low[axis], high[axis], GRID) for axis in (0, 1))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return (float(low[0]), float(high[0]), float(low[1]), float(high[1])), grid


def _square(scores: FloatArray) -> FloatArray:
    return scores.reshape(GRID, GRID, -1)


def _draw(
    planes: list[_Plane], system: str, column: int, title: str, truth: tuple[BoolArray, BoolArray], colour: str
) -> bytes:
    targets, observed = truth
    figure = new_figure(7.0, 3.3, layout="constrained")
    panels = figure.subplots(1, len(planes))
    for axes, plane in zip(panels, planes, strict=True):
        surface = plane.scores[system][:, :, column]
        axes.imshow(
            surface, extent=plane.extent, origin="lower", aspect="auto", cmap="PuOr_r", vmin=0, vmax=1, alpha=0.75
        )
        if surface.min() < 0.5 < surface.max():
            axes.contour(surface, levels=[0.5], extent=plane.extent, colors="black", linewidths=0.8)
        kinds = (
            ("unknown", ~observed, {"c": PALE, "marker": ".", "s": 4}),
            ("absent", observed & ~targets, {"c": GREY, "marker": ".", "s": 6}),
            ("plays", targets, {"c": colour, "marker": "o", "s": 13, "edgecolors": "white", "linewidths": 0.3}),
        )
        for name, mine, look in kinds:
            if mine.any():
                axes.scatter(plane.points[mine, 0], plane.points[mine, 1], label=f"{name} ({mine.sum()})", **look)
        axes.set(title=plane.name, xticks=[], yticks=[])
    figure.colorbar(panels[0].images[0], ax=list(panels), shrink=0.8, label="score", ticks=[0, 0.5, 1])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle(title, fontsize=8.5)
    return to_png(figure)
