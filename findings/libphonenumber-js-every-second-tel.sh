#!/usr/bin/env bash
# Question: libphonenumber-js is given the same `tel:` text four times. Does it answer the same
# each time?
#
# A guess: Yes: a function of a text and a country.
#
# What happens: With a phone-context every second call reads nothing, whichever of its entries
# asked before: something in it remembers where it stopped. Without a context it is steady. A
# list of contacts whose numbers are written so loses every second one.
#
# Output seen:
#   tel:0151-23456789;phone-context=+49 -> +4915123456789 nothing +4915123456789 nothing
#   tel:+49-151-23456789;ext=3 -> +4915123456789 +4915123456789 +4915123456789 +4915123456789
# Seen with libphonenumber-js 1.13.16 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer libphonenumber-js@1.13.16 >/dev/null

cat >finding.mjs <<'JS'
import * as plain from "libphonenumber-js";
import * as max from "libphonenumber-js/max";

for (const text of ["tel:0151-23456789;phone-context=+49", "tel:+49-151-23456789;ext=3"]) {
  const answers = [plain, plain, max, max].map((library) => library.parsePhoneNumberFromString(text)?.number ?? "nothing");
  console.log(text, "->", ...answers);
}
JS
timeout 120 node finding.mjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
