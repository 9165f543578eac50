"""Whose number a typed number is, with the world's numbering plans at hand.

The only module that knows `phonenumbers`. Importing it and each first look at a
country read files: all of this belongs into the executor.

Where digits alone are typed, no country is guessed but the writer's own, and that
only to be shown: what is dialled in one country may be somebody in another.
"""

from collections.abc import Iterator
import re
from typing import Final

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from .presence.typed import (
    ChatId,
    Confirm,
    Number,
    Refusal,
    Refused,
    Start,
    Typed,
    read,
)

_MOBILE: Final = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)

# Where a zero behind the country's code belongs to the number: Italy, San Marino,
# Ivory Coast, Benin, Gabon, Congo.
_OWN_ZEROS: Final = frozenset((39, 378, 225, 229, 241, 242))

_CODES: Final = frozenset(map(str, COUNTRY_CODE_TO_REGION_CODE))

# What is dialled for a call abroad instead of 00, the longest first.
_EXIT_CODES: Final = ("0011", "011", "001", "010", "810", "009", "000", "119")

# Where 8 is dialled before a number of the same country: Russia and Kazakhstan,
# Belarus, Turkmenistan.
_EIGHTS: Final = (7, 375, 993)

# North America's plan is known to the last area.
_STRICT: Final = 1

# What is dialled no more, but stands in many an address book: in Poland, in Mexico and in
# Chile; and an 8 where it was dialled as in Russia.
_OLD_TRUNKS: Final = {48: "0", 52: "01|04[45]", 56: "0"} | dict.fromkeys(
    (371, 372, 373, 374, 380, 992, 994, 995, 996, 998), "80?"
)

_ARGENTINA: Final = 54
# What numbers were that WhatsApp keeps accounts under, and are now: a 1 stood behind
# Mexico's code, Brazil's mobiles had no ninth digit, Benin's no 01. Then, how one from
# now is written as it was.
_OLD_FORMS: Final = {
    52: (re.compile("1([0-9]{10})"), r"\1", r"^\+52", "+52 1"),
    55: (
        re.compile("([1-9][0-9])([6-9][0-9]{7})"),
        r"\g<1>9\2",
        r"(^\+55 [0-9]+ )9",
        r"\1",
    ),
    229: (re.compile("([2-9][0-9]{7})"), r"01\1", r"^\+229 01", "+229"),
}

# E.164 bounds a number, and what is shorter is dialled in one town alone.
_LENGTHS: Final = range(7, 16)
# With its code, hardly any mobile's number is shorter.
_LONG: Final = 10

_INVALID: Final = Refused(Refusal.INVALID)


def parse_typed(text: str, country: str | None) -> Typed:
    """Find out which chat a text means to somebody who lives in a country.

    `country` is the region's two letters, None if it is not known. Ids, links and
    numbers with + or 00 are taken as they are written; digits alone only if they
    begin with the country's own code. All else that may be a number has to be
    confirmed.
    """
    found = read(text)
    if not isinstance(found, Number):
        return found
    home = _Home.of(country)
    typed: Typed = _INVALID
    if found.start is Start.PLUS:
        typed = _international(found.digits)
        if _split(found.digits) is None:
            # No country has this code: a plus was put before what is dialled at home.
            typed = _with_plus(found.digits, home)
    elif found.start is Start.ZEROS:
        typed = _behind_zeros(found.digits, home)
    elif home is not None:
        typed = home.read(found.digits)
    elif number := _valid(found.digits):
        typed = _confirm(number)
    if found.doubtful and isinstance(typed, ChatId):
        return Confirm(typed.chat_id, format_number(_digits_of(typed)))
    return typed


def format_number(digits: str) -> str:
    """Write a number (E.164 digits) as its country does: +49 1512 3456789."""
    number = _split(digits)
    return f"+{digits}" if number is None else _written(number)


