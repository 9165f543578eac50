"""Numbers, however people and address books of all countries write them."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
import re
import sys
from typing import Final

from hypothesis import given, strategies as st
import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType
import pytest

from custom_components.whatsapp_presence.phone import format_number, parse_typed
from custom_components.whatsapp_presence.presence.chat_id import normalise
from custom_components.whatsapp_presence.presence.typed import (
    ChatId,
    Confirm,
    Refusal,
    Refused,
)
from homeassistant.generated.countries import COUNTRIES

# Hypothesis miscounts the references to its own generator on Python 3.14.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")

ANNA: Final = "4915123456789"
ROOT: Final = Path(__file__).resolve().parent.parent
INTEGRATION: Final = ROOT / "custom_components" / "whatsapp_presence"
REFERENCE: Final = ROOT / "docs" / "setup.md"

REGIONS: Final = {
    region: number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
}


# The ways in which a number is written, by what the reference calls them.
INTERNATIONAL: Final = "With `+` or `00` and the country's code"
WITH_CODE: Final = "The country's code, and nothing before it"
AT_HOME: Final = "As it is dialled inside the country"

GOOD: Final = {"taken", "confirmed"}


def international(number: PhoneNumber) -> Iterator[str]:
    """Write a number as it is understood in all countries."""
    written = {
        form: phonenumbers.format_number(number, form)
        for form in (
            PhoneNumberFormat.E164,
            PhoneNumberFormat.INTERNATIONAL,
            PhoneNumberFormat.RFC3966,
        )
    }
    yield from written.values()
    e164 = written[PhoneNumberFormat.E164]
    spaced = written[PhoneNumberFormat.INTERNATIONAL]
    digits = e164.removeprefix("+")
    code = f"{number.country_code}"
    rest = digits.removeprefix(code)
    groups = spaced.removeprefix(f"+{code}").strip()
    # Typed by hand, with what phones put in.
    yield f" {spaced}\t"
    yield f"\u202a{spaced}\u202c".replace(" ", "\N{NO-BREAK SPACE}")
    yield re.sub("[ -]", ".", spaced)
    yield re.sub("[ -]", "-", spaced)
    yield re.sub("[ -]", "\N{EN DASH}", spaced)
    yield f"00{digits}"
    yield f"00 {code} {groups}"
    yield f"00{spaced.removeprefix('+')}"
    yield f"+00{digits}"
    yield f"(+{code}) {groups}"
    yield f"+({code}) {groups}"
    yield f"(00{code}) {groups}"
    # Habits from home.
    if rest[0] != "0":
        yield f"+{code} (0){groups}"
        yield f"+{code}0{rest}"
        yield f"00{code} (0) {groups}"
    else:
        yield f"+{code} (0){groups[1:]}"
        yield f"00{code} (0) {rest[1:]}"
    # Address books, cards, links.
    yield f"Tel.: {spaced}"
    yield f"{spaced} (Mobil)"
    yield f"Mobile: {spaced}, at work"
    yield f"tel:{e164}"
    yield f"tel:{rest};phone-context=+{code}"
    yield f"sms:{e164}?body=Hello"
    yield f"TEL;TYPE=CELL:{spaced}"
    yield f"item1.TEL;type=CELL;waid={digits}:{spaced}"
    yield f"https://wa.me/{digits}"
    yield f"wa.me/{e164}"
    yield f"https://api.whatsapp.com/send?phone={digits}&text=Hello"
    yield f"https://api.whatsapp.com/send?phone={e164.replace('+', '%2B')}"
    yield f"whatsapp://send?text=Hi&phone={digits}"
    # Ids.
    yield f"{digits}@c.us"
    yield f"+{digits}@c.us"
    yield f"{digits}@s.whatsapp.net"
    yield f"{digits}:12@s.whatsapp.net"
    yield f"{digits}@hosted"


def with_code(number: PhoneNumber) -> Iterator[str]:
    """Write a number with its code and nothing before it."""
    spaced = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    digits = re.sub("[^0-9]", "", spaced)
    yield digits
    yield spaced.removeprefix("+")
    yield f"tel:{digits}"


def at_home(region: str, number: PhoneNumber) -> Iterator[str]:
    """Write a number as it is dialled inside its country."""
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    rest = phonenumbers.national_significant_number(number)
    yield national
    yield re.sub("[^0-9]", "", national)
    yield re.sub("[ -]", ".", national)
    yield f"Mobile: {national}"
    yield rest
    yield f"tel:{rest}"
    trunk = PhoneMetadata.metadata_for_region(region).national_prefix
    # Argentina's mobiles have a 9 that is not dialled at home.
    if trunk and region != "AR":
        yield f"{trunk}{rest}"
        yield f"({trunk}){rest}"
        yield f"{trunk} {rest[:3]} {rest[3:]}"


def outcome(text: str, country: str | None, right: str) -> str:
    """Tell what becomes of a text that means a number."""
    match parse_typed(text, country):
        case ChatId(chat_id):
            return "taken" if chat_id == right else "taken wrongly"
        case Confirm(chat_id, number):
            assert digits_of(number) == chat_id.partition("@")[0]
            return "confirmed" if chat_id == right else "shown wrongly"
    return "refused"


def chat_id(number: PhoneNumber) -> str:
    """Return the id of a number's chat."""
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return f"{digits_of(e164)}@c.us"


