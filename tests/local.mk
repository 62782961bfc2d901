# SPDX-License-Identifier: MIT
# The corpus is part of the command: a test registers itself when the program starts.

# sig

# pipe
ipcts_SOURCES += \
	%D%/pipe/stream.c

# fifo
ipcts_SOURCES += \
	%D%/fifo/open.c

# msg

# mq

# shm

# sem

# semset

# sock

# lock

# event

# The instrument itself.

check_PROGRAMS += $(unit_tests)
unit_tests =

if HAVE_CMOCKA
unit_tests += %D%/unit/report_test
%C%_unit_report_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_report_test_LDADD = libipcts.a $(CMOCKA_LIBS)
endif

TESTS += $(unit_tests)
