# umber: see README.md. `make`, `make run`, `make test`, `make check`, `make bench`, `make bench-kernel`, `make soak`, `make install`.
# SAN=asan|tsan builds with sanitizers, DEBUG=1 with heap checks, CC=clang; each variant has its own object tree.
CC      ?= gcc
PREFIX  ?= /usr/local
DESTDIR ?=
SAN     ?=
DEBUG   ?=
CLANGCC := $(findstring clang,$(CC))
VARIANT := $(if $(SAN),$(SAN),release)$(if $(DEBUG),-debug)$(if $(CLANGCC),-clang)
B       := build/$(VARIANT)
VERSION := 0.1

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter \
	   -Wno-sign-compare -Werror $(if $(CLANGCC),-Wno-missing-field-initializers)
# A report of UBSan is an abort, as one of ASan is. Off: what the checks inserted make gcc believe about values.
SANWARN := -O1 -Wno-array-bounds -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-format-overflow \
	   -Wno-format-truncation -Wno-stringop-truncation -Wno-restrict -Wno-nonnull -Wno-null-dereference
SANFLAGS.asan := -fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=undefined $(SANWARN)
SANFLAGS.tsan := -fsanitize=thread $(SANWARN) -Wno-tsan
SANFLAGS := $(SANFLAGS.$(SAN))
COMMON  := -std=gnu11 -O2 -g -fno-pie -fno-strict-aliasing -fwrapv -fno-common -fno-omit-frame-pointer -pthread $(WARN) \
	   -Iinclude -I$(B) -DUMBER_VERSION='"$(VERSION)"' $(if $(DEBUG),-DUMBER_DEBUG=1) -MMD -MP
KFLAGS  := $(COMMON) $(SANFLAGS) -ffreestanding -nostdinc -fno-builtin-printf -fno-stack-protector
HFLAGS  := $(COMMON) $(SANFLAGS) -DUMBER_HOSTED=1 -D_GNU_SOURCE
# The stub: no libc, no vector registers, no calls into anything (arch-um/stub/stub.lds places it).
SFLAGS  := -std=gnu11 -O2 -g -fpie -fvisibility=hidden -fno-strict-aliasing -fno-common $(WARN) -Iinclude -I$(B) -ffreestanding \
	   -nostdinc -mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	   -fno-jump-tables $(if $(CLANGCC),-fno-builtin,-fno-tree-loop-distribute-patterns) -MMD -MP
LDLIBS  := -l:libseccomp.a -l:libcap.a -lz
# Static, but where a sanitizer's library forbids it: a dynamic umber boots in 19 ms where this one takes 16.
LDSTATIC := $(if $(SAN),,-static)

KSRC    := $(sort $(shell find kernel -name '*.c'))
PSRC    := $(sort $(shell find arch-um drivers-host -name '*.c' -not -path 'arch-um/stub/*' -not -path '*/vdso/*' -not -name '*_host.c'))
HSRC    := $(sort $(shell find arch-um drivers-host -name '*_host.c' -not -path 'arch-um/stub/*'))
ASRC    := $(sort $(shell find arch-um -name '*.S' -not -path 'arch-um/stub/*' -not -path '*/vdso/*'))
KOBJ    := $(KSRC:%.c=$(B)/%.o) $(B)/gen/syscall_dispatch.o
POBJ    := $(PSRC:%.c=$(B)/%.o)
HOBJ    := $(HSRC:%.c=$(B)/%.o)
AOBJ    := $(ASRC:%.S=$(B)/%.o)
GEN     := $(B)/gen/syscall_protos.h

all: umber
umber: $(B)/umber
	@cp -f $< $@.tmp && mv -f $@.tmp $@

$(B)/gen/syscall_protos.h: kernel/syscall/syscalls.tbl scripts/gen/syscalls.py
	@mkdir -p $(@D)
	python3 scripts/gen/syscalls.py $< protos >$@.tmp && mv $@.tmp $@
$(B)/gen/syscall_dispatch.c: kernel/syscall/syscalls.tbl scripts/gen/syscalls.py
	@mkdir -p $(@D)
	python3 scripts/gen/syscalls.py $< dispatch >$@.tmp && mv $@.tmp $@
$(B)/gen/marshal.h: kernel/syscall/syscalls.tbl scripts/gen/syscalls.py
	@mkdir -p $(@D)
	@python3 scripts/gen/syscalls.py $< marshal >$@.tmp && mv $@.tmp $@
$(B)/gen/syscall_dispatch.o: $(B)/gen/syscall_dispatch.c $(GEN)
	@$(CC) $(KFLAGS) -Ikernel/syscall -Wno-cast-function-type -c -o $@ $<

$(KOBJ): | $(GEN)
$(POBJ) $(HOBJ): | $(GEN)
$(filter-out $(B)/gen/%,$(KOBJ)) $(POBJ): $(B)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(KFLAGS) -c -o $@ $<
$(HOBJ): $(B)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(HFLAGS) -c -o $@ $<
$(AOBJ): $(B)/%.o: %.S
	@mkdir -p $(@D)
	@$(CC) $(COMMON) -c -o $@ $<

# kernel/ alone: `make check` looks at its undefined symbols.
$(B)/kernel.o: $(KOBJ)
	@$(LD) -r -o $@ $^

include arch-um/stub/stub.mk
include arch-um/time/vdso/vdso.mk
include rootfs/rootfs.mk

