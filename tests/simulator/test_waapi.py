"""WaAPI, where it is stricter than one would think."""

from typing import Any

from aiohttp import ClientSession
import pytest

from . import Simulator, VirtualClock, WaapiAccount
from .conftest import ANNA, LID, NUMBER, Hook, real

INSTANCE = "/api/v1/instances/123"
EVENTS = [
    "presence_update",
    "ready",
    "disconnected",
    "auth_failure",
    "change_state",
    "qr",
    "authenticated",
    "loading_screen",
    "message",
    "message_create",
    "message_edit",
    "message_revoke_everyone",
    "message_revoke_me",
    "message_ack",
    "message_reaction",
    "media_uploaded",
    "group_join",
    "group_leave",
    "group_update",
    "community_created",
    "community_updated",
    "community_subgroup_linked",
    "community_subgroup_unlinked",
    "community_deactivated",
    "call",
    "vote_update",
]


class Waapi:
    """A client of instance 123, and the time that it spends."""

    def __init__(
        self, session: ClientSession, simulator: Simulator, clock: VirtualClock
    ) -> None:
        """Speak with the good token."""
        self.session = session
        self.simulator = simulator
        self.clock = clock
        self.took = 0.0
        self.response_headers: dict[str, str] = {}

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        """Make a call, letting time pass; the status and the parsed body."""
        began = self.clock.now()
        result = await self.clock.until(self._call(method, path, body))
        self.took = round(self.clock.now() - began, 1)
        return result

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None
    ) -> tuple[int, Any]:
        headers = {"Authorization": "Bearer waapi-token", "Accept": "application/json"}
        url = f"{self.simulator.url}{INSTANCE}{path}"
        async with self.session.request(
            method, url, json=body, headers=headers
        ) as response:
            self.response_headers = dict(response.headers)
            return response.status, await response.json()

    async def presence(self, **body: Any) -> Any:
        """Subscribe to Anna; the presence."""
        path = "/client/action/get-chat-presence"
        _, answer = await self.call("POST", path, {"chatId": ANNA, **body})
        return answer["data"]["data"]["presence"]


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
    """An instance that knows Anna."""
    account = simulator.add_instance("waapi", "123")
    account.add_person(NUMBER, name="Anna", lid=LID)
    return account


@pytest.fixture
def waapi(session: ClientSession, simulator: Simulator, clock: VirtualClock) -> Waapi:
    """A client of the instance."""
    return Waapi(session, simulator, clock)


async def test_there_are_26_events_and_no_others(
    account: WaapiAccount, waapi: Waapi
) -> None:
    """422 for any other, and for any source but four."""
    assert len(EVENTS) == 26

    async def subscribe(**fields: Any) -> int:
        body = {"url": "https://home.example/x", "events": EVENTS, **fields}
        return (await waapi.call("POST", "/webhooks", body))[0]

    for wrong in ("state_change", "contact_changed", "*", ""):
        assert await subscribe(events=[wrong]) == 422
    for wrong_source in ("dashboard", "", None, 1, ["api"]):
        assert await subscribe(source=wrong_source) == 422
    assert account.webhooks == []
    for number, source in enumerate(("zapier", "make", "n8n", "api")):
        url = f"https://home.example/{number}"
        assert await subscribe(url=url, source=source) == 201
    assert [hook["source"] for hook in account.webhooks] == [
        "zapier",
        "make",
        "n8n",
        "api",
    ]


async def test_a_url_is_registered_once_with_its_old_events(
    account: WaapiAccount, waapi: Waapi
) -> None:
    """200, and the 26th of an instance is refused."""
    url = "https://home.example/hook"
    _, first = await waapi.call("POST", "/webhooks", {"url": url, "events": ["qr"]})
    status, second = await waapi.call(
        "POST", "/webhooks", {"url": url, "events": ["ready"]}
    )
    assert status == 200
    assert second == first
    assert second["data"]["events"] == ["qr"]
    for number in range(24):
        account.add_webhook(f"https://crm.example/{number}")
    body = {"url": "https://home.example/more", "events": ["qr"]}
    assert (await waapi.call("POST", "/webhooks", body))[0] == 422


async def test_data_that_does_not_come_is_waited_for_as_long_as_asked(
    account: WaapiAccount, waapi: Waapi
) -> None:
    """1.5 s without a word of it; not at all if not wanted."""
    account.quirks.push_latency = None
    assert await waapi.presence() is None
    assert waapi.took == 1.5
    assert await waapi.presence(timeoutMs=6000) is None
    assert waapi.took == 6
    assert await waapi.presence(waitForData=False) is None
    assert waapi.took == 0
    assert account.subscriptions == {ANNA}
    account.quirks.push_latency = 0.7
    assert (await waapi.presence())["hasData"] is True
    assert waapi.took == 0.7


async def test_typing_reverts_after_25_seconds_with_an_event(
    account: WaapiAccount, clock: VirtualClock, hook: Hook
) -> None:
    """A second one."""
    account.add_webhook(hook.url, events=["presence_update"])
    account.subscribe(ANNA)
    await clock.settle()
    hook.bodies.clear()
    await real(account.set_presence("Anna", "typing"))
    await clock.advance(24.9)
    states = [body["data"]["presence"]["chatstate"] for body in hook.bodies]
    assert states == ["typing"]
    await clock.advance(0.2)
    states = [body["data"]["presence"]["chatstate"] for body in hook.bodies]
    assert states == ["typing", "available"]


async def test_a_reconnect_resets_every_chat(
    account: WaapiAccount, clock: VirtualClock, hook: Hook
) -> None:
    """Which must not read as going offline."""
    account.add_webhook(hook.url, events=["presence_update", "ready"])
    account.subscribe(ANNA)
    await account.set_presence("Anna", "online")
    await clock.settle()
    hook.bodies.clear()
    await real(account.reconnect())
    reset = hook.bodies[0]["data"]["presence"]
    assert (reset["hasData"], reset["chatstate"]) == (False, "unavailable")
    assert account.subscriptions == set()


@pytest.mark.parametrize("retry_after", [None, 7])
async def test_haste_is_refused_at_the_rate_that_a_test_sets(
    account: WaapiAccount, waapi: Waapi, clock: VirtualClock, retry_after: int | None
) -> None:
    """With and without Retry-After; the refusals are counted."""
    account.set_quirks(
        {"rate_limit": 2, "rate_window": 10.0, "retry_after": retry_after}
    )
    statuses = [(await waapi.call("GET", "/client/status"))[0] for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    header = None if retry_after is None else str(retry_after)
    assert waapi.response_headers.get("Retry-After") == header
    assert len(account.refusals) == 2
    assert account.most_refusals_in_a_row == 2
    await clock.advance(10.1)
    assert (await waapi.call("GET", "/client/status"))[0] == 200
    assert account.refusals_in_a_row == 0
