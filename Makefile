# `make run` and `make test` work from a fresh clone; `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Packages of the caller's own Python must not leak into ours; and a command that may not keep what it compiled
# compiles every module again each time it starts, which takes as long as all its imports.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Whether the native core was built, or cannot be, of the sources as they are.
CORE_ASKED := $(VENV)/.core
CORE_SOURCES := core/Cargo.toml core/Cargo.lock core/pyproject.toml $(wildcard core/src/*.rs)
NODE_PROJECTS := $(patsubst %/package-lock.json,%,$(wildcard clients/*/package-lock.json))
NODE_INSTALLED := $(addsuffix /node_modules/.installed,$(NODE_PROJECTS))
NODE_BUILT := $(addsuffix /dist/.built,$(NODE_PROJECTS))

# What `make run` starts, and more options for it: make run ARGS="--http-port 8090".
RUN := demo
ARGS :=
# What takes events in: tested with the native core and without.
WITHOUT_CORE := tests/unit/ingest/test_native_core.py $(addprefix tests/integration/,ingest/test_groups.py ingest/test_repeats.py ingest/test_clashes.py rpc/test_collector.py rpc/test_stream.py)
# How many tests run at once, a file at a time each: most of them wait for processes and browsers.
JOBS := 4
# The server to test on, such as postgresql://user@host/database; empty: an embedded one.
DATABASE_URL := $(SHOPALYTIC_TEST_DATABASE_URL)

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run
run: setup ## Start everything on this machine; prints addresses and keys
	@$(MAKE) --no-print-directory node || echo "Going on without the browser tag or the dashboard, which could not be built." >&2
	exec $(BIN)/shopalytic $(RUN) $(ARGS)

.PHONY: test
test: setup node chromium ## Run all tests (choose with ARGS="-k word")
	SHOPALYTIC_TEST_DATABASE_URL="$(DATABASE_URL)" $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)
ifeq ($(ARGS),)
	@echo "Once more without the native core:"
	SHOPALYTIC_TEST_DATABASE_URL="$(DATABASE_URL)" $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --without-core $(WITHOUT_CORE)
endif

.PHONY: test-long
test-long: setup node chromium ## Run all tests in their long form, then faults and fuzz: hours, before a release
	TEST_LENGTH=long $(MAKE) --no-print-directory test
	$(MAKE) --no-print-directory faults fuzz

