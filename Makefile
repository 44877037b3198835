# A thin front: Meson builds; this only says in which order.
#   make            build           make check   everything that must hold     make install   DESTDIR, PREFIX
#   make demo       see it work     make bench   measure it                    make deps      Debian packages (asks sudo when not root)
BUILD ?= build
PREFIX ?= /usr/local
MESON_OPTIONS ?=
BENCH_OPTIONS ?=

.PHONY: all build deps demo demo-stop readme-transcript check bench install clean
all: build

deps:
	@sh tools/deps.sh

# "Fresh" means: the packages are there (a no-op that needs no rights when they are), the folder is set up, and all is built.
$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_OPTIONS) >$(BUILD).setup.log 2>&1 || { cat $(BUILD).setup.log; rm -rf $(BUILD) $(BUILD).setup.log; exit 1; }
	@rm -f $(BUILD).setup.log

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

demo: deps build
	@/usr/bin/python3 -B tests/demo/demo.py run --gatehouse $(BUILD)/src/gatehouse

demo-stop:
	@/usr/bin/python3 -B tests/demo/demo.py stop

readme-transcript: deps build
	@/usr/bin/python3 -B tools/readme_transcript.py --gatehouse $(BUILD)/src/gatehouse

check: deps build
	@bash tools/check.sh $(BUILD)

bench: deps build
	@ninja -C $(BUILD) --quiet bench/pgclient bench/ledger_bench bench/budget_bench
	@/usr/bin/python3 -B bench/run.py --gatehouse $(BUILD)/src/gatehouse --tools $(BUILD)/bench $(BENCH_OPTIONS)

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD)
