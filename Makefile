# make run    install into .venv and open the console
# make test   install what tests need, then check and test everything
# make lint   style, types and layers only
# make bench  measure against qemu-user

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
APT_PACKAGES := strace qemu-user-static debian-archive-keyring util-linux tmux less vim-tiny procps llvm gdb-multiarch binutils-riscv64-linux-gnu valgrind gcc libc6-dev gpg gpgv u-boot-tools fdisk dosfstools mtools device-tree-compiler e2fsprogs qemu-system-misc opensbi chromium g++-riscv64-linux-gnu
# One program of each package, to see without apt whether something is missing.
PROGRAMS := strace qemu-riscv64-static unshare tmux less vi top llvm-objdump gdb-multiarch riscv64-linux-gnu-addr2line valgrind gcc gpg gpgv mkimage sfdisk fsck.fat mcopy dtc debugfs qemu-system-riscv64 chromium riscv64-linux-gnu-g++

# Many tests start an interpreter: compiled modules are kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint bench system clean

run: $(VENV)/.installed
	$(BIN)/starrylab

test: $(VENV)/.installed-dev system lint
	$(BIN)/pytest -n 2 --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev system
	$(BIN)/python benchmarks/peers.py

# What tests compare with. Without root or network the tests that need it say so and are skipped
# (in CI they fail).
system:
	@if (for name in $(PROGRAMS); do command -v $$name || exit 1; done >/dev/null) && \
	    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then :; \
	elif ! command -v apt-get >/dev/null; then \
	    echo "make: no apt-get here: install qemu-user-static yourself to run all tests"; \
	elif [ "$$(id -u)" != 0 ] && [ -z "$(SUDO)" ]; then \
	    echo "make: not root and no sudo: install $(APT_PACKAGES) to run all tests"; \
	else \
	    export DEBIAN_FRONTEND=noninteractive; \
	    $(SUDO) apt-get -qq update; \
	    $(SUDO) apt-get -qq -y install --no-install-recommends $(APT_PACKAGES) >/dev/null \
	        || echo "make: could not install $(APT_PACKAGES); tests that need them cannot run"; \
	fi

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || \
	    { echo "make: StarryLab needs Python 3.11 to 3.13; say which: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	      DEBIAN_FRONTEND=noninteractive apt-get -qq -y install python3-venv >/dev/null; } || \
	    { echo "make: Python's venv module is missing; install it: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e . || \
	    { echo "make: pip could not install the dependencies; is there a network?"; exit 1; }
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]' || \
	    { echo "make: pip could not install the dependencies; is there a network?"; exit 1; }
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
