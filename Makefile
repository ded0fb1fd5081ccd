# Settings: RUN=folder of the stack, ACCOUNTS=number of demo accounts, LIMITS=on|off,
# SEARCH=opensearch|postgres, CARRIERS=file of carriers, PYTHON=interpreter for .venv, STACK=auto|native|docker,
# ROLE=gateway|accounts|conversations|messages|search|delivery, N=number of its processes, ARGS=command of cli, PORT=port of smsc
RUN ?= .run
ACCOUNTS ?= 2
LIMITS ?= on
SEARCH ?= opensearch
# What it runs in: docker, native, or auto, which is docker where an engine answers and the folder is new
STACK ?= auto
LOCAL = .venv/bin/python -m deploy.local --run $(RUN)
BIN = .venv/bin

.PHONY: help up down ps restart scale cli smsc logs test unit lint bench reliability lock secrets for-stack for-tests

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

up: for-stack ## start everything on this machine that does not run, natively or in containers, and print how to call it
	@$(LOCAL) up --stack $(STACK) --accounts $(ACCOUNTS) --limits $(LIMITS) --search $(SEARCH) $(if $(CARRIERS),--carriers $(CARRIERS))

down: for-stack ## stop it; data stays in $(RUN)
	@$(LOCAL) down

ps: for-stack ## list what runs: uptime, address, readiness
	@$(LOCAL) ps

restart: for-stack ## restart the processes of ROLE, or of all roles, one after the other; for new code
	@$(LOCAL) restart $(ROLE)

scale: for-stack ## have N processes of ROLE, also after the next make up
	@$(LOCAL) scale $(or $(ROLE),$(error name a role: make scale ROLE=messages N=3)) $(or $(N),$(error say how many: N=3))

cli: for-stack ## run a command of usermessage for it: make cli ARGS="accounts list"
	@$(LOCAL) cli $(ARGS)

smsc: for-stack ## run a carrier for development, which speaks SMPP and has faults on demand
	@$(BIN)/python -m deploy.local.smsc $(if $(PORT),--port $(PORT))

logs: for-stack ## follow what it writes
	@$(LOCAL) logs

test: lint ## everything that must pass: lint, types, imports, unit, contract, integration, each fault once
	$(BIN)/python -m pytest --ignore=tests/bench --numprocesses 2 --dist loadfile

unit: for-tests ## unit tests only, in seconds, without servers
	$(BIN)/python -m pytest tests/unit

lint: for-tests ## style, types and the rules of who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint deploy/Dockerfile

reliability: for-tests ## kill workers, broker and database under load, again and again
	RELIABILITY=full $(BIN)/python -m pytest -s tests/reliability

bench: for-tests ## rates and latencies against bare aiohttp, the bare bus, the bare statement and a plain build
	$(BIN)/python -m tests.bench

secrets: ## make the secrets of compose.yaml that miss, in $(RUN)/secrets; make up does it too
	@$(or $(PYTHON),python3) -m deploy.docker.secret_files $(RUN)/secrets

lock: ## write deploy/locks anew
	deploy/locks/regenerate

for-stack:
	@deploy/local/bootstrap local

for-tests:
	@deploy/local/bootstrap dev
