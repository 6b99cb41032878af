"""The publishers' archive layouts, filled with rendered music."""
