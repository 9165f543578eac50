"""What the webhook's address costs who needs none."""

import pytest

from tests.bench.cloud import measure_cloud


@pytest.mark.parametrize(("gateway", "needed"), [("waha", False), ("waapi", True)])
async def test_the_cloud_is_imported_only_for_who_is_called_from_outside(
    gateway: str, needed: bool
) -> None:
    """It takes some 25 MiB, and a third of a second of the start."""
    assert (await measure_cloud(gateway) > 0) is needed
