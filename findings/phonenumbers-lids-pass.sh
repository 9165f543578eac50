#!/usr/bin/env bash
# Question: How often are the digits of a lid, which are no phone number (13 to 15 of them), a
# valid one with a + before them?
#
# A guess: Never, or once in thousands: E.164 ends at 15 digits, and few numbers are that long.
#
# What happens: 1 to 3 %, mostly German and Austrian, and every fourth or fifth is possible: a
# validity check does not keep lids out.
#
# Output seen:
#   13 digits: 2.8 % valid, 25 % possible, DE ID AT
#   14 digits: 1.7 % valid, 20 % possible, DE AT 001
#   15 digits: 1.2 % valid, 23 % possible, DE AT 001
# Seen with phonenumbers 9.0.43 (PyPI), 20000 random ids of each length, seed 7, on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check phonenumbers==9.0.43

cat >finding.py <<'PY'
from collections import Counter
from random import Random

import phonenumbers

random = Random(7)
for length in (13, 14, 15):
    valid, possible, regions = 0, 0, Counter()
    for _ in range(20_000):
        try:
            number = phonenumbers.parse(f"+{random.randrange(10 ** (length - 1), 10**length)}")
        except phonenumbers.NumberParseException:
            continue
        possible += phonenumbers.is_possible_number(number)
        if phonenumbers.is_valid_number(number):
            valid += 1
            regions[phonenumbers.region_code_for_number(number)] += 1
    print(length, f"digits: {valid / 200:.1f} % valid, {possible / 200:.0f} % possible,", *(region for region, _ in regions.most_common(3)))
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
