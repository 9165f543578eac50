"""Wawp: WAHA beneath, its own errors on top."""

import asyncio
import json
from typing import Any

from aiohttp import ClientSession
import pytest

from . import Simulator, VirtualClock, WawpAccount
from .conftest import ANNA, LID, NUMBER, Hook, real, shown

INSTANCE = "A1B2C3D4E5F6"
TOKEN = "wawp-token"
PAIR = {"instance_id": INSTANCE, "access_token": TOKEN}


class Wawp:
    """A client, and the time that it spends."""

    def __init__(
        self, session: ClientSession, simulator: Simulator, clock: VirtualClock
    ) -> None:
        """Speak with good credentials, in the documented places."""
        self.session = session
        self.simulator = simulator
        self.clock = clock
        self.took = 0.0

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, str]:
        """Make a call, letting time pass; the status and the text."""
        began = self.clock.now()
        result = await self.clock.until(self._call(method, path, kwargs))
        self.took = round(self.clock.now() - began, 1)
        return result

    async def _call(
        self, method: str, path: str, kwargs: dict[str, Any]
    ) -> tuple[int, str]:
        async with self.session.request(
            method, f"{self.simulator.url}{path}", **kwargs
        ) as response:
            return response.status, await response.text()

    async def get(self, path: str) -> Any:
        """Get a path; the parsed body."""
        return json.loads((await self.call("GET", path, params=PAIR))[1])

    async def subscribe(self, **kwargs: Any) -> int:
        """Subscribe to Anna; the status."""
        path = f"/v2/presence/{ANNA}/subscribe"
        return (await self.call("POST", path, **kwargs))[0]


@pytest.fixture
def account(simulator: Simulator) -> WawpAccount:
    """A session that knows Anna."""
    account = simulator.add_instance("wawp", INSTANCE, token=TOKEN)
    account.add_person(NUMBER, name="Anna", lid=LID)
    return account


@pytest.fixture
def wawp(session: ClientSession, simulator: Simulator, clock: VirtualClock) -> Wawp:
    """A client of the session."""
    return Wawp(session, simulator, clock)


async def test_it_remembers_and_announces_as_what_runs_beneath(
    account: WawpAccount, wawp: Wawp, clock: VirtualClock
) -> None:
    """Per id, without age, with a second for what was never heard."""
    account.quirks.push_latency = None
    found = await wawp.get(f"/v2/presence/{ANNA}")
    assert (found, wawp.took) == ({"id": ANNA, "presences": []}, 1.0)
    account.quirks.push_latency = 0
    assert await wawp.subscribe(json={**PAIR, "chatId": ANNA}) == 200
    assert (await wawp.get(f"/v2/presence/{ANNA}"))["presences"] == []
    [row] = await wawp.get("/v2/presence")
    assert row["id"] == LID
    assert shown(account)
    await clock.advance(26)
    assert not shown(account)
    await wawp.get("/v2/presence")
    assert not shown(account)


async def test_all_at_once_may_be_refused(account: WawpAccount, wawp: Wawp) -> None:
    """Nobody documents it."""
    account.quirks.get_presences = 405
    assert (await wawp.call("GET", "/v2/presence", params=PAIR))[0] == 405


@pytest.mark.parametrize(
    ("status", "seconds", "form"),
    [("STOPPED", 5, "xml"), ("STARTING", 10, "json"), ("SCAN_QR_CODE", 5, "200")],
)
async def test_a_session_that_does_not_work_is_refused_late_in_its_own_words(
    account: WawpAccount, wawp: Wawp, status: str, seconds: float, form: str
) -> None:
    """Whatever the form."""
    await account.set_status(status)
    account.set_quirks({"errors_as": form})
    code = await wawp.subscribe(json=PAIR)
    assert (code, wawp.took) == (200 if form == "200" else 422, seconds)


async def test_whatsapp_lost_just_now_is_a_500(
    account: WawpAccount, wawp: Wawp, clock: VirtualClock
) -> None:
    """For two seconds."""
    outage = asyncio.create_task(account.outage(1.5))
    await clock.advance(1)
    assert account.ready
    assert await wawp.subscribe(json=PAIR) == 500
    await clock.until(outage)
    assert await wawp.subscribe(json=PAIR) == 200


@pytest.mark.parametrize(
    ("where", "kwargs"),
    [
        ("body", {"json": PAIR}),
        ("query", {"params": PAIR}),
        (
            "header",
            {"json": {"instance_id": INSTANCE}, "headers": {"access-token": TOKEN}},
        ),
        (
            "bearer",
            {
                "headers": {
                    "Authorization": f"Bearer {TOKEN}",
                    "X-Instance-ID": INSTANCE,
                }
            },
        ),
    ],
)
async def test_credentials_count_in_one_place_alone(
    account: WawpAccount, wawp: Wawp, where: str, kwargs: dict[str, Any]
) -> None:
    """Which of the four is the instance's own secret."""
    for place in ("body", "query", "header", "bearer"):
        account.set_quirks({"credentials_in": place})
        assert await wawp.subscribe(**kwargs) == (200 if place == where else 401)


async def test_bearer_counts_for_get_as_well(account: WawpAccount, wawp: Wawp) -> None:
    """And then the query does not."""
    account.set_quirks({"credentials_in": "bearer"})
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Instance-ID": INSTANCE}
    path = "/v2/session/me"
    assert (await wawp.call("GET", path, headers=headers))[0] == 200
    assert (await wawp.call("GET", path, params=PAIR))[0] == 401


async def test_group_members_are_told_by_what_they_do(
    account: WawpAccount, hook: Hook
) -> None:
    """In the vendor's flat shape too."""
    group = "120363000000000001@g.us"
    account.add_group(group, name="Family", members=[account.person("Anna")])
    account.add_webhook(hook.url)
    account.quirks.event_shape = "flat"
    account.subscribe(group)
    await real(account.set_presence("Anna", "recording", group=group))
    payload = hook.bodies[-1]["payload"]
    assert payload == {"chatId": group, "type": "recording", "from": LID}


async def test_haste_is_refused(account: WawpAccount, wawp: Wawp) -> None:
    """And counted."""
    account.set_quirks({"rate_limit": 1})
    assert await wawp.subscribe(json=PAIR) == 200
    assert await wawp.subscribe(json=PAIR) == 429
    assert len(account.refusals) == 1
