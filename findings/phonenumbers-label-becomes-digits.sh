#!/usr/bin/env bash
# Question: What is parsed from a number with a name before or behind it, as copied from an
# address book?
#
# A guess: The number, or an error.
#
# What happens: A name before it is dropped. A name of three letters or more behind it, in
# brackets too, is read as a telephone's keys, so that a valid number of somebody else may come
# out; one of two letters is dropped.
#
# Output seen:
#   Mia +43 664 1234567 -> +436641234567 valid AT
#   +43 664 1234567 Mia -> +436641234567642 valid AT
#   +43 664 1234567 (Mia) -> +436641234567642 valid AT
#   +49 30 123456 Mia -> +4930123456642 valid DE
#   +49 151 23456789 Anna -> +49151234567892662 possible DE
#   +49 151 23456789 Jo -> +4915123456789 valid DE
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


for text in ("Mia +43 664 1234567", "+43 664 1234567 Mia", "+43 664 1234567 (Mia)", "+49 30 123456 Mia", "+49 151 23456789 Anna", "+49 151 23456789 Jo"):
    tell(text)
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
