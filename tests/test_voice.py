"""Voice: what Assist answers by itself, and what with the blueprint."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.components.conversation import async_converse
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component

from .common import (
    ANNA,
    BEN,
    FAMILY,
    add_account,
    advance,
    anna,
    ben,
    chat,
    online,
    outlast_grace,
    set_up,
    settle,
)
from .simulator import Account, Simulator
from .test_blueprints import automate, blueprints, devices, load

__all__ = ["blueprints"]

VOICE = "ask_by_voice.yaml"
NOON = "2026-11-27T12:00:00+00:00"
pytestmark = pytest.mark.usefixtures("blueprints", "unpaced")


@pytest.fixture
async def assist(hass: HomeAssistant) -> None:
    """Set Assist up, before the first client asks for anything."""
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})


@pytest.fixture
async def account(
    hass: HomeAssistant,
    assist: None,
    reachable: None,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> Account:
    """Return an account at WaAPI, in a house with Assist."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(NOON)
    account = add_account(simulator)
    await account.set_presence(anna(account), "offline")
    await account.set_presence(ben(account), "offline")
    return account


async def ask(hass: HomeAssistant, text: str, language: str = "en") -> str:
    """Ask Assist, and return what it says."""
    result = await async_converse(hass, text, None, Context(), language)
    return str(result.response.speech["plain"]["speech"])


async def prepare(hass: HomeAssistant, account: Account, **inputs: Any) -> None:
    """Set up three chats, and the blueprint."""
    await set_up(hass, account, chat(), chat(BEN, "Ben Miller"), chat(FAMILY, "Family"))
    await automate(hass, VOICE, **inputs)


async def test_what_assist_answers_without_it(
    hass: HomeAssistant, account: Account
) -> None:
    """As the page says: on and off, and nothing about being online."""
    await set_up(hass, account)
    for entity_id in ("binary_sensor.anna", "binary_sensor.anna_typing"):
        async_expose_entity(hass, "conversation", entity_id, should_expose=True)
    hass.states.async_set("person.anna", "home", {"friendly_name": "Anna"})
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert await ask(hass, "is Anna on") == "Yes"
    assert await ask(hass, "who is online") == "Not any"
    # As if the state were asked for, and "online" were the name of one.
    assert await ask(hass, "is Anna online") == "No, on"
    assert await ask(hass, "is Anna typing") == "No, on"
    assert (await ask(hass, "when was Anna last seen")).startswith("Sorry")


async def test_who_is_online(hass: HomeAssistant, account: Account) -> None:
    """Nobody, one, or several; and nobody is called offline by guess."""
    await prepare(hass, account)
    assert await ask(hass, "Who is online?") == "Nobody is online."
    assert await ask(hass, "Wer ist gerade online?", "de") == "Niemand ist online."
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    for text in (
        "who's online on WhatsApp",
        "is anybody online right now",
        "is anybody on WhatsApp",
        "is Anna on WhatsApp",
        "is Anna online on WhatsApp",
    ):
        assert await ask(hass, text) == "Anna is online."
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert await ask(hass, "who is online") == "Anna and Ben Miller are online."
    for text in ("wer ist bei WhatsApp online", "ist jemand online"):
        assert await ask(hass, text, "de") == "Anna und Ben Miller sind online."


async def test_is_anna_online(hass: HomeAssistant, account: Account) -> None:
    """By the whole name, or by a part of it; a person of that name does not matter."""
    hass.states.async_set("person.anna", "home", {"friendly_name": "Anna"})
    await prepare(hass, account)
    assert await ask(hass, "Is Anna online?") == "Anna is not online."
    await account.set_presence(anna(account), "online")
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert await ask(hass, "is anna online") == "Anna is online."
    assert await ask(hass, "is Ben online right now") == "Ben Miller is online."
    assert await ask(hass, "ist Anna gerade online", "de") == "Anna ist online."
    assert await ask(hass, "is Family online") == "Family is online."
    assert await ask(hass, "is Carl online") == "There is no WhatsApp chat called Carl."


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Dr. Miller", "Dr. Miller"),
        ("J. R. Miller", "j. r. miller"),
        ("Mia: work", "Mia: work"),
        ("Ben, Mia", "Ben, Mia"),
        ("Ben O\N{RIGHT SINGLE QUOTATION MARK}Miller", "Ben O'Miller"),
        ("Dr. Miller-Otto (work)", "Dr Miller-Otto (work)"),
    ],
)
async def test_signs_in_a_name_do_not_matter(
    hass: HomeAssistant, account: Account, name: str, asked: str
) -> None:
    """Assist hands a name on without most of them."""
    await set_up(hass, account, chat(), chat(BEN, name))
    await automate(hass, VOICE)
    assert await ask(hass, f"Is {asked} online?") == f"{name} is not online."


async def test_is_somebody_writing(hass: HomeAssistant, account: Account) -> None:
    """Somebody, or one in particular."""
    await prepare(hass, account)
    assert await ask(hass, "is somebody writing to me") == "Nobody is writing."
    assert await ask(hass, "schreibt mir gerade jemand", "de") == "Niemand schreibt."
    await account.set_presence(anna(account), "typing")
    await account.set_presence(ben(account), "recording")
    await settle(hass, account)
    both = "Anna is typing. Ben Miller is recording a voice message."
    for text in ("is somebody writing to me", "who is typing", "is anyone typing"):
        assert await ask(hass, text) == both
    assert await ask(hass, "is Anna typing") == "Anna is typing."
    assert await ask(hass, "is Family writing") == "Family is not writing."
    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)
    assert await ask(hass, "is Family writing") == "Ben Miller in Family is typing."
    assert await ask(hass, "schreibt Anna", "de") == "Anna schreibt."
    assert await ask(hass, "wer schreibt mir", "de") == (
        "Anna und Ben Miller in Family schreiben. "
        "Ben Miller nimmt eine Sprachnachricht auf."
    )


