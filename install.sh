#!/bin/sh
# Installs cyberun from the folder of a release, which this file lies in. No network; needs sh and one of sha256sum, shasum, openssl.
#
#   sh install.sh [--root-key KEY | --allow-unverified | --allow-unsigned] [--prefix DIR] [--data-dir DIR] [--no-service]
#                 [--trial] [--dry-run]
#   sh install.sh --uninstall [--prefix DIR] [--dry-run]
#
#   --root-key KEY      the vendor's root key (RW...), received another way; the signatures are checked with minisign
#   --allow-unverified  go on although nothing here can tell who made the release
#   --allow-unsigned    take the folder of a build, which has no manifest
#   --prefix DIR        install below DIR (default: /usr/local as root, ~/.local otherwise)
#   --data-dir DIR      data directory (default: /var/lib/cyberun as root; else the trial's, ~/.local/share/cyberun)
#   --no-service        as root: no service and no user of its own
#   --trial             start a trial when it is installed; Ctrl-C ends it
#   --dry-run           check, say each step, and do none
#   --uninstall         remove service, links and releases; data, configuration, licenses and the service's user stay
#
# Everything is checked before anything is written. A cyberun that is installed already judges the release by the root keys in it, and
# its no is final; where there is none --root-key does. Releases lie in PREFIX/lib/cyberun/releases, and links say which is in use.
# It ends in 0 when all is done, 1 when something was refused or is in the way, 2 when it was called wrongly.
set -eu
umask 022

newline='
'
say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s; nothing was changed\n' "$*" >&2; exit 1; }
broken() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'install.sh: %s\n' "$*" >&2; exit 2; }

# Does a step, or only says it: its sentence, then its command.
step() {
  sentence=$1
  shift
  if [ -n "$dry" ]; then say "would $sentence"; else "$@"; fi
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix='' root_key='' unverified='' unsigned='' dry='' service=yes trial='' action=install data=''
while [ $# -gt 0 ]; do
  case $1 in
    --prefix|--root-key|--data-dir)
      [ $# -gt 1 ] && [ -n "$2" ] || wrong "$1 needs a value"
      case $1 in --prefix) prefix=$2 ;; --root-key) root_key=$2 ;; --data-dir) data=$2 ;; esac
      shift 2 ;;
    --allow-unverified) unverified=yes; shift ;;
    --allow-unsigned) unsigned=yes; shift ;;
    --no-service) service=''; shift ;;
    --trial) trial=yes; shift ;;
    --dry-run) dry=yes; shift ;;
    --uninstall) action=uninstall; shift ;;
    -h|--help) sed -n '2,/^set -eu/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;;
    *) wrong "unknown argument: $1 (see --help)" ;;
  esac
done
case $root_key in ''|RW*) ;; *) wrong "--root-key needs a public key of minisign, which begins with RW" ;; esac
case $data in ''|/*) ;; *) wrong "--data-dir needs a whole path" ;; esac
case $data in *[!A-Za-z0-9/._-]*) wrong "--data-dir may hold letters, digits and / . _ - alone" ;; esac

if [ "$(id -u)" -eq 0 ]; then
  prefix=${prefix:-/usr/local}
  data_default=/var/lib/cyberun
else
  [ -n "${HOME:-}" ] || [ -n "$prefix" ] || wrong "HOME is not set: name a folder with --prefix"
  prefix=${prefix:-$HOME/.local}
  data_default=${XDG_DATA_HOME:-${HOME:-$prefix}/.local/share}/cyberun
  service=''
fi
case $prefix in /*) ;; *) prefix=$(pwd)/$prefix ;; esac
library=$prefix/lib/cyberun link=$prefix/bin/cyberun
# What is not below the prefix can be put below another root, to look at it first.
etc=${CYBERUN_INSTALL_ROOT:-}/etc/systemd/system
unit=$etc/cyberun.service
[ -d "${CYBERUN_INSTALL_ROOT:-}/run/systemd/system" ] || service=''

if command -v sha256sum >/dev/null 2>&1; then sum_of() { sha256sum <"$1" | cut -c1-64; }
elif command -v shasum >/dev/null 2>&1; then sum_of() { shasum -a 256 <"$1" | cut -c1-64; }
elif command -v openssl >/dev/null 2>&1; then sum_of() { openssl dgst -sha256 -r <"$1" | cut -c1-64; }
elif [ "$action" = install ]; then fail "there is nothing to check sums with: install sha256sum, shasum or openssl"
fi

# Every file of the folder $1, in lines as SHA256SUMS has them.
sums_of() {
  (cd -- "$1" && find . -type f | LC_ALL=C sort | while IFS= read -r path; do printf '%s  %s\n' "$(sum_of "$path")" "${path#./}"; done)
}

# Whether one of the lines $1 is the line $2.
has_line() { case $newline$1$newline in *"$newline$2$newline"*) ;; *) return 1 ;; esac; }

# $sums are of exactly the files and contents that SHA256SUMS in the folder $1 lists, and nothing else lies there.
check_sums() {
  for name in manifest.json release-keys.json SHA256SUMS manifest.json.minisig release-keys.json.minisig; do
    [ -f "$1/$name" ] || fail "$name is missing from $1: it is not the folder of a release, or not all of it"
  done
  list=$(cat -- "$1/SHA256SUMS")
  # A line counts when the very same one was computed here, so a path that leads out of the folder never does.
  while IFS= read -r line || [ -n "$line" ]; do
    has_line "$sums" "$line" && continue
    name=$(printf '%s' "$line" | cut -c67-)
    case $name in ''|/*|..|../*|*/../*|*/..|*[!A-Za-z0-9/._-]*) fail "SHA256SUMS names a file that no release has" ;; esac
    [ -f "$1/$name" ] || fail "$name is missing from the release: copy it again"
    fail "the SHA-256 of $name is not the one in SHA256SUMS: the release is damaged or was changed"
  done <"$1/SHA256SUMS"
  printf '%s\n' "$sums" | while IFS= read -r line; do
    name=$(printf '%s' "$line" | cut -c67-)
    case $name in
      SHA256SUMS|manifest.json.minisig|release-keys.json.minisig) ;;
      *) has_line "$list" "$line" || fail "SHA256SUMS does not list $name: this file is not of the release" ;;
    esac
  done || exit 1
}

