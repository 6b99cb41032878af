"""The model card of a hub: README.md with the metrics as `model-index`, terms and how to use (Mitchell et al., 2019).

Its metadata are those that huggingface_hub reads and writes.
"""

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from instrumentarium.models.modelfile import ModelCard as ModelDescription
from instrumentarium.publishing.material import Material
from instrumentarium.publishing.results import SHARE, Metric, Results


def model_readme(model: ModelDescription, results: Results, material: Material, licence: str) -> str:
    """Return README.md.

    Args:
        model: what model.json says.
        results: on the test split of what it was trained on.
        material: that.
        licence: of the weights, by the hub's short name; the publisher's to choose.
    """
    name = f"{model.trained.model}-{model.taxonomy_name}"
    data = ModelCardData(
        language=None,
        license=licence,
        library_name="instrumentarium",
        tags=["audio", "music", "music-information-retrieval", "instrument-recognition", "multi-label"],
        pipeline_tag="audio-classification",
        model_name=name,
        eval_results=[_entry(metric, results, material) for metric in results.metrics],
    )
    return (
        str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_text(name, model, results, material, licence)}")).rstrip()
        + "\n"
    )


def _entry(metric: Metric, results: Results, material: Material) -> EvalResult:
    interval = None
    if metric.low is not None and metric.high is not None:
        interval = {"interval": {"level": SHARE, "over": "recordings", "low": metric.low, "high": metric.high}}
    return EvalResult(
        task_type="audio-classification",
        task_name="Multi-label instrument recognition",
        dataset_type=f"instrumentarium/{material.collection}",
        dataset_name=material.title,
        dataset_split="test",
        dataset_args={"clips": results.clips, "recordings": results.recordings},
        metric_type=metric.kind,
        metric_name=f"{metric.name} ({metric.key})",
        metric_value=round(metric.value, 4),  # as `dvc metrics show` has it
        metric_args=interval,
    )


def _text(name: str, model: ModelDescription, results: Results, material: Material, licence: str) -> str:
    trained, codes = model.trained, {each.code: each.name for each in model.labels}
    rendered = (
        "\nThe training data are rendered: they teach a SoundFont's instruments, and these metrics say little of real "
        "music.\n"
        if material.rendered and not material.recorded
        else ""
    )
    return "\n".join(
        [
            f"# {name}",
            "",
            f"Which of {len(codes)} instruments play in a recording: {', '.join(codes.values())}. A "
            f"`{trained.model}` model of instrumentarium, trained on {material.title}.",
            rendered,
            "## How to use it",
            "",
            "```console",
            "$ instrumentarium predict song.wav --model DIR             # this folder",
            "$ instrumentarium predict song.wav --model hf:OWNER/NAME   # from a hub",
            "```",
            "",
            f"Audio of any rate and length; it is mixed down, brought to {model.sample_rate_hz} Hz and scored in windows "
            f"of {model.windows.length_s:g} s. thresholds.json holds each instrument's threshold, chosen on validation, "
            "and the temperature that calibrates the scores. model.json describes the network and holds the sha256 of the "
            "weights; loading checks it, and runs no code from the folder.",
            "",
            "## Metrics",
            "",
            f"On the test split: {results.clips} clips of {results.recordings} recordings, none of which was trained on or "
            f"chose a threshold. Intervals: {SHARE}, by bootstrap over recordings.",
            "",
            "| metric | value | interval |",
            "|---|---|---|",
            *(f"| {each.name} | {each.value:.3f} | {_interval(each)} |" for each in results.metrics),
            "",
            "| instrument | positives | F1 | AP | threshold |",
            "|---|---|---|---|---|",
            *(
                f"| {codes[code]} | {each.positives} | {_number(each.f1)} | {_number(each.ap)} | {each.threshold:.3f} |"
                for code, each in results.instruments.items()
            ),
            "",
            "## Training",
            "",
            f"Collection `{material.collection}`, seed {trained.seed}, epoch {trained.best_epoch} of {trained.epochs}, the "
            f"best by class mAP on validation ({trained.validation_map_macro:.3f}). The whole recipe stands in model.json. "
            f"Made with {', '.join(f'{key} {value}' for key, value in sorted(model.versions.items()))}.",
            "",
            "## Terms",
            "",
            f"The weights are published under: {licence}. What they were trained on has terms of its own, which may "
            "restrict what a model is used for:",
            "",
            *material.terms(),
            "",
            "## Limits",
            "",
            "It knows only the instruments above, and takes others for the nearest of them. Scores say which instruments "
            "play in a window, not how many of them or what they play. On music unlike the training data expect less.",
            "",
            "## Citations",
            "",
            *(f"- {each.citation}" for each in material.corpora if each.citation),
        ]
    )


def _interval(metric: Metric) -> str:
    return "–" if metric.low is None else f"{metric.low:.3f} to {metric.high:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
