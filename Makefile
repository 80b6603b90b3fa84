# rdbpipe.  Everything built lands under $(BUILD); programs in $(BUILD)/bin.
#
#	make		all programs
#	make deps	install what is missing (as root, or through sudo)
#	make check	unit and law tests; needs no server
#	make test	deps, then every test that fits a coffee break
#	make soak	the long ones: big data, long fuzzing, kill matrix
#	make demo	two real servers, a backup, a proven clone
#	make lint	layout and static checks
#	make bench	time us and whatever peers are installed
#	make install	PREFIX=/usr/local DESTDIR=
#
# A program is stages/NAME.c; a library is the .c files of one folder.  Adding
# a file to a folder is all it takes.  `make SAN=1` builds with ASan and UBSan
# under build/san.

SAN    ?=
BUILD  ?= build$(if $(SAN),/san)
PREFIX ?= /usr/local
CC     ?= cc

VERSION = 0.1.0
CFLAGS ?= -O2 -g
WARN    = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
          -Wmissing-prototypes -Wconversion -Wno-sign-conversion
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all \
           -fno-omit-frame-pointer
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -MMD -MP -pthread $(WARN) $(CFLAGS) \
             -DRDBPIPE_VERSION='"$(VERSION)"' $(if $(SAN),$(SANFLAGS))
ALL_LDFLAGS = -pthread -Wl,--as-needed $(LDFLAGS) $(if $(SAN),$(SANFLAGS))
LIBS    = -lcurl -lexpat -lzstd -lssl -lcrypto -lxxhash -lhiredis -lisal -ljansson -linih -lm

# Lower layers last: each may use those behind it.
FOLDERS = tests/harness pipeline stages/print stages/redis stages/store stages/codec \
          stages/keys stages/kit rdb
lib     = $(BUILD)/lib$(notdir $(1)).a
objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))
STAGE_LIBS = $(foreach f,$(filter stages/% rdb,$(FOLDERS)),$(call lib,$(f)))
MAIN_LIBS  = $(call lib,pipeline) $(STAGE_LIBS)
TEST_LIBS  = $(call lib,tests/harness) $(MAIN_LIBS)

PROGRAMS = $(patsubst stages/%.c,$(BUILD)/bin/%,$(wildcard stages/*.c)) \
           $(if $(wildcard pipeline/main.c),$(BUILD)/bin/rdbpipe)
CTESTS   = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c tests/laws/*.c))

all: $(PROGRAMS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

define archive
$(call lib,$(1)): $(filter-out %/main.o,$(call objects,$(1)))
	@mkdir -p $$(@D); rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive,$(f))))

# stage.o holds the one main of all stages, so it is named, not searched for.
$(BUILD)/bin/%: $(BUILD)/stages/%.o $(STAGE_LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $< $(BUILD)/stages/kit/stage.o $(STAGE_LIBS) $(LIBS) -o $@

$(BUILD)/bin/rdbpipe: $(BUILD)/pipeline/main.o $(MAIN_LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $< $(MAIN_LIBS) $(LIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $< $(TEST_LIBS) -lcmocka $(LIBS) -o $@

tests-built: $(CTESTS)

# --- what people call ---

deps:
	@tests/deps

engines: deps
	@tests/engines/get

check: tests-built
	@RDBPIPE_BIN=$(abspath $(BUILD)/bin) tests/run --build $(BUILD) unit laws

# As many at a time as there are processors, unless make was told.
JOBS = $(if $(findstring j,$(firstword -$(MAKEFLAGS))),,-j$(shell nproc))

test: deps
	@$(MAKE) --no-print-directory $(JOBS) engines all tests-built bench-built
	@$(MAKE) --no-print-directory $(JOBS) SAN=1 all tests-built
	@tests/run

soak: deps
	@$(MAKE) --no-print-directory $(JOBS) engines all tests-built bench-built
	@$(MAKE) --no-print-directory $(JOBS) SAN=1 all tests-built
	@RDBPIPE_SOAK=1 tests/run

demo: deps
	@$(MAKE) --no-print-directory -s all
	@RDBPIPE_BIN="$$(cd '$(BUILD)/bin' && pwd)" tests/demo.sh

SOURCES = $(shell git ls-files '*.c' '*.h')

lint:
	clang-format --dry-run -Werror $(SOURCES)
	$(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang \
	    CFLAGS='-O2 -Werror' all tests-built
	$(MAKE) --no-print-directory BUILD=$(BUILD)/gcc CC=gcc \
	    CFLAGS='-O2 -Werror' all tests-built

bench-built: $(BUILD)/bench/generate

$(BUILD)/bench/generate: $(BUILD)/bench/generate.o $(STAGE_LIBS)
	$(CC) $(ALL_LDFLAGS) $< $(STAGE_LIBS) $(LIBS) -o $@

bench: all bench-built
	@bench/run

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' \
	    '$(DESTDIR)$(PREFIX)/share/man/man1' \
	    '$(DESTDIR)$(PREFIX)/share/man/man5'
	install -m 755 $(PROGRAMS) '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 docs/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 644 docs/*.5 '$(DESTDIR)$(PREFIX)/share/man/man5'
	install -m 644 docs/*.5 '$(DESTDIR)$(PREFIX)/share/man/man5'

clean:
	rm -rf $(BUILD)

.PHONY: all tests-built bench-built deps engines check test soak demo lint \
        bench install clean
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(FOLDERS:%=$(BUILD)/%) $(BUILD)/stages $(BUILD)/tests \
    $(BUILD)/bench -name '*.d' 2>/dev/null | sort -u)
