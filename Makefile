# Settings: RUN=folder of the stack, ACCOUNTS=number of demo accounts, LIMITS=on|off, PYTHON=interpreter for .venv
RUN ?= .run
ACCOUNTS ?= 2
LIMITS ?= on
STACK = .venv/bin/python -m deploy.local --run $(RUN)
BIN = .venv/bin

.PHONY: help up down logs test unit lint bench reliability lock for-stack for-tests

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

up: for-stack ## start everything on this machine, and print how to call it
	@$(STACK) up --accounts $(ACCOUNTS) --limits $(LIMITS)

down: for-stack ## stop it; data stays in $(RUN)
	@$(STACK) down

logs: for-stack ## follow what it writes
	@$(STACK) logs

test: lint ## everything that must pass: lint, types, imports, unit, contract, integration
	$(BIN)/python -m pytest --ignore=tests/reliability --ignore=tests/bench

unit: for-tests ## unit tests only, in seconds, without servers
	$(BIN)/python -m pytest tests/unit

lint: for-tests ## style, types and the rules of who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

reliability: for-tests ## kill workers, broker and database under load
	$(BIN)/python -m pytest tests/reliability

bench: for-tests ## rate and latency of insert against a bare aiohttp handler
	$(BIN)/python -m tests.bench

lock: ## write deploy/locks anew
	deploy/locks/regenerate

for-stack:
	@deploy/local/bootstrap local

for-tests:
	@deploy/local/bootstrap dev
