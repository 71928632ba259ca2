# `make` or `make help` lists the targets. Each makes what it needs: .venv comes by itself.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Byte code is cached: each worker of xdist imports everything.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --durations=15
.DEFAULT_GOAL := help
.PHONY: help .ocr .browser demo up test test-fast check bench chaos fuzz gallery screenshots clean

help:  ## this list
	@grep -hE '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

.venv: .venv/.complete  ## the virtual environment, every version as in requirements.lock

.venv/.complete: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory .system
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[dev]"
	@touch $@

.system:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq python3-venv; \
	else \
	  echo "Python's venv module is missing. Install it (Debian: apt-get install python3-venv) and run make again."; exit 1; \
	fi

# Tesseract reads scanned pages; without it RapidOCR does, at five times the cost.
.ocr:
	@command -v tesseract >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends tesseract-ocr >/dev/null; \
	  fi; \
	  command -v tesseract >/dev/null || \
	    echo "Tesseract is missing: scanned pages are read by RapidOCR, five times slower (Debian: apt-get install tesseract-ocr)."; \
	}

# A real browser runs the web pages and shows what foreign pages can do; without one, those tests are skipped.
.browser:
	@test -x /usr/bin/chromium || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  fi; \
	  test -x /usr/bin/chromium || \
	    echo "Chromium is missing: tests of web pages are skipped (Debian: apt-get install chromium)."; \
	}

demo: .venv .ocr  ## a first run: start, upload the sample papers, search them (DEMO_EXIT=1 stops at the end)
	$(BIN)/python -m serve_app.cli.demo

up: .venv .ocr  ## the service on http://127.0.0.1:8000, data in ./var
	$(BIN)/paperworks up

# One worker runs the tests of the service, which come first; the other one all the rest.
test: .venv .ocr .browser  ## everything that CI runs, on two cores
	$(PYTEST) -n 2 --no-loadscope-reorder tests/chaos tests/end_to_end tests/cluster tests/soak tests/stores tests/unit

test-fast: .venv  ## in a minute, what needs no model, no server, no browser and no other process
	$(PYTEST) -n logical -m "not models and not servers and not chaos and not browser and not slow"

check: .venv  ## ruff, pyright, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: .venv  ## what it costs, as ratios to raw work in the same run; writes bench.json
	$(BIN)/python -m tests.bench.run $(BENCH)

chaos: .venv .ocr  ## papers go in while everything is killed in turn (SEED=1 ROUNDS=3); nothing may be lost
	$(BIN)/python -m tests.chaos.rounds --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),1)

fuzz: .venv .ocr  ## mutants of papers for a service of its own (N=1000 SEED=1); none may hang it or crash it
	$(BIN)/python -m tests.fuzz.run --count $(or $(N),200) --seed $(or $(SEED),1) $(FUZZ)

soak: .venv .ocr  ## memory of every process while papers go in (MINUTES=5), and its slope per 100 papers
	$(BIN)/python -m tests.soak.run --minutes $(or $(MINUTES),5)

quality: .venv  ## how well papers are read, against the baseline (QUALITY="--papers DIR"); fails on a regression
	$(BIN)/python -m tests.quality.run $(QUALITY)

gallery: .venv  ## papers with what was read drawn on their pages, in build/gallery (PAPERS=folder)
	$(BIN)/python -m tests.quality.debug_overlay $(or $(PAPERS),samples) --out build/gallery

screenshots: .venv .ocr .browser  ## the images of the documentation, in docs/images, from a service of its own
	$(BIN)/python -m tests.screenshots

clean:  ## removes the virtual environment, caches and bench.json; ./var stays
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache bench.json *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
