"""Floods: what arrives is bounded in what it causes. scripts/chaos --floods takes the time."""

from collections.abc import Iterable
from http import HTTPStatus
import json
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.const import MAX_WEBHOOK_BODY
from custom_components.whatsapp_presence.gateways.values import MAX_EVENTS
from custom_components.whatsapp_presence.instance.chat import TELLS_AT_ONCE
from custom_components.whatsapp_presence.presence.members import MAX_MEMBERS
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .common import (
    ANNA,
    BEN,
    FAMILY,
    Writes,
    activity,
    add_account,
    advance,
    chat,
    chat_of,
    entity_id,
    online,
    pass_time,
    requests,
    set_up,
    set_up_stream,
    settle,
    state,
    told,
    until,
    webhook_url,
)
from .simulator import Simulator, WaapiAccount, WawpAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


async def post(hass: HomeAssistant, events: Any) -> None:
    """Send a body to the webhook, which takes it."""
    body = json.dumps(events, separators=(",", ":")).encode()
    assert len(body) <= MAX_WEBHOOK_BODY
    async with async_get_clientsession(hass).post(
        webhook_url(hass), data=body
    ) as response:
        assert response.status == HTTPStatus.OK


def presence(chat_id: str = ANNA, word: str = "typing", **fields: Any) -> Any:
    """Return WaAPI's word on a chat."""
    return {
        "event": "presence_update",
        "data": {
            "id": chat_id,
            "isOnline": True,
            "hasData": True,
            "chatstate": word,
            **fields,
        },
    }


def members(count: int, first: int = 0) -> list[str]:
    """Return so many ids."""
    return [f"{10**14 + number}@lid" for number in range(first, first + count)]


def update(chat_id: str, word: str, people: Iterable[str] = ()) -> Any:
    """Return WAHA's and Wawp's word on a chat."""
    return {
        "event": "presence.update",
        "payload": {
            "id": chat_id,
            "presences": [
                {"participant": one, "lastKnownPresence": word}
                for one in people or (chat_id,)
            ],
        },
    }


