#!/bin/sh
# Installs cyberun from the folder this file lies in. No network, nothing but the one executable.
#
#   sh install.sh [--prefix DIR] [--from DIR] [--dry-run] [--uninstall]
#
#   --prefix DIR   install DIR/bin/cyberun (default: /usr/local as root, ~/.local otherwise)
#   --from DIR     take the executable from DIR instead of this folder, such as dist after a build
#   --dry-run      say what would be done, and do nothing
#   --uninstall    remove the executable; data directories and licenses stay
#
# When SHA256SUMS lies beside the executable, its sum is checked first. That shows damage on the way. It does not show
# who made the file: whoever can change the executable can change the list beside it.
set -eu

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'install.sh: %s\n' "$*" >&2; exit 2; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
from=$here
prefix=
dry=
listed=
action=install
while [ $# -gt 0 ]; do
  case $1 in
    --prefix|--from)
      [ $# -gt 1 ] && [ -n "$2" ] || wrong "$1 needs a folder"
      case $1 in --prefix) prefix=$2 ;; --from) from=$2 ;; esac
      shift 2 ;;
    --dry-run) dry=yes; shift ;;
    --uninstall) action=uninstall; shift ;;
    -h|--help) sed -n '2,/^set -eu/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;;
    *) wrong "unknown argument: $1 (see --help)" ;;
  esac
done

if [ -z "$prefix" ]; then
  if [ "$(id -u)" -eq 0 ]; then
    prefix=/usr/local
  else
    [ -n "${HOME:-}" ] || wrong "HOME is not set: name a folder with --prefix"
    prefix=$HOME/.local
  fi
fi
target=$prefix/bin/cyberun

sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1" | cut -c1-64
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 <"$1" | cut -c1-64
  elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r <"$1" | cut -c1-64
  else fail "SHA256SUMS is here, and nothing to check it with: install sha256sum, shasum or openssl"
  fi
}

# The sum that the list names for exactly this file, whatever else it lists.
listed_sum() { sed -n 's/^\([0-9a-f]\{64\}\) [ *]cyberun\r\{0,1\}$/\1/p' "$1"; }

check_sum() {
  if [ ! -f "$from/SHA256SUMS" ]; then
    say "not checked: no SHA256SUMS beside the executable"
    return
  fi
  listed=$(listed_sum "$from/SHA256SUMS")
  [ -n "$listed" ] || fail "$from/SHA256SUMS does not list cyberun; nothing was changed"
  [ "$listed" = "$(sum_of "$1")" ] || fail "the SHA-256 of $1 is not the one in SHA256SUMS; the file is damaged or not the one that was listed; nothing was changed"
  say "SHA-256 is the one in SHA256SUMS"
}

uninstall() {
  if [ ! -e "$target" ] && [ ! -L "$target" ]; then say "nothing to remove: $target does not exist"; return; fi
  [ ! -d "$target" ] || fail "$target is a folder; nothing was changed"
  if [ -n "$dry" ]; then say "would remove $target"; return; fi
  rm -f -- "$target" || fail "$target could not be removed; are you allowed to?"
  say "removed $target; data directories and licenses were left as they are"
}

install() {
  source=$from/cyberun
  [ -f "$source" ] || fail "$source does not exist; in a checkout, run npm run build and add --from dist"
  [ ! -d "$target" ] || fail "$target is a folder; nothing was changed"
  check_sum "$source"
  if [ -f "$target" ] && [ -x "$target" ] && cmp -s "$source" "$target"; then say "$target is up to date"; return; fi
  if [ -n "$dry" ]; then say "would install $target"; return; fi
  mkdir -p -- "$prefix/bin" || fail "$prefix/bin could not be made; are you allowed to? --prefix names another folder"
  fresh=$prefix/bin/.cyberun.$$
  trap 'rm -f -- "$fresh"' EXIT
  trap 'exit 130' HUP INT TERM
  { cp -- "$source" "$fresh" && chmod 0755 "$fresh"; } || fail "$prefix/bin could not be written to; are you allowed to? --prefix names another folder"
  # What came through the copy is what is checked again and tried; the old file is replaced only by one that runs here.
  { cmp -s "$source" "$fresh" && { [ -z "$listed" ] || [ "$listed" = "$(sum_of "$fresh")" ]; }; } || fail "the copy in $prefix/bin is not the same as $source; nothing was changed"
  version=$("$fresh" version) || fail "the executable does not run on this machine; nothing was changed"
  mv -f -- "$fresh" "$target"
  say "installed $target: $version"
  case :${PATH:-}: in *:"$prefix/bin":*) ;; *) say "$prefix/bin is not in your PATH" ;; esac
}

$action
