"""The command `instrumentarium show-augmentations`. Heavy imports stand inside, so that `--help` answers at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from instrumentarium.commands.console import ending_well

if TYPE_CHECKING:
    from torch import Tensor

    from instrumentarium.training.augment.gallery import Example

COLUMNS = 4
"""Pictures of augmentations beside the one of the window as it is."""


def show_augmentations(
    audio: Annotated[
        Path | None, typer.Argument(help="Audio to augment, from its loudest window on; by default a made phrase.")
    ] = None,
    entry: Annotated[
        str | None, typer.Option(help="An entry of `augmentations`; by default each augmentation as first used in one.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture, a .png.")] = Path("data/augmentations.png"),
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
) -> None:
    """Draw what each augmentation of params.yaml makes of a window: its spectrogram before and after.

    Each is applied alone and for certain, whatever its probability. Partners and backgrounds are made, not read.
    """
    if out.suffix.lower() != ".png":
        raise typer.BadParameter(f"--out is a .png; found {out.name}")
    with ending_well():
        from instrumentarium.config.whole import load_params
        from instrumentarium.frontends.base import PowerFrontEnd
        from instrumentarium.frontends.build import build_frontend
        from instrumentarium.runtime.errors import UserError
        from instrumentarium.runtime.section import ParamsError, closest
        from instrumentarium.training.augment.gallery import examples, one_of_each, phrases, rain

        params = load_params()
        entries = params.augmentations
        if entry is not None:
            if entry not in entries:
                raise ParamsError(
                    f"--entry {entry!r} is not a key of `augmentations` ({closest(entry, list(entries))})"
                )
            entries = {entry: entries[entry]}
        rate, seconds = params.audio.sample_rate_hz, params.selection.windows.length_s
        frontend = build_frontend(params.selection.frontend, rate)
        if not isinstance(frontend, PowerFrontEnd) or frontend.axes is None:
            raise UserError("the selected front end has no bands of frequency to draw; choose another `frontend`")
        windows = phrases(rate, seconds)
        if audio is not None:
            windows[0] = _loudest(audio, rate, windows.shape[1])
        found = examples(one_of_each(entries), windows, rain(rate, seconds), frontend, rate, seed)
        _draw(found, frontend.axes.band_centres_hz.tolist(), seconds, out)
        typer.echo(f"{out}: {len(found) - 1} augmentations")


def _loudest(path: Path, rate: int, samples: int) -> "Tensor":
    """Return the loudest window of an audio file, (samples,)."""
    import numpy as np
    import torch

    from instrumentarium.clips.levels import levels_db
    from instrumentarium.clips.windows import cut_window, window_starts
    from instrumentarium.decoding.pcm import AudioError
    from instrumentarium.frontends.waveforms import to_waveforms
    from instrumentarium.ingestion.audio import decode_clip
    from instrumentarium.runtime.errors import UserError

    try:
        whole = decode_clip(path.read_bytes(), rate).samples
    except AudioError as error:
        raise UserError(f"{path} cannot be used: {error}") from error
    windows = np.stack(
        [cut_window(whole, start, samples) for start in window_starts(len(whole), samples, samples // 4)]
    )
    return to_waveforms(torch.from_numpy(windows[int(levels_db(windows).argmax())]))


def _draw(found: "Sequence[Example]", centres_hz: "Sequence[float]", seconds: float, path: Path) -> None:
    """Draw rows of pictures, each row beginning with the window as it is."""
    import textwrap

    import numpy as np

    from instrumentarium.drawing.style import PAGE_IN, new_figure, styled, to_png
    from instrumentarium.runtime.files import atomic_path

    before, *after = found
    rows = -(-len(after) // COLUMNS)
    ticks = [hz for hz in (300, 1000, 3000, 10000) if centres_hz[0] <= hz <= centres_hz[-1]]
    places = np.interp(ticks, centres_hz, np.arange(len(centres_hz)))
    with styled():
        figure = new_figure(PAGE_IN + 1.5, 1.45 * rows, layout="constrained")
        grid = figure.subplots(rows, COLUMNS + 1, squeeze=False, sharex=True, sharey=True)
        for row in range(rows):
            shown = [before, *after[row * COLUMNS : (row + 1) * COLUMNS]]
            for axes, example in zip(grid[row], shown, strict=False):
                bands = len(example.features)
                extent = (0, seconds, -0.5, bands - 0.5)
                axes.imshow(
                    example.features, origin="lower", aspect="auto", cmap="magma", vmin=-2, vmax=2.5, extent=extent
                )
                lines = textwrap.fill(example.settings, 38)
                axes.set_title(
                    example.name, fontweight="bold", loc="left", pad=3 + 6 * (lines.count("\n") + bool(lines))
                )
                axes.text(0, 1.02, lines, transform=axes.transAxes, fontsize=4.2, va="bottom")
            for axes in grid[row][len(shown) :]:
                axes.set_axis_off()
            grid[row][0].set_yticks(places, [f"{hz:g}" for hz in ticks])
            grid[row][0].set_ylabel("Hz")
        for axes in grid[-1]:
            axes.set_xlabel("s")
        png = to_png(figure)
    with atomic_path(path) as temporary:
        temporary.write_bytes(png)
