#!/usr/bin/env bash
# Question: A user in Germany types a whole number, country code first, without the +:
# `4915123456789`. What is made of it in region DE?
#
# A guess: +49 151 23456789, as happens in Austria, Italy, Russia or Brazil with theirs.
#
# What happens: +49 4915 123456789, a landline that counts as valid: German numbers are of so
# many lengths that the code is taken for an area's. Somebody else is asked for, without a
# warning. With some area codes (Berlin's 30) it happens to go well; an Indonesian one of nine
# digits goes wrong in the same way.
#
# Output seen:
#   4915123456789 DE -> +494915123456789 valid DE
#   491712345678 DE -> +49491712345678 valid DE
#   494012345678 DE -> +494012345678 valid DE
#   4930123456 DE -> +4930123456 valid DE
#   62812345678 ID -> +6262812345678 valid ID
#   436641234567 AT -> +436641234567 valid AT
#   393471234567 IT -> +393471234567 valid IT
#   79031234567 RU -> +79031234567 valid RU
#   5511987654321 BR -> +5511987654321 valid BR
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


for text, region in (("4915123456789", "DE"), ("491712345678", "DE"), ("494012345678", "DE"), ("4930123456", "DE"), ("62812345678", "ID"), ("436641234567", "AT"), ("393471234567", "IT"), ("79031234567", "RU"), ("5511987654321", "BR")):
    tell(text, region)
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