async def test_when_was_anna_last_seen(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Today, yesterday, on a day, or nobody knows."""
    await prepare(hass, account)
    assert await ask(hass, "when was Family last seen") == (
        "I don't know when Family was last seen."
    )
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert await ask(hass, "when was Anna last seen") == "Anna is online."
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 60)
    text = "Anna was last seen {} at 12:00."
    assert await ask(hass, "when was Anna last online") == text.format("today")
    assert await ask(hass, "wann war Anna zuletzt online", "de") == (
        "Anna war zuletzt heute um 12:00 Uhr online."
    )
    await advance(hass, freezer, account, 24 * 3600)
    assert await ask(hass, "when was Anna last seen") == text.format("yesterday")
    await advance(hass, freezer, account, 24 * 3600)
    assert await ask(hass, "when was Anna last seen") == text.format("on 27 November")
    assert await ask(hass, "wann wurde Anna zuletzt gesehen", "de") == (
        "Anna war zuletzt am 27.11. um 12:00 Uhr online."
    )


async def test_what_is_not_known(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Without a connection nobody is called offline; without an account Assist says so."""
    await prepare(hass, account)
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    assert online(hass) == "unavailable"
    assert await ask(hass, "who is online") == "I don't know who is online."
    assert await ask(hass, "is Anna online") == "I don't know whether Anna is online."
    assert await ask(hass, "is somebody writing to me") == (
        "I don't know whether anybody is writing."
    )
    assert await ask(hass, "is Anna typing") == "I don't know whether Anna is writing."
    assert await ask(hass, "schreibt mir jemand", "de") == (
        "Ich weiß nicht, ob jemand schreibt."
    )
    (entry,) = hass.config_entries.async_entries("whatsapp_presence")
    await hass.config_entries.async_unload(entry.entry_id)
    assert await ask(hass, "who is online") == (
        "WhatsApp is not connected at the moment."
    )


async def test_some_are_not_known(hass: HomeAssistant, account: Account) -> None:
    """What is said of nobody is true of those who are known."""
    ben(account).has_data = False
    await prepare(hass, account)
    assert await ask(hass, "who is online") == "Nobody is online, as far as I know."
    assert await ask(hass, "wer ist online", "de") == (
        "Soweit ich weiß, ist niemand online."
    )
    assert await ask(hass, "who is typing") == "Nobody is writing, as far as I know."
    assert await ask(hass, "is Ben online") == (
        "I don't know whether Ben Miller is online."
    )


async def test_a_name_that_several_have(hass: HomeAssistant, account: Account) -> None:
    """All of them are told of."""
    await set_up(hass, account, chat(ANNA, "Anna Smith"), chat(BEN, "Anna Jones"))
    await automate(hass, VOICE)
    assert await ask(hass, "is Anna online") == (
        "Anna Jones is not online. Anna Smith is not online."
    )
    assert await ask(hass, "is Anna typing") == (
        "Anna Jones is not writing. Anna Smith is not writing."
    )
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert await ask(hass, "is Anna online") == (
        "Anna Jones is online. Anna Smith is not online."
    )
    assert await ask(hass, "is Anna Smith online") == "Anna Smith is not online."
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert await ask(hass, "ist Anna online", "de") == (
        "Anna Jones und Anna Smith sind online."
    )


async def test_a_name_that_is_told_once(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody whom two accounts know is one person, and is where they were seen last."""
    await set_up(hass, account, chat(ANNA, "Ben"), chat(BEN, "Ben"))
    await automate(hass, VOICE)
    assert await ask(hass, "is Ben online") == "Ben is not online."
    assert await ask(hass, "is Ben typing") == "Ben is not writing."
    for who in (ben(account), anna(account)):
        await account.set_presence(who, "typing")
        await settle(hass, account)
        assert await ask(hass, "is Ben online") == "Ben is online."
        assert await ask(hass, "who is online") == "Ben is online."
        assert await ask(hass, "is Ben typing") == "Ben is typing."
        assert await ask(hass, "when was Ben last seen") == "Ben is online."
        await account.set_presence(who, "offline")
        await advance(hass, freezer, account, 60)
    assert await ask(hass, "when was Ben last seen") == (
        "Ben was last seen today at 12:01."
    )


async def test_answers_of_an_earlier_blueprint(
    hass: HomeAssistant, account: Account
) -> None:
    """Whoever has translated them goes on with what there is."""
    answers = dict(load(VOICE).inputs["answers"]["default"]["en"])
    for key in (
        "nobody_seen_online",
        "nobody_seen_typing",
        "typing_not_known",
        "not_known_typing",
    ):
        del answers[key]
    ben(account).has_data = False
    await prepare(hass, account, answers={"en": answers})
    assert await ask(hass, "who is online") == "Nobody is online."
    assert await ask(hass, "who is typing") == "Nobody is writing."
    assert await ask(hass, "is Ben typing") == "Ben Miller is not writing."


async def test_own_sentences_and_chats(hass: HomeAssistant, account: Account) -> None:
    """Only who may be asked for, in words of one's own, in any language."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    answers: dict[str, Any] = dict(load(VOICE).inputs["answers"])
    own = {**answers["default"]["en"], "one_online": "{names} on linjoilla."}
    await automate(
        hass,
        VOICE,
        chats=devices(hass, VOICE, "chats", BEN),
        who_sentences=["kuka on linjoilla"],
        answers={**answers["default"], "fi": own},
    )
    await account.set_presence(anna(account), "online")
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert await ask(hass, "Kuka on linjoilla?", "fi") == "Ben on linjoilla."