def digits_of(text: str) -> str:
    """Return a text's digits."""
    return re.sub("[^0-9]", "", text)


def written(region: str, number: PhoneNumber) -> dict[str, list[str]]:
    """Write a number in every way."""
    return {
        INTERNATIONAL: list(international(number)),
        WITH_CODE: list(with_code(number)),
        AT_HOME: list(at_home(region, number)),
    }


def more_mobiles(region: str, example: PhoneNumber) -> set[str]:
    """Return more of a region's mobiles, which nobody chose."""
    dice = Random(region)
    metadata = PhoneMetadata.metadata_for_region(region)
    lengths = (metadata.mobile or metadata.general_desc).possible_length
    known = phonenumbers.national_significant_number(example)
    found: set[str] = set()
    for _ in range(500):
        kept = dice.randint(0, 3)
        rest = "".join(dice.choices("0123456789", k=dice.choice(lengths) - kept))
        digits = f"{example.country_code}{known[:kept]}{rest}"
        number = phonenumbers.parse(f"+{digits}")
        if (
            phonenumbers.number_type(number)
            in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
            and chat_id(number) == f"{digits}@c.us"
            and phonenumbers.is_valid_number_for_region(number, region)
        ):
            found.add(digits)
        if len(found) == 4:
            break
    return found


def test_every_regions_mobiles_are_read_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody's own number is refused, nobody else's is taken; the reference counts."""
    counts: dict[str, Counter[str]] = {}
    odd: list[tuple[str, str, str]] = []
    for region, number in REGIONS.items():
        for way, texts in written(region, number).items():
            for text in texts:
                became = outcome(text, region, chat_id(number))
                counts.setdefault(way, Counter())[became] += 1
                if became not in GOOD:
                    odd.append((region, text, became))
    assert odd == []
    rows = [
        f"| {way} | {sum(count.values())} | {count['taken']} | {count['confirmed']} "
        f"| {count['refused']} | {count['taken wrongly']} |"
        for way, count in counts.items()
    ]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(rows) + "\n")
    page = REFERENCE.read_text("utf-8")
    assert f"mobiles of all {len(REGIONS)} regions" in page
    for row in rows:
        assert row in page


def test_without_a_home_country_only_the_code_and_its_sign_are_enough() -> None:
    """What is international is taken as at home; digits alone never are."""
    for region, number in REGIONS.items():
        right = chat_id(number)
        ways = written(region, number)
        for text in ways[INTERNATIONAL]:
            # Only in Italy may a number with a zero be another than without.
            good = GOOD if region in ("IT", "VA") else {"taken"}
            assert outcome(text, None, right) in good, (region, text)
        for text in ways[WITH_CODE]:
            assert outcome(text, None, right) == "confirmed", (region, text)
        for text in ways[AT_HOME]:
            assert not isinstance(parse_typed(text, None), ChatId), (region, text)


def test_numbers_that_nobody_chose() -> None:
    """Of each region; some are dialled at home as others' are abroad."""
    seen = 0
    for region, example in REGIONS.items():
        for digits in more_mobiles(region, example):
            number = phonenumbers.parse(f"+{digits}")
            seen += 1
            for way, texts in written(region, number).items():
                for text in texts:
                    became = outcome(text, region, f"{digits}@c.us")
                    assert became in GOOD, (region, way, text, became)
    assert seen > 3 * len(REGIONS)


