#!/usr/bin/env bash
# Question: What becomes of an id of a hosted device (domain 128 for a number, 129 for a lid)
# that comes over the wire?
#
# A guess: The person's id with a device, so that normalising it gives the person.
#
# What happens: 6.17.16 makes every domain but 0 a lid, so that a phone number comes out as one.
# 7.0.0-rc14 gives `@hosted` and `@hosted.lid`, which jidNormalizedUser keeps: they equal
# neither the number nor the lid, and isPnUser and isLidUser say no.
#
# Output seen:
#   6.17.16 0 15555550101 -> 15555550101:99@s.whatsapp.net -> 15555550101@s.whatsapp.net true false
#   7.0.0-rc14 0 15555550101 -> 15555550101:99@s.whatsapp.net -> 15555550101@s.whatsapp.net true false
#   6.17.16 128 15555550101 -> 15555550101:99@lid -> 15555550101@lid false true
#   7.0.0-rc14 128 15555550101 -> 15555550101:99@hosted -> 15555550101@hosted false false
#   6.17.16 129 20100000000001 -> 20100000000001:99@lid -> 20100000000001@lid false true
#   7.0.0-rc14 129 20100000000001 -> 20100000000001:99@hosted.lid -> 20100000000001@hosted.lid false false
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

for (const [user, domain, server] of [["15555550101", 0, "s.whatsapp.net"], ["15555550101", 128, "s.whatsapp.net"], ["20100000000001", 129, "s.whatsapp.net"]]) {
  for (const [name, baileys] of [["6.17.16", six], ["7.0.0-rc14", seven]]) {
    const bytes = baileys.encodeBinaryNode({ tag: "presence", attrs: { from: `${user}:99@${server}` } });
    // After the mark of an id with a device (247) comes its domain.
    bytes[bytes.indexOf(247) + 1] = domain;
    const { attrs: { from } } = await baileys.decodeBinaryNode(bytes);
    console.log(name, domain, user, "->", from, "->", baileys.jidNormalizedUser(from), (baileys.isPnUser ?? baileys.isJidUser)(from), baileys.isLidUser(from));
  }
}
JS
timeout 120 node finding.mjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
