# SPDX-License-Identifier: MIT
# The corpus is part of the command: a test registers itself when the program starts.

# What several mechanisms' tests have in common.
ipcts_SOURCES += %D%/history.h %D%/records.h %D%/shortage.h %D%/waiters.h

# sig
ipcts_SOURCES += \
	%D%/sig/send.c \
	%D%/sig/group.c \
	%D%/sig/mask.c \
	%D%/sig/action.c \
	%D%/sig/queue.c \
	%D%/sig/wait.c \
	%D%/sig/stop.c \
	%D%/sig/child.c \
	%D%/sig/core.c \
	%D%/sig/inherit.c \
	%D%/sig/interrupt.c \
	%D%/sig/thread.c \
	%D%/sig/pidfd.c \
	%D%/sig/signalfd.c \
	%D%/sig/handler.c \
	%D%/sig/reap.c \
	%D%/sig/set.c \
	%D%/sig/stack.c \
	%D%/sig/terminal.c \
	%D%/sig/timer.c \
	%D%/sig/user.c

# pipe
ipcts_SOURCES += \
	%D%/pipe/history.c \
	%D%/pipe/block.c %D%/pipe/duplicate.c %D%/pipe/end.c %D%/pipe/flow.c \
	%D%/pipe/kind.c %D%/pipe/limit.c %D%/pipe/move.c %D%/pipe/packet.c \
	%D%/pipe/make.c %D%/pipe/splice.c %D%/pipe/stream.c

# fifo
ipcts_SOURCES += \
	%D%/fifo/history.c \
	%D%/fifo/meet.c %D%/fifo/name.c %D%/fifo/open.c %D%/fifo/pass.c \
	%D%/fifo/path.c %D%/fifo/status.c %D%/fifo/stream.c %D%/fifo/user.c \
	%D%/fifo/wait.c

# msg
ipcts_SOURCES += \
	%D%/msg/history.c \
	%D%/msg/account.c \
	%D%/msg/capacity.c \
	%D%/msg/end.c \
	%D%/msg/get.c \
	%D%/msg/key.c \
	%D%/msg/linux.c \
	%D%/msg/namespace.c \
	%D%/msg/order.c \
	%D%/msg/permission.c \
	%D%/msg/queue.c \
	%D%/msg/size.c \
	%D%/msg/storm.c \
	%D%/msg/user.c \
	%D%/msg/wait.c

# mq
ipcts_SOURCES += \
	%D%/mq/history.c \
	%D%/mq/attribute.c \
	%D%/mq/close.c \
	%D%/mq/end.c \
	%D%/mq/message.c \
	%D%/mq/namespace.c \
	%D%/mq/notify.c \
	%D%/mq/open.c \
	%D%/mq/permission.c \
	%D%/mq/poll.c \
	%D%/mq/queue.c \
	%D%/mq/storm.c \
	%D%/mq/thread.c \
	%D%/mq/time.c \
	%D%/mq/user.c \
	%D%/mq/wait.c

# shm
ipcts_SOURCES += \
	%D%/shm/access.c \
	%D%/shm/advice.c \
	%D%/shm/attach.c \
	%D%/shm/fault.c \
	%D%/shm/file.c \
	%D%/shm/history.c \
	%D%/shm/hole.c \
	%D%/shm/key.c \
	%D%/shm/limit.c \
	%D%/shm/mapping.c \
	%D%/shm/memfd.c \
	%D%/shm/name.c \
	%D%/shm/object.c \
	%D%/shm/permission.c \
	%D%/shm/remap.c \
	%D%/shm/removal.c \
	%D%/shm/segment.c \
	%D%/shm/share.c \
	%D%/shm/space.c \
	%D%/shm/status.c \
	%D%/shm/system.c

# sem
ipcts_SOURCES += \
	%D%/sem/history.c \
	%D%/sem/count.c \
	%D%/sem/end.c \
	%D%/sem/instruction.c \
	%D%/sem/name.c \
	%D%/sem/signal.c \
	%D%/sem/time.c \
	%D%/sem/user.c \
	%D%/sem/wake.c

# semset
ipcts_SOURCES += \
	%D%/semset/history.c \
	%D%/semset/describe.c \
	%D%/semset/instruction.c \
	%D%/semset/interrupt.c \
	%D%/semset/key.c \
	%D%/semset/operate.c \
	%D%/semset/remove.c \
	%D%/semset/undo.c \
	%D%/semset/user.c \
	%D%/semset/wake.c

