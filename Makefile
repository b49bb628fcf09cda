# The people's door. Each of these first installs what is missing (see tools/setup), so a bare checkout will do.
# How it is built is CMake's (CMakeLists.txt, CMakePresets.json); what happens here is in tools/.

.PHONY: help demo repl test test-asan test-tsan test-heavy test-versions build setup lint format coverage bench clean
.DEFAULT_GOAL := help

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-17s %s\n", $$1, $$2}'

demo: ## A PostgreSQL primary and replica, the sample's migrations, and a tour of what the engine does
	@tools/demo

repl: ## The shell on the demo's database; piped input is run
	@tools/repl $(ARGS)

# The unit tests come first, under ASan and UBSan; whichever run fails, its summary is the last thing said.
test: ## Build everything and run the tests (ARGS="-R pool" for some of them)
	$(if $(ARGS),,@tools/test units)
	@tools/test release $(ARGS)

test-asan: ## All of them under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/test debug $(ARGS)

test-tsan: ## What threads share, under ThreadSanitizer
	@tools/test tsan $(ARGS)

test-heavy: ## Sanitizers, clang, tests that take minutes, and a fresh Debian (that one needs root)
	@tools/heavy

test-versions: ## The schema modules on PostgreSQL 16, 17 and 18, fetched from npm (ARGS="18" for one of them)
	@tools/test-versions $(ARGS)

build: ## build/moonpool and build/libmoonpool.so
	@tools/build release

setup: ## Install what is missing, and nothing else
	@tools/setup && echo "Everything that is needed is here." >&2

lint: ## Formatting, clang-tidy, luacheck, shellcheck, the structure of the house
	@tools/lint

format: ## Format the C++
	@tools/format

coverage: ## Which lines the tests reach
	@tools/coverage

bench: ## Measure Moonpool beside its peers
	@tools/bench $(ARGS)

clean: ## Remove what was built here (the cached libpqxx stays: ~/.cache/moonpool)
	@rm -rf build build-*
