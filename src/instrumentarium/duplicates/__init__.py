"""Clips that hold the same sound: found from the audio, merged into one recording, their labels made to agree."""
