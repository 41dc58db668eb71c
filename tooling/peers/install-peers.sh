#!/usr/bin/env bash
# install-peers.sh
# Installs what the tests in this directory start, strace for those of tooling/crash, exFAT for those that need a file system
# without hard links and time for tooling/bench, and does nothing where all of it is there: on Debian, as root, the packages below; and with Go 1.21 or newer the programs of go-peers.txt and of oras-go/, built from source at their pinned versions
# (a minute for all on two cores; Go fetches the toolchain that they ask for, if it is older).
# They stay in ${XDG_CACHE_HOME:-~/.cache}/ocistore-ci/peers/PROGRAM@VERSION/PROGRAM, where the tests look for them.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
export DEBIAN_FRONTEND=noninteractive

# A package, and the program of it that is asked for where its name is another.
PACKAGES="skopeo umoci buildah jq openssl zstd strace time exfatprogs/mkfs.exfat exfat-fuse/mount.exfat-fuse"
CACHE=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ocistore-ci/peers
PATH=$PATH:/usr/local/go/bin

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_install() {
  apt-get update -qq && apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

missing_packages() {
  local package
  # Not `command -v`, which knows the shell's own time.
  for package in $PACKAGES; do type -P "${package#*/}" >/dev/null || printf '%s ' "${package%/*}"; done
}

debian_peers() {
  local missing
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086 # one word a package
  ! may_install || apt_install $missing
  missing=$(missing_packages)
  [ -z "$missing" ] || { printf 'Missing: %s\nOn Debian: apt-get install %s\n' "$missing" "$missing" >&2; return 1; }
}

# A program of ours is named after what it is built of.
oras_go() {
  local key
  key=$(cat oras-go/* | sha256sum | cut -c1-12)
  [ -x "$CACHE/oras-go@$key/oras-go" ] || build oras-go "" "$key"
}

go_peers() {
  local program package version status=0
  while read -r program package version; do
    case $program in '' | '#'*) continue ;; esac
    [ -x "$CACHE/$program@$version/$program" ] || build "$program" "$package" "$version" || status=1
  done <go-peers.txt
  oras_go || status=1
  return "$status"
}

# A program is there whole or not at all: it is built beside its place.
build() {
  local program=$1 package=$2 version=$3 made
  command -v go >/dev/null || { may_install && apt_install golang-go; }
  command -v go >/dev/null || {
    printf 'Missing: %s, which needs Go (https://go.dev/dl/): go install %s@%s\n' "$program" "$package" "$version" >&2
    return 1
  }
  mkdir -p "$CACHE/$program@$version" && made=$(mktemp -d "$CACHE/.new-XXXXXX") || return 1
  { if [ -n "$package" ]; then GOBIN=$made GOFLAGS=-modcacherw go install "$package@$version"
    else GOFLAGS=-modcacherw go build -C "$program" -o "$made/$program" .; fi; } >"$made/log" 2>&1 &&
    mv -f "$made/$program" "$CACHE/$program@$version/$program"
  local status=$?
  [ "$status" = 0 ] || { printf '%s %s could not be built:\n' "$program" "$version"; tail -n 20 "$made/log"; } >&2
  rm -rf "$made"
  return "$status"
}

debian_peers; debian=$?
go_peers && [ "$debian" = 0 ]
