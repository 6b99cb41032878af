"""Key and tempo of recordings, for augmentations that put clips of one key or one tempo together."""
