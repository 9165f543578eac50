"""The book of other ids."""

import pytest

from custom_components.whatsapp_presence.instance import aliases
from custom_components.whatsapp_presence.instance.aliases import AliasBook
from homeassistant.core import HomeAssistant

from ..common import ANNA, ANNA_LID, BEN, BEN_LID

CARL = "33612345678@c.us"
CARL_LID = "999888777666555@lid"


@pytest.fixture
def book(hass: HomeAssistant) -> AliasBook:
    """Return an empty book."""
    return AliasBook(hass, "entry")


def test_number_is_the_main_id(book: AliasBook) -> None:
    """Whichever was asked for, unless the user chose the chat by its other id."""
    assert book.learn_pairs({ANNA: ANNA_LID}, []) == [(ANNA_LID, ANNA)]
    assert book.learn_pairs({ANNA_LID: ANNA}, []) == []
    assert book.learn_pairs({BEN_LID: BEN}, [BEN]) == [(BEN_LID, BEN)]
    assert book.learn_pairs({CARL_LID: CARL}, [CARL_LID]) == [(CARL, CARL_LID)]
    assert book.main == {ANNA_LID: ANNA, BEN_LID: BEN, CARL: CARL_LID}


def test_id_that_becomes_the_main_one_is_no_alias(book: AliasBook) -> None:
    """No id leads in a circle."""
    assert book.learn(ANNA_LID, ANNA)
    assert book.learn(ANNA, ANNA_LID)
    assert book.main == {ANNA: ANNA_LID}
    assert not book.learn(ANNA, ANNA)


def test_strangers(book: AliasBook) -> None:
    """They are so until they are known, or the chats have changed."""
    book.add_stranger(ANNA_LID)
    book.add_stranger(BEN_LID)
    assert book.is_stranger(ANNA_LID)
    book.learn(ANNA_LID, ANNA)
    assert not book.is_stranger(ANNA_LID)
    assert book.is_stranger(BEN_LID)
    book.welcome_strangers()
    assert not book.is_stranger(BEN_LID)


def test_book_does_not_grow_for_ever(
    book: AliasBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first."""
    monkeypatch.setattr(aliases, "MAX_STRANGERS", 2)
    monkeypatch.setattr(aliases, "MAX_ALIASES", 2)
    for lid, number in ((ANNA_LID, ANNA), (BEN_LID, BEN), (CARL_LID, CARL)):
        book.add_stranger(number)
        book.learn(lid, number)
    assert book.main == {BEN_LID: BEN, CARL_LID: CARL}
    assert not book.is_stranger(ANNA)
    assert book.is_stranger(CARL)
