"""From decoded samples to the answer: the ladder's rungs, with batches shared among clients."""

import threading

from instrumentarium.predicting.batching import in_batches
from instrumentarium.predicting.ladder import Audio2Timeline
from instrumentarium.predicting.timeline import at_temperature, strongest_windows
from instrumentarium.predicting.windowscores import PartialScores, WindowScores
from instrumentarium.serving.batcher import Batcher
from instrumentarium.serving.decoders import Decoded


def recognise(
    audio2timeline: Audio2Timeline,
    batcher: Batcher,
    decoded: Decoded,
    name: str,
    unwanted: threading.Event,
    *,
    frames: bool,
) -> dict[str, object]:
    """Return the prediction for decoded samples as JSON writes it; with `frames`, what the timeline was cut from, too.

    Raises:
        UnwantedError: as soon as `unwanted` is set.
    """
    partial = PartialScores(decoded, audio2timeline.samples2scores.windowing)
    for batch in in_batches(partial.cut()):
        partial.scores.extend(batcher.score(batch, unwanted))
    windows = partial.complete()
    prediction = audio2timeline.decide(windows, name)
    content = prediction.content()
    if frames:
        content["frames"] = {
            "step_s": audio2timeline.settings.step_s,
            "scores": {
                code: [round(score, 6) for score in prediction.frames[:, column].tolist()]
                for column, code in enumerate(prediction.taxonomy.codes)
            },
            "strongest": _strongest(audio2timeline, windows),
        }
    return content


def _strongest(audio2timeline: Audio2Timeline, windows: WindowScores) -> dict[str, object]:
    """Return each instrument's strongest window, which stands in the timeline where it has no other stretch."""
    found = strongest_windows(
        at_temperature(windows.weighted(), audio2timeline.temperature),
        windows.starts_s,
        windows.length_s,
        windows.duration_s,
        audio2timeline.taxonomy.codes,
    )
    return {part.instrument: {"start_s": part.start_s, "end_s": part.end_s, "score": part.score} for part in found}
