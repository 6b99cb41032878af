"""Medley-solos-DB: solo recordings of eight instruments."""
