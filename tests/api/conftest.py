"""The workspace of the tests of inference: a tiny model, and audio made in the test."""

from predicting.conftest import model, music, recognizer, song

__all__ = ["model", "music", "recognizer", "song"]
