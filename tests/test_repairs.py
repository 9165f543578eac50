"""The repairs: each is told, taken back, and told again after a restart."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.translation import async_get_translations

from .common import (
    BEN,
    ENTRY_ID,
    TITLE,
    WEBHOOK_ID,
    add_account,
    advance,
    anna,
    chat,
    chat_of,
    create_entry,
    instance_of,
    set_up,
    settle,
    until,
)
from .simulator import Account, Faults, Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

ADDRESS = "custom_components.whatsapp_presence.instance.address"


@dataclass
class Scene:
    """What a trouble is made of, and mended with."""

    hass: HomeAssistant
    account: WaapiAccount
    freezer: FrozenDateTimeFactory
    url: str

    async def wait(self, seconds: float = 0) -> None:
        """Let time pass."""
        await advance(self.hass, self.freezer, self.account, seconds)

    async def lose_the_url(self) -> None:
        """Take the public address away."""
        await self.hass.config.async_update(external_url=None)
        await self.wait()

    async def find_the_url(self) -> None:
        """Give it back."""
        await self.hass.config.async_update(external_url=self.url)
        await self.wait()

    async def refuse_webhooks(self) -> None:
        """Let the token be too weak to register one."""
        self.account.quirks.scopes = frozenset({"read"})

    async def accept_webhooks(self) -> None:
        """Let the token be good enough, until the next check."""
        self.account.quirks.scopes = frozenset({"read", "update"})
        await self.wait(15 * 60)

    async def lose_events(self) -> None:
        """Let no event arrive, while things happen that only a renewal tells."""
        self.account.simulator.delivery.faults = Faults(lose=1.0)
        for _ in range(3):
            person = anna(self.account)
            word = "offline" if person.online else "online"
            await self.account.set_presence(person, word)
            await self.wait(20 * 60)

    async def deliver_events(self) -> None:
        """Let one arrive."""
        self.account.simulator.delivery.faults = Faults()
        await self.account.set_presence(anna(self.account), "typing")
        await self.wait()

    async def log_out(self) -> None:
        """Let the phone have been disconnected."""
        await self.account.set_status("qr")
        await self.wait()

    async def log_in(self) -> None:
        """Connect it again."""
        await self.account.set_status("ready")
        await self.wait()

    async def begin_a_trial(self) -> None:
        """Let the instance reach Ben alone, which a renewal finds out."""
        self.account.quirks.trial_number = BEN.partition("@")[0]
        await self.wait(20 * 60)

    async def end_the_trial(self) -> None:
        """Let it reach everybody, which is found out after half an hour."""
        self.account.quirks.trial_number = None
        await self.wait(30 * 60)


@pytest.fixture
def scene(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> Scene:
    """Return an account at WaAPI and what may befall it."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return Scene(hass, account, freezer, str(hass.config.external_url))


def issues(hass: HomeAssistant) -> list[ir.IssueEntry]:
    """Return what the user is told of."""
    return [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    ]


async def text_of(hass: HomeAssistant, issue: ir.IssueEntry) -> str:
    """Return what the user reads; a text that needs more than it is given raises."""
    texts = await async_get_translations(hass, "en", "issues", [DOMAIN])
    prefix = f"component.{DOMAIN}.issues.{issue.translation_key}."
    about = "fix_flow.step.confirm." if issue.is_fixable else ""
    given = {"learn_more": issue.learn_more_url} if issue.is_fixable else {}
    return " ".join(
        texts[f"{prefix}{key}"].format(
            **given, **(issue.translation_placeholders or {})
        )
        for key in ("title", f"{about}description")
    )


type _Act = Callable[[Scene], Awaitable[None]]


