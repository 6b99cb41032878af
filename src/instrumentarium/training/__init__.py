"""The training loop and what it needs: sampling, augmentation, objectives, resuming."""
