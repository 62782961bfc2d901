# SPDX-License-Identifier: MIT
# Faults: processes that are killed at random, and peers that write what they like.
check_PROGRAMS += %D%/storm
%C%_storm_SOURCES = \
	%D%/storm.c %D%/storm.h \
	%D%/storm_counts.c \
	%D%/storm_letters.c %D%/storm_letters.h \
	%D%/storm_locks.c \
	%D%/storm_queues.c \
	%D%/storm_signals.c \
	%D%/storm_sockets.c \
	%D%/storm_system.c
%C%_storm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_storm_LDADD = libipcref.a

dist_check_SCRIPTS += %D%/storm.tap
TESTS += %D%/storm.tap
%D%/storm.log: %D%/storm$(EXEEXT)

# A hostile peer, at random; ci/fuzz has it by libFuzzer.
check_PROGRAMS += %D%/fuzz
%C%_fuzz_SOURCES = \
	%D%/fuzz.c %D%/fuzz.h \
	%D%/fuzz_counts.c %D%/fuzz_locks.c %D%/fuzz_memory.c %D%/fuzz_queues.c \
	%D%/fuzz_signals.c %D%/fuzz_sockets.c
%C%_fuzz_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_fuzz_LDADD = libipcref.a
EXTRA_DIST += %D%/inputs
dist_check_SCRIPTS += %D%/fuzz.tap
TESTS += %D%/fuzz.tap
%D%/fuzz.log: %D%/fuzz$(EXEEXT)

# Bugs that the corpus must find.
dist_check_SCRIPTS += %D%/mutants.tap %D%/races.tap
TESTS += %D%/mutants.tap %D%/races.tap
%D%/mutants.log: ipcts$(EXEEXT)
%D%/races.log: ipcts$(EXEEXT) ipcts-race$(EXEEXT)
EXTRA_DIST += %D%/mutants

# ci/mutants asks for one: $(MUTANT) is a folder that has src/ref with a bug in it, and gets the
# command with these sources compiled anew; or what plays the campaigns, with the points; or the unit
# tests.  ci/mutate asks how (make -n), for each step by itself.
compile_mutant = for source in $(MUTANT_SOURCES); do \
		$(COMPILE) -w $$point -iquote $(MUTANT)/src -c -o $(MUTANT)/`basename $$source .c`.o \
			$(MUTANT)/src/$$source || exit; \
	done
