"""What every corpus hands over: its card, its archives, its clips one by one."""
