"""What a loss, a head or a set of augmentations gives against the model's own, over seeds, as one line of JSON.

Each choice is an entry of `losses`, `heads` or `augmentations`, selected as `dvc exp run -S` would; trainings are alike in
all else, seed by seed. Run it after `dvc repro`, for `augmentation=by_key` and `by_tempo` after `dvc repro -S` of the same:

    python benchmarks/choice_gain.py --out data/choice_gain loss=focal head=attention augmentation=mild

Without a choice all are measured, by_key and by_tempo only where the keys and tempi of recordings are in data/. Scores of
every training are kept in the folder `--out`, under a name that holds all that determines them: what is there is not
trained again, so an interrupted run goes on, and two may share the work, one `--seed 0`, the other `--seed 1`.

with, without  the choice, and what the model's entry names: means over seeds
f1_macro       at thresholds per instrument, chosen on validation; on validation itself by cross-fitting over recordings
map_macro      mean average precision
difference     mean over seeds, with a 95 % interval of a paired bootstrap over recordings, the same draws with and without
by_seed        the difference of each seed: how much training alone makes

Choose by validation; test says what was to be expected of it. There is no test-time pitch shift, which would triple the
time of scoring.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's
sys.path.insert(0, str(Path(__file__).resolve().parent))

import typer
from augmentation_gain import compared, scored, selecting

from instrumentarium.config.bases import with_bases
from instrumentarium.config.whole import Params
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import ParamsError, closest, read_yaml, validate
from instrumentarium.runtime.stage import run
from instrumentarium.tables.schemas import KEYS_TEMPOS

ROOT = Path(__file__).resolve().parents[1]
SECTIONS = {"loss": "losses", "head": "heads", "augmentation": "augmentations"}
"""Sections of params.yaml by the selectors that name one of their entries."""
BY_ESTIMATES = ("augmentation=by_key", "augmentation=by_tempo")
"""What needs keys and tempi, which are estimated only for those who ask."""


def main(
    out: Annotated[Path, typer.Option(help="Folder for the scores of each training, taken up again.")],
    choices: Annotated[list[str] | None, typer.Argument(help="loss=, head= or augmentation= and an entry.")] = None,
    model: Annotated[str, typer.Option(help="An entry of `models`.")] = "cnn",
    seed: Annotated[list[int] | None, typer.Option(help="May be repeated. By default 0, 1 and 2.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="By default the recipe's.")] = None,
    windows: Annotated[int | None, typer.Option(min=2, help="An epoch; by default the recipe's.")] = None,
    data: Annotated[Path, typer.Option(help="What `dvc repro` left.")] = ROOT / "data",
) -> None:
    """Measure what other losses, heads and augmentations give, with intervals."""
    values = with_bases(read_yaml(ROOT / "params.yaml"))
    estimated = not KEYS_TEMPOS.read(data / "keys_tempos.csv").empty
    pairs = chosen_pairs(choices or every_choice(validate(values, Params), model, estimated=estimated), values)
    recipe = {key: value for key, value in (("epochs", epochs), ("windows_per_epoch", windows)) if value is not None}
    seeds = seed or [0, 1, 2]
    bases = [scored(selecting(values, model, recipe), each, data, out) for each in seeds]
    found: dict[str, Any] = {"model": model, "seeds": seeds, **recipe, "choices": {}}
    for selector, entry in pairs:
        changed = selecting(values, model, recipe, **{selector: entry})
        runs = [scored(changed, each, data, out) for each in seeds]
        found["choices"][f"{selector}={entry}"] = {
            split: compared(runs, bases, split) for split in ("validation", "test")
        }
        write_json(out / "found.json", found)  # of the choices so far
    print(json.dumps(found, allow_nan=False))


def every_choice(params: Params, model: str, *, estimated: bool) -> list[str]:
    """Return every entry that the model does not name itself, and that fits its front end."""
    own = params.models[model]
    named = {
        "loss": own.loss,
        "head": own.head,
        "augmentation": own.recipes[params.collection].augmentation,
    }
    entries = {"loss": params.losses, "head": params.heads, "augmentation": params.augmentations}
    found = [f"{kind}={name}" for kind, names in entries.items() for name in names if name != named[kind]]
    return [each for each in found if estimated or each not in BY_ESTIMATES]


def chosen_pairs(choices: list[str], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (selector, entry) of each choice.

    Raises:
        ParamsError: if one is of another form, or names what is not there.
    """
    pairs = []
    for choice in choices:
        selector, _, entry = choice.partition("=")
        if selector not in SECTIONS:
            raise ParamsError(f"{choice!r} is no choice; write {', '.join(f'{each}=ENTRY' for each in SECTIONS)}")
        section = SECTIONS[selector]
        if entry not in values[section]:
            raise ParamsError(
                f"{choice}: {entry!r} is not a key of `{section}` ({closest(entry, list(values[section]))})"
            )
        pairs.append((selector, entry))
    return pairs


if __name__ == "__main__":
    run(main)
