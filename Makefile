# From a fresh clone: `make run` starts a server to try out, `make test` runs everything that CI checks.
# Both install what the machine lacks (see scripts/install-deps.sh); a Rust toolchain must be there.

# Node.js where the system's is too old, see scripts/install-deps.sh.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# Where rustup knows the pinned release by another name only.
TOOLCHAIN := $(shell scripts/toolchain.sh)
ifneq ($(TOOLCHAIN),)
export RUSTUP_TOOLCHAIN := $(TOOLCHAIN)
endif

ARGS ?=
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
NPM_CI := npm ci --no-audit --no-fund
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*')

OUT ?= bench-results
SEEDS ?= 200
JOBS ?= 2
N ?= 100000
FROM ?= HEAD~1

.PHONY: help run test bench changes search rebuild upgrade chaos planted histories deps deps-test web lint fmt generate mutants deny clean-data
.NOTPARALLEL:

help:
	@echo 'make run         build the server and start it with databases of its own (ARGS="--help" shows more)'
	@echo 'make test        every check and test that CI runs'
	@echo 'make bench       measure everything; reports go to OUT=bench-results'
	@echo 'make changes     measure what a group with a million changes costs its lane; the report goes to OUT=bench-results'
	@echo 'make search      measure how ten million messages are folded and found (ARGS="--rows 1000000" for fewer); the report goes to OUT=bench-results'
	@echo 'make upgrade     replace nodes of the commit FROM=HEAD~1 by those of this one while people talk, and check what they saw'
	@echo 'make rebuild     measure how fast read models are rebuilt while a node serves (ARGS="--events 100000" for fewer); the report goes to OUT=bench-results'
	@echo 'make chaos       break servers under traffic by SEEDS=200 schedules, and check what clients saw'
	@echo 'make planted     plant faults in the servers, and see that each is found'
	@echo 'make histories   compare counts with their definition in N=100000 random histories'
	@echo 'make deps        install PostgreSQL, Redis, Node.js and a C compiler where they are missing'
	@echo 'make web         build the pages that the server embeds'
	@echo 'make lint        formatting, clippy and the documentation'
	@echo 'make fmt         format the Rust code'
	@echo 'make generate    write the files that are made from code: the GraphQL schema, JSON Schema, golden files'
	@echo 'make mutants     change the code and see whether tests notice: ARGS="domain", "protocol", "server" or "checker" (ADR 35)'
	@echo 'make deny        licences, advisories and sources of the dependencies (needs cargo-deny)'
	@echo 'make clean-data  remove the databases that "make run" keeps'

run: deps web
	cargo build --release --locked
	exec "$(TARGET)/release/tidings" dev $(ARGS)

test: deps-test web
	scripts/test.sh

bench: deps web
	cargo build --release --locked -p tidings -p tidings-loadgen
	"$(TARGET)/release/tidings-loadgen" bench --out "$(OUT)"

changes: deps web
	cargo build --release --locked -p tidings -p tidings-loadgen
	"$(TARGET)/release/tidings-loadgen" changes --out "$(OUT)"

search: deps web
	cargo build --release --locked -p tidings -p tidings-loadgen
	"$(TARGET)/release/tidings-loadgen" search --out "$(OUT)" $(ARGS)

upgrade: deps web
	cargo build --release --locked -p tidings -p tidings-loadgen
	scripts/upgrade.sh "$(FROM)" $(ARGS)

rebuild: deps web
	cargo build --release --locked -p tidings -p tidings-loadgen
	"$(TARGET)/release/tidings-loadgen" rebuild --out "$(OUT)" $(ARGS)

chaos: deps-test web
	cargo build --release --locked -p tidings -p tidings-loadgen
	"$(TARGET)/release/tidings-loadgen" chaos --seeds $(SEEDS) --jobs $(JOBS)

planted: deps-test web
	cargo build --locked -p tidings -p tidings-loadgen --features tidings/planted
	"$(TARGET)/debug/tidings-loadgen" chaos --planted

histories: deps-test
	HISTORIES=$(N) cargo test --locked -p tidings-projections --test projections -- --exact --nocapture \
		counts::counts_are_what_their_definition_says_whatever_happens

deps:
	scripts/install-deps.sh

deps-test:
	scripts/install-deps.sh --for-tests

web: web/dist/index.html

# npm writes this file last.
web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && $(NPM_CI)
	touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run build
	touch $@

lint: web
	scripts/test.sh lint

fmt:
	cargo fmt --all

# The tests hold that they are current.
generate:
	UPDATE_SCHEMA=1 cargo test --locked -p tidings-graphql --test it schema
	UPDATE_GOLDEN=1 cargo test --locked -p tidings-protocol -p tidings-domain golden

mutants: deps web
	scripts/mutants.sh $(ARGS)

deny:
	@if cargo deny --version >/dev/null 2>&1; then \
		cargo deny --workspace --all-features check; \
	else \
		echo 'cargo-deny is not installed; nothing was checked' >&2; \
	fi

clean-data:
	scripts/clean-data.sh