$(B)/umber: $(B)/kernel.o $(POBJ) $(HOBJ) $(AOBJ) $(STUBOBJ) $(VDSOOBJ) $(ROOTFSOBJ)
	@$(CC) $(SANFLAGS) $(LDSTATIC) -no-pie -pthread -g -Wl,-z,nodynamic-undefined-weak -o $@ $^ $(LDLIBS)

# The port with a fake kernel, see tests/port.
$(B)/tests/test_port: tests/port/test_port.c $(filter $(B)/arch-um/%,$(HOBJ)) $(AOBJ) $(STUBOBJ) $(VDSOOBJ) $(ROOTFSOBJ)
	@mkdir -p $(@D)
	@$(CC) $(HFLAGS) -Wno-missing-prototypes -no-pie -o $@ $^ $(LDLIBS)

# kernel/ on a fake port (tests/lib/fakeport.h), see tests/bench/kernel. The fake's own initcall has to be the last one.
BKSRC   := $(wildcard tests/bench/kernel/*.c) tests/lib/fakeport_host.c tests/lib/fakeport.c
BKOBJ   := $(BKSRC:%.c=$(B)/%.o)
BKHOST  := $(addprefix $(B)/,arch-um/vcpu/switch.o arch-um/vcpu/fibre_host.o arch-um/time/time_host.o arch-um/mm/arena_host.o \
	   arch-um/mm/hfd_host.o drivers-host/hostfs/hostfs_host.o drivers-host/hostfs/hostfs_io_host.o arch-um/boot/sanitize_host.o)
$(BKOBJ): | $(GEN)
$(filter %_host.o,$(BKOBJ)): $(B)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(HFLAGS) -c -o $@ $<
$(filter-out %_host.o,$(BKOBJ)): $(B)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(KFLAGS) -c -o $@ $<
$(B)/bench-kernel: $(B)/kernel.o $(BKHOST) $(BKOBJ)
	@$(CC) $(SANFLAGS) -no-pie -pthread -g -Wl,-z,nodynamic-undefined-weak -o $@ $^

# Boots the embedded root to a shell. (poweroff -f ends it.)
run:
	@scripts/setup
	@$(MAKE) --no-print-directory umber
	./umber quiet

setup:
	scripts/setup

# Documents made from the tree; `make check` compares.
$(B)/SYSCALLS.md: kernel/syscall/syscalls.tbl scripts/gen/syscalls.py $(B)/kernel.o
	@nm $(B)/kernel.o >$(B)/kernel.nm && python3 scripts/gen/syscalls.py $< doc $(B)/kernel.nm >$@.tmp && mv $@.tmp $@
docs: $(B)/SYSCALLS.md
	@cmp -s $< docs/SYSCALLS.md || cp $< docs/SYSCALLS.md

# clang reads every file and must have nothing to say; a stamp a file.
CLANG   ?= clang
CLWARN  := -fsyntax-only -Wno-missing-field-initializers -Wno-unknown-warning-option -Wno-ignored-optimization-argument
CLOK    := $(patsubst %.c,$(B)/clang/%.ok,$(KSRC) $(PSRC) $(HSRC) $(wildcard arch-um/stub/*.c))
$(CLOK): | $(GEN)
$(B)/clang/%.ok: %.c
	@mkdir -p $(@D)
	@$(CLANG) $(if $(filter arch-um/stub/%,$<),$(filter-out -fno-tree-loop-distribute-patterns,$(SFLAGS)),$(if $(filter %_host.c,$<),$(HFLAGS),$(KFLAGS))) $(CLWARN) \
		-MF $(@:.ok=.d) -MT $@ $<
	@touch $@
clang: $(CLOK)

check: umber $(B)/SYSCALLS.md
	@if command -v $(CLANG) >/dev/null; then $(MAKE) --no-print-directory clang; else echo "check: no clang here"; fi
	scripts/check/all $(B)

test:
	@scripts/setup test
	@$(MAKE) --no-print-directory umber
	tests/run

bench: umber
	tests/bench/run

bench-kernel: $(B)/bench-kernel
	@mkdir -p build/bench
	$< -w build/bench/kernel.tsv

soak: umber
	tests/soak

install: umber
	install -D -m 755 umber $(DESTDIR)$(PREFIX)/bin/umber
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/umber README.md LICENSE docs/*.md
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/umber scripts/gdb/umber-gdb.py

help:
	@echo "make            builds ./umber (SAN=asan|tsan, DEBUG=1: other builds, each in its own build/ folder)"
	@echo "make run        boots the embedded busybox system to a shell"
	@echo "make test       all tests"
	@echo "make check      layers, symbols, ABI constants, lengths, clang, generated documents"
	@echo "make bench      speed: native, umber, UML, gVisor side by side"
	@echo "make bench-kernel  hot paths of kernel/ in ns a call, without a guest"
	@echo "make soak       long runs of the stress tests"
	@echo "make docs       docs/SYSCALLS.md anew from the table and the linked kernel"
	@echo "make setup      installs what building needs (scripts/setup test: testing too)"
	@echo "make install    to \$$(DESTDIR)\$$(PREFIX), $(PREFIX) by default"
	@echo "make clean      removes build/ and umber"

clean:
	rm -rf build umber

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all help docs clang run setup check test bench bench-kernel soak install clean
.DELETE_ON_ERROR:
