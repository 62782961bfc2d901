# SPDX-License-Identifier: MIT
# The runtime of programs that ipcts-cc builds, and ipcts-cc.
if RACE
noinst_LIBRARIES += libipcts-race-parts.a
libipcts_race_parts_a_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/arguments.h \
	%D%/atomic.c \
	%D%/channel.c %D%/channel.h \
	%D%/clock.c %D%/clock.h \
	%D%/detect.c %D%/detect.h \
	%D%/engine.c %D%/engine.h \
	%D%/futex.h \
	%D%/instrument.c %D%/instrument.h \
	%D%/leftover.c %D%/leftover.h \
	%D%/mark.h \
	%D%/model.c %D%/model.h \
	%D%/model_file.c \
	%D%/model_futex.c \
	%D%/model_get.c \
	%D%/model_lock.c \
	%D%/model_mq.c \
	%D%/model_process.c \
	%D%/model_sem.c \
	%D%/model_signal.c \
	%D%/model_sysv.c \
	%D%/model_thread.c \
	%D%/model_time.c \
	%D%/model_timer.c \
	%D%/noise.h \
	%D%/operation.h \
	%D%/options.c %D%/options.h \
	%D%/place.c %D%/place.h \
	%D%/plain.h \
	%D%/race.c \
	%D%/real.h \
	%D%/runtime.c %D%/runtime.h \
	%D%/schedule.c %D%/schedule.h \
	%D%/server.c %D%/server.h \
	%D%/shadow.c %D%/shadow.h \
	%D%/stack.c \
	%D%/store_buffer.c %D%/store_buffer.h \
	%D%/suppress.c %D%/suppress.h \
	%D%/symbol.c %D%/symbol.h \
	%D%/world.c %D%/world.h \
	%D%/wide.h \
	%D%/wrap_file.c \
	%D%/wrap_lock.c \
	%D%/wrap_map.c \
	%D%/wrap_mq.c \
	%D%/wrap_msg.c \
	%D%/wrap_poll.c \
	%D%/wrap_process.c \
	%D%/wrap_sem.c \
	%D%/wrap_semset.c \
	%D%/wrap_signal.c \
	%D%/wrap_stdio.c \
	%D%/wrap_string.c \
	%D%/wrap_syscall.c \
	%D%/wrap_thread.c \
	%D%/wrap_time.c \
	%D%/wrap_timer.c
# It is part of programs of any kind, and is called where a handler interrupts it; a frame's address
# is what stacks are known by.
libipcts_race_parts_a_CFLAGS = $(AM_CFLAGS) -O2 -fPIE -ftls-model=local-exec -fno-sanitize=all \
	-fno-builtin -fno-stack-protector

# One object, of which nothing is seen but what compilers call and what the linker leads to it: its
# other names may be the program's, too.
racelibdir = $(libdir)
racelib_DATA = libipcts-race.a
libipcts-race.a: libipcts-race-parts.a
	$(AM_V_GEN)rm -f $@ && $(CC) -r -nostdlib -o $@.o \
		-Wl,--whole-archive libipcts-race-parts.a -Wl,--no-whole-archive && \
		$(OBJCOPY) --wildcard --keep-global-symbol='__tsan_*' --keep-global-symbol='__wrap_*' $@.o && \
		$(AR) cr $@ $@.o && rm $@.o
CLEANFILES += $(racelib_DATA)

# What the linker is to lead to us: whatever the library has a wrapper of.  And what gcc is to find
# in place of its own runtime: nothing.
racedir = $(libexecdir)/$(PACKAGE)/race
race_DATA = race/wraps race/libtsan.so race/libtsan_preinit.o
race/wraps: libipcts-race.a
	$(AM_V_GEN)$(MKDIR_P) race && $(NM) -g libipcts-race.a >$@.nm && \
		sed -n 's/.* T __wrap_/-Wl,--wrap=/p' $@.nm | LC_ALL=C sort -u >$@ && rm $@.nm
race/libtsan.so race/libtsan_preinit.o:
	$(AM_V_GEN)$(MKDIR_P) race && echo '/* See ipcts-cc. */' >$@
CLEANFILES += $(race_DATA)

# The reference for programs that are watched themselves, made when it is asked for: what it orders is
# seen, and what it does to memory.
libipcref-race.a: libipcts-race.a $(race_DATA)
	$(AM_V_GEN)rm -rf $@ $@.parts && mkdir $@.parts && for source in $(ref_sources); do \
		case $$source in *.h) continue ;; esac; \
		./ipcts-cc $(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) -c \
			-o $@.parts/`basename $$source .c`.o $(top_srcdir)/$$source || exit; \
	done && $(AR) cr $@ $@.parts/*.o && rm -r $@.parts
CLEANFILES += libipcref-race.a

bin_SCRIPTS += ipcts-cc
endif
dist_man_MANS += %D%/ipcts-cc.1