link_mutant = $(CCLD) $(AM_CFLAGS) $(CFLAGS) $(ipcts_LDFLAGS) $(LDFLAGS) -s -o $(MUTANT)/ipcts \
		$(ipcts_OBJECTS) $(MUTANT)/*.o libipcts.a libipcref.a $(LIBS)
mutant:
	$(compile_mutant)
	$(link_mutant)
mutant-compiled:
	$(compile_mutant)
mutant-linked:
	$(link_mutant)
mutant-unit:
	$(CCLD) $(AM_CFLAGS) $(CFLAGS) $(tests_unit_ref_test_LDFLAGS) $(LDFLAGS) -s \
		-o $(MUTANT)/ref_test $(tests_unit_ref_test_OBJECTS) $(MUTANT)/*.o libipcref.a \
		$(CMOCKA_LIBS) $(LIBS)
mutant-fault:
	point=-DIPCREF_POINTS; $(compile_mutant)
	$(CCLD) $(AM_CFLAGS) $(CFLAGS) $(ipcts_fault_LDFLAGS) $(LDFLAGS) -s -o $(MUTANT)/ipcts-fault \
		$(ipcts_fault_OBJECTS) $(MUTANT)/*.o libipcts.a libipcref-points.a $(LIBS)
mutant-race:
	point='-DIPCREF_POINTS $(race_flags)'; $(compile_mutant)
	$(CCLD) $(AM_CFLAGS) $(CFLAGS) $(ipcts_race_LDFLAGS) $(LDFLAGS) -s -o $(MUTANT)/ipcts-race \
		$(ipcts_race_OBJECTS) $(MUTANT)/*.o libipcts.a $(race_ref) -lm $(LIBS)
.PHONY: mutant mutant-compiled mutant-linked mutant-unit mutant-fault mutant-race

# Campaigns: the reference with its points, and what happens at them.
noinst_LIBRARIES += libipcref-points.a
libipcref_points_a_SOURCES = $(ref_sources)
libipcref_points_a_CPPFLAGS = $(AM_CPPFLAGS) -DIPCREF_POINTS

pkglibexec_PROGRAMS += ipcts-fault
ipcts_fault_SOURCES = \
	%D%/ipcts-fault.c \
	%D%/campaign/trace_cost.c %D%/campaign/trace_cost.h \
	%D%/campaign/campaign.c %D%/campaign/campaign.h \
	%D%/campaign/calls.def \
	%D%/campaign/inject.c \
	%D%/campaign/trace.c %D%/campaign/trace.h %D%/campaign/transfer.c %D%/campaign/transfer.h \
	%D%/campaign/event.c %D%/campaign/fifo.c %D%/campaign/lock.c \
	%D%/campaign/mq.c %D%/campaign/msg.c %D%/campaign/pipe.c \
	%D%/campaign/sem.c %D%/campaign/semset.c %D%/campaign/shm.c \
	%D%/campaign/sig.c %D%/campaign/sock.c \
	%D%/campaign/world.c %D%/campaign/world.h \
	src/command/command.h src/command/options.c src/command/run.c src/command/say.c \
	$(ref_tables)
nodist_ipcts_fault_SOURCES = %D%/points.h
ipcts_fault_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_builddir) -DIPCREF_POINTS
# What is bound when it is called first would be a thousand instructions of nobody's.
ipcts_fault_LDFLAGS = -Wl,-z,now
ipcts_fault_LDADD = libipcts.a libipcref-points.a

# The names of all points, in order.
%D%/campaign/ipcts_fault-campaign.$(OBJEXT): %D%/points.h
BUILT_SOURCES += %D%/points.h
CLEANFILES += %D%/points.h
%D%/points.h: $(ref_sources)
	$(AM_V_GEN)$(MKDIR_P) %D% && for source in $(ref_sources); do \
		sed -n -e 's/.*STEP(\("[^"]*"\)).*/\1,/p' -e 's/.*SHORT(\("[^"]*"\)).*/\1,/p' \
			-e 's/.*FAULT(\("[^"]*"\),.*/\1,/p' $(top_srcdir)/$$source; \
	done | LC_ALL=C sort -u >$@

# A fault of each kind at each point; ci/check fault has all of them.  What a campaign is worth is
# told by canaries: bugs that it must find, one of each kind of fault at least.
dist_check_SCRIPTS += %D%/campaign.tap %D%/canaries.tap %D%/points.tap
TESTS += %D%/campaign.tap %D%/canaries.tap %D%/points.tap
%D%/campaign.log %D%/canaries.log: ipcts$(EXEEXT) ipcts-fault$(EXEEXT)

# A platform that doesn't let itself be traced.
if FILTER
check_PROGRAMS += %D%/deny
%C%_deny_SOURCES = %D%/deny.c
%D%/campaign.log: %D%/deny$(EXEEXT)
endif

# fault/points.tap asks for it: the code of the files $(POINT_SOURCES) beneath the folder $(TREE).
# What a debugger or a sanitizer is told of lines and columns isn't code.
assembly:
	for source in $(POINT_SOURCES); do \
		$(COMPILE) -O2 -g0 -fno-sanitize=all -I$(TREE)/src -S -o $(TREE)/`basename $$source .c`.s \
			$(TREE)/src/ref/$$source || exit; \
	done
.PHONY: assembly

# The points, for programs of others: libfiu decides what happens there.
if HAVE_FIU
lib_LIBRARIES += libipcref-fiu.a
libipcref_fiu_a_SOURCES = %D%/fiu/hook.c
libipcref_fiu_a_CPPFLAGS = $(AM_CPPFLAGS) -DIPCREF_POINTS
libipcref_fiu_a_CFLAGS = $(AM_CFLAGS) $(FIU_CFLAGS)
libipcref_fiu_a_LIBADD = $(libipcref_points_a_OBJECTS)

check_PROGRAMS += %D%/fiu/passenger
%C%_fiu_passenger_SOURCES = %D%/fiu/passenger.c
%C%_fiu_passenger_LDADD = libipcref-fiu.a $(FIU_LIBS)
%D%/fiu/fiu.log: %D%/fiu/passenger$(EXEEXT)
endif
dist_check_SCRIPTS += %D%/fiu/fiu.tap
TESTS += %D%/fiu/fiu.tap

# Threads, for helgrind and drd (make check-valgrind), which see atomic accesses, and don't know that
# they are in order: the code says so itself where it calls what is put in the place of a sanitizer.
if THREADS
check_PROGRAMS += %D%/threads
%C%_threads_SOURCES = \
	%D%/threads.c %D%/threads.h \
	%D%/threads_channels.c \
	%D%/threads_drd.c \
	%D%/threads_locks.c \
	%D%/threads_order.c \
	%D%/threads_place.c \
	%D%/threads_tables.c \
	src/race/access.c src/race/hook.h
%C%_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DIPCREF_POINTS
%C%_threads_LDFLAGS = -Wl,--wrap=mmap -Wl,--wrap=munmap -Wl,--wrap=pthread_once -Wl,--wrap=syscall
%C%_threads_LDADD = $(race_ref)
%D%/threads.log: %D%/threads$(EXEEXT)
endif
dist_check_SCRIPTS += %D%/threads.tap
TESTS += %D%/threads.tap
EXTRA_DIST += %D%/threads.supp

include %D%/preload/local.mk
