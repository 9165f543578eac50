"""Tests of the gateways' clients."""
