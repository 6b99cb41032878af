"""NSynth: notes of about a thousand sampled instruments."""
