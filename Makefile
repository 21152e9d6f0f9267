# make demo   a site on simulated coins, at http://127.0.0.1:8000 (PORT= chooses another port)
# make test   everything that must be true before a change goes in
# make bench  speed beside references in one run, into bench/results.json (ROWS= depth of history, ONLY= parts)
# make faults withdrawals while the worker is killed and nodes fail, counted outside (COINS= N= KILLS= SEED=)
# make screenshots  the pictures of the README, from a demonstration of their own
# make messages     collects the texts for translation, and compiles what is translated (needs gettext)
# make security scans: ruff S, bandit, advisories, components, schemathesis by kind of key, sqlmap (SCANS= parts)
# make fuzz   atheris drives every reader of what strangers write (SECONDS= each, ONLY= part of a name)
# make devnet the site with a real litecoind on a private test network

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PORT ?= 8000
JOBS ?= 2
COINS ?= ltc,xmr,frk-snake,frk-camel,ban,ln
N ?= 20
KILLS ?= 40
SECONDS ?= 20
TOOLS := $(VENV)-tools
export PORT
unexport MAKEFLAGS MFLAGS MAKELEVEL

.PHONY: security fuzz demo test devnet screenshots messages bench faults lint types checks tests install install-dev clean

demo devnet: export WALLETS_FOLLOW_PARENT = 1

demo: install
	@$(RUN) manage.py demo

devnet: install-dev
	@$(RUN) -m tests.devnet.site

bench: install-dev
	@$(RUN) -m bench.run

screenshots: install-dev
	@$(RUN) -m tests.pages.screenshots

messages: install-dev
	@WALLETS_DATA_DIR=$$(mktemp -d) $(RUN) manage.py makemessages --all --no-location --no-obsolete \
		-i '.venv/*' -i 'tests/*' -i 'ledger/admin/*' -i 'templates/admin/*'
	@msgfmt --check-format -o locale/de/LC_MESSAGES/django.mo locale/de/LC_MESSAGES/django.po

faults: install-dev
	@$(RUN) -m tests.faults --coins $(COINS) -n $(N) --kills $(KILLS) $(if $(SEED),--seed $(SEED))

security: install-dev $(TOOLS)/.installed
	@$(RUN) -m tests.security --tools $(TOOLS)/bin $(SCANS)

# For CPython 3.11 alone there is a ready-made atheris; nothing else needs it.
fuzz: install-dev
	@$(RUN) -c "import atheris" 2>/dev/null || $(RUN) -m pip install --quiet --disable-pip-version-check atheris==3.0.0
	@$(RUN) -m tests.fuzz $(SECONDS) $(ONLY)

# Tools that read our files and share nothing with the site, in an environment of their own.
$(TOOLS)/.installed: tests/security/requirements.txt
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/pip install --quiet --disable-pip-version-check -r tests/security/requirements.txt
	@touch $@

test: lint types checks tests

lint: install-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: install-dev
	$(VENV)/bin/mypy

checks: install-dev
	@.ci/check-site $(RUN)

tests: install-dev
	$(RUN) -m pytest -n $(JOBS)

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) $(TOOLS) demo-data devnet-data .mypy_cache .ruff_cache .hypothesis
