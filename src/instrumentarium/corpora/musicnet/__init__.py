"""MusicNet: classical recordings with their notes, aligned."""
