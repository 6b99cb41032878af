"""The workspace of the tests of inference."""

from predicting.conftest import model, music, recognizer, song

__all__ = ["model", "music", "recognizer", "song"]
