#!/usr/bin/env bash
# Question: Of a Brazilian mobile number typed as at home (two digits of the area, nine of the
# number), with a + put before it: how often is it valid elsewhere?
#
# A guess: Never: Brazil's area codes are no country codes, or the length does not fit.
#
# What happens: In 15 of the 67 areas (51 is Peru's code, 62 Indonesia's). A check that such
# digits `are valid with a +` does not tell that the country code is missing.
#
# Output seen:
#   15 of 67 areas: 33=FR 34=ES 35=BG 38=MK 46=SE 49=DE 51=PE 62=ID 66=TH 68=PF 74=RU 79=RU 81=JP 84=VN 95=MM
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

AREAS = [11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 32, 33, 34, 35, 37, 38, 41, 42, 43, 44, 45, 46, 47, 48, 49, 51, 53, 54, 55, 61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 73, 74, 75, 77, 79, 81, 82, 83, 84, 85, 86, 87, 88, 89, 91, 92, 93, 94, 95, 96, 97, 98, 99]
found = {}
for area in AREAS:
    for local in ("987654321", "991234567", "981234567"):
        home = phonenumbers.parse(f"{area}{local}", "BR")
        assert phonenumbers.is_valid_number(home) and home.country_code == 55
        try:
            number = phonenumbers.parse(f"+{area}{local}")
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            found[area] = phonenumbers.region_code_for_number(number)
print(len(found), "of", len(AREAS), "areas:", *(f"{area}={region}" for area, region in sorted(found.items())))
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
