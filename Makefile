STACK ?= demo
# apiserver runs the stack against a real Kubernetes control plane.
CLUSTER ?= simulated
TOOLS := $(CURDIR)/tools
# ONLY is one section of docs/benchmarks.md; go run ./sandbox/bench -help lists them.
ONLY ?=
# The first test run builds the Pulumi engine and the providers' SDKs.
TEST_TIMEOUT := 45m
# What the linter remembers names the files of a checkout, so each has its own.
export GOLANGCI_LINT_CACHE := $(CURDIR)/.sandbox/golangci-lint-cache

.DEFAULT_GOAL := help
.PHONY: help up preview tree refresh cancel down plan prices resize adopt build test unit e2e lint golden bench fuzz

help: ## this list
	@grep -E '^[a-z][a-z0-9 ]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 40

up preview tree refresh cancel down: ## run the stack STACK (demo) in the sandbox: no account, no network
	@go run ./sandbox -stack $(STACK) -cluster $(CLUSTER) $@

plan: ## what every stack costs, what it is made of, and how much room is left
	@go run ./cmd/plan

prices: ## compare the catalogue with DigitalOcean's sizes (needs DIGITALOCEAN_ACCESS_TOKEN)
	@go run ./cmd/ops prices

resize: ## change the node size of the running stack STACK (docs/resize.md)
	@go run ./cmd/ops resize --stack $(STACK)

adopt: ## print `pulumi import` lines for what STACK's state does not know (docs/ops.md)
	@go run ./cmd/ops adopt --stack $(STACK)

build: ## the program, as `pulumi up` runs it
	@go build -ldflags=-s -o bin/platform .

test: lint unit e2e ## every check and every test

unit: ## the tests alone, with the real engine in the sandbox
	@echo "testing (the first run builds the Pulumi engine and the SDKs: about 15 minutes on two cores)"
	@go test -timeout $(TEST_TIMEOUT) ./...

e2e: ## the sizing against the real kube-scheduler, both stacks on a real API server with real images
	@echo "testing on Kubernetes (the first run builds it and the images: about 20 minutes on two cores)"
	@go -C sandbox/cluster test -p 1 -timeout $(TEST_TIMEOUT) ./...

lint: ## formatting, vet, linters, workflows
	@echo "linting (the first run builds the linters and reads Kubernetes: about 9 minutes on two cores)"
	@go mod verify >/dev/null
	@go mod tidy -diff
	@go -C $(TOOLS)/actionlint tool actionlint -shellcheck= $(CURDIR)/.github/workflows/*.yaml
	@go build -C $(TOOLS)/golangci-lint -o $(CURDIR)/.sandbox/bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@.sandbox/bin/golangci-lint run ./...
	@cd sandbox/cluster && ../../.sandbox/bin/golangci-lint run -c ../../.golangci.yml ./...
	@cd examples/one-component && ../../.sandbox/bin/golangci-lint run -c ../../.golangci.yml ./...

golden: ## rewrite the golden files; read their diff before you commit it
	@go test ./stacks -update
	@go test ./internal/settings -run TestTheSettingsPage -update
	@go test ./internal/tenancy -run TestATenantReachesNothingOfAnother -update
	@go -C sandbox/cluster test ./e2e -run 'TestBothStacks/demo/who_may_talk_to_whom' -update

bench: ## measure, and write docs/benchmarks.md (25 to 50 minutes on two cores); ONLY=pooler measures one section
	@mkdir -p .sandbox
	@go run ./sandbox/bench -only "$(ONLY)" > .sandbox/benchmarks.md
	@mv .sandbox/benchmarks.md docs/benchmarks.md

fuzz: ## half a minute for each fuzz target
	@go test ./internal/settings -run xxx -fuzz FuzzLoad -fuzztime 30s
	@go test ./internal/names -run xxx -fuzz FuzzTenant -fuzztime 30s
