# make demo      set everything up and run the main job in a sandbox      make demo-down  remove the sandbox
# make test      the tests; with REQUIRE_ALL=1, tests skipped for missing programs fail
# make test-full the tests with their full matrices                      make lint  ruff, mypy, ShellCheck
# make docs      generate docs/kinds and the schemas     make bench  the benchmarks (slow)

PYTHON = .venv/bin/python
SCRIPTS = scripts/docs
# The longest tests wait for Docker and deadlines, so run more of them at a time than there are cores.
JOBS = 4
PYTEST = $(PYTHON) -m pytest -n $(JOBS) $(if $(REQUIRE_ALL),--require-all)

.PHONY: demo demo-down test test-full pythons docs lint bench

demo: .venv/.ready
	@scripts/setup docker
	@$(PYTHON) -m demo up

demo-down: .venv/.ready
	@$(PYTHON) -m demo down

# As root, install what the tests need; otherwise skip the tests of missing programs.
test: .venv/.ready
	@[ "$$(id -u)" != 0 ] || scripts/setup tests
	$(PYTEST) $(TESTS)

test-full: .venv/.ready
	@[ "$$(id -u)" != 0 ] || scripts/setup tests
	$(PYTEST) --full $(TESTS)

# Other versions of Python that this machine has.
pythons: .venv/.ready
	@scripts/pythons

docs: .venv/.ready
	$(PYTHON) scripts/docs

# The peers (ansible, pyinfra, BundleWrap) are installed in virtual environments of their own.
bench: .venv/.ready
	@scripts/setup tests
	$(PYTHON) -m benchmarks.main_job
	$(PYTHON) -m benchmarks.fleets
	$(PYTHON) -m benchmarks.views

lint: .venv/.ready
	.venv/bin/ruff check . $(SCRIPTS)
	.venv/bin/ruff format --check . $(SCRIPTS)
	.venv/bin/mypy
	.venv/bin/mypy --platform win32 --cache-dir .mypy_cache/win32 --exclude 'kit/testing|pip_install/(program|interpreter)'
	shellcheck scripts/setup scripts/compose-v2 scripts/pythons .ci/run $$(git ls-files 'engine/*.sh')
	$(PYTHON) scripts/docs --check

.venv/.ready: setup.cfg
	@scripts/setup venv
