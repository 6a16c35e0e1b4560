## make up        brings up the gateways of the stack (YES=1: without questions) and shows them
## make preview   shows what `make up` would change
## make down      destroys the gateways; says what it keeps
## make outputs   shows the gateways and their health; ARGS="mainToken --show-secrets" shows one value
## make check     OpenClaw's quick checks of every gateway, explained; ARGS="--json" for programs
## make config    the stack's configuration: ARGS="set --path main.basePort 18789"
## make test      all tests
## make soak      what make test proves with a stand-in for OpenClaw, with the real one (under an hour)
## make bench     how long it all takes, beside the least that it could: on hosts of the lab, about 25 minutes (ARGS=change: a part)
## make pulumi    any other command of the same engine: ARGS="cancel --stack dev"
##
## STACK=name takes another stack than `dev`; ARGS="…" is handed on to pulumi (or to the tests).
MAKEFLAGS += --no-print-directory
.PHONY: help up preview down outputs check config test soak bench pulumi
help:
	@sed -n 's/^## \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# `exec`: a signal for this recipe reaches the program, and not a shell around it. ARGS goes there as it was typed: neither make
# nor a shell puts anything in the place of ${NAME}, which OpenClaw's configuration has for its variables.
up preview down outputs check config test pulumi: dist/toolchain.cjs dist/components.cjs
	@exec node dist/toolchain.cjs $@ '$(subst ','\'',$(value ARGS))'

soak: export SOAK = 1
soak: dist/toolchain.cjs dist/components.cjs
	@exec node dist/toolchain.cjs test '--reporter=verbose --reporter=./test/support/times.ts'

bench: dist/toolchain.cjs dist/components.cjs
	@exec node -r ts-node/register/transpile-only bench/main.ts $(ARGS)

# One bundle starts in 0.1 s; the same sources through ts-node take half a second, at each call.
dist/toolchain.cjs: $(wildcard toolchain/*.ts cli/*.ts inspect/*.ts model/*.ts) | node_modules/.package-lock.json
	@node_modules/.bin/esbuild toolchain/cli.ts --bundle --platform=node --target=node20 --outfile=$@ --log-level=warning

# npm's `prepare` script builds it; this is for sources that have changed since.
dist/components.cjs: $(wildcard model/* inspect/* ssh/* cli/* host/* host/*/*.ts deployer/*.ts deployer/*/*.ts components/*.ts components/*/*.ts components/*/*/*.ts toolchain/build.ts) | node_modules/.package-lock.json
	@node -r ts-node/register/transpile-only toolchain/build.ts

# npm writes this file last, so it is newer than the lock file exactly where the installation is complete.
node_modules/.package-lock.json: package-lock.json
	@echo "Installing the npm packages …" >&2; start=$$(date +%s); \
	npm ci --include=dev --no-audit --no-fund --loglevel=error >/dev/null && touch $@ && \
	echo "Installing the npm packages: $$(($$(date +%s) - start)) s" >&2

# Where the installation fails after all, in a script.
.DELETE_ON_ERROR:
