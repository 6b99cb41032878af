"""The Philharmonia Orchestra's sound samples: single notes of its musicians."""