def test_zeros_mean_the_same_in_all_countries() -> None:
    """Also where something else is dialled for a call abroad."""
    homes = {
        PhoneMetadata.metadata_for_region(region).international_prefix: region
        for region in REGIONS
    }
    assert len(homes) > 30
    for number in REGIONS.values():
        right = chat_id(number)
        text = f"00 {right.partition('@')[0]}"
        for home in homes.values():
            assert outcome(text, home, right) in GOOD, (home, text)


@pytest.mark.parametrize("area", range(11, 100))
def test_a_brazilian_is_never_taken_for_somebody_abroad(area: int) -> None:
    """Whose area codes are others' countries."""
    number = phonenumbers.parse(f"+55{area}984487474")
    if not phonenumbers.is_valid_number(number):
        return
    right = f"55{area}984487474@c.us"
    for text in (f"({area}) 98448-7474", f"{area}984487474", f"0{area} 98448-7474"):
        assert parse_typed(text, "BR") == Confirm(right, f"+55 {area} 98448-7474")
        assert not isinstance(parse_typed(text, None), ChatId)


@pytest.mark.parametrize(
    ("text", "country", "digits"),
    [
        # The zero that is dialled at home.
        ("+49 0151 23456789", None, ANNA),
        ("0049 0151 23456789", "BR", ANNA),
        ("+49 (0)151 23456789", None, ANNA),
        ("+49 [0] 151 23456789", None, ANNA),
        ("49 (0)151 23456789", "DE", ANNA),
        ("+36 06 20 123 4567", None, "36201234567"),
        ("+36 (06) 20 123 4567", None, "36201234567"),
        ("+7 8 912 345-67-89", None, "79123456789"),
        ("+52 044 55 1234 5678", None, "525512345678"),
        ("+52 01 55 1234 5678", None, "525512345678"),
        ("+380 8 050 123 45 67", None, "380501234567"),
        ("+55 (0xx11) 98765-4321", None, "5511987654321"),
        ("+44 (0)7700 900123", None, "447700900123"),
        ("+358 (0)50 1234567", None, "358501234567"),
        # The zero that belongs to the number.
        ("+39 (0)6 1234 5678", None, "390612345678"),
        ("+39 06 1234 5678", None, "390612345678"),
        ("+39 (0)347 123 4567", None, "393471234567"),
        ("+242 (0)222 12 34 56", None, "242222123456"),
        ("+378 (0)549 886377", None, "3780549886377"),
        ("+225 (0)7 01 23 45 67", None, "2250701234567"),
        ("+229 (0)1 95 12 34 56", None, "2290195123456"),
        ("+241 (0)6 03 12 34", None, "24106031234"),
        ("+242 (0)6 123 4567", None, "242061234567"),
        # Dialled abroad, from where the writer lives.
        ("0011 49 151 23456789", "AU", ANNA),
        ("0015 49 151 23456789", "BR", ANNA),
        # What was changed since, the gateway knows.
        ("+54 9 11 2345-6789", None, "5491123456789"),
        ("+54 11 15 2345-6789", None, "5491123456789"),
        ("+54 11 2345-6789", None, "541123456789"),
        ("+52 1 55 1234 5678", None, "5215512345678"),
        ("+52 55 1234 5678", None, "525512345678"),
        ("+55 51 8448-7474", None, "555184487474"),
        # Their own code, and a mobile's length.
        (ANNA, "DE", ANNA),
        ("491511234567", "DE", "491511234567"),
        ("1 202 555 0123", "US", "12025550123"),
        ("1 (506) 234-5678", "US", "15062345678"),
        ("39 347 123 4567", "IT", "393471234567"),
        # Other scripts' digits and what can't be seen.
        ("\uff0b\uff14\uff19 151 23456789", None, ANNA),
        ("+\u096a\u096f \u0967\u096b\u0967 23456789", None, ANNA),
        ("\ufeff+49\u200b151\u200d23456789", None, ANNA),
        ("+49\u2212151\u221223456789", None, ANNA),
        ("+4\ufe0f\u20e39\ufe0f\u20e3 151 23456789", None, ANNA),
        ("+49\u00b7151\u00b723456789", None, ANNA),
        # Words, addresses, cards, links.
        ("Tel.: +49 1512 3456789", None, ANNA),
        ("Tel.: 0049 1512 3456789", None, ANNA),
        ("Phone2: +49 1512 3456789.", None, ANNA),
        ("tel:151-23456789;phone-context=+49", None, ANNA),
        ("tel:0151-23456789;ext=1;phone-context=+49", None, ANNA),
        ("TEL:+49-151-23456789;ext=12", None, ANNA),
        ("tel:%2B4915123456789", None, ANNA),
        ("https://wa.me/+49 151 23456789/", None, ANNA),
        (f"HTTPS://WA.ME/{ANNA}?text=a@b", None, ANNA),
        ("https://web.whatsapp.com/send?phone=+4915123456789", None, ANNA),
        ("+683 4000", None, "6834000"),
        ("tel://+4915123456789", None, ANNA),
        ("SMSTO:+4915123456789:See you at 12345", None, ANNA),
        ("sms:+4915123456789&body=12345", None, ANNA),
        ("whatsapp://+4915123456789", None, ANNA),
        ("WhatsApp://Send?Phone=4915123456789", None, ANNA),
        ("Write to me: https://wa.me/4915123456789", None, ANNA),
        ("[Anna](https://wa.me/4915123456789)", None, ANNA),
        ("https://wa.me/4915123456789 and wa.me/4915123456789", None, ANNA),
        # A browser puts what is pasted into one line.
        (
            (
                "BEGIN:VCARDVERSION:3.0FN:AnnaTEL;TYPE=CELL:+49 151 23456789"
                "EMAIL:anna@example.comBDAY:19900101END:VCARD"
            ),
            None,
            ANNA,
        ),
        (
            (
                "BEGIN:VCARD\nTEL;VALUE=uri;TYPE=cell:tel:+49-151-23456789;ext=12345\n"
                "ADR:;;Main Street 5;Berlin;;10115\nEND:VCARD"
            ),
            None,
            ANNA,
        ),
        ("MECARD:N:Anna;TEL:+4915123456789;EMAIL:a@example.com;;", None, ANNA),
        # Both of Argentina's mobile marks.
        ("+54 9 011 2345-6789", None, "5491123456789"),
        ("+54 9 11 15 2345-6789", None, "5491123456789"),
        ("+229 95 12 34 56", None, "22995123456"),
    ],
)
def test_what_is_taken(text: str, country: str | None, digits: str) -> None:
    """It can only be meant in one way."""
    assert parse_typed(text, country) == ChatId(f"{digits}@c.us")


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("0151 23456789", "DE", "+49 1512 3456789"),
        ("(0)151 23456789", "DE", "+49 1512 3456789"),
        ("+0151 23456789", "DE", "+49 1512 3456789"),
        ("1512 3456789", "DE", "+49 1512 3456789"),
        ("0151 1234567", "DE", "+49 1511234567"),
        ("wa.me/015123456789", "DE", "+49 1512 3456789"),
        ("tel:0151-23456789;phone-context=example.com", "DE", "+49 1512 3456789"),
        ("tel:15123456789;phone-context=example.com", "US", "+1 512-345-6789"),
        ("(51) 98448-7474", "BR", "+55 51 98448-7474"),
        ("0 15 51 98448-7474", "BR", "+55 51 98448-7474"),
        ("8 (912) 345-67-89", "RU", "+7 912 345-67-89"),
        ("011 15-2345-6789", "AR", "+54 9 11 2345-6789"),
        ("(202) 555-0123", "US", "+1 202-555-0123"),
        ("06 1234 5678", "IT", "+39 06 1234 5678"),
        # A landline at home, and a mobile in Norway.
        ("(473) 269-1234", "GD", "+1 473-269-1234"),
        # As it is dialled for a call abroad, where that is no 00.
        ("011 49 151 23456789", "US", "+49 1512 3456789"),
        ("8 10 49 151 23456789", "RU", "+49 1512 3456789"),
        ("011 49 151 1234567", "US", "+49 1511234567"),
        ("0011 49 151 1234567", "AU", "+49 1511234567"),
        # Somebody's abroad, if it is nobody's at home.
        (ANNA, "US", "+49 1512 3456789"),
        (ANNA, None, "+49 1512 3456789"),
        ("447700900123", "DE", "+44 7700 900123"),
        ("(51) 98448-7474", None, "+51 984 487 474"),
        # As a mobile was written in Mexico until 2019, and still is in many a book.
        ("5215512345678", "MX", "+52 1 55 1234 5678"),
        ("52 1 55 1234 5678", "US", "+52 1 55 1234 5678"),
        # What stands beside it may belong to it.
        ("+49 151 23456789 ext 3", None, "+49 1512 3456789"),
        ("+49 151 23456789x3", None, "+49 1512 3456789"),
        ("Anna 4915123456789", "DE", "+49 1512 3456789"),
        # A plan may have changed.
        ("+1 202 555 01234", None, "+1 20255501234"),
        # With 00 it is in one country, with a code that is dialled at home in another.
        ("0039 (0)312 345 6789", "SG", "+39 312 345 6789"),
        ("001 501 622 1234", "HK", "+1 501-622-1234"),
        ("0082 (0)10 2000 0000", "KR", "+82 10-2000-0000"),
        # As it was dialled until the plan was changed.
        ("044 55 1234 5678", "MX", "+52 55 1234 5678"),
        ("01 55 1234 5678", "MX", "+52 55 1234 5678"),
        ("09 6123 4567", "CL", "+56 9 6123 4567"),
        ("8 050 123 45 67", "UA", "+380 50 123 4567"),
        ("8 555 12 34 56", "GE", "+995 555 12 34 56"),
        ("(51) 8448-7474", "BR", "+55 51 8448-7474"),
        ("95 12 34 56", "BJ", "+229 95 12 34 56"),
        ("229 95 12 34 56", "BJ", "+229 95 12 34 56"),
        ("091 98765 43210", "IN", "+91 98765 43210"),
        ("+8 (912) 345-67-89", "RU", "+7 912 345-67-89"),
        ("8~10 49 151 23456789", "RU", "+49 1512 3456789"),
        # The zero that belongs to the number is missing.
        ("+225 7 01 23 45 67", None, "+225 07 01 23 4567"),
        ("7 01 23 45 67", "CI", "+225 07 01 23 4567"),
        # The code stands there twice.
        ("+49 49 151 23456789", None, "+49 1512 3456789"),
        ("tel:4915123456789;phone-context=+49", None, "+49 1512 3456789"),
        # What is behind the stroke may belong to another number.
        ("+49 151 23456789/90", None, "+49 151 23 45678990"),
        ("wa.me/4915123456789 90", None, "+49 1512 3456789"),
        ("tel:+49 151 23456789,12", None, "+49 1512 3456789"),
        # In Italy landlines begin with a zero, and mobiles don't.
        ("+39 0312 3456789", None, "+39 312 345 6789"),
    ],
)
def test_what_is_shown_first(text: str, country: str | None, number: str) -> None:
    """It may be meant in more than one way, or is nothing that is known."""
    digits = digits_of(number)
    assert parse_typed(text, country) == Confirm(f"{digits}@c.us", number)