class _Home:
    """The country of who types, and how its numbers are dialled there."""

    def __init__(self, region: str, metadata: PhoneMetadata) -> None:
        """Look up how the country dials."""
        self._region = region
        self._code = metadata.country_code
        self._trunk = metadata.national_prefix or ""
        self._exit = re.compile(metadata.international_prefix or "00")
        self._lengths = next(
            description.possible_length
            for description in (metadata.mobile, metadata.general_desc)
            if description and description.possible_length
        )
        # Where mobiles have ranges of their own, a mobile's length says something
        # even of a number that no plan knows.
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        self._has_mobiles = (
            example is not None
            and phonenumbers.number_type(example) == PhoneNumberType.MOBILE
        )

    @classmethod
    def of(cls, region: str | None) -> _Home | None:
        """Return the country, if there are telephones."""
        metadata = PhoneMetadata.metadata_for_region(region or "")
        return cls(region, metadata) if region and metadata else None

    def read(self, digits: str) -> Typed:
        """Read digits without anything that says from where they count."""
        national = self._national(digits)
        own = self._with_code(digits)
        if own and not (
            national and _is_mobile(national) and _chat(national) != _chat(own)
        ):
            return _chat(own)
        if national and (_is_mobile(national) or self._is_whole(national, digits)):
            return _confirm(national)
        if old := self._dialled_once(digits):
            return _confirm(old)
        if foreign := next(self.abroad(digits), None) or _valid(digits):
            return _confirm(foreign)
        if refused := _dialled_elsewhere(digits):
            return Refused(refused)
        typed = self._possible(national, digits)
        if typed == _INVALID and digits.startswith("0") and len(digits) in _LENGTHS:
            return Refused(Refusal.TRUNK_PREFIX)
        return typed

    def abroad(self, digits: str, *, sure: bool = False) -> Iterator[PhoneNumber]:
        """Read a number behind all that may be dialled at home for a call abroad."""
        for end in range(1, min(len(digits), 8)):
            if self._exit.fullmatch(digits[:end]) and (
                number := _abroad(digits[end:], sure=sure)
            ):
                yield number

    def _with_code(self, digits: str) -> PhoneNumber | None:
        """Read a mobile's number that begins with the country's code."""
        if not digits.startswith(str(self._code)):
            return None
        typed = _international(digits)
        if not isinstance(typed, ChatId):
            return None
        number = _split(_digits_of(typed))
        if number is None or len(_national_digits(number)) not in self._lengths:
            return None
        return number if self._has_mobiles or _is_mobile(number) else None

    def _national(self, digits: str) -> PhoneNumber | None:
        """Read a number as it is dialled at home: the likeliest that there can be."""
        numbers = [number for number in self._readings(digits) if _is_valid(number)]
        return next(filter(_is_mobile, numbers), next(iter(numbers), None))

    def _dialled_once(self, digits: str) -> PhoneNumber | None:
        """Read a mobile's number behind what was dialled before it in former times.

        Or behind a zero that stands before the country's own code.
        """
        if self.is_dialled(digits) and (
            number := self._with_code(digits.removeprefix(self._trunk))
        ):
            return number
        return _behind_old_trunk(self._code, digits)

    def _readings(self, digits: str) -> Iterator[PhoneNumber]:
        if self.is_dialled(digits):
            yield _number(self._code, digits.removeprefix(self._trunk))
        yield _number(self._code, digits)
        # It knows carriers' codes, Argentina's 15, and numbers without their area.
        if (number := _parsed(digits, self._region)).country_code == self._code:
            yield number
        if zero := _with_lost_zero(_number(self._code, digits)):
            yield zero

    def is_dialled(self, digits: str) -> bool:
        """Whether a number begins as it is dialled inside the country."""
        return bool(self._trunk) and digits.startswith(self._trunk)

    def _is_whole(self, number: PhoneNumber, digits: str) -> bool:
        """Whether digits are all that is written of a number inside the country."""
        if not self._trunk or self.is_dialled(digits):
            return True
        # In North America, the trunk's 1 is left away.
        written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        return phonenumbers.normalize_digits_only(written) == digits

    def _possible(self, national: PhoneNumber | None, digits: str) -> Typed:
        """Show what has a number's length, although no plan may know it."""
        candidates: list[PhoneNumber | None] = []
        if self.is_dialled(digits) or len(digits) in self._lengths:
            candidates += self._readings(digits)
        if not isinstance(typed := _international(digits), Refused):
            candidates.append(_split(_digits_of(typed)))
        candidates.append(national)
        return next(
            (_confirm(number) for number in candidates if number and _may_be(number)),
            _INVALID,
        )


