"""Tests of an account's rooms."""
