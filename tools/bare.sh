#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proves the two commands of the README on a fresh Debian 12 that has git and make and nothing else.
#
# Builds a minimal root with debootstrap in a temporary folder, clones this checkout (what is
# committed, nothing else) into it, and runs the commands inside. Needs root and a network; takes
# about 2 GB below TMPDIR. KEEP=1 keeps the root for a look. Prints PASS or FAIL for each command.
set -euo pipefail

cd "$(dirname "$0")/.."
source=$PWD
if [ "$(id -u)" -ne 0 ]; then
    echo "overt: make bare: needs root (sudo make bare)" >&2
    exit 2
fi
if ! command -v debootstrap >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends debootstrap
fi
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    echo "overt: make bare: note: changes that are not committed are not part of this test" >&2
fi

# The mirror that this machine uses itself, so that a proxy or a local mirror goes on working.
mirror=$(grep -rhoE '^(deb |URIs: *).*https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list \
    /etc/apt/sources.list.d 2>/dev/null | grep -oE 'https?://[^ ]+' | head -1 || true)
mirror=${mirror:-http://deb.debian.org/debian}

root=$(mktemp -d "${TMPDIR:-/tmp}/overt-bare.XXXXXX")
chmod 755 "$root" # it will be the "/" of users that are not root
clean_up() {
    local status=$?
    set +e
    for folder in dev/pts dev/shm dev proc sys; do
        mountpoint -q "$root/$folder" && umount "$root/$folder"
    done
    if grep -q " $root/" /proc/self/mounts; then
        echo "overt: make bare: $root is still mounted; not removed" >&2
    elif [ -z "${KEEP:-}" ]; then
        rm -rf --one-file-system "$root"
    fi
    exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM

echo "== debootstrap bookworm from $mirror into $root"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -20 "$root.log" >&2
    exit 2
}
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# The machine's own apt settings (proxies), and the security updates.
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
echo "deb ${mirror%/}-security bookworm-security main" >>"$root/etc/apt/sources.list"

# A mount namespace would be tidier; plain mounts work in containers too. /dev holds a few nodes.
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755,size=1m tmpfs "$root/dev"
for node in "null c 1 3" "zero c 1 5" "full c 1 7" "random c 1 8" "urandom c 1 9" "tty c 5 0"; do
    # shellcheck disable=SC2086 # words
    set -- $node
    mknod -m 666 "$root/dev/$1" "$2" "$3" "$4"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts devpts "$root/dev/pts" || true

inside() {
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" bash -c "$1"
}

echo "== apt-get install git make"
inside 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y git make' \
    >"$root/apt.log" 2>&1 || {
    tail -20 "$root/apt.log" >&2
    exit 2
}
git clone --quiet --no-hardlinks "$source" "$root/root/overt"
mkdir "$root/root/Downloads"
echo 'a harmless file' >"$root/root/Downloads/note.txt"

failures=0
try() { # try NAME COMMAND LAST-LINE-PATTERN
    local start=$SECONDS status=0
    echo "== $1"
    inside "cd /root/overt && $2" 2>&1 | tee "$root/out.log" || status=$?
    if [ "$status" -eq 0 ] && grep -qE "$3" "$root/out.log"; then
        echo "PASS $1 ($((SECONDS - start)) s)"
    else
        echo "FAIL $1 (status $status, $((SECONDS - start)) s)"
        failures=$((failures + 1))
    fi
}
try "make scan" 'make scan DIR=~/Downloads' .
# A scanner that finds nothing anywhere would have passed: the EICAR test string must be found.
# It stands here in two halves, so that this file is no detection itself.
printf '%s%s' 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD' '-ANTIVIRUS-TEST-FILE!$H+H*' \
    >"$root/root/Downloads/eicar.com"
try "make scan finds EICAR" 'make scan DIR=~/Downloads || test $? -eq 2' 'eicar\.com: .* FOUND$'
try "make check" 'make check' '^[1-9][0-9]* passed, 0 failed'
exit $((failures > 0))