def _international(digits: str) -> ChatId | Confirm | Refused:
    """Read what is behind a plus: the country's code, and what follows it."""
    number = _split(digits)
    if number is None:
        return _INVALID
    return _with_zero(number) if number.italian_leading_zero else _taken(number)


def _with_plus(digits: str, home: _Home | None) -> Typed:
    """Read what is dialled inside a country, with a plus before it."""
    if home and home.is_dialled(digits):
        return home.read(digits)
    refused = _dialled_elsewhere(digits)
    return Refused(refused) if refused else _INVALID


def _with_zero(number: PhoneNumber) -> ChatId | Confirm | Refused:
    """Read a number with a zero behind the country's code.

    In most countries it is dialled at home alone, and was written by habit.
    """
    without = _number(number.country_code, _national_digits(number)[1:])
    belongs = number.country_code in _OWN_ZEROS
    if _is_mobile(number) and (belongs or not _is_mobile(without)):
        return _chat(number)
    if belongs:
        if not _is_mobile(without):
            is_better = _is_valid(without) and not _is_valid(number)
            return _taken(without if is_better else number)
        # Italy's landlines have their zero, its mobiles have none.
        is_valid = _is_valid(number)
        return _confirm(without) if is_valid else _chat(without)
    if (dialled := _undialled(number)) is not None:
        return _chat(dialled)
    if without.italian_leading_zero:
        return Refused(Refusal.TRUNK_PREFIX)
    return _taken(without)


def _taken(number: PhoneNumber) -> ChatId | Confirm | Refused:
    """Take a number, unless it has one digit too many."""
    if len(_digits(number)) not in _LENGTHS:
        return _INVALID
    dialled = _undialled(number)
    if dialled is None and (once := _without_second_code(number)):
        return _confirm(once)
    if _is_valid(number):
        return _chat(number)
    if dialled is not None:
        return _chat(dialled)
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible == ValidationResult.IS_POSSIBLE:
        return _chat(number)
    # Plans change, and the gateway knows better.
    return _confirm(_with_lost_zero(number) or number)


def _undialled(number: PhoneNumber) -> PhoneNumber | None:
    """Drop what is dialled at home alone, where only then it is a number.

    "+7 8 912…", "+36 06 20…"; in Argentina 15 becomes the 9 behind the code.
    """
    rest = _national_digits(number)
    if number.country_code == _ARGENTINA and rest.startswith("9"):
        # Both the 9 and what is dialled at home instead.
        local = _parsed(f"0{rest.removeprefix('9').removeprefix('0')}", "AR")
        mobile = _number(_ARGENTINA, f"9{_national_digits(local).removeprefix('9')}")
        return mobile if _is_mobile(mobile) else None
    parsed = _parsed(f"+{_digits(number)}", None)
    if _digits(parsed) != _digits(number) and _is_valid(parsed):
        return parsed
    return None if _is_valid(number) else _behind_old_trunk(number.country_code, rest)


def _behind_old_trunk(code: int | None, rest: str) -> PhoneNumber | None:
    """Read a mobile's number behind what was dialled before it in former times."""
    found = re.match(_OLD_TRUNKS.get(code or 0, "$"), rest)
    number = _number(code, rest[found.end() :]) if found else None
    return number if number and _is_mobile(number) else None


def _with_lost_zero(number: PhoneNumber) -> PhoneNumber | None:
    """Read a mobile's number whose own zero was left away by habit."""
    if number.country_code not in _OWN_ZEROS:
        return None
    zero = _number(number.country_code, f"0{_national_digits(number)}")
    return zero if _is_mobile(zero) else None


def _without_second_code(number: PhoneNumber) -> PhoneNumber | None:
    """Read a mobile's number that the country's code was written twice before."""
    once = _split(_national_digits(number))
    is_code = once is not None and once.country_code == number.country_code
    return once if once and is_code and _is_mobile(once) > _is_mobile(number) else None


def _may_be(number: PhoneNumber) -> bool:
    """Whether a number may exist although no plan knows it yet."""
    if number.country_code == _STRICT or len(_digits(number)) not in _LENGTHS:
        return _is_valid(number)
    return phonenumbers.is_possible_number(number)


