"""What is a name, and what of it is shown."""

from hypothesis import given, strategies as st
import pytest

from custom_components.whatsapp_presence.presence.names import (
    LONGEST_NAME,
    as_name,
    is_name,
    tidy,
)

# Hypothesis miscounts the references to its own generator on Python 3.14.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")


@pytest.mark.parametrize(
    "text",
    [
        "Anna",
        "É",
        "李雷",
        "محمد",
        "अनिता",
        "Ben 2",
        "🌸",
        "🌸✨",
        "👨\u200d👩\u200d👧",
        "007 James",
    ],
)
def test_what_is_a_name(text: str) -> None:
    """A text with a letter, of any script, or a picture."""
    assert is_name(text)
    assert as_name(text) == text


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "~", ".", "-- . --", "!?", "12345", "1️⃣"),
        *("+49 1512 3456789", "447700900123", "(51) 98448-7474", "📱 +49 1512 3456789"),
        *(
            "\u3164",
            "\u2800\u2800",
            "\uffa0 \u115f\u1160",
            "\u200d",
            "\ufffc",
            "\ufffd",
        ),
        *("٤٩١٥١", "\u202e\x00", None, 7, ["Anna"], {"name": "Anna"}),
    ],
)
def test_what_is_no_name(value: object) -> None:
    """A number, punctuation, nothing, and what is no text."""
    assert as_name(value) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  Anna \t\n Meier ", "Anna Meier"),
        ("An\x00na\x1b[31m", "Anna[31m"),
        ("\u202eannA\u202c \u2066x\u2069", "annA x"),
        ("Anna\ufeff\u200b", "Anna"),
        ("Anna\ud800", "Anna"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u3164Anna\u3164\u2800 M. \u200c", "Anna M."),
        ("\u200d \u200c", ""),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
        ("x" * 300_000, "x" * (LONGEST_NAME - 1) + "…"),
        (" " * 300_000 + "x", ""),
    ],
)
def test_what_is_shown_of_a_text(text: str, shown: str) -> None:
    """One line that can be seen, and is written as it is read."""
    assert tidy(text) == shown


@given(st.text())
def test_whatever_is_shown_is_safe(text: str) -> None:
    """It is bounded, can be stored, and does not change when it is shown again."""
    shown = tidy(text)
    assert len(shown) <= LONGEST_NAME
    assert shown.encode() is not None
    assert "\n" not in shown
    assert "\x00" not in shown
    assert tidy(shown) == shown
