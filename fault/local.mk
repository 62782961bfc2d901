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
%C%_fuzz_SOURCES = %D%/fuzz.c
%C%_fuzz_LDADD = libipcref.a
EXTRA_DIST += %D%/inputs
dist_check_SCRIPTS += %D%/fuzz.tap
TESTS += %D%/fuzz.tap
%D%/fuzz.log: %D%/fuzz$(EXEEXT)

# Bugs that the corpus must find.
dist_check_SCRIPTS += %D%/mutants.tap
TESTS += %D%/mutants.tap
%D%/mutants.log: ipcts$(EXEEXT)
EXTRA_DIST += %D%/mutants

# ci/mutants asks for one: $(MUTANT) is a folder that has src/ref with a bug in it, and gets the
# command with these sources compiled anew.
mutant:
	for source in $(MUTANT_SOURCES); do \
		$(COMPILE) -iquote $(MUTANT)/src -c -o $(MUTANT)/`basename $$source .c`.o \
			$(MUTANT)/src/$$source || exit; \
	done
	$(CCLD) $(AM_CFLAGS) $(CFLAGS) $(LDFLAGS) -s -o $(MUTANT)/ipcts \
		$(ipcts_OBJECTS) $(MUTANT)/*.o libipcts.a libipcref.a $(LIBS)
.PHONY: mutant

# Campaigns: the reference with its points, and what happens at them.
pkglibexec_PROGRAMS += ipcts-fault
ipcts_fault_SOURCES = \
	%D%/ipcts-fault.c \
	%D%/campaign/campaign.c %D%/campaign/campaign.h \
	%D%/campaign/calls.def \
	%D%/campaign/inject.c \
	%D%/campaign/trace.c %D%/campaign/trace.h \
	%D%/campaign/event.c %D%/campaign/fifo.c %D%/campaign/lock.c %D%/campaign/msg.c \
	%D%/campaign/pipe.c %D%/campaign/sem.c %D%/campaign/semset.c %D%/campaign/sock.c \
	src/command/command.h src/command/options.c src/command/run.c src/command/say.c \
	$(ref_sources) $(ref_tables)
nodist_ipcts_fault_SOURCES = %D%/points.h
ipcts_fault_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_builddir) -DIPCREF_POINTS
# What is bound when it is called first would be a thousand instructions of nobody's.
ipcts_fault_LDFLAGS = -Wl,-z,now
ipcts_fault_LDADD = libipcts.a

# The names of all points, in order.
BUILT_SOURCES += %D%/points.h
CLEANFILES += %D%/points.h
%D%/points.h: $(ref_sources)
	$(AM_V_GEN)$(MKDIR_P) %D% && for source in $(ref_sources); do \
		sed -n -e 's/.*STEP(\("[^"]*"\)).*/\1,/p' -e 's/.*FAULT(\("[^"]*"\),.*/\1,/p' \
			$(top_srcdir)/$$source; \
	done | LC_ALL=C sort -u >$@

include %D%/preload/local.mk
