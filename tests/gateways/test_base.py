"""What is common to all gateways."""

import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    GatewayError,
    InstanceStatus,
    InvalidEventError,
    RateLimitedError,
    Transport,
)
from custom_components.whatsapp_presence.presence.model import Source


def test_each_gateway_is_registered() -> None:
    """Under its key."""
    assert list(GATEWAYS) == ["waapi", "wawp", "waha"]
    for key, gateway in GATEWAYS.items():
        assert gateway.key == key


@pytest.mark.parametrize("gateway_type", list(GATEWAYS))
def test_a_gateway_of_the_cloud_has_a_url(gateway_type: str) -> None:
    """One that the user hosts has none to begin with."""
    gateway = GATEWAYS[gateway_type]
    assert (gateway.default_url is None) is gateway.capabilities.self_hosted


@pytest.mark.parametrize("gateway_type", list(GATEWAYS))
def test_a_gateway_that_calls_webhooks_can_manage_them(
    gateway_type: str,
) -> None:
    """The others need none."""
    capabilities = GATEWAYS[gateway_type].capabilities
    assert capabilities.manages_webhooks is (
        capabilities.transport is Transport.WEBHOOK
    )


def test_all_errors_are_gateway_errors() -> None:
    """One except is enough."""
    assert issubclass(InvalidEventError, GatewayError)
    assert RateLimitedError("x").retry_after is None


@pytest.mark.parametrize("status", InstanceStatus)
def test_some_statuses_pass(status: InstanceStatus) -> None:
    """Not those that want the user."""
    assert status.passing is (
        status
        in (
            InstanceStatus.STARTING,
            InstanceStatus.DISCONNECTED,
            InstanceStatus.UNKNOWN,
        )
    )


def test_each_gateway_says_what_its_answers_are_and_cost() -> None:
    """By them the rounds are spaced."""
    assert {
        key: (
            gateway.capabilities.answers,
            gateway.capabilities.announce_seconds,
            gateway.capabilities.lookup_batch,
        )
        for key, gateway in GATEWAYS.items()
    } == {
        "waapi": (Source.LIVE, 0.0, 50),
        "wawp": (Source.REMEMBERED, 25.0, 1),
        "waha": (Source.REMEMBERED, 25.0, 1),
    }
