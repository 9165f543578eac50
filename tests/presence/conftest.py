"""How thoroughly Hypothesis searches: quickly, unless HYPOTHESIS_PROFILE=deep."""

from datetime import timedelta
import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "quick",
    max_examples=200,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep",
    max_examples=5000,
    stateful_step_count=60,
    deadline=timedelta(seconds=5),
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