# By the root key that was given: it signed the list of keys, one of these signed the manifest, and that names what lies in $1.
check_with_minisign() {
  command -v minisign >/dev/null 2>&1 || fail "--root-key needs minisign, which is not here"
  minisign -q -Vm "$1/release-keys.json" -P "$root_key" >/dev/null 2>&1 || fail "the list of release keys is not signed by the key of --root-key"
  signer=''
  # One key on a line; a number behind revoked_at is the time when the vendor revoked it.
  for key in $(sed -n '/"revoked_at": *null/s/.*"public_key": *"\(RW[A-Za-z0-9+\/=]*\)".*/\1/p' "$1/release-keys.json"); do
    if minisign -q -Vm "$1/manifest.json" -P "$key" >/dev/null 2>&1; then signer=$key; fi
  done
  [ -n "$signer" ] || fail "the manifest is not signed by a release key on the vendor's list that is not revoked"
  # SHA256SUMS is not signed, the manifest is: it has to name the same files with the same sums.
  signed=$(tr -d ' \n' <"$1/manifest.json" | tr '{' '\n' | sed -n 's/^"path":"\([^"]*\)","size":[0-9]*,"sha256":"\([0-9a-f]*\)".*/\2  \1/p' | LC_ALL=C sort)
  present=$(printf '%s\n' "$sums" | grep -Ev '  (SHA256SUMS|(manifest|release-keys)\.json(\.minisig)?)$' | LC_ALL=C sort)
  [ "$signed" = "$present" ] || fail "the files of the release are not those of its signed manifest: it was changed"
}

# Who made what lies in $1, and says so in $verdict.
check_maker() {
  if [ -x "$library/current/cyberun" ]; then
    said=$("$library/current/cyberun" release verify "$1" 2>&1) && code=0 || code=$?
    verdict="verified: the cyberun that is installed knows who signed it"
    # 126 and 127: it cannot be run here, and so has not answered.
    case $code in 0) return ;; 126|127) ;; *) fail "the cyberun that is installed refuses this release: $said (a release of another vendor needs --uninstall first, which leaves data)" ;; esac
  fi
  if [ -n "$root_key" ]; then
    check_with_minisign "$1"
    verdict="verified: signed by the vendor whose root key was given"
  elif [ -n "$unverified" ]; then
    verdict="NOT verified: the sums fit, and nothing here says who made them"
  else
    fail "the sums fit, and nothing here says who made the release: give the vendor's root key, received another way, with --root-key, which needs minisign, or compare the sum of cyberun with the vendor's and go on with --allow-unverified"
  fi
}

# The folder $1 before it is copied and once more when it was, so that what was judged is what is installed.
check_folder() {
  [ -z "$(find "$1" ! -type f ! -type d | head -n 1)" ] || fail "$1 holds links or other things that no release has"
  # No file's name can be taken for two lines of the list.
  [ -z "$(LC_ALL=C find "$1/." -name '*[!A-Za-z0-9._-]*' | head -n 1)" ] || fail "$1 holds a file whose name no release has"
  sums=$(sums_of "$1")
  if [ -n "$unsigned" ] && [ ! -e "$1/manifest.json" ]; then verdict="NOT verified: a build without a manifest, as --allow-unsigned allows"; return; fi
  check_sums "$1"
  check_maker "$1"
}

