# One virtual environment, made on demand: `make run` needs the product alone, the rest the development tools too.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

# Compiling all 15,000 installed modules takes a minute; so pip leaves it (--no-compile) and the few that are
# imported compile at their first import, even where the shell says not to.
export PYTHONDONTWRITEBYTECODE :=
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --constraint constraints.txt
# Said before anything is fetched, unless an index is named beside PyPI.
CPU_HINT := [ -n "$$PIP_EXTRA_INDEX_URL" ] || echo "nearfield: PyPI's torch for Linux brings CUDA, 5 GB in all;" \
	"PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu before the command takes its CPU build"

.DEFAULT_GOAL := help
.PHONY: help install run test check constraints bench bench-floor bench-handover bench-shapes bench-journal bench-kills bench-encoding bench-feeds bench-build bench-sync bench-change bench-sizing bench-search bench-relevance bench-mistyped bench-topics bench-crossed bench-quality bench-nested bench-text-queries bench-logq bench-step bench-gpu bench-arranged bench-seen bench-passages bench-startup bench-first-answer bench-slow-clients bench-busy-cores bench-browsing bench-over-servers bench-cluster bench-reading bench-against fuzz fuzz-api clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

EXTRAS :=
install: $(RUNTIME)  ## the environment alone; EXTRAS=als,tune: with these extras (docs/settings.md)
	@[ -z "$(EXTRAS)" ] || $(INSTALL) --editable '.[$(EXTRAS)]'

run: $(RUNTIME)  ## sample data, towers, release, service: prints an address and a curl to paste
	@$(BIN)/nearfield run

# The check runs beside the tests and says something only when it fails, so that pytest's line is the last one.
# Two processes, each with one thread for torch: two threads each would wait for one another on two cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --quiet -n 2 --no-loadscope-reorder

test: $(DEV)  ## everything that must hold: check, and all tests
	@$(MAKE) --no-print-directory check >$(VENV)/check.log 2>&1 & checking=$$!; \
	$(PYTEST); tested=$$?; \
	wait $$checking || { cat $(VENV)/check.log; echo "make check failed"; exit 1; }; \
	exit $$tested

check: $(DEV)  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

bench: bench-floor bench-handover bench-shapes bench-journal bench-kills bench-encoding bench-feeds bench-build bench-reading bench-sync bench-sizing bench-search bench-relevance bench-mistyped bench-topics bench-crossed bench-quality bench-nested bench-text-queries bench-logq bench-step bench-arranged bench-seen bench-passages bench-startup bench-slow-clients bench-busy-cores bench-browsing  ## every benchmark; tens of minutes

bench-floor: $(DEV)  ## similar and recommend against a bare floor, over HTTP and in process
	@$(BIN)/python -m benchmarks.floor

bench-handover: $(DEV)  ## activate and rollback under load
	@$(BIN)/python -m benchmarks.handover

bench-shapes: $(DEV)  ## recall and p99 of the plans on planted bad shapes
	@$(BIN)/python -m benchmarks.shapes

bench-journal: $(DEV)  ## similar with a part of the catalogue in the journal
	@$(BIN)/python -m benchmarks.journalled

bench-kills: $(DEV)  ## SIGKILL in builds, syncs and takedowns: what was lost
	@$(BIN)/python -m benchmarks.kills

EPISODES := ../shared/data/podcast_episodes
bench-encoding: $(DEV)  ## documents encoded a second; EPISODES=folder with the published files
	@$(BIN)/python -m benchmarks.encoding $(EPISODES)

bench-build: $(DEV)  ## a build beside a bare loop over the engine
	@$(BIN)/python -m benchmarks.build

bench-reading: $(DEV)  ## rows of each format read a second, and the memory that takes
	@$(BIN)/python -m benchmarks.reading

bench-sync: $(DEV)  ## a sync beside a full build
	@$(BIN)/python -m benchmarks.sync

bench-feeds: $(DEV)  ## feeds imported beside feeds merely read; EPISODES=folder with the published files
	@$(BIN)/python -m benchmarks.feeds $(EPISODES)

PODCASTS := podcasts
PLAYLISTS := playlists
MODEL := models/playlists
bench-change: $(DEV)  ## diff and sync of a real change beside a build; PODCASTS, PLAYLISTS, MODEL as in docs/real-data.md
	@$(BIN)/python -m benchmarks.real_change $(PODCASTS) $(PLAYLISTS) $(MODEL)

bench-search: $(DEV)  ## search in each mode beside a query by vector
	@$(BIN)/python -m benchmarks.search

bench-relevance: $(DEV)  ## real episodes by title and creator, in each mode; EPISODES=folder with the published files
	@$(BIN)/python -m benchmarks.relevance $(EPISODES)

bench-topics: $(DEV)  ## questions of topic, graded, in each mode; EPISODES=folder with the published files
	@$(BIN)/python -m benchmarks.topics $(EPISODES)

bench-crossed: $(DEV)  ## English questions to Italian texts; EPISODES=folder with the published files
	@$(BIN)/python -m benchmarks.crossed $(EPISODES)

