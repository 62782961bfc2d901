/* SPDX-License-Identifier: MIT */
/* Between two machines, whose cable can be taken out. */
#include "contract/kinds.h"
#include "stage/story.h"

/* Here is on the first machine now; what is given is on the second, which is joined to it. */
static actor *join(actor *here)
{
	does(here, machine.start(HERE));
	actor *there = forks(here, "there");
	does(there, machine.start(THERE));
	does(here, machine.lay_cable(pid_of(there)));
	does(here, machine.plug_in());
	does(there, machine.plug_in());
	does(here, machine.is_joined());
	does(there, machine.is_joined());
	return there;
}

/* The same, with a connection: of here it is the end "c", of there the end "d". */
static actor *connect_machines(actor *here, int kind)
{
	actor *there = join(here);

	does(there, sock.serve_at("s", kind, 5, THERE));
	does(here, sock.reach("c", kind, "s", AT(THERE, outcome_of(there)->value)));
	does(there, sock.accept("s", "d"));
	return there;
}

/* -- talk ------------------------------------------------------------------------------------- */

TEST_EACH(sock, machines_talk, tcp_kinds)
{
	actor *here = cast("here"), *there = connect_machines(here, row->kind);

	does(here, sock.send("c", "over the cable", 0));
	does_give(there, sock.receive("d", 14, MSG_WAITALL), "over the cable");
	does(there, sock.send("d", "and back", 0));
	does_give(here, sock.receive("c", 8, MSG_WAITALL), "and back");
	does_give(there, sock.address("d/from"), "here");
	does_give(there, sock.own_name("d"), "there");
	does_give(here, sock.own_name("c"), "here");
	does_give(here, sock.peer_name("c"), "there");
}

TEST_EACH(sock, datagrams_go_between_machines, udp_kinds)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", row->kind, 0, THERE));
	does(here, sock.reach("c", row->kind, "s", AT(THERE, outcome_of(there)->value)));
	does(here, sock.send("c", "over the cable", 0));
	does_give(there, sock.receive_from("s", 100, 0, "from"), "over the cable");
	does_give(there, sock.address("from"), "here");
	does(there, sock.reply("s", "and back", "from"));
	does_give(here, sock.receive("c", 100, 0), "and back");
}

TEST_VARIANT(sock, long_datagram_arrives_whole, machines)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", UDP4, 0, THERE));
	does(here, sock.reach("c", UDP4, "s", AT(THERE, outcome_of(there)->value)));
	does(here, sock.send_pattern("c", 60000, 0));
	does_give(there, fd.read_pattern("s", 0, 100000), 60000);
}

TEST_EACH(sock, loopback_is_each_machines_own, tcp_kinds)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(there)->value;
	does_fail(here, sock.reach("c", row->kind, "s", port), ECONNREFUSED);
	does_fail(here, sock.reach("c", row->kind, "s", AT(THERE, port)), ECONNREFUSED);
	does(here, sock.make("mine", row->kind));
	does_give(here, sock.bind_port("mine", row->kind, port), port);
}

TEST(sock, abstract_names_are_each_machines_own)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.make("s", UNIX_STREAM));
	does(there, sock.bind("s", "@name"));
	does(there, sock.listen("s", 5));
	does(here, sock.make("c", UNIX_STREAM));
	does_fail(here, sock.connect("c", "@name"), ECONNREFUSED);
	does(here, sock.make("mine", UNIX_STREAM));
	does(here, sock.bind("mine", "@name"));
}

TEST_EACH(sock, wildcard_hears_every_address, tcp_kinds)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", row->kind, 5, ANYWHERE));
	int port = (int)outcome_of(there)->value;
	does_give(there, sock.own_name("s"), "anywhere");
	does(here, sock.reach("c", row->kind, "s", AT(THERE, port)));
	does(there, sock.accept("s", "d"));
	does_give(there, sock.own_name("d"), "there");
	does(there, sock.reach("c", row->kind, "s", port));
	does(there, sock.accept("s", "d"));
	does_give(there, sock.own_name("d"), "loopback");
}

/* -- the cable is out ------------------------------------------------------------------------- */

TEST_EACH(sock, cut_delays_but_loses_nothing, tcp_kinds)
{
	actor *here = cast("here"), *there = connect_machines(here, row->kind);
	actor *hand = forks(there, "hand");

	does(hand, machine.unplug());
	does(here, sock.send("c", "into the dark", 0));
	begin(there, sock.receive("d", 13, MSG_WAITALL));
	blocks(there);
	does(hand, machine.plug_in());
	gives(there, "into the dark");
	does(there, sock.send("d", "light", 0));
	does_give(here, sock.receive("c", 5, MSG_WAITALL), "light");
}

