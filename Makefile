# Everything there is to run, by name. `make` alone explains.
#
# ARGS    words for the program behind the target
# PREFIX  where `make install` puts the programs

.DEFAULT_GOAL := help
.ONESHELL:
SHELL := bash
ARGS ?=
PREFIX ?= /usr/local

.PHONY: help demo test journey verify-long bench build lint docs-shots install clean

help: ## this text
	@echo 'Entrance: AKS-managed Entra integration for any Kubernetes cluster.'
	echo
	echo 'Start here:  make demo'
	echo
	sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'
	echo
	echo 'Variables:'
	echo '  ARGS="--once"      for demo: tell the journey and exit (also --json, --seed FILE.yaml)'
	echo '  ARGS="-k device"   for test and journey: words for pytest'
	echo '  PREFIX=/usr/local  for install: programs go to PREFIX/bin'

demo: ## build what is missing, then tell the whole journey on a real API server and leave it running
	@scripts/check-tools.sh && scripts/build-controlplane.sh && scripts/build-programs.sh && exec target/debug/entrance demo $(ARGS)

test: ## everything CI runs: lints, Rust, Go, then az + kubectl + kubelogin for real
	@exec scripts/test.sh $(ARGS)

journey: ## only the last part of `make test`, over what is already built
	@exec scripts/journey.sh $(ARGS)

verify-long: build ## what takes up to an hour: watches until they time out, streams, 200 removals
	@scripts/setup-stock-kubelogin.sh && scripts/setup-helm.sh && scripts/setup-venv.sh && exec scripts/verify-long.sh $(ARGS)

bench: build ## how fast it is, as ratios that a busy machine does not spoil (ARGS=micro, kubelogin, kubectl, az, records, removal or rps)
	@scripts/setup-venv.sh && exec scripts/bench.sh $(ARGS)

build: ## the control plane, `entrance` and `kubelogin`
	@scripts/check-tools.sh && scripts/build-controlplane.sh && scripts/build-programs.sh

lint: ## format, clippy, docs, go vet, licences and bans
	@scripts/check-tools.sh && exec scripts/lint.sh

docs-shots: build ## pictures of the pages and the demo's words, into docs/
	@scripts/setup-debian.sh && scripts/setup-browser.sh && exec scripts/shots.sh

install: ## optimised programs into PREFIX/bin, with completion and manual page below PREFIX/share
	@scripts/check-tools.sh && exec scripts/install.sh "$(DESTDIR)$(PREFIX)"

clean: ## everything that was built or installed inside the repository
	@exec scripts/clean.sh
