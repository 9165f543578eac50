#!/usr/bin/env bash
# Question: What becomes of digits behind a comma, a semicolon or a #, as when two numbers are
# pasted, or one has a remark?
#
# A guess: An error, or one long number that is not valid.
#
# What happens: They are the extension: the number before is valid, and E.164 leaves the rest
# out without a word. Behind a space or a slash they are digits of the number.
#
# Output seen:
#   +4915123456789,12 -> +4915123456789 valid DE extension 12
#   +4915123456789;12 -> +4915123456789 valid DE extension 12
#   +4915123456789#2 -> +4915123456789 valid DE extension 2
#   +49 151 23456789 x12 -> +4915123456789 valid DE extension 12
#   +49 151 23456789 12 -> +491512345678912 possible DE
#   +49 151 23456789/12 -> +491512345678912 possible DE
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


for text in ("+4915123456789,12", "+4915123456789;12", "+4915123456789#2", "+49 151 23456789 x12", "+49 151 23456789 12", "+49 151 23456789/12"):
    tell(text)
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