TEST_EACH(sock, user_timeout_ends_the_connection, tcp_kinds)
{
	actor *here = cast("here"), *there = connect_machines(here, row->kind);

	does(here, sock.set_option("c", IPPROTO_TCP, TCP_USER_TIMEOUT, 30));
	does_give(here, sock.option("c", IPPROTO_TCP, TCP_USER_TIMEOUT), 30);
	does(there, machine.unplug());
	does(here, sock.send("c", "into the dark", 0));
	does_fail(here, sock.receive("c", 1, 0), ETIMEDOUT);
	does_fail(here, sock.send("c", "x", MSG_NOSIGNAL), EPIPE);
}

TEST(sock, words_of_the_dead_arrive)
{
	actor *here = cast("here"), *there = connect_machines(here, TCP6);
	actor *hand = forks(there, "hand"), *writer = forks(here, "writer");

	does(here, fd.close("c"));
	does(hand, machine.unplug());
	does(writer, sock.send("c", "last words", 0));
	dies(writer);
	begin(there, sock.receive("d", 100, MSG_WAITALL));
	blocks(there);
	does(hand, machine.plug_in());
	gives(there, "last words");
	does_give(there, sock.receive("d", 100, 0), "");
}

TEST(sock, lingering_close_waits)
{
	actor *here = cast("here"), *there = connect_machines(here, TCP4);

	does(there, machine.unplug());
	does(here, sock.set_linger("c", 1, 100));
	does(here, sock.send("c", "in the end", 0));
	begin(here, fd.close("c"));
	blocks(here);
	does(there, machine.plug_in());
	does_give(there, sock.receive("d", 10, MSG_WAITALL), "in the end");
	does_give(there, sock.receive("d", 100, 0), "");
	succeeds(here);
}

/* There has forgotten a connection, of which here hasn't heard: a reader waits on. */
static actor *forget(actor *here, actor *there)
{
	actor *reader = forks(here, "reader");

	does(there, machine.unplug());
	does(there, sock.set_linger("d", 1, 0));
	does(there, fd.close("d"));
	does(there, machine.plug_in());
	does(there, machine.is_joined());
	begin(reader, sock.receive("c", 100, 0));
	return reader;
}

TEST_EACH(sock, forgotten_connection_is_reset, tcp_kinds)
{
	actor *here = cast("here"), *there = connect_machines(here, row->kind);
	actor *reader = forget(here, there);

	blocks(reader);
	does(here, sock.send("c", "do you remember?", 0));
	fails(reader, ECONNRESET);
	does_fail(here, sock.send("c", "x", MSG_NOSIGNAL), EPIPE);
}

/* It takes a second, which is the shortest time there is for it. */
TEST(sock, keep_alive_finds_the_forgotten)
{
	actor *here = cast("here"), *there = connect_machines(here, TCP4);

	does_give(here, sock.option("c", SOL_SOCKET, SO_KEEPALIVE), 0);
	does(here, sock.set_option("c", IPPROTO_TCP, TCP_KEEPIDLE, 1));
	does(here, sock.set_option("c", SOL_SOCKET, SO_KEEPALIVE, 1));
	actor *reader = forget(here, there);
	fails(reader, ECONNRESET);
}

/* -- nobody there ----------------------------------------------------------------------------- */

TEST_VARIANT(sock, connect_to_nothing_fails, machines)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.make("deaf", TCP4));
	does(there, sock.bind_port("deaf", TCP4, AT(THERE, 0)));
	int port = (int)outcome_of(there)->value;
	does_fail(here, sock.reach("c", TCP4, "deaf", AT(THERE, port)), ECONNREFUSED);
}

TEST_VARIANT(sock, udp_to_nobody_is_told, machines)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("gone", UDP4, 0, THERE));
	does(here, sock.reach("c", UDP4, "gone", AT(THERE, outcome_of(there)->value)));
	does(there, fd.close("gone"));
	does(here, sock.send("c", "x", 0));
	does_fail(here, sock.receive("c", 1, 0), ECONNREFUSED);
}

