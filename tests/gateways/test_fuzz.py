"""Whatever arrives at the webhook is events, or no event; never an exception else."""

import json
import math
from typing import Any

from hypothesis import example, given, strategies as st
import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    Gateway,
    InstanceEvent,
    InvalidEventError,
)
from custom_components.whatsapp_presence.presence.chat_id import normalise
from custom_components.whatsapp_presence.presence.model import PresenceUpdate

from .conftest import ANNA, GROUP, LID

CONFIG = {
    "url": "http://gateway.example",
    "instance_id": "123",
    "api_token": "t",
    "access_token": "t",
    "api_key": "t",
    "session": "default",
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [ANNA, LID, GROUP, "typing", "online", "true", "1e999", "123", "default"]
    )
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "_serialized", "presence", "presences", "participant", "status"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
presences = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        [
            "id",
            "isGroup",
            "isOnline",
            "chatstate",
            "lastSeen",
            "deny",
            "typingParticipants",
            "recordingParticipants",
            "hasData",
            "isSubscribed",
            "chatId",
            "from",
            "type",
            "participant",
            "lastKnownPresence",
            "status",
        ],
        anything,
    )
    | {
        "presences": anything
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(
                    ["participant", "lastKnownPresence", "lastSeen"], scalars
                ),
            ),
            max_size=4,
        )
    },
)
envelopes = st.fixed_dictionaries(
    {
        "event": st.sampled_from(
            ["presence_update", "presence.update", "session.status", "change_state"]
        )
        | anything
    },
    optional={
        "id": anything,
        "timestamp": anything,
        "instanceId": st.just(123) | anything,
        "session": st.just("default") | anything,
        "data": presences | st.fixed_dictionaries({"presence": presences}) | anything,
        "payload": presences | anything,
    },
)
bodies = st.one_of(
    st.binary(max_size=100),
    anything.map(lambda value: json.dumps(value).encode()),
    envelopes.map(lambda value: json.dumps(value).encode()),
    st.lists(envelopes, max_size=3).map(lambda value: json.dumps(value).encode()),
    envelopes.map(lambda value: json.dumps(json.dumps(value)).encode()),
)


@pytest.fixture(scope="module", params=list(GATEWAYS))
def gateway(request: pytest.FixtureRequest) -> Gateway:
    """Return each gateway's client, to read events."""
    return GATEWAYS[request.param].from_config(None, CONFIG)  # type: ignore[arg-type]


def check_time(value: Any) -> None:
    """Check that a time is one, if it is there."""
    assert value is None or (isinstance(value, float) and math.isfinite(value))
    assert value is None or 0 < value < 1e11


@given(raw=bodies)
@example(raw=b"\xef\xbb\xbf{}")
@example(
    raw=b'{"event": "presence_update", "data": {"id": "1@lid", "lastSeen": 1e400}}'
)
@example(raw=b'{"event": "\\ud800", "instanceId": "\\ud800"}')
@example(raw=b'"' + b"[" * 5000 + b'"')
def test_any_body_is_events_or_no_event(gateway: Gateway, raw: bytes) -> None:
    """And what is read of it is what the rest may rely on."""
    try:
        events = gateway.parse_event(raw, {})
    except InvalidEventError:
        return
    for event in events:
        assert isinstance(event, PresenceUpdate | InstanceEvent)
        check_time(event.time)
        assert event.event_id is None or isinstance(event.event_id, str)
        if isinstance(event, InstanceEvent):
            continue
        check_time(event.last_seen)
        members = [member.member_id for member in event.members]
        members += event.typing_members or ()
        members += event.recording_members or ()
        for found in (event.chat_id, *members):
            assert normalise(found) == found
        for told in (
            event.online,
            event.last_seen_hidden,
            event.subscribed,
            *(member.online for member in event.members),
        ):
            assert told is None or isinstance(told, bool)


@given(
    raw=st.binary(max_size=50),
    name=st.sampled_from(["x-waapi-hmac", "X-Webhook-Hmac"]) | st.text(max_size=20),
    value=st.text(max_size=140),
    secret=st.text(min_size=1, max_size=20),
)
def test_no_header_is_a_good_signature_by_chance(
    gateway: Gateway, raw: bytes, name: str, value: str, secret: str
) -> None:
    """Nor an exception."""
    assert gateway.verify_signature(raw, {name: value}, secret) is False