# sock
ipcts_SOURCES += \
	%D%/sock/address.c \
	%D%/sock/backlog.c \
	%D%/sock/batch.c \
	%D%/sock/beside.c \
	%D%/sock/connect.c \
	%D%/sock/credential.c \
	%D%/sock/end.c \
	%D%/sock/error.c \
	%D%/sock/flight.c \
	%D%/sock/internet.c \
	%D%/sock/interrupted.c \
	%D%/sock/machine.c \
	%D%/sock/message.c \
	%D%/sock/name.c \
	%D%/sock/option.c \
	%D%/sock/pass.c \
	%D%/sock/peer.c \
	%D%/sock/process.c \
	%D%/sock/ready.c \
	%D%/sock/stream.c \
	%D%/sock/talk.c \
	%D%/sock/urgent.c \
	%D%/sock/user.c \
	%D%/sock/wait.c

# lock
ipcts_SOURCES += \
	%D%/lock/history.c \
	%D%/lock/attribute.c \
	%D%/lock/record.c \
	%D%/lock/waiter.c \
	%D%/lock/region.c \
	%D%/lock/lockf.c \
	%D%/lock/description.c \
	%D%/lock/flock.c \
	%D%/lock/mutex.c \
	%D%/lock/robust.c \
	%D%/lock/recover.c \
	%D%/lock/condition.c \
	%D%/lock/monitor.c \
	%D%/lock/notice.c \
	%D%/lock/rwlock.c \
	%D%/lock/barrier.c \
	%D%/lock/spin.c \
	%D%/lock/futex.c \
	%D%/lock/waitv.c \
	%D%/lock/requeue.c \
	%D%/lock/pi.c \
	%D%/lock/ceiling.c \
	%D%/lock/inherit.c %D%/lock/instruction.c \
	%D%/lock/priority.c

# event
ipcts_SOURCES += \
	%D%/event/history.c \
	%D%/event/counter.c %D%/event/epoll.c %D%/event/list.c %D%/event/ready.c \
	%D%/event/select.c %D%/event/timer.c %D%/event/told.c %D%/event/wait.c \
	%D%/event/wake.c

# Races, which are of a program of their own.
ipcts_race_SOURCES += \
	%D%/event/race.c %D%/fifo/race.c %D%/lock/race.c %D%/mq/race.c \
	%D%/msg/race.c %D%/pipe/race.c %D%/sem/race.c %D%/semset/race.c \
	%D%/shm/race.c %D%/sock/race.c

# The instrument itself.

check_PROGRAMS += $(unit_tests)
unit_tests =

if HAVE_CMOCKA
unit_tests += %D%/unit/report_test
%C%_unit_report_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_report_test_LDADD = libipcts.a $(CMOCKA_LIBS)

unit_tests += %D%/unit/diff_test
%C%_unit_diff_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_diff_test_LDADD = libipcts.a $(CMOCKA_LIBS)

unit_tests += %D%/unit/judge_test
%C%_unit_judge_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_judge_test_LDADD = libipcts.a $(CMOCKA_LIBS)

unit_tests += %D%/unit/oracle_test
%C%_unit_oracle_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_oracle_test_LDADD = libipcts.a $(CMOCKA_LIBS)
unit_tests += %D%/unit/litmus_test
%C%_unit_litmus_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_litmus_test_LDADD = libipcts.a $(CMOCKA_LIBS)

unit_tests += %D%/unit/race_test
%C%_unit_race_test_SOURCES = %D%/unit/race_test.c $(race_sources)
%C%_unit_race_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DIPCREF_POINTS
%C%_unit_race_test_LDFLAGS = $(race_wraps)
%C%_unit_race_test_LDADD = libipcts.a $(CMOCKA_LIBS)

unit_tests += %D%/unit/ref_test
%C%_unit_ref_test_SOURCES = %D%/unit/ref_answers.c %D%/unit/ref_beside.c \
	%D%/unit/ref_hostile.c %D%/unit/ref_lives.c %D%/unit/ref_lives.h \
	%D%/unit/ref_parts.c %D%/unit/ref_sockets.c %D%/unit/ref_test.c %D%/unit/ref_waits.c \
	%D%/unit/ref_wakes.c %D%/unit/ref_world.h
