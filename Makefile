## make up        brings up the gateways of the stack (YES=1: without questions) and shows them
## make preview   shows what `make up` would change
## make down      destroys the gateways; says what it keeps
## make outputs   shows the gateways and their health; ARGS="mainToken --show-secrets" shows one value
## make config    the stack's configuration: ARGS="set --path main.basePort 18789"
## make test      all tests
## make pulumi    any other command of the same engine: ARGS="cancel --stack dev"
##
## STACK=name takes another stack than `dev`; ARGS="…" is handed on to pulumi (or to the tests).
.PHONY: help up preview down outputs config test pulumi
help:
	@sed -n 's/^## \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# `exec`: a signal for this recipe reaches the program, and not a shell around it.
up preview down outputs config test pulumi: node_modules/.package-lock.json
	@exec node -r ts-node/register/transpile-only toolchain/cli.ts $@ $(ARGS)

# npm writes this file last, so it is newer than the lock file exactly where the installation is complete.
node_modules/.package-lock.json: package-lock.json
	@echo "Installing the npm packages …"; start=$$(date +%s); \
	npm ci --no-audit --no-fund --loglevel=error >&2 && touch $@ && \
	echo "Installed the npm packages: $$(($$(date +%s) - start)) s"
