"""The sensors of chats and of the instance."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    mock_restore_cache_with_extra_data,
)

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant, State

from .common import (
    ANNA,
    BEN,
    ENTRY_ID,
    FAMILY,
    Writes,
    activity,
    add_account,
    advance,
    anna,
    ben,
    chat,
    family,
    names_of,
    online,
    outlast_grace,
    set_up,
    settle,
    state,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

SEEN = 1_790_000_000
SEEN_TEXT = "2026-09-21T14:13:20+00:00"


@pytest.mark.freeze_time("2026-11-20 12:00:00+00:00")
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_sensors(
    check_day: Callable[[Platform], Awaitable[None]],
) -> None:
    """Contacts and a group show what they do, and when they were last seen."""
    await check_day(Platform.SENSOR)


async def test_names_and_unique_ids(hass: HomeAssistant, account: Account) -> None:
    """Users and automations rely on them."""
    named = await names_of(
        hass, account, Platform.SENSOR, chat(), chat(FAMILY, "Family")
    )
    expected = {
        f"{ENTRY_ID}_status": ("sensor.my_account_status", "status"),
        f"{ENTRY_ID}_last_event": ("sensor.my_account_last_event", "last_event"),
    }
    for chat_id, name in ((ANNA, "anna"), (FAMILY, "family")):
        for key in ("activity", "last_seen", "online_today", "presence_access"):
            expected[f"{ENTRY_ID}_{chat_id}_{key}"] = (f"sensor.{name}_{key}", key)
    for key in ("online_members", "typing_members", "recording_members"):
        expected[f"{ENTRY_ID}_{FAMILY}_{key}"] = (f"sensor.family_{key}", key)
    assert named.entities == expected
    assert named.disabled == {
        "sensor.anna_online_today",
        "sensor.family_online_today",
        "sensor.my_account_last_event",
    }
    assert named.diagnostic == {
        "sensor.anna_presence_access",
        "sensor.family_presence_access",
        "sensor.my_account_last_event",
        "sensor.my_account_status",
    }


async def test_activity_and_last_seen_follow_a_contact(
    hass: HomeAssistant, account: Account
) -> None:
    """Typing, recording, idle; and the moment of going offline."""
    anna(account).last_seen = SEEN
    await set_up(hass, account)
    assert state(hass, "sensor", "last_seen") == SEEN_TEXT
    for word, shown in (
        ("typing", "typing"),
        ("recording", "recording"),
        ("paused", "idle"),
        ("offline", "idle"),
    ):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
        assert activity(hass) == shown
    assert state(hass, "sensor", "last_seen") > SEEN_TEXT


async def test_presence_access(hass: HomeAssistant, account: Account) -> None:
    """Why something is unknown is told."""
    anna(account).deny = True
    anna(account).last_seen = SEEN
    ben(account).has_data = False
    account.quirks.no_data_as = "object"
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    assert state(hass, "sensor", "presence_access") == "last_seen_hidden"
    assert state(hass, "sensor", "last_seen") == STATE_UNKNOWN
    assert state(hass, "sensor", "presence_access", BEN) == "waiting"


def restore(hass: HomeAssistant, value: object) -> None:
    """Let Home Assistant remember a last-seen."""
    mock_restore_cache_with_extra_data(
        hass,
        [
            (
                State("sensor.anna_last_seen", "whatever"),
                {"native_value": value, "native_unit_of_measurement": None},
            )
        ],
    )


async def test_last_seen_is_restored(hass: HomeAssistant, account: Account) -> None:
    """A restart forgets nothing that the gateway does not tell again."""
    restore(hass, {"__type": "<class 'datetime.datetime'>", "isoformat": SEEN_TEXT})
    await set_up(hass, account)
    assert state(hass, "sensor", "last_seen") == SEEN_TEXT

    await account.set_presence(anna(account), "offline", last_seen=SEEN + 60)
    await settle(hass, account)
    assert state(hass, "sensor", "last_seen") == "2026-09-21T14:14:20+00:00"


async def test_gateway_knows_better_than_what_was_restored(
    hass: HomeAssistant, account: Account
) -> None:
    """What the gateway tells counts, whichever comes first."""
    restore(hass, {"__type": "<class 'datetime.datetime'>", "isoformat": SEEN_TEXT})
    anna(account).last_seen = SEEN + 60
    await set_up(hass, account)
    assert state(hass, "sensor", "last_seen") == "2026-09-21T14:14:20+00:00"


async def test_nonsense_is_not_restored(hass: HomeAssistant, account: Account) -> None:
    """A value of another kind is none."""
    restore(hass, "yesterday")
    await set_up(hass, account)
    assert state(hass, "sensor", "last_seen") == STATE_UNKNOWN


async def test_last_seen_survives_an_outage(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An unknown never erases a known last-seen."""
    anna(account).last_seen = SEEN
    await set_up(hass, account)
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    assert online(hass) == STATE_UNAVAILABLE
    # It was then, whatever befalls the account now.
    assert state(hass, "sensor", "last_seen") == "2026-09-21T14:13:20+00:00"

    simulator.fail_next(10, status=500, path="get-chat-presence")
    await account.set_status("ready")
    await advance(hass, freezer, account, 1)
    assert activity(hass) == STATE_UNKNOWN
    assert state(hass, "sensor", "last_seen") == SEEN_TEXT