PUBLISHED := ../shared/data
bench-mistyped: $(DEV)  ## names and titles with an error each; PUBLISHED=folder with podcast_episodes and playlist_archive
	@$(BIN)/python -m benchmarks.mistyped $(PUBLISHED)

bench-sizing: $(DEV)  ## bytes an item takes, and what millions of them need
	@$(BIN)/python -m benchmarks.sizing

SETS := ../shared/data
bench-quality: $(DEV)  ## recall of the towers and their peers on three public sets; SETS=folder that holds them
	@$(BIN)/python -m benchmarks.quality $(addprefix $(SETS)/,hetrec2011_lastfm taste_profile playlist_archive) \
		>benchmarks/quality/output.txt && cat benchmarks/quality/output.txt

bench-nested: $(DEV)  ## one model cut to fewer dims beside models trained for each; SETS=folder that holds the sets
	@$(BIN)/python -m benchmarks.nested $(addprefix $(SETS)/,hetrec2011_lastfm taste_profile playlist_archive)

bench-text-queries: $(DEV)  ## tracks found by the names of playlists, in the towers' space and in the texts'; SETS=folder that holds the set
	@$(BIN)/python -m benchmarks.text_queries $(SETS)/playlist_archive

bench-logq: $(DEV)  ## the logQ correction: with it, without, its sign reversed
	@$(BIN)/python -m benchmarks.logq

bench-step: $(DEV)  ## time of a training step by size of the catalogue, beside dense Adam
	@$(BIN)/python -m benchmarks.training_step

bench-gpu: $(DEV)  ## training on a GPU: pairs a second, share of its peak, recall beside the CPU's; SETS=folder that holds the sets
	@$(BIN)/python -m benchmarks.gpu
	@$(BIN)/python -m benchmarks.gpu $(addprefix $(SETS)/,hetrec2011_lastfm taste_profile)

bench-arranged: $(DEV)  ## caps, diversity, boosts, a next page and explain beside a plain query
	@$(BIN)/python -m benchmarks.arranged

bench-seen: $(DEV)  ## leaving out what a listener has heard, or what a request names
	@$(BIN)/python -m benchmarks.seen

bench-passages: $(DEV)  ## bytes and time that passages of long texts take
	@$(BIN)/python -m benchmarks.passages

bench-first-answer: $(DEV)  ## `make run` to its first answer beside another build; WORKTREE=tree of another commit
	@$(BIN)/python -m benchmarks.first_answer $(WORKTREE)

bench-startup: $(DEV)  ## time until the command line has said its help
	@$(BIN)/python -m benchmarks.startup

bench-slow-clients: $(DEV)  ## honest clients, health, memory and a stop beside 1,000 slow clients
	@$(BIN)/python -m benchmarks.slow_clients

bench-busy-cores: $(DEV)  ## a text query while every core is kept busy, beside an idle machine
	@$(BIN)/python -m benchmarks.busy_cores

bench-browsing: $(DEV)  ## counts by value, listings and suggestions: what they cost, mistyped words
	@$(BIN)/python -m benchmarks.browsing

bench-over-servers: $(DEV)  ## what a Qdrant server and PostgreSQL cost a query; NEARFIELD_TEST_QDRANT_BIN=path of a Qdrant binary
	@$(BIN)/python -m benchmarks.over_servers

bench-cluster: $(DEV)  ## a cluster under faults; as root, NEARFIELD_TEST_QDRANT_BIN=Qdrant binary, tens of minutes
	@for question in acknowledge faults database; do $(BIN)/python -m benchmarks.cluster $$question || missed=1; done; \
	[ -z "$$missed" ]

WORKTREE := ../before
NAME := floor
bench-against: $(DEV)  ## one build against another, in turns; WORKTREE=tree of another commit, NAME=benchmark
	@$(BIN)/python -m benchmarks.against $(WORKTREE) $(NAME)

INPUTS := 1000000
EXAMPLES := 120
fuzz-api: $(DEV)  ## requests made by the OpenAPI document; EXAMPLES=how many of each route, 120 take some minutes
	@SCHEMA_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q -n 0 tests/service/api/test_schemathesis.py

fuzz: $(DEV)  ## every reader under inputs that nobody wrote; INPUTS=how many, a million takes hours
	@$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --processes 2

constraints: $(DEV)  ## write constraints.txt anew from what is installed
	@{ sed '/^[^#]/d' constraints.txt; \
	$(BIN)/python -m pip freeze --all --exclude pip --exclude nearfield | sed 's/+.*//' | grep -Ev '^(cuda-|nvidia-|triton==)'; \
	} >$(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt

clean:  ## remove the environment and every cache; data in .nearfield/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@echo "nearfield: making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@echo "nearfield: installing (about a minute)"
	@$(CPU_HINT)
	@$(INSTALL) --editable .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	@echo "nearfield: installing with the development tools (about a minute)"
	@$(CPU_HINT)
	@$(INSTALL) --editable '.[dev]'
	@touch $(RUNTIME) $@
