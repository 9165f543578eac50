#!/usr/bin/env bash
# Question: Is a number valid for libphonenumber-js, and do its entries `.`, `/mobile` and
# `/max` say the same as Google's own library?
#
# A guess: Yes: they differ in size, and in what else they know (the type).
#
# What happens: The default one calls valid what only has the right length and beginning: the id
# of a Brazilian from before the ninth digit, a Jamaican number that is none. `/mobile` says no
# to every landline and toll-free number, which may have WhatsApp. Only `/max` agrees with
# Google's. A check in a gateway's page and one in Python may thus disagree about the same id.
#
# Output seen:
#   Brazil, as an old id +553191234567 -> default: valid mobile: no max: no Google's: no
#   Brazil, today +5531991234567 -> default: valid mobile: valid max: valid Google's: valid
#   Mexico, as an old id +5215512345678 -> default: no mobile: no max: no Google's: no
#   Jamaica, no such office +18761234567 -> default: valid mobile: no max: no Google's: no
#   a landline in Berlin +4930123456 -> default: valid mobile: no max: valid Google's: valid
#   toll-free in the US +18005551234 -> default: valid mobile: no max: valid Google's: valid
#   a mobile in Germany +4915123456789 -> default: valid mobile: valid max: valid Google's: valid
# Seen with libphonenumber-js 1.13.16 and google-libphonenumber 3.2.47 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer libphonenumber-js@1.13.16 google-libphonenumber@3.2.47 >/dev/null

cat >finding.mjs <<'JS'
import google from "google-libphonenumber";
import * as plain from "libphonenumber-js";
import * as max from "libphonenumber-js/max";
import * as mobile from "libphonenumber-js/mobile";

const util = google.PhoneNumberUtil.getInstance();
const word = (number) => (!number ? "unread" : number.isValid() ? "valid" : "no");
const original = (text) => {
  try {
    return util.isValidNumber(util.parse(text)) ? "valid" : "no";
  } catch {
    return "unread";
  }
};
for (const [what, text] of [
  ["Brazil, as an old id", "+553191234567"],
  ["Brazil, today", "+5531991234567"],
  ["Mexico, as an old id", "+5215512345678"],
  ["Jamaica, no such office", "+18761234567"],
  ["a landline in Berlin", "+4930123456"],
  ["toll-free in the US", "+18005551234"],
  ["a mobile in Germany", "+4915123456789"],
]) {
  const answers = [plain, mobile, max].map((library) => word(library.parsePhoneNumberFromString(text)));
  console.log(what, text, "-> default:", answers[0], "mobile:", answers[1], "max:", answers[2], "Google's:", original(text));
}
JS
timeout 120 node finding.mjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
