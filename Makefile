# make setup   an environment in .venv with the package and all that the demo and the tests need
# make demo    repairs a real photograph with the shipped weights; pictures go to demo/
# make test    all tests;  ARGS='-m "not slow"' for the quick ones, ARGS=tests/ops for some
# make lint    ruff: faults and form
#
# The Python is found by itself (3.11 or 3.10, else 3.13 or 3.12). PYTHON=python3.13 make ... takes that one, in .venv-3.13.

ifdef PYTHON
INTERPRETER := $(shell tools/find_python '$(PYTHON)')
ifeq ($(INTERPRETER),)
$(error PYTHON=$(PYTHON) cannot be used)
endif
VENV := .venv-$(shell '$(INTERPRETER)' -c 'import sys; print("%d.%d" % sys.version_info[:2])')
else
VENV := .venv
endif

STAMP := $(VENV)/installed
RUN := TF_CPP_MIN_LOG_LEVEL=2 $(VENV)/bin/python

.PHONY: setup demo test lint

setup: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	@python="$(INTERPRETER)"; [ -n "$$python" ] || python=$$(tools/find_python) || exit 1; "$$python" tools/make_environment.py $(VENV)

demo: $(STAMP)
	$(RUN) -m tf_inpaint.cli.main demo --output demo

test: $(STAMP)
	$(RUN) -m pytest $(ARGS)

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
