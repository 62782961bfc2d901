/* SPDX-License-Identifier: MIT */
/* Linux: what comes beside a datagram, and what comes back of it. */
#include <time.h>

#include "stage/story.h"

/* -- what nobody received -----------------------------------------------------------------------
 */

#if defined(MSG_ERRQUEUE) && defined(IP_RECVERR) && defined(IPV6_RECVERR)
static const struct {
	const char *name;
	int kind, level, option, origin;
} errors[] = {
	{"udp4", UDP4, IPPROTO_IP, IP_RECVERR, BY_ICMP},
	{"udp6", UDP6, IPPROTO_IPV6, IPV6_RECVERR, BY_ICMP6},
};

/* A port where nobody is: one that was taken a moment ago. */
static int left_port(actor *a, int kind)
{
	does(a, sock.serve("gone", kind, 0));
	int port = (int)outcome_of(a)->value;
	does(a, fd.close("gone"));
	return port;
}

TEST_EACH(sock, undelivered_datagram_comes_back, errors)
{
	actor *a = cast("alice");

	does(a, sock.make("c", row->kind));
	does(a, sock.set_option("c", row->level, row->option, 1));
	int port = left_port(a, row->kind);
	does(a, sock.send_to_port("c", row->kind, "to nobody", port));
	does(a, fd.poll("c", 0, -1));
	must(outcome_of(a)->value & POLLERR);
	does_give(a, sock.take_failure("c", 100), "to nobody");
	must_be(outcome_of(a)->n[FAILURE_ERRNO], ECONNREFUSED);
	must_be(outcome_of(a)->n[FAILURE_ORIGIN], row->origin);
	must_be(outcome_of(a)->n[FAILURE_TELLER], LOOPBACK);
	must_be(outcome_of(a)->n[FAILURE_HOST], LOOPBACK);
	must_be(outcome_of(a)->n[FAILURE_PORT], port);
	must(outcome_of(a)->n[FAILURE_FLAGS] & MSG_ERRQUEUE);
	does_fail(a, sock.take_failure("c", 100), EAGAIN);
}

TEST_EACH(sock, errors_are_queued_in_order, errors)
{
	actor *a = cast("alice");
	const char *const texts[] = {"one", "two", "three"};

	does(a, sock.serve("c", row->kind, 0));
	int own = (int)outcome_of(a)->value;
	does(a, sock.set_option("c", row->level, row->option, 1));
	does(a, sock.make("d", row->kind));
	does_fail(a, sock.take_failure("c", 100), EAGAIN);
	int port = left_port(a, row->kind);
	does(a, sock.send_to_port("d", row->kind, "data", own));
	does_give(a, fd.poll("c", POLLIN, -1), POLLIN);
	does_fail(a, sock.take_failure("c", 100), EAGAIN);
	for (int i = 0; i < 3; i++) {
		/* a call may be told of the error before, and then has sent nothing */
		do {
			begin(a, sock.send_to_port("c", row->kind, texts[i], port));
			returns(a);
		} while (outcome_of(a)->error == ECONNREFUSED);
		must_be(outcome_of(a)->error, 0);
	}
	for (int i = 0; i < 3; i++) {
		does(a, fd.poll("c", 0, -1));
		does_give(a, sock.take_failure("c", 100), texts[i]);
		must_be(outcome_of(a)->n[FAILURE_ERRNO], ECONNREFUSED);
		must_be(outcome_of(a)->n[FAILURE_PORT], port);
	}
	does_fail(a, sock.take_failure("c", 100), EAGAIN);
	does_give(a, sock.receive("c", 100, MSG_DONTWAIT), "data");
	does_fail(a, sock.receive("c", 100, MSG_DONTWAIT), EAGAIN);
}
#endif

/* -- time ---------------------------------------------------------------------------------------
 */

#if defined(SO_TIMESTAMP) && defined(SO_TIMESTAMPNS)
static const struct {
	const char *name;
	int kind;
	bool is_exact;
} times[] = {
	{"udp4", UDP4, false},
	{"udp4_exact", UDP4, true},
	{"udp6", UDP6, false},
	{"udp6_exact", UDP6, true},
	{"unix_dgram", UNIX_DGRAM, false},
	{"unix_dgram_exact", UNIX_DGRAM, true},
};

/* In nanoseconds since the epoch. */
static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

TEST_EACH(sock, datagram_tells_its_time, times)
{
	actor *a = cast("alice");
	int option = row->is_exact ? SO_TIMESTAMPNS : SO_TIMESTAMP;
	long long grain = row->is_exact ? 1 : 1000;

	does(a, sock.pair("s", row->kind));
	for (int i = 0; i < 3; i++) {
		begin(a, sock.set_option("s:b", SOL_SOCKET, option, i == 1));
		returns(a);
		if (i == 0 && outcome_of(a)->error == ENOPROTOOPT)
			skip("no %s", row->is_exact ? "SO_TIMESTAMPNS" : "SO_TIMESTAMP");
		must_be(outcome_of(a)->error, 0);
		long long before = now() / grain * grain;
		does(a, sock.send("s:a", "now", 0));
		does_give(a, sock.take_arrival("s:b", 100, 0), "now");
		long long told = outcome_of(a)->n[ARRIVAL_TIME], after = now();
		if (i == 1)
			must(before <= told && told <= after);
		else
			must_be(told, -1);
	}
}
#endif
