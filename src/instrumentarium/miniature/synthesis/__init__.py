"""From notes to waveforms: the SoundFont, its sampler, rooms and mastering."""