TEST_EACH(sock, no_way_there, internet_kinds)
{
	actor *here = cast("here");

	does(here, machine.start(HERE));
	does_fail(here, sock.reach("c", row->kind, "", AT(NO_ROUTE, 7)), ENETUNREACH);
	does_fail(here, sock.peer_name("c"), ENOTCONN);
	if (row->kind == UDP4 || row->kind == UDP6)
		does_fail(here, sock.send_to_port("c", row->kind, "x", AT(NO_ROUTE, 7)),
			  ENETUNREACH);
}

TEST_EACH(sock, missing_host_is_told, tcp_kinds)
{
	actor *here = cast("here");

	join(here);
	does(here, machine.ask(1));
	does_fail(here, sock.reach("c", row->kind, "", AT(LATE, 7)), EHOSTUNREACH);
	does_fail(here, sock.peer_name("c"), ENOTCONN);
}

/* -- a host that comes late ------------------------------------------------------------------- */

/* There serves at a port of any address, but isn't LATE yet; whoever looks for it keeps looking. */
static actor *serve_later(actor *here, int kind, int *place)
{
	actor *there = join(here);

	does(here, machine.ask(100000));
	does(there, sock.serve_at("s", kind, 5, ANYWHERE));
	*place = AT(LATE, outcome_of(there)->value);
	return there;
}

static void talks(actor *here, actor *there)
{
	does(there, sock.accept("s", "d"));
	does(here, sock.send("c", "at last", 0));
	does_give(there, sock.receive("d", 7, MSG_WAITALL), "at last");
}

TEST_EACH(sock, connect_waits_for_the_host, tcp_kinds)
{
	int place;
	actor *here = cast("here"), *there = serve_later(here, row->kind, &place);

	begin(here, sock.reach("c", row->kind, "s", place));
	blocks(here);
	does(there, machine.answer_for(LATE));
	succeeds(here);
	talks(here, there);
}

TEST_EACH(sock, interrupted_connect_goes_on, tcp_kinds)
{
	int place;
	actor *here = cast("here"), *there = serve_later(here, row->kind, &place);

	does(here, sig.handle(SIGUSR1, 0));
	begin(here, sock.reach("c", row->kind, "s", place));
	blocks(here);
	poke(here, SIGUSR1);
	fails(here, EINTR);
	must_be(caught(here, SIGUSR1), 1);
	does_fail(here, sock.peer_name("c"), ENOTCONN);
	does_give(here, fd.poll("c", POLLOUT, 0), 0);
	does(there, machine.answer_for(LATE));
	does_give(here, fd.poll("c", POLLOUT, -1), POLLOUT);
	does_give(here, sock.option("c", SOL_SOCKET, SO_ERROR), 0);
	talks(here, there);
}

TEST_EACH(sock, signal_restarts_connect, tcp_kinds)
{
	int place;
	actor *here = cast("here"), *there = serve_later(here, row->kind, &place);

	does(here, sig.handle(SIGUSR1, SA_RESTART));
	begin(here, sock.reach("c", row->kind, "s", place));
	blocks(here);
	poke(here, SIGUSR1);
	catches(here, SIGUSR1, 1);
	blocks(here);
	does(there, machine.answer_for(LATE));
	succeeds(here);
	talks(here, there);
}

TEST_EACH(sock, nonblocking_connect_does_not_wait, tcp_kinds)
{
	int place;
	actor *here = cast("here"), *there = serve_later(here, row->kind, &place);

	does(here, sock.make_with("c", row->kind, SOCK_NONBLOCK));
	does_fail(here, sock.connect_port("c", row->kind, place), EINPROGRESS);
	does_fail(here, sock.connect_port("c", row->kind, place), EALREADY);
	does_give(here, fd.poll("c", POLLOUT, 0), 0);
	begin(here, fd.poll("c", POLLOUT, -1));
	blocks(here);
	does(there, machine.answer_for(LATE));
	gives(here, POLLOUT);
	does_give(here, sock.option("c", SOL_SOCKET, SO_ERROR), 0);
	talks(here, there);
}

TEST_EACH(sock, connect_timeout_is_kept, tcp_kinds)
{
	int place;
	actor *here = cast("here"), *there = serve_later(here, row->kind, &place);

	does(here, sock.make("c", row->kind));
	does(here, sock.set_timeout("c", SO_SNDTIMEO, 20));
	does_fail(here, sock.connect_port("c", row->kind, place), EINPROGRESS);
	does(there, machine.answer_for(LATE));
	does_give(here, fd.poll("c", POLLOUT, -1), POLLOUT);
	talks(here, there);
}

