"""The documentation: its links lead somewhere, its names exist, its examples work."""

from collections.abc import Iterator
import json
import logging
from pathlib import Path
import re
from typing import Any, Final

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
import yaml  # type: ignore[import-untyped]

from custom_components.whatsapp_presence import chat_flow, const
from custom_components.whatsapp_presence.condition import CONDITIONS
from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.gateways import client, pacing
from custom_components.whatsapp_presence.gateways.waha import WahaGateway
from custom_components.whatsapp_presence.instance import (
    budget,
    delivery,
    hub,
    registration,
    silence,
    store,
    timetable,
)
from custom_components.whatsapp_presence.instance.announcing import HEARTBEAT_INTERVAL
from custom_components.whatsapp_presence.presence import person, subscription
from custom_components.whatsapp_presence.presence.model import PresenceChange
from custom_components.whatsapp_presence.repairs import Issue, learn_more_url
from custom_components.whatsapp_presence.trigger import TRIGGERS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
from scripts.demo import ONLINE_TODAY, Chat, Instance, dashboard

from .common import BEN, FAMILY, add_account, anna, ben, chat, online, set_up, settle
from .simulator import Simulator
from .test_translations import ENGLISH, PLATFORMS, descriptions

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = ROOT / "docs" / "images"
PAGES: Final = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
EACH_PAGE = pytest.mark.parametrize("page", PAGES)


