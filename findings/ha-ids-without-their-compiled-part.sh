#!/usr/bin/env bash
# Question: Home Assistant gives every change of a state an id, from ulid-transform, whose fast
# part is compiled. Does a newer Linux get that part from PyPI?
#
# A guess: Yes: a wheel that is made for one Python and one processor is made for what is
# compiled in it.
#
# What happens: Two wheels fit a Linux with glibc 2.41 or newer. The one made for 2.41 goes first,
# and has nothing compiled in it; the one for 2.24, which an older Linux gets, has. It imports
# all the same, with nothing said, and an id takes many times as long. So the same Home
# Assistant pays more for each change after its system was upgraded.
#
# Output seen:
#   glibc 2.41: cp314-cp314-manylinux_2_41_x86_64, compiled parts: 0
#   glibc 2.40: cp314-cp314-manylinux_2_24_x86_64, compiled parts: 1
#   ids of both: 26 characters
#   an id takes more than five times as long without it: True
# Seen with ulid-transform 2.2.9 (PyPI), Python 3.14.8, on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python=${PYTHON:-python3.14}

# What pip would take on a Linux whose glibc is 2.NUMBER: the newest fitting wheel first.
fetch() {
  local number=$1 minor platforms=()
  for ((minor = number; minor >= 17; minor--)); do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
  timeout 300 python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary ':all:' \
    --python-version 3.14 --implementation cp --abi cp314 "${platforms[@]}" --dest "glibc-$number" ulid-transform==2.2.9
  python3 -m zipfile -e "glibc-$number"/*.whl "glibc-$number/there"
}

fetch 41
fetch 40
for number in 41 40; do
  tag=$(sed -n 's/^Tag: //p' "glibc-$number"/there/*.dist-info/WHEEL | tail -n 1 | tr -d '\r')
  printf 'glibc 2.%s: %s, compiled parts: %s\n' "$number" "$tag" "$(find "glibc-$number/there" -name '*.so' | wc -l)"
done >seen

cat >finding.py <<'PY'
import sys
import timeit

sys.path.insert(0, sys.argv[1])
from ulid_transform import ulid_now

print(len(ulid_now()), min(timeit.repeat(ulid_now, number=20_000, repeat=7)))
PY
for number in 41 40; do timeout 120 "$python" -I finding.py "glibc-$number/there"; done >times
awk 'NR == 1 {length_1 = $1; slow = $2} NR == 2 {length_2 = $1; fast = $2}
     END {printf "ids of both: %s characters\n", (length_1 == length_2) ? length_1 : length_1 " and " length_2
          printf "an id takes more than five times as long without it: %s\n", (slow > 5 * fast) ? "True" : "False"}' times >>seen

cat seen
cat times >&2
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
