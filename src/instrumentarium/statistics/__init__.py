"""What the stats stage accumulates."""