# The first version in the text.
version_in() { tr -cs '0-9.' '\n' | grep -x '[0-9]\{1,6\}\.[0-9]\{1,6\}\.[0-9]\{1,6\}' | head -n 1; }

find_version() {
  if [ -f "$here/manifest.json" ]; then version=$(sed -n 's/.*"version": *"\([0-9.]*\)".*/\1/p' "$here/manifest.json" | head -n 1 | version_in)
  else version=$("$here/cyberun" version 2>/dev/null | version_in)
  fi
  [ -n "$version" ] || fail "neither manifest nor executable names a version"
}

# Replaces the link $2 as a whole.
point() {
  rm -f -- "$2.new.$$"
  ln -s -- "$1" "$2.new.$$" || broken "$2 could not be made; are you allowed to? --prefix names another folder"
  # A link to a folder is replaced and not gone into: -T where mv has it, -h elsewhere; else there is a moment without it.
  mv -fT -- "$2.new.$$" "$2" 2>/dev/null || mv -fh "$2.new.$$" "$2" 2>/dev/null || { rm -f -- "$2" && mv -f -- "$2.new.$$" "$2"; } || broken "$2 could not be replaced"
}

# Ends an attempt: what was begun is gone, and a release that made room is back.
tidy_up() {
  rm -rf -- "$fresh"
  if [ -d "$aside" ] && [ ! -e "$place" ]; then mv -- "$aside" "$place"; fi
  rm -rf -- "$aside"
}

copy_release() {
  fresh=$library/releases/.$version.new.$$ aside=$library/releases/.$version.old.$$
  mkdir -p -- "$library/releases" "$prefix/bin" || fail "$library could not be made; are you allowed to? --prefix names another folder"
  trap tidy_up EXIT
  trap 'say "install.sh: stopped" >&2; exit 130' HUP INT TERM
  before=$sums
  { mkdir -- "$fresh" && cp -R -- "$here/." "$fresh/" && chmod -R u=rwX,go=rX "$fresh" && chmod 0755 "$fresh/cyberun"; } || fail "$library could not be written to; is there room, and are you allowed to?"
  check_folder "$fresh"
  [ "$sums" = "$before" ] || fail "the copy is not what was checked: the release changed while it was copied"
  said=$("$fresh/cyberun" version 2>/dev/null) || fail "the executable does not run on this machine"
  [ "$(printf '%s\n' "$said" | version_in)" = "$version" ] || fail "the executable says that it is another version than $version"
  # On the disk before a link leads to it.
  sync -f "$fresh" 2>/dev/null || sync
  if [ -d "$place" ]; then mv -- "$place" "$aside"; fi
  mv -- "$fresh" "$place"
  tidy_up
  trap - EXIT HUP INT TERM
}

