"""What a model is, in a few lines for people."""

from pathlib import Path

from instrumentarium.models.modelfile import ModelCard

PARTS = {"frontend": "front end", "backbone": "backbone", "head": "head"}
"""Parts of a network in model.json, and how they are called here."""


def as_table(card: ModelCard, weights: int, page: Path | None = None) -> str:
    """Return the essentials of a model with so many weights, a line each; `page` is its model card for people."""
    windows, trained, content = card.windows, card.trained, card.model_dump(mode="json")
    shift = windows.pitch_shift_semitones
    shifted = f"; logits are the mean over {shift:g} semitones lower, as it is and {shift:g} higher" if shift else ""
    clip_score = "maximum" if windows.clip_score == "max" else "mean"
    rows = {
        "model": f"{trained.model}, format {card.format}",
        **{title: _values(content[part]) for part, title in PARTS.items()},
        "weights": f"{weights:,}",
        "input": f"mono, {card.sample_rate_hz} Hz, windows of {windows.length_s:g} s every {windows.hop_s:g} s{shifted}",
        "clip score": f"{clip_score} of the windows' scores, without those {windows.quietest_db:g} dB below the loudest",
        "trained on": f"{trained.collection}, seed {trained.seed}, best epoch {trained.best_epoch} of {trained.epochs}, "
        f"validation class mAP {trained.validation_map_macro:.3f}",
        **({"side inputs": f"{', '.join(card.side_inputs)}, unknown when it predicts"} if card.side_inputs else {}),
        "instruments": ", ".join(f"{each.name} ({each.code})" for each in card.taxonomy.instruments),
        "made with": ", ".join(f"{name} {version}" for name, version in sorted(card.versions.items())),
        **({"card": str(page)} if page is not None else {}),
    }
    return "\n".join(f"{key:<12} {value}" for key, value in rows.items())


def _values(content: dict[str, object]) -> str:
    return " ".join(f"{key}={value}" for key, value in content.items())
