#!/bin/sh
# Installs cyberun from the folder of a release, which this file lies in. No network; needs sh and one of sha256sum, shasum, openssl.
#
#   sh install.sh [--root-key KEY | --allow-unverified] [--prefix DIR] [--data-dir DIR] [--no-service] [--trial]
#                 [--dry-run] [--uninstall]
#
#   --root-key KEY      the vendor's root key (RW...), received another way; the signatures are checked with minisign
#   --allow-unverified  go on although nothing here can tell who made the release
#   --prefix DIR        install below DIR (default: /usr/local as root, ~/.local otherwise)
#   --data-dir DIR      data directory of the service (default: /var/lib/cyberun)
#   --no-service        as root: no service and no user of its own
#   --trial             start a trial when it is installed; Ctrl-C ends it
#   --dry-run           say what would be done, and do nothing
#   --uninstall         remove service and releases; data, licenses and the service's user stay
#
# Everything is checked before anything is written. A cyberun that is installed already judges the release by the root keys in it;
# otherwise --root-key does. Releases lie in PREFIX/lib/cyberun/releases, and links say which is in use.
set -eu
umask 022

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s; nothing was changed\n' "$*" >&2; exit 1; }
broken() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'install.sh: %s\n' "$*" >&2; exit 2; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix='' root_key='' unverified='' dry='' service=yes trial='' action=install data=/var/lib/cyberun
while [ $# -gt 0 ]; do
  case $1 in
    --prefix|--root-key|--data-dir)
      [ $# -gt 1 ] && [ -n "$2" ] || wrong "$1 needs a value"
      case $1 in --prefix) prefix=$2 ;; --root-key) root_key=$2 ;; --data-dir) data=$2 ;; esac
      shift 2 ;;
    --allow-unverified) unverified=yes; shift ;;
    --no-service) service=''; shift ;;
    --trial) trial=yes; shift ;;
    --dry-run) dry=yes; shift ;;
    --uninstall) action=uninstall; shift ;;
    -h|--help) sed -n '2,/^set -eu/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;;
    *) wrong "unknown argument: $1 (see --help)" ;;
  esac
done
case $data in /*) ;; *) wrong "--data-dir needs a whole path" ;; esac
case $data in *[!A-Za-z0-9/._-]*) wrong "--data-dir may hold letters, digits and / . _ - alone" ;; esac

if [ -z "$prefix" ]; then
  if [ "$(id -u)" -eq 0 ]; then prefix=/usr/local
  else
    [ -n "${HOME:-}" ] || wrong "HOME is not set: name a folder with --prefix"
    prefix=$HOME/.local
  fi
fi
case $prefix in /*) ;; *) prefix=$(pwd)/$prefix ;; esac
library=$prefix/lib/cyberun
link=$prefix/bin/cyberun
# What is not below the prefix can be put below another root, to look at it first.
etc=${CYBERUN_INSTALL_ROOT:-}/etc/systemd/system
unit=$etc/cyberun.service
if [ "$(id -u)" -ne 0 ] || [ ! -d "${CYBERUN_INSTALL_ROOT:-}/run/systemd/system" ]; then service=''; fi

sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1" | cut -c1-64
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 <"$1" | cut -c1-64
  elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r <"$1" | cut -c1-64
  else fail "there is nothing to check sums with: install sha256sum, shasum or openssl"
  fi
}

# Every file that SHA256SUMS lists is there and as listed, in the folder $1, and no other file is.
check_sums() {
  folder=$1
  for name in cyberun manifest.json release-keys.json SHA256SUMS manifest.json.minisig release-keys.json.minisig; do
    [ -f "$folder/$name" ] || fail "$folder/$name is missing: this is not the folder of a release"
  done
  count=0
  while IFS= read -r line; do
    sum=$(printf '%s' "$line" | cut -c1-64)
    name=$(printf '%s' "$line" | cut -c67-)
    case $name in ''|/*|..|../*|*/../*|*/..|*[!A-Za-z0-9/._-]*) fail "SHA256SUMS names a file that no release has" ;; esac
    [ -f "$folder/$name" ] && [ ! -L "$folder/$name" ] || fail "$name is missing from the release"
    [ "$sum" = "$(sum_of "$folder/$name")" ] || fail "the SHA-256 of $name is not the one in SHA256SUMS: the release is damaged or was changed"
    count=$((count + 1))
  done <"$folder/SHA256SUMS"
  for name in cyberun manifest.json release-keys.json; do
    grep -q "^[0-9a-f]\{64\}  $name\$" "$folder/SHA256SUMS" || fail "SHA256SUMS does not list $name"
  done
  # The list itself and the two signatures are what it does not list.
  found=$(find "$folder" ! -type d | wc -l)
  [ "$((count + 3))" -eq "$((found))" ] || fail "the folder holds files that are not of the release"
}

with_minisign() {
  command -v minisign >/dev/null 2>&1 || fail "--root-key needs minisign, which is not here"
  minisign -q -Vm "$here/release-keys.json" -P "$root_key" >/dev/null 2>&1 || fail "the list of release keys is not signed by the key of --root-key"
  sed -n '/"revoked_at":null/s/.*"public_key":"\(RW[A-Za-z0-9+\/=]*\)".*/\1/p' "$here/release-keys.json" | while IFS= read -r key; do
    minisign -q -Vm "$here/manifest.json" -P "$key" >/dev/null 2>&1 && say good
  done | grep -q good || fail "the manifest is not signed by a release key that counts"
  # The sums were compared with the files; the signed manifest has to have the same ones.
  while IFS= read -r line; do
    name=$(printf '%s' "$line" | cut -c67-)
    case $name in manifest.json|release-keys.json) continue ;; esac
    grep -q "\"sha256\": \"$(printf '%s' "$line" | cut -c1-64)\"" "$here/manifest.json" || fail "$name is not in the signed manifest"
  done <"$here/SHA256SUMS"
}