@pytest.mark.parametrize(
    ("key", "trouble", "mend", "placeholders"),
    [
        (
            Issue.NO_PUBLIC_URL,
            Scene.lose_the_url,
            Scene.find_the_url,
            {"instance": TITLE},
        ),
        (
            Issue.WEBHOOK_NOT_REGISTERED,
            Scene.refuse_webhooks,
            Scene.accept_webhooks,
            {"instance": TITLE, "webhook_url": f"/api/webhook/{WEBHOOK_ID}"},
        ),
        (
            Issue.WEBHOOK_SILENT,
            Scene.lose_events,
            Scene.deliver_events,
            {"instance": TITLE, "webhook_url": f"/api/webhook/{WEBHOOK_ID}"},
        ),
        (
            Issue.INSTANCE_NOT_READY,
            Scene.log_out,
            Scene.log_in,
            {"instance": TITLE},
        ),
        (
            Issue.CHAT_REFUSED,
            Scene.begin_a_trial,
            Scene.end_the_trial,
            {"chat": "Anna"},
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Issue) else "",
)
async def test_each_is_told_taken_back_and_told_again(
    hass: HomeAssistant,
    scene: Scene,
    key: Issue,
    trouble: _Act,
    mend: _Act,
    placeholders: dict[str, str],
) -> None:
    """At the trouble, at its end, and when it is still there after a restart."""
    with (
        patch(f"{ADDRESS}.is_local_host", return_value=False),
        patch(f"{ADDRESS}.async_leads_home", return_value=False),
    ):
        if key is Issue.WEBHOOK_NOT_REGISTERED:
            # What is registered before can't be refused any more.
            await trouble(scene)
        await set_up(hass, scene.account)
        if key is not Issue.WEBHOOK_NOT_REGISTERED:
            assert issues(hass) == []
            await trouble(scene)
        (issue,) = issues(hass)
        assert issue.translation_key == key
        assert not issue.is_persistent
        told = issue.translation_placeholders or {}
        if "webhook_url" in placeholders:
            placeholders["webhook_url"] = scene.url + placeholders["webhook_url"]
        assert told == placeholders

        text = await text_of(hass, issue)
        for value in told.values():
            assert value in text

        await hass.config_entries.async_unload(ENTRY_ID)
        assert issues(hass) == []
        await hass.config_entries.async_setup(ENTRY_ID)
        await scene.wait()
        if key is Issue.WEBHOOK_SILENT:
            # That nothing arrives has to be noticed anew.
            await scene.lose_events()
        assert [issue.translation_key for issue in issues(hass)] == [key]

        await mend(scene)
        assert issues(hass) == []


@pytest.mark.parametrize("status", ["qr", "disconnected"])
async def test_instance_that_is_not_ready_at_the_start(
    hass: HomeAssistant, scene: Scene, status: str
) -> None:
    """A login that is needed is told at once, what may pass at the second look."""
    scene.account.status = status
    await set_up(hass, scene.account)
    if status == "disconnected":
        assert issues(hass) == []
        await scene.wait(61)
        await scene.wait(61)
    assert [issue.translation_key for issue in issues(hass)] == [
        Issue.INSTANCE_NOT_READY
    ]
    await scene.log_in()
    assert issues(hass) == []


async def test_silent_stream(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A gateway without a webhook has a text of its own."""
    simulator.waha.heartbeat = None
    account: Account = add_account(simulator, "waha")
    entry: MockConfigEntry = create_entry(account, chat())
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await until(lambda: instance_of(entry).delivery.push)
    for _ in range(3):
        instance_of(entry).delivery.async_note_change(missed=True)
    (issue,) = issues(hass)
    assert issue.translation_key == Issue.STREAM_SILENT
    assert issue.translation_placeholders == {"instance": TITLE, "webhook_url": ""}

    await until(lambda: account.subscriptions)
    await account.set_presence(anna(account), "online")
    await until(lambda: not issues(hass))
    assert instance_of(entry).delivery.push
    assert await hass.config_entries.async_unload(ENTRY_ID)


async def test_refused_chat_that_is_removed(hass: HomeAssistant, scene: Scene) -> None:
    """What was told of it goes with it; each chat has an issue of its own."""
    scene.account.quirks.trial_number = "33612345678"
    entry = await set_up(hass, scene.account, chat(), chat(BEN, "Ben"))
    told = [issue.translation_placeholders for issue in issues(hass)]
    assert told == [{"chat": "Anna"}, {"chat": "Ben"}]

    hass.config_entries.async_remove_subentry(
        entry, chat_of(entry).subentry.subentry_id
    )
    await settle(hass, scene.account)
    assert [issue.translation_placeholders for issue in issues(hass)] == [
        {"chat": "Ben"}
    ]


async def test_nothing_is_left_of_a_removed_entry(
    hass: HomeAssistant, scene: Scene
) -> None:
    """Nobody can mend what is no longer there."""
    scene.account.quirks.trial_number = "33612345678"
    scene.account.quirks.scopes = frozenset({"read"})
    await set_up(hass, scene.account)
    assert {issue.translation_key for issue in issues(hass)} == {
        Issue.WEBHOOK_NOT_REGISTERED,
        Issue.CHAT_REFUSED,
    }
    await hass.config_entries.async_remove(ENTRY_ID)
    assert issues(hass) == []