def prose(page: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """Return a page's blocks of code in a language."""
    fence = rf"^```{language}$\n(.*?)^```$"
    return re.findall(fence, PAGES[page], re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """Return what the page's headings can be reached by."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in headings
    }


def targets(page: str) -> list[str]:
    """Return what a page links to or shows."""
    return [
        *re.findall(r"\]\(([^)\s]+)\)", prose(page)),
        *re.findall(r'(?:src|srcset)="([^"]+)"', prose(page)),
    ]


def section(page: str, heading: str) -> str:
    """Return the text below a heading, with what is below that."""
    level = re.search(rf"^(#+) {re.escape(heading)}$", PAGES[page], re.MULTILINE)
    assert level, heading
    rest = PAGES[page][level.end() :]
    after = re.search(rf"^#{{1,{len(level[1])}}} ", rest, re.MULTILINE)
    return rest[: after.start()] if after else rest


def keys(text: str) -> list[str]:
    """Return the keys that begin the rows of tables."""
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


@EACH_PAGE
def test_links_lead_somewhere(page: str) -> None:
    """To a file of this repository, a heading that is there, or https."""
    for target in targets(page):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.is_file(), target
        if anchor:
            name = found.resolve().relative_to(ROOT).as_posix()
            assert anchor in anchors(name), target


def test_every_page_can_be_found() -> None:
    """From the README, and back."""
    linked = {target.partition("#")[0] for target in targets("README.md")}
    assert {page for page in PAGES if page != "README.md"} <= linked
    for page in PAGES.keys() - {"README.md"}:
        assert "[Back to the README](../README.md)" in PAGES[page], page


def test_every_picture_is_shown() -> None:
    """Each for light and for dark, and none is left over."""
    shown = {Path(target).name for page in PAGES for target in targets(page)}
    there = {path.name for path in IMAGES.iterdir()}
    assert {name for name in shown if name.endswith((".png", ".svg"))} == there
    assert all(
        name.replace("_light", "_dark") in there for name in there if "_light" in name
    )


def test_all_entities_are_told_of() -> None:
    """By their keys, in the README and in detail; and no other."""
    known = {
        description.key
        for module in PLATFORMS.values()
        for description in descriptions(module)
    }
    for page, headings in (
        ("README.md", ("What you get",)),
        ("docs/entities.md", ("Of a chat", "Of an account")),
    ):
        rows = [
            row.split("|")[1]
            for heading in headings
            for row in section(page, heading).splitlines()
            if re.match(r"\| [*(A-Z].*`", row) and "(*" not in row[:2]
        ]
        named = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
        states = {
            state
            for key in ("presence_access", "status")
            for state in ENGLISH["entity"]["sensor"][key]["state"]
        }
        assert named - states == known - states, page


def test_states_are_called_as_they_are_shown() -> None:
    """How much may be seen, and how the account stands."""
    for heading, key in (("Of a chat", "presence_access"), ("Of an account", "status")):
        for state, name in ENGLISH["entity"]["sensor"][key]["state"].items():
            row = f"| {name} `{state}` |"
            assert row in section("docs/entities.md", heading), row


@pytest.mark.parametrize("page", ["README.md", "docs/automations.md"])
def test_automations_are_called_by_their_names(page: str) -> None:
    """All triggers, conditions, and the action are there, and no others."""
    short = {*TRIGGERS, *CONDITIONS, *ENGLISH["services"]}
    named = set(re.findall(rf"{DOMAIN}\.(\w+)`", PAGES[page]))
    assert named <= short
    assert short <= {*named, *re.findall(r"`(\w+)`", PAGES[page])}
    for kind in ("triggers", "conditions"):
        for key, texts in ENGLISH[kind].items():
            row = f"| `{DOMAIN}.{key}` | {texts['name']} |"
            assert page == "README.md" or row in PAGES[page]


def test_the_events_types_are_told() -> None:
    """Those of the event entity."""
    (row,) = re.findall(
        r"^\| Presence `presence`.*$", PAGES["docs/entities.md"], re.MULTILINE
    )
    assert set(PresenceChange) <= set(re.findall(r"`(\w+)`", row))


def test_each_repair_has_its_section() -> None:
    """With the title that the user sees, the name left out."""
    text = section("docs/troubleshooting.md", "Repairs")
    found = dict(re.findall(r"^### (\w+)$\n+\*(.+?)\.?\*", text, re.MULTILINE))
    assert set(found) == set(Issue)
    for issue, title in found.items():
        shown = re.sub(r"{\w+}", "…", ENGLISH["issues"][issue]["title"])
        assert title.removesuffix(".") == shown


@pytest.mark.parametrize(
    "url",
    [
        *(learn_more_url(issue) for issue in Issue),
        f"{const.DOCS_URL}/automations.md",
        f"{const.DOCS_URL}/dashboard.md",
        f"{const.DOCS_URL}/troubleshooting.md#unknown-or-no-data",
    ],
)
def test_where_dialogs_lead_there_is_something(url: str) -> None:
    """Below the address of the documentation: a page, and a heading of it."""
    manifest = json.loads((Path(const.__file__).parent / "manifest.json").read_text())
    assert url.startswith(f"{manifest['documentation']}/blob/main/docs/")
    page, _, anchor = url.rpartition("/")[2].partition("#")
    assert f"docs/{page}" in PAGES
    assert not anchor or anchor in anchors(f"docs/{page}")


@pytest.mark.parametrize(
    ("heading", "texts"),
    [
        (
            "Messages of the dialogs",
            {
                **ENGLISH["config"]["error"],
                **ENGLISH["config_subentries"]["chat"]["error"],
                **{
                    key: text
                    for issue in ENGLISH["issues"].values()
                    for key, text in issue.get("fix_flow", {}).get("abort", {}).items()
                },
                "already_configured": "This",
            },
        ),
        (
            "When an action fails",
            {key: text["message"] for key, text in ENGLISH["exceptions"].items()},
        ),
    ],
    ids=["dialogs", "actions"],
)
def test_each_message_is_told(heading: str, texts: dict[str, str]) -> None:
    """In the words that the user sees, which may go on."""
    text = section("docs/troubleshooting.md", heading)
    assert set(keys(text)) == set(texts)
    for key, message in re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE):
        begins = message.removesuffix(".")
        wanted = texts[key]
        if key == "already_configured":
            aborts = (ENGLISH["config"], ENGLISH["config_subentries"]["chat"])
            assert message in [one["abort"][key] for one in aborts]
        else:
            assert wanted.startswith(begins), key


def test_fields_are_called_as_they_are_shown() -> None:
    """Those of the account, of the chat, and the options."""
    fields = {
        name
        for step in ENGLISH["config"]["step"].values()
        for name in step.get("data", {}).values()
    }
    chat_step = ENGLISH["config_subentries"]["chat"]["step"]["user"]
    for heading, names in (
        ("Fields of an account", fields),
        ("The first chat, and more", set(chat_step["data"].values())),
        ("Options", set(ENGLISH["options"]["step"]["init"]["data"].values())),
    ):
        text = section("docs/setup.md", heading)
        for name in names:
            assert f"| {name} |" in text, name


def test_numbers_are_those_of_the_code() -> None:
    """What the pages promise is what the constants say."""
    minutes = {
        name: f"{getattr(module, name) / 60:.0f} minutes"
        for module, name in (
            (timetable, "ROUND_INTERVAL"),
            (timetable, "FULL_ROUND_INTERVAL"),
            (timetable, "REFUSED_INTERVAL"),
            (timetable, "RECONNECT_SPACING"),
            (timetable, "LAST_RETRY"),
            (subscription, "FAILING_TIME"),
            (subscription, "SAID_LIFE"),
        )
    }
    grace = const.GRACE_TIME.total_seconds()
    poll = const.POLL_INTERVAL.total_seconds()
    assert const.STATUS_INTERVAL.total_seconds() == 60
    for page, phrase in (
        ("docs/setup.md", f"again, every {minutes['FULL_ROUND_INTERVAL']}"),
        ("docs/setup.md", f"every {minutes['ROUND_INTERVAL']} while it shows online"),
        ("docs/setup.md", f"every {minutes['FULL_ROUND_INTERVAL']} at the soonest"),
        (
            "docs/setup.md",
            f"online for some {WahaGateway.capabilities.announce_seconds:.0f} s",
        ),
        ("docs/setup.md", f"to {budget.SHARE * budget.WINDOW / 36:.0f} % of an hour"),
        ("docs/setup.md", f"Asked every {minutes['REFUSED_INTERVAL']}, or every"),
        ("docs/setup.md", f"{minutes['ROUND_INTERVAL']} while it still shows"),
        ("docs/setup.md", f"after {timetable.FIRST_RETRY:.0f} seconds, then"),
        ("docs/setup.md", f"then after up to {minutes['LAST_RETRY']}"),
        ("docs/setup.md", f"three failures that span {minutes['FAILING_TIME']}"),
        ("docs/troubleshooting.md", f"at least {minutes['FAILING_TIME']}"),
        ("docs/setup.md", f"closer than {minutes['RECONNECT_SPACING']}"),
        ("docs/setup.md", f"written within {store.SAVE_DELAY} seconds"),
        ("docs/setup.md", f"as they are for {grace:.0f} seconds"),
        ("docs/setup.md", f"events can arrive | Asked every {poll:.0f} seconds"),
        ("docs/entities.md", f"**{minutes['SAID_LIFE']}** and three renewals"),
        ("README.md", f"every {minutes['FULL_ROUND_INTERVAL']}"),
        ("docs/setup.md", f"kept to {pacing.CLOUD.per_second:.0f} a second"),
        ("docs/setup.md", f"bursts of {pacing.CLOUD.burst}"),
        ("docs/setup.md", f"no longer than {pacing.MAX_PAUSE / 60:.0f} minutes"),
        ("docs/setup.md", f"within {client.TIME_LIMIT:.0f} seconds"),
        ("docs/setup.md", f"every {registration.CHECK_INTERVAL.seconds // 60} minutes"),
        ("docs/setup.md", f"0 to {const.MAX_SETTLE_TIME} seconds"),
        ("README.md", f"({const.DEFAULT_SETTLE_TIME} seconds unless you change it)"),
        ("README.md", f"**{person.TYPING_TIMEOUT:.0f} seconds** after"),
        ("docs/entities.md", f"online every {HEARTBEAT_INTERVAL.seconds}"),
        ("docs/troubleshooting.md", f"for {silence.PATIENCE.seconds // 60} minutes"),
        ("docs/privacy.md", f"above {const.MAX_WEBHOOK_BODY // 1024} KiB"),
    ):
        assert phrase in PAGES[page].replace("\n", " "), phrase
    assert hub.DAILY.days == 1
    assert subscription.FAILED_RENEWALS == subscription.SILENT_RENEWALS == 3
    assert subscription.IMPLIED_LIFE == 5 * 60
    assert subscription.CONFIRM_TIME == 2 * 60
    assert delivery.MISSED_CHANGES == 3
    assert chat_flow.DEFAULT_SETTLE_TIME == const.DEFAULT_SETTLE_TIME


@EACH_PAGE
def test_blocks_are_what_they_say(page: str) -> None:
    """YAML is YAML, and JSON is JSON."""
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)
    for block in blocks(page, "json"):
        assert json.loads(block)


def automations(page: str) -> list[dict[str, Any]]:
    """Return the automations of a page."""
    loaded = [yaml.safe_load(block) for block in blocks(page, "yaml")]
    return [one for one in loaded if "triggers" in one]


@pytest.fixture
async def account(
    hass: HomeAssistant, simulator: Simulator, reachable: None, unpaced: None
) -> Any:
    """Return an account with the chats that the examples are about."""
    account = add_account(simulator)
    await account.set_presence(anna(account), "offline")
    chats = (chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    await set_up(hass, account, *chats)
    return account


@pytest.mark.parametrize(
    ("page", "count"),
    [
        ("README.md", 1),
        ("docs/automations.md", 5),
        ("docs/other-integrations.md", 1),
        ("docs/phone.md", 1),
    ],
)
async def test_automations_can_be_set_up(
    hass: HomeAssistant,
    account: Any,
    caplog: pytest.LogCaptureFixture,
    page: str,
    count: int,
) -> None:
    """All that a page shows, without a word in the log; they name what is there."""
    found = automations(page)
    assert len(found) == count
    assert await async_setup_component(hass, "automation", {"automation": found})
    await hass.async_block_till_done()
    for automation in found:
        state = hass.states.get(f"automation.{slugify(automation['alias'])}")
        assert state is not None
        assert state.state == "on"
    # A slow machine is told of as well.
    loud = [
        one
        for one in caplog.records
        if one.levelno >= logging.WARNING and one.name != "asyncio"
    ]
    assert [
        one for one in loud if "not been tested by Home Assistant" not in one.msg
    ] == []
    for entity_id in mentioned(json.dumps(found)):
        assert hass.states.get(entity_id), entity_id
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )


def mentioned(text: str) -> Iterator[str]:
    """Yield the entities of the examples' chats and account."""
    yield from re.findall(
        r"\b(?:binary_sensor|sensor|switch)\.(?:anna|ben|family|my_account)\w*", text
    )


async def test_the_readmes_automation_runs(hass: HomeAssistant, account: Any) -> None:
    """It says what it should when somebody comes online."""
    said = async_mock_service(hass, "persistent_notification", "create")
    config = {"automation": automations("README.md")}
    assert await async_setup_component(hass, "automation", config)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == "on"
    assert [call.data["message"] for call in said] == ["Anna is online."]


async def test_the_action_answers_as_the_example_shows(
    hass: HomeAssistant, account: Any
) -> None:
    """The automation makes a sentence of it; the response has the fields that are told."""
    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)
    said = async_mock_service(hass, "persistent_notification", "create")
    found = automations("docs/automations.md")
    assert await async_setup_component(hass, "automation", {"automation": found})
    await hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.who_is_there"}, blocking=True
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [call.data["message"] for call in said] == ["Online: Family"]
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )

    (example,) = (
        loaded["chats"]
        for block in blocks("docs/automations.md", "yaml")
        if "chats" in (loaded := yaml.safe_load(block))
    )
    response = await hass.services.async_call(
        DOMAIN,
        "get_presence",
        {"entity_id": ["binary_sensor.anna", "binary_sensor.family"]},
        blocking=True,
        return_response=True,
    )
    assert response is not None
    given: Any = response["chats"]
    assert [list(one) for one in given] == [list(one) for one in example]
    assert list(given[1]["members"][0]) == list(example[1]["members"][0])


