# SPDX-License-Identifier: MIT
# The reference: a library twice, to link with (libipcref.a) and to load (libipcref.so).
lib_LIBRARIES += libipcref.a
libipcref_a_SOURCES = $(ref_sources)
ref_sources = \
	%D%/barrier.c \
	%D%/bell.c %D%/bell.h \
	%D%/cond.c \
	%D%/descriptor.c %D%/descriptor.h \
	%D%/eventcount.h \
	%D%/eventfd.c \
	%D%/fd.c \
	%D%/fifo.c \
	%D%/futex.c %D%/futex.h \
	%D%/handle.c %D%/handle.h \
	%D%/ipcref.h \
	%D%/lock.c %D%/lock.h \
	%D%/loss.c %D%/loss.h \
	%D%/mq.c \
	%D%/msg.c \
	%D%/mutex.c %D%/mutex.h \
	%D%/namespace.c %D%/namespace.h \
	%D%/object.c %D%/object.h \
	%D%/pipe.c %D%/pipe.h \
	%D%/poll.c \
	%D%/registry.c %D%/registry.h \
	%D%/rwlock.c \
	%D%/sem.c \
	%D%/semset.c \
	%D%/shm.c \
	%D%/spin.c \
	%D%/step.h

if SHARED
sharedlibdir = $(libdir)
sharedlib_PROGRAMS = libipcref.so.0
libipcref_so_0_SOURCES = $(ref_sources)
# ipcref.h makes its functions visible, and no other name is.
libipcref_so_0_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
libipcref_so_0_LDFLAGS = -shared -Wl,-soname,libipcref.so.0

install-exec-hook:
	cd $(DESTDIR)$(libdir) && rm -f libipcref.so && $(LN_S) libipcref.so.0 libipcref.so
uninstall-hook:
	rm -f $(DESTDIR)$(libdir)/libipcref.so
endif

include_HEADERS += %D%/ipcref.h
pkgconfig_DATA += %D%/ipcref.pc

# What makes it an implementation to judge; of ipcts, not of the library.
ref_tables = \
	%D%/tables/event.c \
	%D%/tables/fd.c \
	%D%/tables/fifo.c \
	%D%/tables/lock.c \
	%D%/tables/mq.c \
	%D%/tables/msg.c \
	%D%/tables/pipe.c \
	%D%/tables/ref.c \
	%D%/tables/sem.c \
	%D%/tables/semset.c \
	%D%/tables/shm.c \
	%D%/tables/tables.h
