# SPDX-License-Identifier: MIT
noinst_LIBRARIES += libipcts.a
libipcts_a_SOURCES = \
	%D%/bench/bench.h \
	%D%/bench/limit.c %D%/bench/measure.c %D%/bench/solo.c %D%/bench/way.c \
	%D%/contract/all.entries %D%/contract/all.ops %D%/contract/all.rules \
	%D%/contract/contract.c \
	%D%/contract/entry.c %D%/contract/entry.h \
	%D%/contract/event.h %D%/contract/event.ops %D%/contract/event.rules \
	%D%/contract/fd.h %D%/contract/fd.ops \
	%D%/contract/fifo.h %D%/contract/fifo.ops %D%/contract/fifo.rules \
	%D%/contract/implementation.h \
	%D%/contract/kinds.h \
	%D%/contract/lock.h %D%/contract/lock.ops %D%/contract/lock.rules \
	%D%/contract/machine.ops \
	%D%/contract/mq.h %D%/contract/mq.ops %D%/contract/mq.rules \
	%D%/contract/msg.h %D%/contract/msg.ops %D%/contract/msg.rules \
	%D%/contract/op.h \
	%D%/contract/pipe.h %D%/contract/pipe.ops %D%/contract/pipe.rules \
	%D%/contract/rights.h \
	%D%/contract/rule.h \
	%D%/contract/sem.h %D%/contract/sem.ops %D%/contract/sem.rules \
	%D%/contract/semset.h %D%/contract/semset.ops %D%/contract/semset.rules \
	%D%/contract/shm.h %D%/contract/shm.ops %D%/contract/shm.rules \
	%D%/contract/sig.h %D%/contract/sig.ops %D%/contract/sig.rules \
	%D%/contract/sock.h %D%/contract/sock.ops %D%/contract/sock.rules \
	%D%/contract/stage.ops \
	%D%/contract/vocabulary.h \
	%D%/litmus/memory.c %D%/litmus/memory.h \
	%D%/litmus/model.c %D%/litmus/model.h \
	%D%/litmus/play.c %D%/litmus/play.h \
	%D%/litmus/shape.c %D%/litmus/shape.h %D%/litmus/shapes.def \
	%D%/posix/event.c %D%/posix/fd.c %D%/posix/fifo.c %D%/posix/lock.c \
	%D%/posix/mq.c %D%/posix/msg.c %D%/posix/pipe.c %D%/posix/posix.c \
	%D%/posix/posix.h %D%/posix/sem.c %D%/posix/semset.c %D%/posix/shm.c \
	%D%/posix/sig.c %D%/posix/sock.c \
	%D%/stage/actor.c %D%/stage/actor.h \
	%D%/stage/adversary.c %D%/stage/adversary.h \
	%D%/stage/blocked.c \
	%D%/stage/box.c \
	%D%/stage/bystander.c %D%/stage/bystander.h \
	%D%/stage/director.c %D%/stage/director.h \
	%D%/stage/estate.c %D%/stage/estate.h \
	%D%/stage/handle.c \
	%D%/stage/injection.h \
	%D%/stage/instruction.c %D%/stage/instruction.h \
	%D%/stage/life.c \
	%D%/stage/observe.c %D%/stage/observe.h \
	%D%/stage/perform.c %D%/stage/perform.h \
	%D%/stage/perform/event.c %D%/stage/perform/fd.c %D%/stage/perform/fifo.c \
	%D%/stage/perform/lock.c %D%/stage/perform/lock_file.c \
	%D%/stage/perform/machine.c %D%/stage/perform/mq.c %D%/stage/perform/msg.c \
	%D%/stage/perform/pipe.c %D%/stage/perform/sem.c %D%/stage/perform/semset.c \
	%D%/stage/perform/shm.c %D%/stage/perform/sig.c %D%/stage/perform/sig.h \
	%D%/stage/perform/sig_process.c %D%/stage/perform/sig_wait.c \
	%D%/stage/perform/sock.c \
	%D%/stage/perform/sock_address.c %D%/stage/perform/sock_address.h \
	%D%/stage/perform/sock_beside.c \
	%D%/stage/perform/sock_control.c %D%/stage/perform/sock_talk.c \
	%D%/stage/place.c %D%/stage/place.h \
	%D%/stage/plan.c %D%/stage/play.h \
	%D%/stage/questions.c %D%/stage/questions.h \
	%D%/stage/restart.c %D%/stage/restart.h \
	%D%/stage/runner.c %D%/stage/runner.h \
	%D%/stage/scene.c %D%/stage/scene.h \
	%D%/stage/setting.c \
	%D%/stage/stage.h %D%/stage/story.h \
	%D%/stage/tell.c %D%/stage/tell.h \
	%D%/stage/transcript.c %D%/stage/transcript.h \
	%D%/stage/verbs.h \
	%D%/stage/wait.c %D%/stage/wait.h \
	%D%/diff/constructor.c \
	%D%/diff/diff.h \
	%D%/diff/generate.c %D%/diff/generate.h \
	%D%/diff/hold.c %D%/diff/hold.h \
	%D%/diff/menu/event.c %D%/diff/menu/fifo.c %D%/diff/menu/lock.c \
	%D%/diff/menu/mq.c %D%/diff/menu/msg.c %D%/diff/menu/pipe.c \
	%D%/diff/menu/sem.c %D%/diff/menu/semset.c %D%/diff/menu/shm.c \
	%D%/diff/menu/sig.c %D%/diff/menu/sock.c \
	%D%/diff/nature.c %D%/diff/nature.h \
	%D%/diff/play.c \
	%D%/diff/print.c \
	%D%/diff/rest.c %D%/diff/rest.h \
	%D%/diff/script.h \
	%D%/diff/shrink.c \
	%D%/oracle/configurations.c %D%/oracle/configurations.h \
	%D%/oracle/counter.c \
	%D%/oracle/history.c %D%/oracle/history.h \
	%D%/oracle/judge.c %D%/oracle/judge.h \
	%D%/oracle/lock.c \
	%D%/oracle/model.c %D%/oracle/model.h \
	%D%/oracle/order.c %D%/oracle/order.h \
	%D%/oracle/proof.c %D%/oracle/proof.h \
	%D%/oracle/queue.c \
	%D%/oracle/search.c \
	%D%/oracle/timeline.c %D%/oracle/timeline.h \
	%D%/oracle/types.c \
	%D%/oracle/values.c %D%/oracle/values.h \
	%D%/sched/arena.c %D%/sched/arena.h \
	%D%/sched/engine.c %D%/sched/engine.h \
	%D%/sched/executable.c %D%/sched/mark.h \
	%D%/sched/explore.c %D%/sched/explore.h \
	%D%/sched/arguments.h \
	%D%/sched/futex.h \
	%D%/sched/noise.h \
	%D%/sched/guardian.c %D%/sched/guardian.h \
	%D%/sched/harness.c %D%/sched/harness.h \
	%D%/sched/leftover.c %D%/sched/leftover.h %D%/sched/leftover_remove.c \
	%D%/sched/operation.h \
	%D%/sched/process.c %D%/sched/process.h \
	%D%/sched/real.c %D%/sched/real.h \
	%D%/sched/replay.c %D%/sched/replay.h \
	%D%/sched/runtime.h \
	%D%/sched/schedule.c %D%/sched/schedule.h \
	%D%/sched/store_buffer.c %D%/sched/store_buffer.h \
	%D%/sched/story.c %D%/sched/story.h \
	%D%/report/baseline.c %D%/report/baseline.h \
	%D%/report/human.c \
	%D%/report/json.c \
	%D%/report/junit.c \
	%D%/report/platform.c %D%/report/platform.h \
	%D%/report/report.c %D%/report/report.h \
	%D%/report/resume.c %D%/report/resume.h \
	%D%/report/sheet.c %D%/report/sheet.h \
	%D%/report/tap.c

