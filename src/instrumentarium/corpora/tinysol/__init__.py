"""TinySOL: single notes of fourteen instruments of the orchestra."""
