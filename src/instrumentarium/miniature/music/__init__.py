"""What is played: harmony, composition, players."""
