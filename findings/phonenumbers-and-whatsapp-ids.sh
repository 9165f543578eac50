#!/usr/bin/env bash
# Question: Are the digits of WhatsApp ids phone numbers: Mexico's with a 1 after 52, Brazil's
# of before the ninth digit?
#
# A guess: Yes; or they are brought into today's form, as `+54 11 15…` is for Argentina.
#
# What happens: Mexico's is not even possible; Brazil's is possible and not valid. Neither is
# brought into today's form, and is_number_match finds no match for Brazil's, and only a weak
# one (a short end in common) for Mexico's. Only Argentina's dialled 15 becomes the 9 of its
# ids.
#
# Output seen:
#   +5215512345678 -> +5215512345678 impossible MX
#   +525512345678 -> +525512345678 valid MX
#   +553191234567 -> +553191234567 possible BR
#   +5531991234567 -> +5531991234567 valid BR
#   +54 11 15 2345 6789 -> +5491123456789 valid AR
#   +54 9 11 2345 6789 -> +5491123456789 valid AR
#   +5215512345678 +525512345678 -> SHORT_NSN_MATCH
#   +553191234567 +5531991234567 -> NO_MATCH
# Seen with phonenumbers 9.0.43 (PyPI), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check phonenumbers==9.0.43

cat >finding.py <<'PY'
import phonenumbers
from phonenumbers import PhoneNumberFormat, format_number, is_possible_number, is_valid_number, parse, region_code_for_number


def tell(text, region=None):
    try:
        number = parse(text, region)
    except phonenumbers.NumberParseException as err:
        print(*filter(None, (text, region)), "->", err)
        return
    print(*filter(None, (text, region)), "->", format_number(number, PhoneNumberFormat.E164), "valid" if is_valid_number(number) else "possible" if is_possible_number(number) else "impossible", region_code_for_number(number), *(["extension", number.extension] if number.extension else []))


for text in ("+5215512345678", "+525512345678", "+553191234567", "+5531991234567", "+54 11 15 2345 6789", "+54 9 11 2345 6789"):
    tell(text)
words = {value: name for name, value in vars(phonenumbers.MatchType).items() if not name.startswith("_")}
for one, other in (("+5215512345678", "+525512345678"), ("+553191234567", "+5531991234567")):
    print(one, other, "->", words[phonenumbers.is_number_match(one, other)])
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
