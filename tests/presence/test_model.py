"""The words that the parts of the integration share."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from custom_components.whatsapp_presence.presence.model import (
    Activity,
    ChatPresence,
    MemberUpdate,
    PresenceAccess,
    PresenceChange,
    PresenceUpdate,
    changes,
)


@pytest.mark.parametrize(
    ("typing", "recording", "activity"),
    [
        (None, None, None),
        (False, False, Activity.IDLE),
        (True, False, Activity.TYPING),
        (False, True, Activity.RECORDING),
        (True, True, Activity.TYPING),
        (None, True, Activity.RECORDING),
        (True, None, Activity.TYPING),
        (False, None, Activity.IDLE),
        (None, False, Activity.IDLE),
    ],
)
def test_activity_is_one_word_for_typing_and_recording(
    typing: bool | None, recording: bool | None, activity: Activity | None
) -> None:
    """In a group somebody may type while another records: typing goes first."""
    assert ChatPresence(typing=typing, recording=recording).activity is activity


def test_nothing_is_known_at_first() -> None:
    """A new presence says nothing, and `off` least of all."""
    presence = ChatPresence()
    assert presence.online is presence.typing is presence.recording is None
    assert presence.last_seen is None
    assert presence.access is PresenceAccess.NOT_SUBSCRIBED
    assert presence.online_members == ()
    assert presence.typing_members == presence.recording_members == ()


@pytest.mark.parametrize(
    ("field", "rise", "fall"),
    [
        ("online", PresenceChange.CAME_ONLINE, PresenceChange.WENT_OFFLINE),
        ("typing", PresenceChange.STARTED_TYPING, PresenceChange.STOPPED_TYPING),
        (
            "recording",
            PresenceChange.STARTED_RECORDING,
            PresenceChange.STOPPED_RECORDING,
        ),
    ],
)
def test_a_change_leads_from_known_to_known(
    field: str, rise: PresenceChange, fall: PresenceChange
) -> None:
    """Becoming known or unknown is no change, and no event."""
    unknown = ChatPresence()
    fields: dict[str, Any] = {field: False}
    off = ChatPresence(**fields)
    fields[field] = True
    on = ChatPresence(**fields)
    assert changes(off, on) == (rise,)
    assert changes(on, off) == (fall,)
    for old, new in ((unknown, on), (unknown, off), (on, unknown), (off, unknown)):
        assert changes(old, new) == ()
    for same in (unknown, on, off):
        assert changes(same, same) == ()


def test_several_changes_come_in_a_fixed_order() -> None:
    """Online first, so that who came online and types is told in that order."""
    old = ChatPresence(online=False, typing=False, recording=True)
    new = ChatPresence(online=True, typing=True, recording=False)
    assert changes(old, new) == (
        PresenceChange.CAME_ONLINE,
        PresenceChange.STARTED_TYPING,
        PresenceChange.STOPPED_RECORDING,
    )


def test_last_seen_and_access_are_no_changes() -> None:
    """They are states, with nothing to announce."""
    old = ChatPresence(online=False, last_seen=1.0)
    new = ChatPresence(online=False, last_seen=2.0, access=PresenceAccess.VISIBLE)
    assert changes(old, new) == ()


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (ChatPresence(), "online"),
        (PresenceUpdate(chat_id="1234567@c.us"), "online"),
        (MemberUpdate(member_id="1234567@c.us"), "online"),
    ],
)
def test_records_are_frozen_and_slotted(record: object, field: str) -> None:
    """Nobody alters what others hold on to."""
    with pytest.raises(FrozenInstanceError):
        setattr(record, field, True)
    assert not hasattr(record, "__dict__")