@pytest.mark.parametrize("count", [1_000, 12_000])
async def test_of_the_words_on_the_instance_in_one_body_the_last_counts(
    hass: HomeAssistant,
    account: WaapiAccount,
    caplog: pytest.LogCaptureFixture,
    count: int,
) -> None:
    """It has one write, one line in the log, and one question how it really stands."""
    chats = [chat(f"49151{number:08}@c.us", f"Chat {number}") for number in range(20)]
    await set_up(hass, account, *chats)
    caplog.clear()
    writes = Writes(hass)
    asked = requests(account, "/client/status")
    account.status = "qr"
    words = ["ready", "qr"] * (count // 2)
    await post(hass, [{"event": word} for word in words])
    await settle(hass, account)
    assert state(hass, "sensor", "status", None) == "login_required"
    for domain, key, shown in (
        ("binary_sensor", "ready", "off"),
        ("sensor", "status", "login_required"),
    ):
        assert writes.of(entity_id(hass, domain, key, None)) == [shown]
    assert requests(account, "/client/status") == asked + 1
    lines = told(caplog)
    assert "The WaAPI instance is not ready: login_required" in lines
    # That there are more than are read is told once, and never again.
    assert len(lines) == (1 if count <= MAX_EVENTS else 2)


async def test_instance_that_flickers_has_few_lines_in_the_log(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A pair in a minute, however often it comes and goes; the last one is told."""
    await set_up(hass, account)
    caplog.clear()
    for _ in range(10):
        for word in ("qr", "ready"):
            account.status = word
            for _ in range(5):
                await post(hass, {"event": word})
            await settle(hass, account)
            await advance(hass, freezer, account, 1.5)
    assert 1 <= len(told(caplog)) <= 2
    account.status = "qr"
    await post(hass, {"event": "qr"})
    await settle(hass, account)
    for _ in range(3):
        await advance(hass, freezer, account, 60)
    lines = told(caplog)
    assert len(lines) <= 4
    assert lines[-1] == "The WaAPI instance is not ready: login_required"


async def test_only_so_many_events_of_a_body_are_read(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """The last ones, for they are the newest."""
    entry = await set_up(hass, account)
    pushes = chat_of(entry).pushes
    events = [presence(word="typing")] * 500
    await post(hass, [*events, *[presence(word="available")] * MAX_EVENTS])
    assert chat_of(entry).pushes == pushes + MAX_EVENTS
    await advance(hass, freezer, account, 0.6)
    assert activity(hass) == "idle"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_only_so_many_members_of_a_group_are_kept(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """As many as a group can have, in either dialect."""
    wawp = add_account(simulator, "wawp")
    assert isinstance(wawp, WawpAccount)
    await set_up(hass, wawp, chat(FAMILY, "Family"))
    await post(hass, update(FAMILY, "typing", members(MAX_MEMBERS + 500)))
    assert state(hass, "sensor", "typing_members", FAMILY) == str(MAX_MEMBERS)


async def test_chat_that_a_flood_tells_of_is_written_now_and_then(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """What was said last shows within half a second; another chat does at once."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    writes = Writes(hass)
    words = ["typing", "recording_audio"] * 100
    await post(hass, [presence(word=word) for word in words])
    await post(hass, presence(BEN, "typing"))
    assert activity(hass, BEN) == "typing"
    shown = entity_id(hass, "sensor", "activity")
    assert len(writes.of(shown)) == TELLS_AT_ONCE
    await advance(hass, freezer, account, 0.6)
    assert activity(hass) == "recording"
    assert len(writes.of(shown)) <= TELLS_AT_ONCE + 1
    # Quiet again, it is written at once again.
    await advance(hass, freezer, account, 20)
    await post(hass, presence(word="available"))
    assert activity(hass) == "idle"


async def test_flood_that_goes_on_is_written_twice_a_second(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """What waited and is told was one of them."""
    await set_up(hass, account)
    words = ["typing", "recording_audio"]
    await post(hass, [presence(word=word) for word in words * TELLS_AT_ONCE])
    await advance(hass, freezer, account, 0.6)
    writes = Writes(hass)
    for _ in range(10):
        for burst in (words, words[:1]):
            await post(hass, [presence(word=word) for word in burst])
            await advance(hass, freezer, account, 0.5)
        assert activity(hass) == ("typing" if words[0] == "typing" else "recording")
        words.reverse()
    # In ten seconds.
    assert 10 <= len(writes.of(entity_id(hass, "sensor", "activity"))) <= 20


async def test_large_groups_are_written_now_and_then(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A thousand members who type, in ninety events, another one each time."""
    await set_up(hass, account, chat(FAMILY, "Family"))
    writes = Writes(hass)
    for number in range(90):
        await post(
            hass,
            presence(FAMILY, typingParticipants=members(1000 - number % 2, number)),
        )
    shown = entity_id(hass, "sensor", "typing_members", FAMILY)
    assert 1 <= len(writes.of(shown)) <= TELLS_AT_ONCE
    await advance(hass, freezer, account, 0.6)
    assert writes.of(shown)[-1] == "999"
    assert len(writes.of(shown)) <= TELLS_AT_ONCE + 1


async def test_end_of_a_large_group_is_looked_for_once(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Not once for each of its members: that would be a million looks."""
    entry = await set_up(hass, account, chat(FAMILY, "Family"))
    group = chat_of(entry, FAMILY).tracker._members
    assert group is not None
    found = 0
    due = type(group).due.fget
    assert due is not None

    def look(self: Any) -> float:
        nonlocal found
        found += self._due is None
        result: float = due(self)
        return result

    with patch.object(type(group), "due", property(look)):
        await post(hass, presence(FAMILY, typingParticipants=members(1000)))
    assert state(hass, "sensor", "typing_members", FAMILY) == "1000"
    assert found <= 2


async def test_flood_of_a_stream_ends_with_the_last_word(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Of each chat, in the order in which it was said."""
    simulator.waha.heartbeat = None
    waha = add_account(simulator, "waha", engine="GOWS")
    clara = waha.add_person("33612345678", name="Clara")
    entry = await set_up_stream(
        hass, waha, chat(), chat(BEN, "Ben"), chat(FAMILY), chat(clara.chat_id, "Clara")
    )
    (socket,) = simulator.waha.connected
    # What each subscription brings comes first.
    people = (ANNA, BEN, clara.chat_id)
    await until(lambda: all(chat_of(entry, one).pushes for one in people))
    before = {chat_id: chat_of(entry, chat_id).pushes for chat_id in (ANNA, FAMILY)}
    for number in range(600):
        for chat_id, words in (
            (ANNA, ("offline", "online")),
            (BEN, ("online", "offline")),
        ):
            await socket.ws.send_str(json.dumps(update(chat_id, words[number % 2])))
        if number % 100 == 0:
            await socket.ws.send_str(
                json.dumps(update(FAMILY, "typing", members(1000)))
            )
    await socket.ws.send_str(json.dumps(update(clara.chat_id, "online")))
    await until(lambda: online(hass, clara.chat_id) == STATE_ON)
    assert chat_of(entry).pushes == before[ANNA] + 600
    await pass_time(hass, freezer, 1)
    assert online(hass) == STATE_ON
    assert online(hass, BEN) == STATE_OFF
    assert chat_of(entry, FAMILY).pushes == before[FAMILY] + 6
