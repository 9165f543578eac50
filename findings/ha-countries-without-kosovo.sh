#!/usr/bin/env bash
# Question: A home country is chosen from Home Assistant's list, and phonenumbers is to read what
# is dialled there. Does the list have the country of every telephone?
#
# A guess: Yes, and perhaps some islands without any.
#
# What happens: It is ISO's list, which has no Kosovo: two million people's numbers can't be read
# as they dial them. Whatever neighbour they choose instead, the same digits are a possible number
# there. Seven countries of the list have no telephones to phonenumbers.
#
# Output seen:
#   telephones, but not in the list: AC TA XK
#   in the list, but no telephones: AQ BV GS HM PN TF UM
#   XK as a home country -> invalid ISO 3166 formatted country
#   043 201 234 in XK -> +38343201234 valid
#   043 201 234 in AL -> +35543201234 valid
#   043 201 234 in MK -> +38943201234 valid
#   043 201 234 in ME -> +38243201234 possible
#   043 201 234 in RS -> +38143201234 possible
# Seen with homeassistant 2026.11.0 and phonenumbers 9.0.43 (PyPI), Python 3.14.8, on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
# Home Assistant needs Python 3.14.2 or later. uv, where there is one, is only quicker.
"${PYTHON:-python3.14}" -m venv --without-pip venv
install() {
  if command -v uv >/dev/null; then
    timeout 900 uv pip install --quiet --python venv/bin/python "$@"
  else
    timeout 900 python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check "$@"
  fi
}
install homeassistant==2026.11.0 phonenumbers==9.0.43

cat >finding.py <<'PY'
from homeassistant.generated.countries import COUNTRIES
from homeassistant.helpers import config_validation as cv
import phonenumbers
import probatio
from phonenumbers import PhoneNumberFormat, format_number, is_possible_number, is_valid_number, parse

print("telephones, but not in the list:", *sorted(phonenumbers.SUPPORTED_REGIONS - set(COUNTRIES)))
print("in the list, but no telephones:", *sorted(set(COUNTRIES) - phonenumbers.SUPPORTED_REGIONS))
try:
    cv.country("XK")
except probatio.Invalid as err:
    print("XK as a home country ->", err)
for region in ("XK", "AL", "MK", "ME", "RS"):
    number = parse("043 201 234", region)
    kind = "valid" if is_valid_number(number) else "possible" if is_possible_number(number) else "impossible"
    print(f"043 201 234 in {region} ->", format_number(number, PhoneNumberFormat.E164), kind)
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
