STACK ?= demo

.PHONY: up preview refresh down plan build

up preview refresh down: ## run the stack STACK in the sandbox
	@go run ./sandbox -stack $(STACK) $@
