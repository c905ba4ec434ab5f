#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# packages.sh FILE...: installs the Debian packages that the files list, unless all are there.
set -eu

wanted=$(sed 's/#.*//' "$@")
missing=
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    if [ "$state" != installed ]; then
        missing="$missing $package"
    fi
done
if [ -z "$missing" ]; then
    exit 0
fi

echo "overt: installing$missing"
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "overt: packages: cannot be installed (as root: apt-get install$missing)" >&2
    exit 2
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
