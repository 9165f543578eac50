"""The chaos run: a simulated day of faults, and an oracle that watches it."""
