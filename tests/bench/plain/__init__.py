"""Another integration of the same name."""