def test_who_lives_where_home_assistant_knows_no_country() -> None:
    """They write + and the code; as whatever neighbour they choose, digits are shown."""
    assert set(REGIONS) - set(COUNTRIES) == {"AC", "XK"}
    written = "+383 43 201 234"
    for country in (None, "AL", "RS"):
        assert parse_typed(written, country) == ChatId("38343201234@c.us")
        for typed in ("043 201 234", "38343201234"):
            assert not isinstance(parse_typed(typed, country), ChatId)


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("", "DE", Refusal.INVALID),
        ("+", "DE", Refusal.INVALID),
        ("00", "DE", Refusal.INVALID),
        ("Anna", "DE", Refusal.INVALID),
        ("12345", "DE", Refusal.INVALID),
        ("0151 23456789", None, Refusal.INVALID),
        ("(11) 98765-4321", None, Refusal.INVALID),
        ("(11) 98765-4321", "US", Refusal.INVALID),
        ("(11) 98765-4321", "AQ", Refusal.INVALID),
        ("+999 1234567", None, Refusal.INVALID),
        ("+49 151 23456789012", None, Refusal.INVALID),
        ("+49 15", None, Refusal.INVALID),
        ("++49 151 23456789", "DE", Refusal.INVALID),
        ("49+151 23456789", "DE", Refusal.INVALID),
        ("+49 151 23456789, +49 151 23456780", "DE", Refusal.INVALID),
        ("+49 151 23456789 or 0151 23456780", "DE", Refusal.INVALID),
        ("1-800-FLOWERS", "US", Refusal.INVALID),
        ("+49 151 2345678²", None, Refusal.INVALID),
        ("+49 151 2345678①", None, Refusal.INVALID),
        ("tel:", "DE", Refusal.INVALID),
        ("wa.me/", "DE", Refusal.INVALID),
        ("https://wa.me/message/ABCDEF123456", "DE", Refusal.INVALID),
        ("https://wa.me/qr/1234567890", "DE", Refusal.INVALID),
        ("https://example.com/4915123456789", "DE", Refusal.INVALID),
        ("http://[wa.me/4915123456789", "DE", Refusal.INVALID),
        ("https://www.whatsapp.com/[1", "DE", Refusal.INVALID),
        ("whatsapp://send?text=hello", "DE", Refusal.INVALID),
        ("TEL;waid=4915123456789:1\nTEL;waid=4915123456780:2", "DE", Refusal.INVALID),
        ("anna@example.com", "DE", Refusal.INVALID),
        ("4915123456789@newsletter", "DE", Refusal.INVALID),
        ("+49 151 23456789" + " " * 2000, "DE", Refusal.INVALID),
        ("https://chat.whatsapp.com/AbCdEf1234567890", "DE", Refusal.INVITATION),
        ("Join: chat.whatsapp.com/AbCdEf", None, Refusal.INVITATION),
        ("whatsapp://chat?code=AbCdEf", None, Refusal.INVITATION),
        ("wa.me/4915123456789 wa.me/4915123456780", "DE", Refusal.INVALID),
        ("https://notwa.me/4915123456789", "DE", Refusal.INVALID),
        ("https://example.com/wa.me/4915123456789", "DE", Refusal.INVALID),
        ("https://whatsapp.com/channel/0029VaAbCdEf123456", "DE", Refusal.INVALID),
        ("sms:+4915123456789,+4915123456780", "DE", Refusal.INVALID),
        (
            "BEGIN:VCARD\nTEL:+49 30 123456\nTEL:+49 151 23456789\nEND:VCARD",
            "DE",
            Refusal.INVALID,
        ),
        ("+8 (912) 345-67-89", "DE", Refusal.TRUNK_PREFIX),
        ("0011 49 151 23456789", "DE", Refusal.EXIT_CODE),
        ("0011 49 151 23456789", None, Refusal.EXIT_CODE),
        ("0011 49 151 1234567", "DE", Refusal.EXIT_CODE),
        ("011 49 151 1234567", "DE", Refusal.EXIT_CODE),
        ("011 49 151 23456789", "DE", Refusal.EXIT_CODE),
        ("8 (912) 345-67-89", "DE", Refusal.TRUNK_PREFIX),
        ("8 (912) 345-67-89", "US", Refusal.TRUNK_PREFIX),
        ("0151 23456789", "US", Refusal.TRUNK_PREFIX),
        ("8 999 999 999 999", "US", Refusal.INVALID),
        ("12345678901234567890", "DE", Refusal.INVALID),
        ("+49 00151 23456789", "DE", Refusal.TRUNK_PREFIX),
    ],
)
def test_what_is_refused(text: str, country: str | None, reason: Refusal) -> None:
    """And why."""
    assert parse_typed(text, country) == Refused(reason)


