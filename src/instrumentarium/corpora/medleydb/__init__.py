"""MedleyDB: multitrack songs with activations of their stems."""