%C%_unit_ref_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(CMOCKA_CFLAGS)
%C%_unit_ref_test_LDFLAGS = -Wl,--wrap=open -Wl,--wrap=openat -Wl,--wrap=posix_fallocate \
	-Wl,--wrap=calloc -Wl,--wrap=fcntl -Wl,--wrap=pthread_setspecific -Wl,--wrap=sched_getcpu \
	-Wl,--wrap=socketpair -Wl,--wrap=syscall
%C%_unit_ref_test_LDADD = libipcref.a $(CMOCKA_LIBS)

unit_tests += %D%/unit/sched_test
%C%_unit_sched_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_sched_test_LDADD = libipcts.a $(CMOCKA_LIBS)
endif

if HAVE_CHECK
unit_tests += %D%/unit/instruction_test
%C%_unit_instruction_test_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
%C%_unit_instruction_test_LDADD = libipcts.a $(CHECK_LIBS)

unit_tests += %D%/unit/stage_test
%C%_unit_stage_test_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
%C%_unit_stage_test_LDADD = libipcts.a $(CHECK_LIBS)
endif

# The command as a user meets it, once with an implementation that is right and once with one whose
# pipes have their ends exchanged.
check_PROGRAMS += %D%/unit/ipcts_broken
%C%_unit_ipcts_broken_SOURCES = $(command_sources) $(ref_tables) %D%/pipe/stream.c %D%/unit/broken.c
%C%_unit_ipcts_broken_LDFLAGS = -Wl,--wrap=pipe
%C%_unit_ipcts_broken_LDADD = libipcts.a libipcref.a

dist_check_SCRIPTS += %D%/unit/command.tap %D%/unit/relics.tap
TESTS += $(unit_tests) %D%/unit/command.tap %D%/unit/relics.tap
%D%/unit/command.log: ipcts$(EXEEXT) ipcts-fault$(EXEEXT) ipcts-race$(EXEEXT) %D%/unit/ipcts_broken$(EXEEXT)
%D%/unit/relics.log: ipcts$(EXEEXT) ipcts-race$(EXEEXT)

# The directory of the reference's objects, when it is no good.
check_PROGRAMS += %D%/unit/makes
%C%_unit_makes_LDADD = libipcref.a

dist_check_SCRIPTS += %D%/unit/namespace.tap
TESTS += %D%/unit/namespace.tap
%D%/unit/namespace.log: %D%/unit/makes$(EXEEXT)

# The detector of races between processes, by programs that are built then.
dist_check_SCRIPTS += %D%/unit/race/race.tap
TESTS += %D%/unit/race/race.tap
EXTRA_DIST += \
	%D%/unit/race/lock.c %D%/unit/race/main.c %D%/unit/race/many.c %D%/unit/race/memory.c \
	%D%/unit/race/message.c %D%/unit/race/racy.c %D%/unit/race/scenario.h \
	%D%/unit/race/wide.c \
	%D%/unit/race/compare/loop.c \
	%D%/unit/race/compare/silence %D%/unit/race/compare/slowdown
if RACE
%D%/unit/race/race.log: libipcts-race.a $(race_DATA)
endif
# The explorer: its workers, and what it makes of programs that are built then.
check_PROGRAMS += %D%/unit/explore/harness
%C%_unit_explore_harness_LDADD = libipcts.a
explorer_tests = %D%/unit/explore/explore.tap %D%/unit/explore/calls.tap \
	%D%/unit/explore/memory.tap %D%/unit/explore/deaths.tap %D%/unit/explore/relics.tap \
	%D%/unit/explore/portable.tap
dist_check_SCRIPTS += $(explorer_tests)
TESTS += %D%/unit/explore/harness $(explorer_tests)
%D%/unit/explore/portable.log: %D%/unit/explore/harness$(EXEEXT)
EXTRA_DIST += %D%/unit/explore/explorer.sh %D%/unit/explore/program.h %D%/unit/explore/programs.c \
	%D%/unit/explore/calls.c %D%/unit/explore/memory.c %D%/unit/explore/deaths.c \
	%D%/unit/explore/relics.c
if RACE
%D%/unit/explore/explore.log %D%/unit/explore/calls.log %D%/unit/explore/memory.log %D%/unit/explore/deaths.log \
%D%/unit/explore/relics.log: \
	ipcts$(EXEEXT) libipcts-race.a $(race_DATA)
endif
