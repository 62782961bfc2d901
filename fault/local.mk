# SPDX-License-Identifier: MIT
# Faults: processes that are killed at random, and peers that write what they like.
check_PROGRAMS += %D%/storm
%C%_storm_SOURCES = \
	%D%/storm.c %D%/storm.h \
	%D%/storm_counts.c \
	%D%/storm_locks.c \
	%D%/storm_queues.c \
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