TEST_EACH(sock, failure_to_connect_is_told_later, tcp_kinds)
{
	int place;
	actor *here = cast("here"), *there = serve_later(here, row->kind, &place);

	does(there, fd.close("s"));
	does(here, sock.make_with("c", row->kind, SOCK_NONBLOCK));
	does_fail(here, sock.connect_port("c", row->kind, place), EINPROGRESS);
	begin(here, fd.poll("c", POLLOUT, -1));
	blocks(here);
	does(there, machine.answer_for(LATE));
	returns(here);
	must((outcome_of(here)->value & (POLLOUT | POLLERR)) == (POLLOUT | POLLERR));
	does_give(here, sock.option("c", SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	does_give(here, sock.option("c", SOL_SOCKET, SO_ERROR), 0);
}

/* -- a listener that has no room left -----------------------------------------------------------
 */

/* More than the queue of such a listener holds, and no more than it holds twice. */
enum { BACKLOG = 1, CROWD = 4 };

static const char *const crowd[CROWD] = {"c0", "c1", "c2", "c3"};

/* Waits until all are connected. */
static long long wait_for_all(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	for (int i = 0; i < CROWD; i++) {
		struct pollfd polled = {.fd = handle_fd(crowd[i]), .events = POLLOUT};
		int error = -1;
		socklen_t size = sizeof(error);

		must_be(impl->fd->poll(&polled, 1, -1), 1);
		must_be(impl->sock->getsockopt(polled.fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
		must_be(error, 0);
	}
	return 0;
}

/* Accepts and hears each one once. */
static long long accept_crowd(const char *text, const long long *n)
{
	int heard = 0, accepted[CROWD];

	(void)n;
	for (int i = 0; i < CROWD; i++)
		must((accepted[i] = impl->sock->accept(handle_fd(text), NULL, NULL)) >= 0);
	shared()[0] = 1;
	for (int i = 0; i < CROWD; i++) {
		char name[2];

		must_be(impl->sock->recv(accepted[i], name, sizeof(name), MSG_WAITALL), 2);
		must(name[0] == 'c' && name[1] >= '0' && name[1] < '0' + CROWD);
		must(!(heard & 1 << (name[1] - '0')));
		heard |= 1 << (name[1] - '0');
	}
	must_be(heard, (1 << CROWD) - 1);
	return 0;
}

/* Many connect, without waiting, to a listener that has room for few, and none of them is told that
 * it has failed.  It takes a second until those who are left try again. */
static void waits_for_room(actor *server, actor *client, int kind, int place)
{
	for (int i = 0; i < CROWD; i++) {
		does(client, sock.make_with(crowd[i], kind, SOCK_NONBLOCK));
		begin(client, sock.connect_port(crowd[i], kind, place));
		returns(client);
		must(outcome_of(client)->error == 0 || outcome_of(client)->error == EINPROGRESS);
	}
	begin(client, call(wait_for_all, "", 0, 0, 0));
	blocks(client);
	begin(server, call(accept_crowd, "s", 0, 0, 0));
	succeeds(client);
	awaits(&shared()[0], 1);
	for (int i = 0; i < CROWD; i++)
		does(client, sock.send(crowd[i], crowd[i], 0));
	succeeds(server);
}

static const struct {
	const char *name;
	int kind, host;
} listeners[] = {
	{"tcp4_loopback", TCP4, LOOPBACK},
	{"tcp6_loopback", TCP6, LOOPBACK},
	{"tcp4_machines", TCP4, THERE},
	{"tcp6_machines", TCP6, THERE},
};

TEST_EACH(sock, connections_beyond_the_backlog_wait, listeners)
{
	actor *here = cast("here");
	actor *there = row->host == LOOPBACK ? cast("there") : join(here);

	does(there, sock.serve_at("s", row->kind, BACKLOG, row->host));
	waits_for_room(there, here, row->kind, AT(row->host, outcome_of(there)->value));
}

/* -- to many ---------------------------------------------------------------------------------- */

static void reaches_members(int kind)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("member", kind, 0, ANYWHERE));
	int port = (int)outcome_of(there)->value;
	does(here, sock.make("c", kind));
	does(here, sock.send_by_cable("c", kind));
	does(here, sock.send_to_port("c", kind, "to nobody yet", AT(MULTICAST, port)));
	does(here, sock.send_to_port("c", kind, "a mark", AT(THERE, port)));
	does_give(there, sock.receive("member", 100, 0), "a mark");
	does(there, sock.join_group("member", kind));
	does(here, sock.send_to_port("c", kind, "to the members", AT(MULTICAST, port)));
	does_give(there, sock.receive("member", 100, 0), "to the members");
	does(there, sock.leave_group("member", kind));
	does(here, sock.send_to_port("c", kind, "to nobody again", AT(MULTICAST, port)));
	does(here, sock.send_to_port("c", kind, "a mark", AT(THERE, port)));
	does_give(there, sock.receive("member", 100, 0), "a mark");
}

TEST(sock, group_of_ipv4_gets_its_datagrams)
{
	reaches_members(UDP4);
}

TEST(sock, group_of_ipv6_gets_its_datagrams)
{
	reaches_members(UDP6);
}

TEST(sock, broadcast_needs_permission)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", UDP4, 0, ANYWHERE));
	int port = (int)outcome_of(there)->value;
	does(here, sock.make("c", UDP4));
	does_give(here, sock.option("c", SOL_SOCKET, SO_BROADCAST), 0);
	does_fail(here, sock.send_to_port("c", UDP4, "to all", AT(BROADCAST, port)), EACCES);
	does_fail(here, sock.connect_port("c", UDP4, AT(BROADCAST, port)), EACCES);
	does_fail(there, sock.receive("s", 100, MSG_DONTWAIT), EAGAIN);
}

TEST(sock, broadcast_reaches_the_other_machine)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", UDP4, 0, ANYWHERE));
	int port = (int)outcome_of(there)->value;
	does(here, sock.make("c", UDP4));
	does(here, sock.set_option("c", SOL_SOCKET, SO_BROADCAST, 1));
	does(here, sock.send_to_port("c", UDP4, "to all", AT(BROADCAST, port)));
	does_give(there, sock.receive_from("s", 100, 0, "from"), "to all");
	does_give(there, sock.address("from"), "here");
}

