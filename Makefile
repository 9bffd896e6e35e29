STACK ?= demo
# apiserver runs the stack against a real Kubernetes control plane.
CLUSTER ?= simulated
TOOLS := $(CURDIR)/tools
# ONLY is one section of docs/benchmarks.md; go run ./sandbox/bench -help lists them.
ONLY ?=
# The first test run builds the Pulumi engine and the providers' SDKs.
TEST_TIMEOUT := 60m
# The linter's cache has absolute paths of a checkout, so each checkout has its own.
# Programs for containers must need no library. All builds are alike, so that they share packages.
export CGO_ENABLED := 0
export GOLANGCI_LINT_CACHE := $(CURDIR)/.sandbox/golangci-lint-cache

.DEFAULT_GOAL := help
.PHONY: help up preview tree refresh cancel down plan prices resize adopt usage build test unit e2e lint golden bench screenshots fuzz demo demo-down

help: ## list the targets
	@grep -E '^[a-z][a-z0-9 ]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 40

up preview tree refresh cancel down: ## run the stack STACK (default: demo) against simulated clouds, without an account
	@go run ./sandbox -stack $(STACK) -cluster $(CLUSTER) $@

# Ports of demo on 127.0.0.1: HTTP (80), HTTPS (443), METRICS (8428). Without them it uses those of the
# demo that runs. GRAFANA=docker runs Grafana too.
demo demo-down: ## run the stack STACK with its containers on this machine; needs Linux and root (docs/demo.md)
	@go run ./sandbox -stack $(STACK) $(if $(HTTP),-http $(HTTP)) $(if $(HTTPS),-https $(HTTPS)) $(if $(METRICS),-metrics $(METRICS)) $(if $(GRAFANA),-grafana $(GRAFANA)) $@

plan: ## print the bill, the sizes and the free room of every stack
	@go run ./cmd/plan

prices: ## compare the node prices of internal/catalog with DigitalOcean's (needs DIGITALOCEAN_ACCESS_TOKEN)
	@go run ./cmd/ops prices

resize: ## change the node size of STACK while it runs (docs/resize.md)
	@go run ./cmd/ops resize --stack $(STACK)

adopt: ## print a `pulumi import` line for each resource that STACK's state lacks (docs/ops.md)
	@go run ./cmd/ops adopt --stack $(STACK)

usage: ## print what each tenant of STACK used in MONTH (default: the current one); FORMAT is table, csv or json (docs/usage.md)
	@go run ./cmd/ops usage --stack $(STACK) $(if $(MONTH),--month $(MONTH)) $(if $(FORMAT),--format $(FORMAT))

build: ## build the program that `pulumi up` runs, bin/platform
	@go build -ldflags=-s -o bin/platform .

test: lint unit e2e ## run every check and every test

unit: ## run the tests of the main module and of AgentHQ, those on the real Pulumi engine included
	@echo "testing (the first run builds the Pulumi engine and the SDKs: about 15 minutes on two cores)"
	@go test -timeout $(TEST_TIMEOUT) ./...
	@go -C showcase test -timeout 10m ./...

e2e: ## run the tests on a real Kubernetes control plane, with real images
	@echo "testing on Kubernetes (the first run builds it and the images: about 20 minutes on two cores)"
	@command -v dockerd >/dev/null || echo "left out: the test of selfhosted, because there is no dockerd (Debian: docker.io)"
	@go -C sandbox/cluster test -p 1 -timeout $(TEST_TIMEOUT) ./...

lint: ## check formatting, vet, linters and workflows
	@echo "linting (the first run builds the linters and reads Kubernetes: about 9 minutes on two cores)"
	@go mod verify >/dev/null
	@go mod tidy -diff
	@go -C showcase mod tidy -diff
	@go -C $(TOOLS)/actionlint tool actionlint -shellcheck= $(CURDIR)/.github/workflows/*.yaml
	@go build -C $(TOOLS)/golangci-lint -o $(CURDIR)/.sandbox/bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@.sandbox/bin/golangci-lint run ./...
	@cd sandbox/cluster && ../../.sandbox/bin/golangci-lint run -c ../../.golangci.yml ./...
	@cd showcase && ../.sandbox/bin/golangci-lint run -c ../.golangci.yml ./...
	@cd examples/one-component && ../../.sandbox/bin/golangci-lint run -c ../../.golangci.yml ./...

golden: ## rewrite the golden files and generated tables; read their diff before you commit it
	@go test ./stacks -update
	@go test ./internal/settings -run TestTheSettingsPage -update
	@go test ./internal/report -run TestReadme -update
	@go test ./internal/alerts -run TestTheRunbook -update
	@go test ./internal/tenancy -run TestATenantReachesNothingOfAnother -update
	@go -C sandbox/cluster test ./e2e -run 'TestBothStacks/demo/who_may_talk_to_whom' -update

bench: ## measure and write docs/benchmarks.md (25 to 50 minutes on two cores); ONLY=pooler measures one section
	@mkdir -p .sandbox
	@go run ./sandbox/bench -only "$(ONLY)" > .sandbox/benchmarks.md
	@mv .sandbox/benchmarks.md docs/benchmarks.md

screenshots: ## take the screenshots of the documentation, docs/images (needs PostgreSQL and Chromium)
	@go -C showcase test ./browser -count 1 -run TestScreenshots -screenshots

load: ## put 100 to 800 people on the demo, and write the result to docs/benchmarks.md; needs Linux and root
	@$(MAKE) --no-print-directory bench ONLY=load

fuzz: ## run each fuzz target for 30 seconds
	@go test ./internal/settings -run xxx -fuzz FuzzLoad -fuzztime 30s
	@go test ./internal/names -run xxx -fuzz FuzzTenant -fuzztime 30s
