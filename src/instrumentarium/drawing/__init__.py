"""Colours and styles that every picture shares."""
