#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scans the folder that the variable DIR names, with the program in build/: make scan DIR=...
set -eu

if [ -z "${DIR:-}" ]; then
    echo "overt: make scan: what to scan is missing (make scan DIR=~/Downloads)" >&2
    exit 2
fi
case $DIR in
"~") DIR=$HOME ;;
"~/"*) DIR=$HOME/${DIR#"~/"} ;; # a shell that did not expand it
esac

status=0
build/overt scan -- "$DIR" || status=$?
case $status in
0) ;;
1) echo "Something was found: see the lines that end in FOUND." >&2 ;;
3) echo "Nothing was found, but not everything was fully scanned: see the lines above." >&2 ;;
esac
exit $status
