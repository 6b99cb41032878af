"""Which instruments play in a recording.

In three lines, with the model of a repository, of a folder, of a Git revision or of a DVC experiment:

    import instrumentarium
    model = instrumentarium.load("data/model")
    print(model.predict("song.mp3").playing())   # {'flute': 0.81, 'acoustic guitar': 0.58}

`model.predict` takes a path, or an array and its sample rate, and returns what `instrumentarium predict` writes:
calibrated scores, instruments by the model's own thresholds, the timeline. `model.embed` returns a row of numbers a
recording, for classifiers of your own; `Embedder` is the same as a step of a scikit-learn pipeline. The command line is
`instrumentarium --help`.

Names are loaded when they are first asked for, so that `import instrumentarium` takes no time and imports no PyTorch.
"""

from importlib import import_module

__all__ = ["Embedder", "Model", "Prediction", "TimelineSettings", "__version__", "load"]
_PLACES = {
    "Embedder": "api.embedder",
    "Model": "api.model",
    "Prediction": "predicting.prediction",
    "TimelineSettings": "predicting.timeline",
    "load": "api.model",
}


def __getattr__(name: str) -> object:
    """Return a name of the public interface; types of all of them stand in `__init__.pyi`."""
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    """Return the names there are, loaded or not."""
    return sorted({*globals(), *__all__})