unit_text() {
  cat <<END
[Unit]
Description=Cyberun
After=network.target

[Service]
User=cyberun
ExecStart="$link" serve
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

# What would keep the service from being made is told before anything is written.
check_service() {
  case $prefix in *[!A-Za-z0-9/._\ -]*) fail "a service needs a prefix of letters, digits, spaces and / . _ - alone: name another with --prefix, or give --no-service" ;; esac
  for path in "$prefix" "$data"; do
    case ${path#/}/ in home/*|root/*|run/user/*) fail "a service cannot see $path, since homes are closed to it: name another place, or give --no-service" ;; esac
  done
  # Its mode and owner are changed, which nobody means to happen to a folder of something else.
  if [ -n "$(ls -A -- "$data" 2>/dev/null)" ] && [ ! -e "$data/master.key" ] && [ ! -e "$data/cyberun.db" ] && [ ! -e "$data/license.lic" ]; then
    fail "$data holds files, and none of them is of a deployment: name an empty folder with --data-dir"
  fi
}

make_user() {
  PATH=$PATH:/usr/sbin:/sbin
  no_login=$(command -v nologin || say /sbin/nologin)
  if command -v useradd >/dev/null 2>&1; then useradd --system --user-group --no-create-home --home-dir "$data" --shell "$no_login" cyberun
  else addgroup -S cyberun && adduser -S -D -H -h "$data" -s "$no_login" -G cyberun cyberun
  fi || broken "the release is installed; the user cyberun could not be made"
}

make_data() { mkdir -p -- "$data" && chmod 0700 "$data" && chown cyberun:cyberun "$data" || broken "the release is installed; the data directory $data could not be made"; }

# Made where the service cannot write, and then moved, so that no link in the data directory leads root elsewhere.
put_license() {
  ready=$library/license.new.$$
  (umask 077 && cp -- "$place/license.lic" "$ready") && chmod 0600 "$ready" && chown cyberun:cyberun "$ready" && mv -f -- "$ready" "$data/license.lic" || broken "the release is installed; its license could not be put into $data"
}

put_unit() {
  mkdir -p -- "$etc" && unit_text >"$unit.new" && mv -f -- "$unit.new" "$unit" && systemctl daemon-reload && systemctl enable -q cyberun.service ||
    broken "the release is installed; systemd does not take $unit: see to it, then systemctl daemon-reload and systemctl enable cyberun"
}

install_service() {
  id cyberun >/dev/null 2>&1 || step "make the user cyberun, who cannot log in" make_user
  [ -n "$(find "$data" -prune -user cyberun -perm 700 2>/dev/null)" ] || step "make $data the user's own, mode 0700" make_data
  if [ -f "$here/license.lic" ] && [ ! -e "$data/license.lic" ] && [ ! -L "$data/license.lic" ]; then step "put the license of this release into $data" put_license; fi
  if [ ! -f "$unit" ] || ! unit_text | cmp -s - "$unit"; then
    step "write $unit and enable it" put_unit
    [ -n "$dry" ] || say "installed the service cyberun, which is not started yet. Next:
  $link license install FILE   unless the license came with the release
  $link doctor                 says what is missing
  systemctl start cyberun"
  elif [ -n "$switched" ] && [ -z "$dry" ]; then say "the service takes it with: systemctl restart cyberun"
  fi
}

remove_service() {
  systemctl disable -q --now cyberun.service || fail "the service could not be stopped"
  rm -f -- "$unit" && systemctl daemon-reload
}

# Only what was put there: a data directory may lie beside the releases.
remove_releases() {
  case $(readlink "$link" 2>/dev/null || true) in */lib/cyberun/*) rm -f -- "$link" ;; esac
  rm -rf -- "$library/releases" "$library/current" "$library/previous" "$library/upgrade.lock" "$library"/*.new.* || broken "$library could not be removed; are you allowed to?"
  rmdir -- "$library" 2>/dev/null || say "$library holds other files and stays"
}

uninstall() {
  has_unit=''
  if [ -n "$service" ] && grep -qF "ExecStart=\"$link\" serve" "$unit" 2>/dev/null; then has_unit=yes; fi
  if [ ! -e "$library/releases" ] && [ -z "$has_unit" ]; then say "nothing to remove: $library/releases does not exist"; return; fi
  [ -z "$has_unit" ] || step "stop the service and remove $unit" remove_service
  step "remove $link and the releases in $library" remove_releases
  [ -n "$dry" ] || say "removed $link and $library/releases; data directories, configuration, licenses and the user cyberun were left as they are"
}

install() {
  trial_data=${data:-${CYBERUN_DATA_DIR:-$data_default}} data=${data:-$data_default}
  [ -f "$here/cyberun" ] || fail "$here/cyberun does not exist: unpack a release, and run the install.sh in it"
  check_folder "$here"
  say "$verdict"
  find_version
  [ ! -e "$link" ] || [ -L "$link" ] || fail "$link is not a link, and so not of an installer: move it away, or name another place with --prefix"
  [ -z "$service" ] || check_service
  place=$library/releases/$version
  if [ ! -d "$place" ] || [ "$(sums_of "$place")" != "$sums" ]; then step "copy the release to $place" copy_release; fi
  old=$(readlink "$library/current" 2>/dev/null || true) switched=''
  if [ "$old" = "releases/$version" ] && [ "$(readlink "$link" 2>/dev/null)" = ../lib/cyberun/current/cyberun ]; then say "$version is in use: up to date"
  else
    switched=yes
    [ -z "$old" ] || [ "$old" = "releases/$version" ] || step "point $library/previous to $old" point "$old" "$library/previous"
    step "point $library/current to releases/$version" point "releases/$version" "$library/current"
    step "point $link to it" point ../lib/cyberun/current/cyberun "$link"
    [ -n "$dry" ] || say "installed $link: $("$link" version)"
  fi
  [ -z "$service" ] || install_service
  case :${PATH:-}: in *:"$prefix/bin":*) ;; *) say "$prefix/bin is not in your PATH" ;; esac
  [ -z "$trial" ] || step "start a trial" exec env CYBERUN_DATA_DIR="$trial_data" "$link" trial
}

$action
