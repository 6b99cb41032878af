"""Every command, and how commands speak and end."""
