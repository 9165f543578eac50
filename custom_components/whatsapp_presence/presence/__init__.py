"""Presence: what updates mean for a chat. Pure; standard library only."""
