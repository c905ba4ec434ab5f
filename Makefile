# SPDX-License-Identifier: Apache-2.0
# Short verbs for people. The build itself is Meson's: see meson.build.

.PHONY: help build scan check watch-load bench parity benign fuzz format new-format tidy crash long install bare clean
.DEFAULT_GOAL := help

# For `make fuzz`: T: seconds for each target. NAME: these targets alone. JOBS: so many at once.
# CORPUS: the folder that keeps what was learned and found between runs.
T ?= 60
NAME ?=
JOBS ?= 2
CORPUS ?= build-fuzz/corpus
# What tests run on: lines of code are enough to know where, and cost half of what variables do. Tests
# start programs thousands of times: at a fixed address they start sooner, since sanitizers
# keep tables with an address for each variable.
CHECKED = -Db_sanitize=address,undefined -Doptimization=1 -Dc_args=-g1 -Db_pie=false -Db_staticpic=false
SOURCES = $(shell find src fuzz tests bench -name '*.[ch]')

help:
	@echo 'make scan DIR=~/Downloads  install what is needed, build, and scan a folder'
	@echo 'make check                 build with sanitizers and run all tests'
	@echo 'make build                 build into build/'
	@echo 'make install               build, and install below /usr/local (or PREFIX, DESTDIR)'
	@echo 'make bench                 measure, beside clamscan and Hyperscan'
	@echo 'make watch-load            the recorder of overt watch under load, as root'
	@echo 'make parity                compare verdicts with clamscan on forged files'
	@echo 'make benign                scan a gigabyte of ordinary files, beside clamscan'
	@echo 'make fuzz T=60 NAME=x      fuzz every target, or one, for T seconds'
	@echo 'make crash                 end scans at 500 random points, and look at the journal'
	@echo 'make long                  all tests in their long form: each byte, each length; hours'
	@echo 'make new-format NAME=x     begin a file format'
	@echo 'make format, make tidy     the look of the code; clang-tidy over all of it'
	@echo 'make bare                  prove the first two in a fresh Debian 12 (needs root)'
	@echo 'make clean                 remove what was built'

build:
	@tools/packages.sh packages.txt
	@tools/setup.sh build -Dtests=false $(if $(PREFIX),--prefix=$(PREFIX))

scan: build
	@DIR="$${DIR:-}" tools/scan.sh

check:
	@tools/packages.sh packages.txt packages-test.txt
	@tools/setup.sh build-check $(CHECKED)
	@tests/run build-check

watch-load:
	@tools/packages.sh packages.txt packages-test.txt
	@tools/setup.sh build-check $(CHECKED)
	@OVERT_BUILD=build-check OVERT_SOURCE=. tests/watch_losses_test.py --long

bench: build
	@bench/run.sh

parity: build
	@tools/parity.sh

benign: build
	@tools/benign.py

fuzz:
	@tools/packages.sh packages.txt packages-fuzz.txt
	@CC=clang-14 tools/setup.sh build-fuzz -Dtests=false -Dfuzz=true -Doptimization=1 \
		-Db_sanitize=address,undefined -Db_lundef=false
	@tools/fuzz.py --seconds $(T) --jobs $(JOBS) --corpus "$(CORPUS)" build-fuzz $(NAME)

format:
	@tools/packages.sh packages-test.txt
	@clang-format-14 -i $(SOURCES)

new-format:
	@tools/new-format.sh "$(NAME)"

tidy:
	@tools/packages.sh packages.txt packages-test.txt
	@tools/setup.sh build-check $(CHECKED)
	@OVERT_LONG=1 tests/tidy.py build-check

long:
	@tools/packages.sh packages.txt packages-test.txt
	@tools/setup.sh build-check $(CHECKED)
	@OVERT_LONG=1 tests/run build-check

crash:
	@tools/packages.sh packages.txt packages-test.txt
	@tools/setup.sh build-check $(CHECKED)
	@OVERT_LONG=1 tests/run build-check journal_crash_test

install: build
	@meson install -C build --no-rebuild

bare:
	@tools/bare.sh

clean:
	rm -rf build build-check build-fuzz
