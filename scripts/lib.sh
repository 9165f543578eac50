# Shared by the scripts beside it; to be sourced by bash, after `set -euo pipefail`.
# shellcheck shell=bash

# What another project left in the environment must not reach our Python.
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE VIRTUAL_ENV CONDA_PREFIX
export PYTHONNOUSERSITE=1 PYTHONUTF8=1

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TOOLS=$ROOT/.tools

say() { printf '%s\n' "$*" >&2; }

# fail WHAT ADVICE...: tell what failed and what to do about it, and end.
fail() {
  say "error: $1"
  shift
  if [[ $# -gt 0 ]]; then printf '  %s\n' "$@" >&2; fi
  exit 1
}

section() { printf '\n== %s ==\n' "$*"; }

# venv_of [HA_VERSION]: where the environment for that Home Assistant lives.
venv_of() { printf '%s\n' "$ROOT/.venv${1:+-$1}"; }

check_version() {
  [[ $1 =~ ^20[0-9]{2}\.[0-9]+(\.[0-9]+)?(b[0-9]+)?$ ]] ||
    fail "“$1” is not a version of Home Assistant" "Write it like 2026.11.0."
}

# find_chromium: print the Chromium to drive ($CHROMIUM, else one on PATH), or nothing.
find_chromium() {
  local name
  if [[ -n ${CHROMIUM:-} ]]; then
    command -v "$CHROMIUM" || fail "CHROMIUM is set, but $CHROMIUM is no program"
    return
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name"; then return; fi
  done
}