bin_PROGRAMS += ipcts
ipcts_SOURCES = $(command_sources) $(ref_tables)
command_sources = \
	%D%/command/bench.c \
	%D%/command/command.h \
	%D%/command/conclusion.c \
	%D%/command/conclusion.h \
	%D%/command/coverage.c \
	%D%/command/diff.c \
	%D%/command/explain.c \
	%D%/command/explore.c \
	%D%/command/beside.c \
	%D%/command/list.c \
	%D%/command/litmus.c \
	%D%/command/options.c \
	%D%/command/run.c \
	%D%/command/say.c \
	%D%/command/stress.c \
	%D%/ipcts.c
ipcts_LDADD = libipcts.a libipcref.a
ipcts_LDFLAGS = $(BIND_NOW_LDFLAGS)

include %D%/ref/local.mk
include %D%/sched/local.mk

# Races: the reference with its points, and who goes next there.
pkglibexec_PROGRAMS += ipcts-race
ipcts_race_SOURCES = \
	%D%/ipcts-race.c \
	%D%/race/bug.h $(race_bugs) \
	%D%/race/detection.c %D%/race/detection.h \
	%D%/command/command.h %D%/command/options.c %D%/command/run.c %D%/command/say.c \
	$(race_sources) \
	$(ref_tables)
