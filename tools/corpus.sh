#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Lays out the benign files that the benches read and the byte model is trained on.
#
#   tools/corpus.sh [DIR]        (default: ${XDG_CACHE_HOME:-~/.cache}/overt-bench)
#
# DIR/train   what the byte frequency model is trained on
# DIR/bench   what the benches scan: pe/ elf/ text/ other/
# DIR/cs      a subset of bench of about 100 MB, for references that need minutes a gigabyte
# DIR/small   20,000 files of 3 KB on average
#
# Train and bench come from different packages and share no file (tools/corpus_pick.py checks it by
# SHA-256), so that no figure of the bench is one that the model has seen. Packages are fetched
# with apt-get and npm once and kept; nothing is installed and nothing is run from them.
set -eu

tools=$(cd "$(dirname "$0")" && pwd)
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/overt-bench}

bench_deb='libwine libreoffice-core samba-libs qemu-system-x86 coreutils bash
    binutils-x86-64-linux-gnu perl-base libgtk-3-0 libqt5gui5 libqt5widgets5 mariadb-server-core
    libavcodec59 golang-1.19-src python3.11-doc libboost1.74-dev perl-modules-5.36 manpages
    manpages-dev wordpress tango-icon-theme adwaita-icon-theme openclipart-libreoffice r-doc-pdf
    nodejs-doc python3-numpy bash-completion'
train_deb='mono-devel gcc-mingw-w64-x86-64-win32-runtime gdb-mingw-w64-target gpgv-win32 nsis
    libz-mingw-w64 ipxe python3-setuptools-whl grub-efi-amd64-bin git postgresql-15 cpp-12
    libclang-cpp14 libnode108 php8.2-cli systemd udev inkscape fpc-source-3.2.2 node-typescript
    tcllib libreoffice-help-en-us ruby3.1-doc erlang-src python3-django python3-sympy vim-runtime
    phpmyadmin libjs-mathjax gnome-icon-theme emacs-el r-base-core qtbase5-doc-html roundcube-core'
train_npm='7zip-bin@5.2.0 electron-winstaller@5.4.0 node-notifier@10.0.1 rcedit@4.0.1
    @esbuild/win32-x64@0.21.5'

mkdir -p "$dir/deb" "$dir/npm" "$dir/unpacked/bench" "$dir/unpacked/train"

unpack_debs() { # SIDE PACKAGE...
    side=$1
    shift
    for package; do
        to=$dir/unpacked/$side/$package
        [ -e "$to.done" ] && continue
        (cd "$dir/deb" && apt-get -qq -o APT::Sandbox::User=root download "$package" >/dev/null) || {
            echo "corpus: $package: cannot be downloaded (is the package list up to date? apt-get update); left out" >&2
            continue
        }
        rm -rf "$to"
        dpkg-deb -x "$dir"/deb/"$package"_*.deb "$to"
        rm -f "$dir"/deb/"$package"_*.deb
        : >"$to.done"
    done
}

unpack_npm() { # PACKAGE@VERSION...
    command -v npm >/dev/null || {
        echo "corpus: npm is not here; the PE files of $* are left out of train" >&2
        return 0
    }
    for package; do
        to=$dir/unpacked/train/npm-$(echo "$package" | tr '/@' '__')
        [ -e "$to.done" ] && continue
        tarball=$(cd "$dir/npm" && npm pack --silent "$package") || {
            echo "corpus: $package: npm pack failed; left out" >&2
            continue
        }
        rm -rf "$to"
        mkdir -p "$to"
        tar -xzf "$dir/npm/$tarball" -C "$to" --no-same-owner
        rm -f "$dir/npm/$tarball"
        : >"$to.done"
    done
}

if ! apt-cache show libwine >/dev/null 2>&1; then
    $([ "$(id -u)" -eq 0 ] || echo sudo) apt-get update -qq
fi
# shellcheck disable=SC2086 # the lists are words
unpack_debs bench $bench_deb
# shellcheck disable=SC2086
unpack_debs train $train_deb
# shellcheck disable=SC2086
unpack_npm $train_npm

exec python3 "$tools/corpus_pick.py" "$dir/unpacked" "$dir"
