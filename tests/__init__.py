"""Tests of the WhatsApp Presence integration."""
