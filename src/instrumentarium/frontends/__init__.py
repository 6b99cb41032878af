"""Front ends: waveforms to features, on the device, one file a kind."""
