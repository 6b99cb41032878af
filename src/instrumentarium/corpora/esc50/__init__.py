"""ESC-50: environmental sounds, here as negatives."""