def _current(number: PhoneNumber) -> PhoneNumber:
    """Return a number as it is written now, if it is one from before."""
    if form := _OLD_FORMS.get(number.country_code or 0):
        old, now, *_ = form
        if found := old.fullmatch(_national_digits(number)):
            return _number(number.country_code, found.expand(now))
    return number


def _behind_zeros(digits: str, home: _Home | None) -> Typed:
    """Read what is behind 00, which some countries dial in another way."""
    typed = _international(digits)
    sure = isinstance(typed, ChatId)
    found = list(home.abroad(f"00{digits}", sure=sure)) if home else []
    if isinstance(typed, ChatId) and (number := _valid(digits)):
        is_sure = all(_chat(abroad) == typed for abroad in found)
        return typed if is_sure else _confirm(number)
    if found and _digits(abroad := found[0]) != digits:
        if isinstance(typed, Confirm) and _valid(_digits_of(typed)):
            # An Italian mobile's behind a zero, which has to be confirmed anyway.
            return typed
        return _chat(abroad) if _is_valid(abroad) else _confirm(abroad)
    if refused := _dialled_elsewhere(f"00{digits}", sure=sure):
        return Refused(refused)
    return typed


def _dialled_elsewhere(digits: str, *, sure: bool = False) -> Refusal | None:
    """Tell whether digits are a number as it is dialled in some other country."""
    for code in _EXIT_CODES:
        if digits.startswith(code) and _abroad(digits.removeprefix(code), sure=sure):
            return Refusal.EXIT_CODE
    if digits.startswith("8"):
        for country in _EIGHTS:
            if _is_valid(_number(country, digits[1:])):
                return Refusal.TRUNK_PREFIX
    return None


def _abroad(digits: str, *, sure: bool) -> PhoneNumber | None:
    """Read what may be behind a code for a call abroad.

    Not `sure` of it, a number will do that no plan knows, if it is a long one.
    """
    if (number := _valid(digits)) or sure or len(digits) < _LONG:
        return number
    number = _split(digits)
    return number if number and _may_be(number) else None


def _valid(digits: str) -> PhoneNumber | None:
    """Return the number that digits are with a plus before them, if there is one."""
    typed = _international(digits)
    if not isinstance(typed, ChatId):
        return None
    number = _split(_digits_of(typed))
    return number if number and _is_valid(number) else None


def _split(digits: str) -> PhoneNumber | None:
    """Part a country's code from the rest; None if no country has it."""
    for end in range(1, 4):
        if digits[:end] in _CODES:
            return _number(int(digits[:end]), digits[end:])
    return None


def _number(code: int | None, rest: str) -> PhoneNumber:
    """Put a number together, zeros before the rest and all."""
    number = PhoneNumber(country_code=code, national_number=int(rest or 0))
    if zeros := len(rest) - len(rest.lstrip("0")):
        number.italian_leading_zero = True
        number.number_of_leading_zeros = zeros
    return number


def _parsed(text: str, region: str | None) -> PhoneNumber:
    """Let the library read a number; an empty one if it can't."""
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return PhoneNumber()


def _is_valid(number: PhoneNumber) -> bool:
    """Whether it is a number, or was one until its country changed its plan."""
    return any(map(phonenumbers.is_valid_number, (number, _current(number))))


def _is_mobile(number: PhoneNumber) -> bool:
    return any(
        phonenumbers.number_type(one) in _MOBILE for one in (number, _current(number))
    )


def _national_digits(number: PhoneNumber) -> str:
    return phonenumbers.national_significant_number(number)


def _digits(number: PhoneNumber) -> str:
    return f"{number.country_code}{_national_digits(number)}"


def _digits_of(chat: ChatId | Confirm) -> str:
    return chat.chat_id.partition("@")[0]


def _written(number: PhoneNumber) -> str:
    if (current := _current(number)) != number and _is_mobile(current):
        *_, new, old = _OLD_FORMS[number.country_code or 0]
        return re.sub(new, old, _written(current))
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def _chat(number: PhoneNumber) -> ChatId:
    return ChatId(f"{_digits(number)}@c.us")


def _confirm(number: PhoneNumber) -> Confirm:
    return Confirm(_chat(number).chat_id, _written(number))
