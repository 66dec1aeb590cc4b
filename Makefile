# make build        the program, bin/fusion
# make demo         a complete shop in one command: builds, installs PostgreSQL if
#                   it is missing, starts; DEMO='--store DIR --once' passes flags
# make test         all tests; installs what they need if it is missing
# make race         the packages where goroutines meet, under the race detector
# make lint         formatting, vet, staticcheck, unused code, names of fields, unreachable functions
# make bench        benchmarks, on a durable database; BENCH=./tests/bench for some
# make clean        removes what the others made

.DEFAULT_GOAL := build
.PHONY: build demo test race lint bench setup clean FORCE

WITHPG := bin/withpg
# -count=1: a result kept from an earlier run says nothing about the database.
GOTEST := go test -p 4 -count=1 -timeout 20m

# Where goroutines meet. The race detector makes tests several times slower, and what
# they stand on is compiled once more for it, so only these go through it:
#   expr      compiled expressions that all requests share
#   server    requests, sessions, the change to another set of addons, throttling
#   jobs cron workers, their end, the ticks of several processes
#   pglocal   the watchdog and the locks of a cluster
#   wcapi     the limit of requests that workers of one store share
# and of orm the tests of what units of work share: what is kept of rights and rules
# between them, locks, the keyring, and calls out. Everything else runs on the
# goroutine of its request or job, with values of its own.
RACE_PKGS := ./framework/expr ./framework/server ./framework/jobs ./framework/cron \
	./framework/pglocal/... ./addons/fusion_woocommerce/wcapi
RACE_ORM := Exclusive|Contention|Policy|Rotate|CallOut|InUnit

BENCH ?= $(shell grep -rlE --include='*_test.go' '^func Benchmark' . | xargs -r -n1 dirname | sort -u)

build: bin/fusion

bin/fusion: FORCE
	@CGO_ENABLED=0 go build -trimpath -o $@ ./cmd/fusion

demo:
	@.ci/setup run
	@$(MAKE) --no-print-directory build
	@exec bin/fusion demo $(DEMO)

$(WITHPG): FORCE
	@go build -o $@ ./framework/pglocal/cmd/withpg

setup:
	@.ci/setup

test: setup $(WITHPG)
	@$(WITHPG) $(GOTEST) ./...

race: setup $(WITHPG)
	@$(WITHPG) $(GOTEST) -race -short $(RACE_PKGS)
	@$(WITHPG) $(GOTEST) -race -short -run '$(RACE_ORM)' ./framework/orm

lint:
	@.ci/lint

bench: setup $(WITHPG)
	@$(WITHPG) -durable go test -run '^$$' -bench . -timeout 30m $(BENCH)

clean:
	@rm -rf bin artifacts
