#!/usr/bin/env bash
# Question: Can a node that Baileys 6 encoded be read by Baileys 7, and the other way round (a
# recorded trace, a stand-in server)?
#
# A guess: Yes: it is one protocol, and both say so with the same header.
#
# What happens: They name dictionary 2 and 3 in the last byte of the header. The single-byte
# words differ in nearly all places, so that decoding raises no error and gives other words.
#
# Output seen:
#   6.17.16 header 87,65,6,2
#   6.17.16 read by 6.17.16 -> presence {"from":"20100000000001@lid","type":"unavailable","last":"deny"}
#   6.17.16 read by 7.0.0-rc14 -> t {"from":"20100000000001@lid","type":"contact","set":"w:stats"}
#   7.0.0-rc14 header 87,65,6,3
#   7.0.0-rc14 read by 6.17.16 -> device_hash {"from":"20100000000001@multicast","type":"verified_level","call-id":"encrypt"}
#   7.0.0-rc14 read by 7.0.0-rc14 -> presence {"from":"20100000000001@lid","type":"unavailable","last":"deny"}
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

const node = { tag: "presence", attrs: { from: "20100000000001@lid", type: "unavailable", last: "deny" } };
const versions = [["6.17.16", six], ["7.0.0-rc14", seven]];
for (const [writer, from] of versions) {
  console.log(writer, "header", [...from.NOISE_WA_HEADER].join());
  for (const [reader, to] of versions) {
    const { tag, attrs } = await to.decodeBinaryNode(from.encodeBinaryNode(node));
    console.log(writer, "read by", reader, "->", tag, JSON.stringify(attrs));
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
