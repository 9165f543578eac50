"""The real Home Assistant, with its real front end."""