check_signature() {
  if [ -n "$root_key" ]; then with_minisign; say "verified: signed by the vendor whose root key was given"
  elif [ -x "$library/current/cyberun" ] && "$library/current/cyberun" release verify "$here" >/dev/null 2>&1; then say "verified: signed by the vendor of the release that is installed"
  elif [ -n "$unverified" ]; then say "NOT verified: the sums fit, and nothing here says who made them"
  else fail "the sums fit, and nothing here says who made the release: give the vendor's root key with --root-key, or go on with --allow-unverified"
  fi
}

# Replaces the link $2 as a whole.
point() {
  rm -f -- "$2.new.$$"
  ln -s -- "$1" "$2.new.$$" || broken "$2 could not be made; are you allowed to? --prefix names another folder"
  # A link to a folder is replaced and not gone into: -T where mv has it, -h elsewhere.
  mv -fT -- "$2.new.$$" "$2" 2>/dev/null || mv -fh "$2.new.$$" "$2"
}

unit_text() {
  cat <<END
[Unit]
Description=Cyberun
After=network.target

[Service]
User=cyberun
ExecStart=$link serve
Environment=CYBERUN_DATA_DIR=$data
Restart=on-failure
UMask=0077
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=$data
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
LockPersonality=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
# MemoryDenyWriteExecute is not here: the runtime translates code while it runs.

[Install]
WantedBy=multi-user.target
END
}

install_service() {
  id cyberun >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir "$data" --shell /usr/sbin/nologin cyberun || broken "the user cyberun could not be made"
  mkdir -p -- "$data" && chmod 0700 "$data" && chown cyberun:cyberun "$data" || broken "the data directory $data could not be made"
  if [ -f "$here/license.lic" ] && [ ! -e "$data/license.lic" ]; then
    cp -- "$here/license.lic" "$data/license.lic" && chmod 0600 "$data/license.lic" && chown cyberun:cyberun "$data/license.lic"
    say "installed the license of this release"
  fi
  mkdir -p -- "$etc"
  if [ -f "$unit" ] && unit_text | cmp -s - "$unit"; then return; fi
  unit_text >"$unit.new" && mv -f -- "$unit.new" "$unit"
  systemctl daemon-reload && systemctl enable -q cyberun.service || broken "systemd does not take $unit"
  say "installed the service cyberun; start it: systemctl start cyberun"
}

uninstall() {
  if [ ! -e "$library" ] && [ ! -L "$link" ] && [ ! -f "$unit" ]; then say "nothing to remove: $library does not exist"; return; fi
  if [ -n "$dry" ]; then say "would remove $link, $library and, as root, the service"; return; fi
  if [ -n "$service" ] && [ -f "$unit" ]; then
    systemctl disable -q --now cyberun.service || broken "the service could not be stopped"
    rm -f -- "$unit"
    systemctl daemon-reload
  fi
  rm -rf -- "$link" "$library" || broken "$library could not be removed; are you allowed to?"
  say "removed $link and $library; data directories, licenses and the user cyberun were left as they are"
}

install() {
  [ -f "$here/cyberun" ] || fail "$here/cyberun does not exist: unpack a release, and run the install.sh in it"
  check_sums "$here"
  check_signature
  version=$(sed -n 's/^  "version": "\([0-9][0-9.]*\)",$/\1/p' "$here/manifest.json" | head -n 1)
  [ -n "$version" ] || fail "the manifest names no version"
  [ ! -d "$link" ] || [ -L "$link" ] || fail "$link is a folder"
  if [ -n "$dry" ]; then say "would install $library/releases/$version and point $link to it"; return; fi
  place=$library/releases/$version
  if [ ! -d "$place" ] || ! cmp -s "$here/manifest.json" "$place/manifest.json" || ! cmp -s "$here/cyberun" "$place/cyberun"; then
    mkdir -p -- "$library/releases" "$prefix/bin" || fail "$library could not be made; are you allowed to? --prefix names another folder"
    fresh=$library/releases/.new.$$
    trap 'rm -rf -- "$fresh"' EXIT
    trap 'exit 130' HUP INT TERM
    { mkdir -- "$fresh" && cp -R -- "$here/." "$fresh/" && chmod -R u=rwX,go=rX "$fresh" && chmod 0755 "$fresh/cyberun" "$fresh/install.sh"; } || fail "$library could not be written to; is there room, and are you allowed to?"
    # What came through the copy is what is checked again and tried.
    check_sums "$fresh"
    "$fresh/cyberun" version >/dev/null 2>&1 || fail "the executable does not run on this machine"
    rm -rf -- "$place"
    mv -- "$fresh" "$place"
  fi
  old=$(readlink "$library/current" 2>/dev/null || true)
  if [ "$old" = "releases/$version" ] && [ -L "$link" ]; then say "$version is in use already"
  else
    [ -z "$old" ] || [ "$old" = "releases/$version" ] || point "$old" "$library/previous"
    point "releases/$version" "$library/current"
    point ../lib/cyberun/current/cyberun "$link"
    say "installed $link: $("$link" version)"
  fi
  [ -z "$service" ] || install_service
  case :${PATH:-}: in *:"$prefix/bin":*) ;; *) say "$prefix/bin is not in your PATH" ;; esac
  [ -z "$trial" ] || exec env CYBERUN_DATA_DIR="${CYBERUN_DATA_DIR:-${XDG_DATA_HOME:-${HOME:-/root}/.local/share}/cyberun}" "$link" trial
}

$action