@pytest.mark.parametrize(
    ("digits", "number"),
    [
        (ANNA, "+49 1512 3456789"),
        ("12025550123", "+1 202-555-0123"),
        ("393471234567", "+39 347 123 4567"),
        ("390612345678", "+39 06 1234 5678"),
        ("5551984487474", "+55 51 98448-7474"),
        ("9991234567", "+9991234567"),
        ("555184487474", "+55 51 8448-7474"),
        ("22995123456", "+229 95 12 34 56"),
    ],
)
def test_numbers_are_written_as_in_their_country(digits: str, number: str) -> None:
    """What no country has, is written as it is."""
    assert format_number(digits) == number


@given(st.text(), st.sampled_from([None, "DE", "BR", "US", "AR", "RU"]))
def test_any_text_has_an_outcome(text: str, country: str | None) -> None:
    """What is typed never fails, and what is taken is an id."""
    match parse_typed(text, country):
        case ChatId(chat_id) | Confirm(chat_id):
            assert normalise(chat_id) == chat_id
        case Refused(reason):
            assert reason in Refusal


@given(st.from_regex(r"[1-9][0-9]{9}", fullmatch=True), st.data())
def test_a_number_survives_any_punctuation(rest: str, data: st.DataObject) -> None:
    """Separators say nothing, wherever they stand."""
    digits = f"49{rest}"
    separators = data.draw(
        st.lists(
            st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013", "\u200e"]),
            min_size=len(digits),
            max_size=len(digits),
        )
    )
    prefix = data.draw(st.sampled_from(["+", "00", "+ ", "tel:+"]))
    text = prefix + "".join(map("".join, zip(digits, separators, strict=True)))
    assert parse_typed(text, "BR") == ChatId(f"{digits}@c.us")


def test_the_numbering_plans_are_for_one_module() -> None:
    """Which nobody imports but within a function: it reads files, and is big."""
    for path in INTEGRATION.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        imports = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        named = [
            node
            for node in imports
            if "phonenumbers" in ast.unparse(node).replace(",", " ").split()
        ]
        assert bool(named) is (path.name == "phone.py"), path
        at_once = [
            node
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module == "phone"
        ]
        assert not at_once, path
