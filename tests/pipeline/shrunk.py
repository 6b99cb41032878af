"""Parameters for a pipeline that is small enough to run in a test."""

from pathlib import Path

from dvc.utils.serialize import modify_yaml


def shrink(params: Path) -> None:
    """Make the collection and the models tiny: what is tested here is the machinery, not the music."""
    with modify_yaml(params) as values:
        corpora = values["collections"]["miniature"]["corpora"]
        corpora["irmas"].update(train_recordings=2, test_songs=6)
        corpora["openmic"].update(clips=12)
        corpora["esc50"].update(clips=12)
        values["models"]["cnn"]["backbone"].update(channels=[4, 8])
        values["models"]["cnn"]["recipes"]["miniature"].update(epochs=2, windows_per_epoch=64, batch_size=16)
        values["models"]["resnext"]["backbone"].update(architecture="test_resnet")  # the least that timm has
        values["models"]["resnext"]["recipes"]["miniature"].update(epochs=1, windows_per_epoch=16, batch_size=8)
        values["models"]["waveform"]["backbone"].update(channels=[4, 8])
        values["models"]["waveform"]["recipes"]["miniature"].update(epochs=1, windows_per_epoch=16, batch_size=8)
        values["models"]["mobilenet"]["recipes"]["miniature"].update(epochs=1, windows_per_epoch=16, batch_size=8)
        values["pretraining"].update(epochs=1, windows_per_epoch=16, batch_size=8)
        values["evaluate"].update(resamples=200)
        values["report"].update(gallery=1)
