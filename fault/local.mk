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

include %D%/preload/local.mk