/* -- by which way -------------------------------------------------------------------------------
 */

#if defined(IP_PKTINFO) && defined(IPV6_RECVPKTINFO)
static const struct {
	const char *name;
	int kind, level, option, host, interface;
} ways[] = {
	{"udp4_loopback", UDP4, IPPROTO_IP, IP_PKTINFO, LOOPBACK, BY_LOOPBACK},
	{"udp6_loopback", UDP6, IPPROTO_IPV6, IPV6_RECVPKTINFO, LOOPBACK, BY_LOOPBACK},
	{"udp4_machines", UDP4, IPPROTO_IP, IP_PKTINFO, THERE, BY_CABLE},
	{"udp6_machines", UDP6, IPPROTO_IPV6, IPV6_RECVPKTINFO, THERE, BY_CABLE},
};

TEST_EACH(sock, datagram_tells_where_it_came_in, ways)
{
	actor *here = cast("here");
	actor *there = row->host == LOOPBACK ? cast("there") : join(here);

	does(there, sock.serve_at("s", row->kind, 0, ANYWHERE));
	int place = AT(row->host, outcome_of(there)->value);
	does(here, sock.make("c", row->kind));
	for (int on = 0; on < 2; on++) {
		does(there, sock.set_option("s", row->level, row->option, on));
		does(here, sock.send_to_port("c", row->kind, "from afar", place));
		does_give(there, sock.take_arrival("s", 100, 0), "from afar");
		must_be(outcome_of(there)->n[ARRIVAL_HOST], on ? row->host : -1);
		must_be(outcome_of(there)->n[ARRIVAL_INTERFACE], on ? row->interface : -1);
	}
	/* the same way all the time, and nothing of the first datagram's is left */
	does(there, sock.set_option("s", row->level, row->option, 0));
	does(here, sock.send_to_port("c", row->kind, "unasked", place));
	does_give(there, sock.take_arrival("s", 100, 0), "unasked");
	must_be(outcome_of(there)->n[ARRIVAL_HOST], -1);
}

TEST_VARIANT(sock, datagram_tells_where_it_came_in, both_ways)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", UDP4, 0, ANYWHERE));
	int port = (int)outcome_of(there)->value;
	does(there, sock.set_option("s", IPPROTO_IP, IP_PKTINFO, 1));
	does(here, sock.make("c", UDP4));
	does(there, sock.make("c", UDP4));
	for (int i = 0; i < 2; i++) {
		does(here, sock.send_to_port("c", UDP4, "from afar", AT(THERE, port)));
		does_give(there, sock.take_arrival("s", 100, 0), "from afar");
		must_be(outcome_of(there)->n[ARRIVAL_HOST], THERE);
		must_be(outcome_of(there)->n[ARRIVAL_INTERFACE], BY_CABLE);
		does(there, sock.send_to_port("c", UDP4, "from home", port));
		does_give(there, sock.take_arrival("s", 100, 0), "from home");
		must_be(outcome_of(there)->n[ARRIVAL_HOST], LOOPBACK);
		must_be(outcome_of(there)->n[ARRIVAL_INTERFACE], BY_LOOPBACK);
	}
}
#endif

