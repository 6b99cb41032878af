"""Slakh2100: multitrack music, rendered from MIDI with sampled instruments."""
