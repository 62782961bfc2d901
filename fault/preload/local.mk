# SPDX-License-Identifier: MIT
# Points of failure for programs that know nothing of them.
if SHARED
if FAULT_PRELOAD
sharedlib_PROGRAMS += libipcts-fault.so
libipcts_fault_so_SOURCES = \
	%D%/all.points \
	%D%/plan.c %D%/plan.h \
	%D%/point.c %D%/point.h \
	%D%/wrap.c
libipcts_fault_so_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
libipcts_fault_so_CFLAGS = $(AM_CFLAGS) $(FIU_CFLAGS) -fPIC -fvisibility=hidden
libipcts_fault_so_LDFLAGS = -shared -Wl,-soname,libipcts-fault.so
libipcts_fault_so_LDADD = $(FIU_LIBS)

man_MANS = %D%/libipcts-fault.7

# fiu-run finds it by this name: fiu-run -l $(pkglibdir) ...
install-exec-local:
	$(MKDIR_P) $(DESTDIR)$(pkglibdir)
	cd $(DESTDIR)$(pkglibdir) && rm -f fiu_run_preload.so && \
		$(LN_S) $(libdir)/libipcts-fault.so fiu_run_preload.so
uninstall-local:
	rm -f $(DESTDIR)$(pkglibdir)/fiu_run_preload.so
	rmdir $(DESTDIR)$(pkglibdir) 2>/dev/null || true

# What is faulted to see whether it is, and what is timed to see how little that costs.
check_PROGRAMS += %D%/victim %D%/bench
%C%_victim_SOURCES = %D%/victim.c
%C%_bench_SOURCES = %D%/bench.c

%D%/fault.log: libipcts-fault.so %D%/victim$(EXEEXT)
endif
endif

EXTRA_DIST += %D%/libipcts-fault.7
dist_check_SCRIPTS += %D%/fault.tap
TESTS += %D%/fault.tap
