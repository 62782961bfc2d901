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
	%D%/hold.c %D%/hold.h \
	%D%/ipcref.h \
	%D%/kernel.h \
	%D%/lock.c %D%/lock.h \
	%D%/loss.c %D%/loss.h \
	%D%/mq.c %D%/mq.h %D%/mq_line.c %D%/mq_notify.c %D%/mq_queue.c \
	%D%/msg.c \
	%D%/mutex.c %D%/mutex.h \
	%D%/namespace.c %D%/namespace.h \
	%D%/object.c %D%/object.h \
	%D%/pipe.c %D%/pipe.h %D%/pipe_peer.c %D%/pipe_size.c \
	%D%/pipe_stream.c \
	%D%/poll.c \
	%D%/registry.c %D%/registry.h \
	%D%/rwlock.c \
	%D%/sem.c \
	%D%/semset.c %D%/semset.h %D%/semset_control.c \
	%D%/semset_request.c %D%/semset_undo.c \
	%D%/shm.c \
	%D%/sig.c \
	%D%/socket.c %D%/socket.h \
	%D%/socket_connect.c \
	%D%/socket_message.c \
	%D%/socket_name.c \
	%D%/socket_option.c \
	%D%/socket_queue.c \
	%D%/socket_rights.c \
	%D%/spin.c \
	%D%/step.h

if SHARED
sharedlibdir = $(libdir)
sharedlib_PROGRAMS = libipcref.so.0
libipcref_so_0_SOURCES = $(ref_sources)
# ipcref.h makes its functions visible, and no other name is.
libipcref_so_0_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
libipcref_so_0_LDFLAGS = -shared -Wl,-soname,libipcref.so.0

if PRELOAD
# For programs that know nothing of it.  The library's own calls of what preload.c defines are to be
# the platform's: also under the names that a build with checks (_FORTIFY_SOURCE) calls.  Those of
# large files no build is to call, where all files may be large anyway.
sharedlib_PROGRAMS += libipcref-preload.so
libipcref_preload_so_SOURCES = %D%/preload.c $(ref_sources)
libipcref_preload_so_CFLAGS = $(libipcref_so_0_CFLAGS) -U_FILE_OFFSET_BITS
libipcref_preload_so_LDFLAGS = -shared -Wl,-soname,libipcref-preload.so \
	-Wl,--wrap=__mq_open_2 \
	-Wl,--wrap=__open64_2 \
	-Wl,--wrap=__open_2 \
	-Wl,--wrap=__poll_chk \
	-Wl,--wrap=__ppoll_chk \
	-Wl,--wrap=__pread64_chk \
	-Wl,--wrap=__pread_chk \
	-Wl,--wrap=__read_chk \
	-Wl,--wrap=chmod \
	-Wl,--wrap=close \
	-Wl,--wrap=dup \
	-Wl,--wrap=dup2 \
	-Wl,--wrap=dup3 \
	-Wl,--wrap=fcntl \
	-Wl,--wrap=fstat \
	-Wl,--wrap=fsync \
	-Wl,--wrap=ftruncate \
	-Wl,--wrap=ioctl \
	-Wl,--wrap=lseek \
	-Wl,--wrap=mknod \
	-Wl,--wrap=mmap \
	-Wl,--wrap=open \
	-Wl,--wrap=poll \
	-Wl,--wrap=posix_fadvise \
	-Wl,--wrap=posix_fallocate \
	-Wl,--wrap=ppoll \
	-Wl,--wrap=pread \
	-Wl,--wrap=pselect \
	-Wl,--wrap=pwrite \
	-Wl,--wrap=read \
	-Wl,--wrap=readv \
	-Wl,--wrap=stat \
	-Wl,--wrap=write \
	-Wl,--wrap=writev
endif

install-exec-hook:
	cd $(DESTDIR)$(libdir) && rm -f libipcref.so && $(LN_S) libipcref.so.0 libipcref.so
uninstall-hook:
	rm -f $(DESTDIR)$(libdir)/libipcref.so
endif

include_HEADERS += %D%/ipcref.h
pkgconfig_DATA += %D%/ipcref.pc
dist_man_MANS += %D%/ipcref.3 %D%/ipcref.7

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
	%D%/tables/sig.c \
	%D%/tables/sock.c \
	%D%/tables/tables.h
