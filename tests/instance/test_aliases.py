"""The book of other ids."""

import pytest

from custom_components.whatsapp_presence.instance import aliases
from custom_components.whatsapp_presence.instance.aliases import AliasBook
from custom_components.whatsapp_presence.instance.store import InstanceStore
from homeassistant.core import HomeAssistant

from ..common import ANNA, ANNA_LID, BEN, BEN_LID

CARL = "33612345678@c.us"
CARL_LID = "999888777666555@lid"


@pytest.fixture
def book(hass: HomeAssistant) -> AliasBook:
    """Return an empty book."""
    return AliasBook(InstanceStore(hass, "entry"))


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


@pytest.mark.parametrize("expected_lingering_timers", [True])
def test_newest_other_id_is_known(book: AliasBook) -> None:
    """Somebody may get a new one; both lead to them."""
    book.learn(ANNA_LID, ANNA)
    book.learn(CARL_LID, ANNA)
    assert book.other == {ANNA: CARL_LID}
    assert book.main == {ANNA_LID: ANNA, CARL_LID: ANNA}
    # The number's turn to be the other id takes the older pair's place alone.
    book.learn(ANNA, BEN_LID)
    assert book.other == {ANNA: CARL_LID, BEN_LID: ANNA}


def test_book_does_not_grow_for_ever(
    book: AliasBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first."""
    monkeypatch.setattr(aliases, "MAX_ALIASES", 2)
    for lid, number in ((ANNA_LID, ANNA), (BEN_LID, BEN), (CARL_LID, CARL)):
        book.learn(lid, number)
    assert book.main == {BEN_LID: BEN, CARL_LID: CARL}
    assert book.other == {BEN: BEN_LID, CARL: CARL_LID}