async def test_the_template_finds_the_unknown_chats(
    hass: HomeAssistant, account: Any
) -> None:
    """Those of whom nothing can be said, and not the ones who are known."""
    (text,) = blocks("docs/troubleshooting.md", "jinja")
    template = Template(text, hass)
    assert template.async_render() == []
    hass.states.async_set("binary_sensor.ben", "unknown")
    hass.states.async_set("binary_sensor.family", "unavailable")
    assert template.async_render() == ["binary_sensor.ben", "binary_sensor.family"]


async def test_the_other_examples_name_what_is_there(
    hass: HomeAssistant, account: Any
) -> None:
    """The dashboard's entities are those of the chats, if they are switched on."""
    (view,) = map(yaml.safe_load, blocks("docs/dashboard.md", "yaml"))
    registry = er.async_get(hass)
    for entity_id in mentioned(json.dumps(view)):
        entry = registry.async_get(entity_id)
        assert entry, entity_id
        if entry.disabled_by:
            assert entry.unique_id.endswith(f"_{ONLINE_TODAY}")
        else:
            assert hass.states.get(entity_id), entity_id


def outline(view: dict[str, Any]) -> list[list[tuple[Any, ...]]]:
    """Return which cards a view has, in their order, each kind once in a row."""
    return [
        list(
            dict.fromkeys(
                (
                    card["type"],
                    card.get("heading"),
                    card.get("color"),
                    *(one["condition"] for one in card.get("visibility", ())),
                    *sorted(card.get("target", ())),
                )
                for card in one["cards"]
            )
        )
        for one in view["sections"]
    ]


def test_the_demo_shows_the_documented_dashboard(simulator: Simulator) -> None:
    """The same cards in the same order, for more people."""
    suffixes = ("online", "activity", "typing_members", ONLINE_TODAY)
    chats = [
        Chat(chat_id, name, {key: f"sensor.{name}_{key}" for key in suffixes})
        for chat_id, name in (("1@c.us", "anna"), (FAMILY, "family"))
    ]
    account = add_account(simulator)
    (shown,) = dashboard([Instance(account, "", chats)])["views"]
    documented = yaml.safe_load(blocks("docs/dashboard.md", "yaml")[0])
    assert outline(documented) == outline(shown)
    assert documented["type"] == shown["type"]
