#!/usr/bin/env bash
# Question: What does Baileys' areJidsSameUser compare?
#
# A guess: User and server, after devices are dropped: a lid is never a phone number.
#
# What happens: The digits alone. A lid equals the phone number of the same digits, a group the
# channel of the same digits, and two texts that are no ids equal each other, since both have no
# user. The two ids of one person are not the same user.
#
# Output seen:
#   20100000000001@lid | 20100000000001@s.whatsapp.net -> true true
#   120363000000000001@g.us | 120363000000000001@newsletter -> true true
#   nonsense | something else -> true true
#   20100000000001@lid | 15555550101@s.whatsapp.net -> false false
# Seen with baileys 6.17.16 and 7.0.0-rc14 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer baileys@7.0.0-rc14 >/dev/null
# Two of its dependencies come straight from a Git host: a linter's settings, left out, and
# libsignal, taken from npm instead; nothing here calls it.
npm pack --silent baileys@6.17.16 >/dev/null
mkdir six
tar -xf baileys-6.17.16.tgz --strip-components=1 -C six
node -e '
  const fs = require("fs");
  const kept = JSON.parse(fs.readFileSync("six/package.json"));
  const wanted = Object.entries(kept.dependencies).filter(([, from]) => !/^(github:|git)/.test(from));
  const dependencies = { ...Object.fromEntries(wanted), libsignal: "npm:libsignal-node@2.0.1" };
  fs.writeFileSync("six/package.json", JSON.stringify({ name: kept.name, version: kept.version, main: kept.main, dependencies }));
'
(cd six && timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer >/dev/null)

cat >finding.mjs <<'JS'
const ENTRY = `${process.cwd()}/node_modules/baileys/lib/index.js`;
const seven = await import(ENTRY);
const six = (await import(`${process.cwd()}/six/lib/index.js`)).default;

for (const [one, other] of [
  ["20100000000001@lid", "20100000000001@s.whatsapp.net"],
  ["120363000000000001@g.us", "120363000000000001@newsletter"],
  ["nonsense", "something else"],
  ["20100000000001@lid", "15555550101@s.whatsapp.net"],
]) console.log(one, "|", other, "->", six.areJidsSameUser(one, other), seven.areJidsSameUser(one, other));
JS
timeout 120 node finding.mjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