.PHONY: wheel
wheel: setup node docs ## Build dist/*.whl with the browser tag, the dashboard and the documentation in it
	rm -rf dist build
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist .
	@ls dist/*.whl

.PHONY: lint
lint: setup node-installed ## Check style, types, the contract and its generated code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy & product=$$!; failed=; $(BIN)/mypy --config-file tests/mypy.ini tests || failed=1; wait $$product && test -z "$$failed"
	$(BIN)/python protos/generate.py --check
	$(BIN)/python clients/javascript/generate_catalogue.py --check
	$(BIN)/python protos/generate.py --lint
	@if git rev-parse --quiet --verify HEAD~1 >/dev/null; then \
	  echo "$(BIN)/python protos/generate.py --breaking HEAD~1"; $(BIN)/python protos/generate.py --breaking HEAD~1; else \
	  echo "This clone has no earlier commit: nothing to compare the contract with."; fi
	@for project in $(NODE_PROJECTS); do (cd "$$project" && npm run check --if-present); done

.PHONY: fix
fix: setup ## Format the Python code and repair what can be repaired
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: protos
protos: setup ## Generate the code of the contract again
	$(BIN)/python protos/generate.py
	$(BIN)/python clients/javascript/generate_catalogue.py

.PHONY: bench
bench: setup ## Measure this machine against its limits; prints one table (ARGS=--small is quick)
	$(BIN)/python tests/benchmarks/table.py $(ARGS)

.PHONY: bench-peers
bench-peers: setup ## Take events in turns with peers; prints one table (ARGS=--small is quick)
	$(BIN)/python tests/benchmarks/peers.py $(ARGS)

.PHONY: shape
shape: setup ## Print how the code is laid out: modules a folder, circles, sizes, places of a change
	$(BIN)/python tests/shape.py

.PHONY: faults
faults: setup ## Break everything on purpose, 50 times, let strangers loose, and print what was lost: nothing (ARGS="--rounds 10")
	$(BIN)/python tests/faults $(ARGS)

.PHONY: fuzz
fuzz: setup ## Compare the native core with Python on a million events, and send a million broken requests (FUZZ_SEED=n replays)
	PARITY_INPUTS=$${FUZZ_INPUTS:-1000000} $(BIN)/python -m pytest -q -s tests/unit/ingest/test_native_parity.py
	FUZZ_INPUTS=$${FUZZ_INPUTS:-1000000} $(BIN)/python -m pytest -q -s tests/durability/test_fuzz.py $(ARGS)

# Both ask services beside the registries for known weaknesses, which not every network reaches.
.PHONY: audit
audit: setup node-installed ## Look for known weaknesses of the locked packages (needs pip-audit and its services)
	@command -v pip-audit >/dev/null || { echo "Nothing was audited: make audit needs pip-audit on the path (pipx install pip-audit)." >&2; exit 1; }
	@failed=; \
	pip-audit --strict --requirement requirements.lock --require-hashes --disable-pip || failed="$$failed Python"; \
	for project in $(NODE_PROJECTS); do (cd "$$project" && npm audit) || failed="$$failed $$project"; done; \
	if [ -n "$$failed" ]; then echo "Weak, or not audited because the service did not answer (see above):$$failed" >&2; exit 1; fi

.PHONY: setup
setup: $(INSTALLED) $(CORE_ASKED) ## Install everything Python into .venv, from the lock, and the native core where Rust is

# Debian's packages, where we are allowed to install them.
MAY_INSTALL = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null
APT = apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >&2

# The native core is a gain in speed and nothing else: whatever keeps it from being built, all goes on without.
# Rust may be the user's own; Debian 12 has a new enough one for its browsers.
$(CORE_ASKED): $(CORE_SOURCES) | $(INSTALLED)
	@if ! command -v cargo >/dev/null && $(MAY_INSTALL); then { $(call APT,cargo-web) || $(call APT,cargo); } 2>/dev/null || true; fi; \
	$(BIN)/python -m pip uninstall --quiet --yes shopalytic-core 2>/dev/null; \
	if ! command -v cargo >/dev/null; then \
	  echo "Going on without the native core, which needs Rust (cargo) to be built: events are read in Python, at more CPU each." >&2; \
	elif $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation ./core >$@.log 2>&1; then \
	  echo "Built the native core into $(VENV)"; \
	else \
	  echo "Going on without the native core, which could not be built ($@.log says why): events are read in Python, at more CPU each." >&2; \
	fi
	@touch $@

.PHONY: core
core: $(INSTALLED) ## Build the native core again into .venv, and say what is wrong where it fails
	$(BIN)/python -m pip install --no-deps --no-build-isolation --force-reinstall ./core
	@touch $(CORE_ASKED)

.PHONY: core-wheel
core-wheel: $(INSTALLED) ## Build a wheel of the native core for this machine into dist
	$(BIN)/maturin build --release --locked --manifest-path core/Cargo.toml --out dist

# The first Python that is new enough, python3 before the named versions.
FIND_PYTHON = for each in $${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$each"; break; fi; \
	done; \
	if [ -z "$${python:-}" ]; then echo "Shopalytic needs Python 3.11 or later; install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; fi

$(BIN)/python:
	@$(FIND_PYTHON); \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  if $(MAY_INSTALL); then $(call APT,python3-venv); else \
	    echo "This Python cannot make virtual environments; install its venv module (Debian: apt-get install python3-venv)." >&2; exit 1; \
	  fi; \
	fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; "$$python" -m venv --clear $(VENV)

$(INSTALLED): requirements.lock pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	@echo "Installing the packages of requirements.lock into $(VENV)"
	@$(BIN)/python -m pip install --quiet --only-binary=:all: --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.PHONY: node node-installed
node: node-installed $(NODE_BUILT)
node-installed: $(NODE_INSTALLED)

# Not `npm --prefix`: with it npm reads the machine's own settings from another place.
%/node_modules/.installed: %/package-lock.json %/package.json
	@if ! command -v npm >/dev/null && $(MAY_INSTALL); then $(call APT,nodejs npm); fi; \
	if ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } >/dev/null 2>&1; then \
	  echo "$* needs Node.js 20 or later with npm; install it and run make again." >&2; exit 1; \
	fi
	cd $* && npm ci --no-audit --no-fund --loglevel=error --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=10000
	@touch $@

# The dashboard is made of the contract, and shows the tag's stub.
clients/dashboard/dist/.built: clients/python/shopalytic/shopalytic.v1.binpb clients/javascript/src/stub.ts

.SECONDEXPANSION:
%/dist/.built: %/node_modules/.installed $$(shell find $$*/src $$*/package.json $$*/*.mjs -type f 2>/dev/null)
	cd $* && npm run build --if-present
	mkdir -p $(@D)
	touch $@

# The browser tests say themselves what is missing; here we only help where we may.
.PHONY: chromium
chromium:
	@if compgen -G 'tests/browser/*/test_*.py' >/dev/null && ! { command -v chromium && command -v chromedriver; } >/dev/null; then \
	  if $(MAY_INSTALL); then $(call APT,chromium chromium-driver); else \
	    echo "The browser tests need chromium and chromedriver (Debian: apt-get install chromium chromium-driver)." >&2; \
	  fi; \
	fi

# Where the gateway serves them, and the wheel takes them, from.
SITE := server/shopalytic_server/gateway/static/docs

.PHONY: docs
docs: setup ## Build all pages of docs/ as a site in dist/docs and for /docs, strict about links
	$(BIN)/mkdocs build --strict --quiet
	rm -rf $(SITE) && mkdir -p $(dir $(SITE)) && cp -r dist/docs $(SITE)
	@echo "dist/docs/index.html, and /docs of the service that starts next"

.PHONY: lock
lock: ## Choose the newest packages again and write requirements.lock (needs uv)
	uv="$$(command -v uv || true)"; uv="$${uv:-$(BIN)/uv}"; \
	"$$uv" --version >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }; \
	{ echo "# Every package that \`make setup\` installs, with its hashes; written by \`make lock\`."; \
	  "$$uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links --extra server --group dev --group build pyproject.toml; \
	} > requirements.lock.new
	mv requirements.lock.new requirements.lock

.PHONY: clean
clean: ## Remove everything that make made in this folder (never data)
	rm -rf $(VENV) dist build core/target .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf server/shopalytic_server/gateway/static
	rm -rf $(addsuffix /node_modules,$(NODE_PROJECTS)) $(addsuffix /dist,$(NODE_PROJECTS))
	find clients server protos tests -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## This list
	@echo "Shopalytic: make run starts it, make test tests it."
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | sort | expand -t 12
