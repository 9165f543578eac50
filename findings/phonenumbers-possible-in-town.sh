#!/usr/bin/env bash
# Question: What does is_possible_number say of a number behind a + that can be dialled in one
# town alone, without its area, or is an emergency call?
#
# A guess: No: behind a + it is a number of the world, which nobody can dial.
#
# What happens: Yes, for it asks the length alone, also that of a call inside the town: +49110
# is possible, and so are Berlin's code, a US number without its area, and the beginning of a
# mobile that was cut off while it was pasted. Only the reason, IS_POSSIBLE_LOCAL_ONLY, tells
# them from a number.
#
# Output seen:
#   police +49110 -> possible IS_POSSIBLE_LOCAL_ONLY not valid
#   Berlin's code +4930 -> possible IS_POSSIBLE_LOCAL_ONLY not valid
#   San Francisco without the area +15552671 -> possible IS_POSSIBLE_LOCAL_ONLY not valid
#   a mobile that is cut off +49151 -> possible IS_POSSIBLE_LOCAL_ONLY not valid
#   a mobile +4915123456789 -> possible IS_POSSIBLE valid
#   information +1411 -> not possible TOO_SHORT not valid
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
from phonenumbers import ValidationResult

for what, text in (
    ("police", "+49110"),
    ("Berlin's code", "+4930"),
    ("San Francisco without the area", "+15552671"),
    ("a mobile that is cut off", "+49151"),
    ("a mobile", "+4915123456789"),
    ("information", "+1411"),
):
    number = phonenumbers.parse(text)
    reason = ValidationResult.to_string(phonenumbers.is_possible_number_with_reason(number))
    possible = phonenumbers.is_possible_number(number)
    print(what, text, "->", "possible" if possible else "not possible", reason, "valid" if phonenumbers.is_valid_number(number) else "not valid")
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
