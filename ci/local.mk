# SPDX-License-Identifier: MIT
# make check plays the corpus over both implementations and the unit tests, and looks whether the
# tree keeps its own rules.
#
#	make check CORPUS='mq --seed 7'     a part of the corpus: arguments of ipcts run
#	make check WRAP='valgrind -q'       the programs under something: valgrind, qemu-..., strace

TEST_EXTENSIONS = .tap
TAP_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(WRAP)
AM_TESTS_ENVIRONMENT = WRAP='$(WRAP)'; CORPUS='$(CORPUS)'; export WRAP CORPUS;

dist_check_SCRIPTS += %D%/corpus.tap %D%/corpus-ref.tap %D%/adversaries.tap %D%/layers.tap \
	%D%/litmus.tap %D%/races.tap %D%/deaths.tap
TESTS += %D%/corpus.tap %D%/corpus-ref.tap %D%/adversaries.tap %D%/layers.tap \
	%D%/litmus.tap %D%/races.tap %D%/deaths.tap
%D%/corpus.log %D%/corpus-ref.log %D%/adversaries.log %D%/litmus.log: ipcts$(EXEEXT) known
%D%/races.log %D%/deaths.log: ipcts$(EXEEXT) ipcts-race$(EXEEXT)

# Threads of one process; drd takes its time for whatever is unmapped, and is spared that.
if THREADS
threads_under = $(VALGRIND) -q --vgdb=no --error-exitcode=99 \
	--suppressions=$(top_srcdir)/fault/threads.supp
check_threads = \
	$(threads_under) --tool=helgrind fault/threads && \
	$(threads_under) --tool=drd fault/threads locks channels
else
check_threads = @echo 'no threads for helgrind and drd: see fault/threads.h'
endif

# Of every process a file of what valgrind says of it: hopefully nothing, but that it lacks a call
# of the kernel's, which then fails with ENOSYS, as by an older kernel.
check-valgrind:
	@test -n '$(VALGRIND)' || { echo 'configured without valgrind' >&2; exit 1; }
	rm -rf valgrind && mkdir valgrind
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests) %D%/corpus.tap' \
		WRAP='$(VALGRIND) -q --vgdb=no --error-exitcode=99 --log-file=$(abs_builddir)/valgrind/%p'
	! sed '/WARNING: unhandled .* syscall/,/bug_reports/d' valgrind/* | grep .
	$(check_threads)
.PHONY: check-valgrind

clean-local:
	rm -rf valgrind

# The installed program judges the platform, and the reference.
installcheck-local:
	known=; test ! -e known || known='--known known'; \
	ipcts="$(DESTDIR)$(bindir)/$$(echo ipcts | sed '$(transform)')$(EXEEXT)"; \
	$(WRAP) "$$ipcts" run $$known $(CORPUS) && \
	$(WRAP) "$$ipcts" run --impl ref $$known --known $(top_srcdir)/ci/known/ref $(CORPUS)

# The baselines of this libc and this kernel, in one; empty, if they have none.
noinst_DATA += known
known: $(KNOWN) config.status
	$(AM_V_GEN)cat /dev/null $(KNOWN) >$@.tmp && mv $@.tmp $@

# The first process of the kernels that ci/kernel.sh boots: made when it asks for it.
EXTRA_PROGRAMS = %D%/init
%C%_init_SOURCES = %D%/init.c
CLEANFILES += $(EXTRA_PROGRAMS) known

EXTRA_DIST += .clang-format .ci/run \
	%D%/build.sh %D%/fuzz %D%/kernel.sh %D%/mutants %D%/mutate %D%/mutations.awk %D%/packages.sh %D%/reach %D%/passed_lines.c \
	%D%/platform.sh %D%/polyfill %D%/race %D%/race-musl \
	%D%/qemu-user.sh %D%/validate %D%/check %D%/checks %D%/platform %D%/known
