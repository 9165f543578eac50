"""What counts as somebody's name, and what may be shown of it."""

import unicodedata

# WhatsApp's own bounds are lower: 25 for a person, 100 for a group.
LONGEST_NAME = 100

# Letters and symbols by their kind, but nothing is there to be seen: Hangul's fillers,
# Braille's blank and the like, of which people make names that look empty.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\ufffd\U0001d159")
# What holds an emoji or a script's letters together, although it can't be seen.
_HOLDERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_JOINERS = frozenset(_HOLDERS)
_FIRST_TAG, _LAST_TAG = "\U000e0020", "\U000e007f"


def is_name(text: str) -> bool:
    """Whether a text names somebody: it has a letter, or it is a picture.

    A number is no name, however it is written, nor is punctuation. An emoji is one,
    unless it only adorns a number.
    """
    if any(map(str.isalpha, text)):
        return True
    kinds = {unicodedata.category(character) for character in text}
    return "So" in kinds and not any(map(str.isdecimal, text))


def tidy(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a text in one line, without what can't be seen or steers the writing.

    Control characters, marks of direction and halves of characters are dropped;
    longer texts are cut off.
    """
    # Nobody waits for a text of megabytes.
    seen = "".join(map(_seen, text[: 10 * longest]))
    line = " ".join(seen.split()).strip(f" {_HOLDERS}")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def as_name(value: object) -> str | None:
    """Read a name as a gateway tells it; None if it is none."""
    if not isinstance(value, str):
        return None
    name = tidy(value)
    return name if is_name(name) else None


def _seen(character: str) -> str:
    if character.isspace() or character in _BLANKS:
        return " "
    if character in _JOINERS or _FIRST_TAG <= character <= _LAST_TAG:
        return character
    # Controls, formats, surrogates, what is private or not assigned.
    return "" if unicodedata.category(character).startswith("C") else character
