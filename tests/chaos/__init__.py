"""The chaos run: a simulated day of faults, and an oracle that watches it."""

# Before the test package, which world imports.
import tests.newer_home_assistant  # noqa: F401