def members(hass: HomeAssistant, key: str) -> tuple[str, list[str]]:
    """Return how many members do something, and who."""
    found = hass.states.get(f"sensor.family_{key}")
    assert found is not None
    return found.state, found.attributes["members"]


async def test_members_are_named_and_never_by_their_number(
    hass: HomeAssistant, account: Account
) -> None:
    """Who is a chat has its name; who is nobody's shows two digits."""
    entry = await set_up(hass, account, chat(title="Annie"), chat(FAMILY, "Family"))
    assert members(hass, "typing_members") == ("0", [])
    await account.set_presence(anna(account), "typing", group=FAMILY)
    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)
    assert members(hass, "typing_members") == ("2", ["…23", "Annie"])
    assert members(hass, "recording_members") == ("0", [])

    await account.set_presence(ben(account), "recording", group=FAMILY)
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert members(hass, "typing_members") == ("0", [])
    assert members(hass, "recording_members") == ("1", ["…23"])
    for found in hass.states.async_all():
        assert "491511234567" not in str(found.as_dict())
        assert "447700900123" not in str(found.as_dict())
    assert entry.runtime_data.instance.people.member_name(ANNA) == "Annie"


async def test_members_names_from_the_gateway(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """A gateway that tells of members under their lids, one at a time."""
    account = add_account(simulator, "wawp")
    await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    await account.set_presence(anna(account), "typing", group=FAMILY)
    await settle(hass, account)
    assert members(hass, "typing_members") == ("1", ["Anna"])


async def test_who_is_online(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """As who is typing: a number, and names."""
    account = add_account(simulator, "wawp")
    await set_up(hass, account, chat(title="Annie"), chat(FAMILY, "Family"))
    for person in (anna(account), ben(account)):
        await account.set_presence(person, "typing", group=FAMILY)
        await account.set_presence(person, "paused", group=FAMILY)
    await settle(hass, account)
    assert members(hass, "typing_members") == ("0", [])
    assert members(hass, "online_members") == ("2", ["…23", "Annie"])
    response = await hass.services.async_call(
        DOMAIN,
        "get_presence",
        {"entity_id": "binary_sensor.family"},
        blocking=True,
        return_response=True,
    )
    assert response is not None
    (told,) = response["chats"]  # type: ignore[misc]
    assert sorted(
        (member["name"], member["online"])  # type: ignore[index, call-overload]
        for member in told["members"]  # type: ignore[index, call-overload, union-attr]
    ) == [("Annie", True), ("…23", True)]

    # What only a typing implied has lapsed by then.
    await advance(hass, freezer, account, 5 * 60 + 1)
    assert members(hass, "online_members") == ("0", [])


async def test_who_is_online_where_nobody_says_so(
    hass: HomeAssistant, account: Account
) -> None:
    """WaAPI tells that somebody is online in a group, and not who: not nobody."""
    await set_up(hass, account, chat(FAMILY, "Family"))
    assert members(hass, "online_members") == ("0", [])
    await account.set_presence(anna(account), "online", group=FAMILY)
    await settle(hass, account)
    state = hass.states.get("binary_sensor.family")
    assert state is not None
    assert state.state == "on"
    assert members(hass, "online_members") == (STATE_UNKNOWN, [])


async def test_what_cards_show_a_group_by_has_its_picture(
    hass: HomeAssistant, account: Account
) -> None:
    """Who is there, who is typing: they take turns in one tile, with one face."""
    family(account).picture = "/pictures/1.png"
    await set_up(hass, account, chat(FAMILY, "Family"))
    shown = [
        hass.states.get(entity)
        for entity in (
            "binary_sensor.family",
            "sensor.family_activity",
            "sensor.family_online_members",
            "sensor.family_typing_members",
            "sensor.family_recording_members",
        )
    ]
    path = {state.attributes["entity_picture"] for state in shown if state}
    assert len(path) == 1
    other = hass.states.get("binary_sensor.family_typing")
    assert other is not None
    assert "entity_picture" not in other.attributes


async def test_members_of_an_unknown_group(
    hass: HomeAssistant, account: Account
) -> None:
    """Nobody knows how many type in a group of which nothing was told."""
    account.quirks.trial_number = anna(account).number
    await set_up(hass, account, chat(FAMILY, "Family"))
    assert members(hass, "typing_members") == (STATE_UNKNOWN, [])


async def test_one_members_doing_is_written_once(
    hass: HomeAssistant, account: Account
) -> None:
    """A group's flood is no flood of writes."""
    await set_up(hass, account, chat(FAMILY, "Family"))
    await account.set_presence(anna(account), "typing", group=FAMILY)
    await settle(hass, account)
    writes = Writes(hass)
    await account.flood(FAMILY, 30)
    await settle(hass, account)
    assert writes.states == []


async def test_status(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """The instance's status is told in words of ours."""
    await set_up(hass, account)
    for word, shown in (
        ("ready", "ready"),
        ("booting", "starting"),
        ("qr", "login_required"),
        ("auth_failure", "failed"),
        ("disconnected", "disconnected"),
    ):
        account.status = word
        await advance(hass, freezer, account, 60)
        await advance(hass, freezer, account, 60)
        assert state(hass, "sensor", "status", None) == shown


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_last_event(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """When the gateway last sent something, whatever it was."""
    await set_up(hass, account)
    freezer.move_to(datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC))
    await account.flood(anna(account), 1)
    await settle(hass, account)
    assert state(hass, "sensor", "last_event", None) == "2027-01-02T03:04:05+00:00"