/* One datagram from afar and one from home, and when they have come (for the marks behind them
 * have) what the socket has got of them. */
static void hears(actor *here, actor *there, int kind, const int ports[2],
		  const char *const heard[2])
{
	does(here, sock.send_to_port("c", kind, "from afar", AT(THERE, ports[0])));
	does(here, sock.send_to_port("c", kind, "a mark", AT(THERE, ports[1])));
	does_give(there, sock.receive("mark", 100, 0), "a mark");
	does(there, sock.send_to_port("c", kind, "from home", ports[0]));
	does(there, sock.send_to_port("c", kind, "a mark", ports[1]));
	does_give(there, sock.receive("mark", 100, 0), "a mark");
	for (int i = 0; i < 2; i++)
		if (heard[i])
			does_give(there, sock.receive("s", 100, 0), heard[i]);
	does_fail(there, sock.receive("s", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, bound_to_a_device_it_hears_no_other, udp_kinds)
{
	actor *here = cast("here"), *there = join(here);
	int ports[2];

	does(there, sock.serve_at("s", row->kind, 0, ANYWHERE));
	ports[0] = (int)outcome_of(there)->value;
	does(there, sock.serve_at("mark", row->kind, 0, ANYWHERE));
	ports[1] = (int)outcome_of(there)->value;
	does(here, sock.make("c", row->kind));
	does(there, sock.make("c", row->kind));
	does_give(there, sock.device("s"), "");
	does(there, sock.bind_to_device("s", "lo"));
	does_give(there, sock.device("s"), "lo");
	hears(here, there, row->kind, ports, (const char *const[]){"from home", NULL});
	does(there, sock.bind_to_device("s", "cable"));
	does_give(there, sock.device("s"), "cable");
	hears(here, there, row->kind, ports, (const char *const[]){"from afar", NULL});
	does(there, sock.bind_to_device("s", ""));
	does_give(there, sock.device("s"), "");
	hears(here, there, row->kind, ports, (const char *const[]){"from afar", "from home"});
}

TEST_VARIANT(sock, bound_to_a_device_it_hears_no_other, listener)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", TCP4, 5, ANYWHERE));
	int port = (int)outcome_of(there)->value;
	does(there, sock.bind_to_device("s", "lo"));
	does_fail(here, sock.reach("c", TCP4, "s", AT(THERE, port)), ECONNREFUSED);
	does(there, sock.reach("c", TCP4, "s", port));
	does(there, sock.accept("s", "d"));
	does(there, sock.bind_to_device("s", "cable"));
	does_fail(there, sock.reach("c", TCP4, "s", port), ECONNREFUSED);
	does(here, sock.reach("c", TCP4, "s", AT(THERE, port)));
	does(there, sock.accept("s", "d"));
}

/* -- as much as a frame holds ----------------------------------------------------------------- */

#ifdef IP_PMTUDISC_DO
static const struct {
	const char *name;
	int kind, level, discover, unit, headers;
} frames[] = {
	{"udp4", UDP4, IPPROTO_IP, IP_MTU_DISCOVER, IP_MTU, 20 + 8},
	{"udp6", UDP6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_MTU, 40 + 8},
};

TEST_EACH(sock, undivided_datagram_fits_a_frame, frames)
{
	actor *here = cast("here"), *there = join(here);

	does(there, sock.serve_at("s", row->kind, 0, THERE));
	does(here, sock.reach("c", row->kind, "s", AT(THERE, outcome_of(there)->value)));
	does(here, sock.set_option("c", row->level, row->discover, IP_PMTUDISC_DO));
	does(here, sock.option("c", row->level, row->unit));
	long long most = outcome_of(here)->value - row->headers;
	does_fail(here, sock.send_pattern("c", most + 1, 0), EMSGSIZE);
	does_give(here, sock.send_pattern("c", most, 0), most);
	does_give(there, fd.read_pattern("s", 0, 100000), most);
	does_fail(there, sock.receive("s", 1, MSG_DONTWAIT), EAGAIN);
}
#endif