# In the order in which they are told of.
race_bugs = \
	%D%/race/bug_update.c \
	%D%/race/bug_publication.c \
	%D%/race/bug_seqlock.c \
	%D%/race/bug_sleep.c \
	%D%/race/bug_lock.c \
	%D%/race/bug_gone.c
race_sources = \
	%D%/race/hook.c %D%/race/hook.h \
	%D%/race/play.c %D%/race/play.h \
	%D%/race/race.c %D%/race/race.h \
	%D%/race/relic.c %D%/race/relic.h \
	%D%/race/shorten.c \
	%D%/race/stand.h \
	%D%/race/stand_at_once.c \
	%D%/race/stand_outcome.c \
	%D%/race/stand_turns.c \
	%D%/race/turns.c %D%/race/turns.h
nodist_ipcts_race_SOURCES = %D%/race/points.h
ipcts_race_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/src -DIPCREF_POINTS $(race_defines)
ipcts_race_LDFLAGS = $(race_wraps)
race_wraps = \
	-Wl,--wrap=close -Wl,--wrap=fcntl -Wl,--wrap=linkat -Wl,--wrap=mmap -Wl,--wrap=munmap \
	-Wl,--wrap=open -Wl,--wrap=sched_yield -Wl,--wrap=syscall -Wl,--wrap=unlink
ipcts_race_LDADD = libipcts.a $(race_ref) -lm

# The reference calls access.c where it reads and writes.
if RACE_ACCESSES
race_flags = -fsanitize=thread $(ACCESSES_CFLAGS)
race_defines = -DRACE_ACCESSES=1
race_ref = libipcref-accesses.a
noinst_LIBRARIES += libipcref-accesses.a
libipcref_accesses_a_SOURCES = $(ref_sources)
libipcref_accesses_a_CPPFLAGS = $(AM_CPPFLAGS) -DIPCREF_POINTS
libipcref_accesses_a_CFLAGS = $(AM_CFLAGS) $(race_flags)
ipcts_race_SOURCES += %D%/race/access.c %D%/sched/plain.h
else
race_defines = -DRACE_ACCESSES=0
race_ref = libipcref-points.a
endif

# Where each point is.
%D%/ipcts_race-ipcts-race.$(OBJEXT): %D%/race/points.h
BUILT_SOURCES += %D%/race/points.h
CLEANFILES += %D%/race/points.h
%D%/race/points.h: $(ref_sources)
	$(AM_V_GEN)$(MKDIR_P) %D%/race && for source in $(ref_sources); do \
		sed -n -e '/STEP("[^"]*")/{=;s/.*STEP(\("[^"]*"\)).*/\1/p;}' $(top_srcdir)/$$source | \
		sed -e "N;s|\(.*\)\n\(.*\)|{\2, \"$$source:\1\"},|"; \
	done >$@

dist_man_MANS += %D%/ipcts.1
