/* SPDX-License-Identifier: MIT */
/*
 * Machines of a story's own: network namespaces, joined by a pair of virtual Ethernet ends.  This
 * is no call under test but the world that some tests need, so it asks the kernel directly, in the
 * words of rtnetlink(7), and no program for it has to be there.
 */
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "stage/perform.h"

/* What this process's machine is; what it forks is on the same. */
static int own_number;

int machine_number(void)
{
	return own_number;
}

/* -- the words of rtnetlink, for libraries that come without the kernel's headers ---------------
 */

enum {
	NEW_LINK = 16,
	GET_LINK = 18,
	NEW_ADDRESS = 20,
	NEW_ROUTE = 24,
	NEW_NEIGHBOUR = 28,
	SET_NEIGHBOURS = 67,
};
enum { AN_ERROR = 2, REQUEST = 0x1, ACKNOWLEDGE = 0x4, REPLACE = 0x100, CREATE = 0x400 };
enum {
	LINK_NEWS = 1,
	ADDRESS_NEWS = 0x100,
	PERMANENT = 0x80,
	NO_DETECTION = 0x02,
	NO_PREFIX_ROUTE = 0x200
};
enum { MAIN_TABLE = 254, STATIC = 4, LINK_SCOPE = 253, UNICAST = 1 };

struct header {
	uint32_t size;
	uint16_t type, flags;
	uint32_t sequence, port;
};

struct attribute {
	uint16_t size, type;
};

struct link_message {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};

struct address_message {
	uint8_t family, prefix, flags, scope;
	uint32_t index;
};

struct route_message {
	uint8_t family, prefix, source_prefix, tos, table, protocol, scope, type;
	uint32_t flags;
};

struct neighbour_message {
	uint8_t family, pad[3];
	int32_t index;
	uint16_t state;
	uint8_t flags, type;
};

struct table_message {
	uint8_t family, pad[3];
};

struct netlink_address {
	uint16_t family, pad;
	uint32_t port, groups;
};

struct message {
	_Alignas(8) unsigned char bytes[1024];
	size_t size;
};

static void append(struct message *m, const void *data, size_t size)
{
	size_t padded = (size + 3) & ~(size_t)3;

	must(m->size + padded <= sizeof(m->bytes));
	memset(m->bytes + m->size, 0, padded);
	memcpy(m->bytes + m->size, data, size);
	m->size += padded;
}

static struct message message(uint16_t type, uint16_t flags, const void *body, size_t size)
{
	struct header header = {0, type, (uint16_t)(REQUEST | flags), 1, 0};
	struct message m = {.size = 0};

	append(&m, &header, sizeof(header));
	append(&m, body, size);
	return m;
}

static void add(struct message *m, uint16_t type, const void *data, size_t size)
{
	struct attribute a = {(uint16_t)(sizeof(a) + size), type};

	append(m, &a, sizeof(a));
	append(m, data, size);
}

static void add_number(struct message *m, uint16_t type, uint32_t number)
{
	add(m, type, &number, sizeof(number));
}

static size_t open_nest(struct message *m, uint16_t type)
{
	size_t at = m->size;

	add(m, type, "", 0);
	return at;
}

static void close_nest(struct message *m, size_t at)
{
	uint16_t size = (uint16_t)(m->size - at);

	memcpy(m->bytes + at, &size, sizeof(size));
}

static int open_netlink(uint32_t groups)
{
	struct netlink_address own = {AF_NETLINK, 0, 0, groups};
	struct timeval patience = {5, 0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);

	/* where half of it works there may be no answer ever */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&own, sizeof(own)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool post(int fd, struct message *m)
{
	uint32_t size = (uint32_t)m->size;

	memcpy(m->bytes, &size, sizeof(size));
	return send(fd, m->bytes, m->size, 0) == (ssize_t)m->size;
}

/* Asks, and waits for the answer: true, or false with errno. */
static bool ask(struct message *m)
{
	struct {
		struct header header;
		int32_t error;
		unsigned char rest[1024];
	} answer;
	int fd = open_netlink(0);

	if (fd < 0)
		return false;
	bool is_answered = post(fd, m) && recv(fd, &answer, sizeof(answer), 0) >=
						  (ssize_t)(sizeof(answer.header) + 4);
	int error = errno;
	close(fd);
	errno = error;
	if (!is_answered)
		return false;
	errno = answer.header.type == AN_ERROR ? -answer.error : EPROTO;
	return errno == 0;
}

/* -- who may not, or can't ----------------------------------------------------------------------
 */

/* Whatever is refused here is no fault of what is under test: there's no machine to test it on. */
static void settle(outcome *out, bool done, const char *what)
{
	if (!outcome_is(out, done ? 0 : -1))
		snprintf(out->absent, sizeof(out->absent), "no second machine here: %s: %s", what,
			 strerror(out->error));
}

/* -- a machine ----------------------------------------------------------------------------------
 */

enum { NEW_NETWORK = 0x40000000, NEW_USERS = 0x10000000 };

/* Who isn't root may be it among users of his own; what goes with that change is put back. */
static bool leave(void)
{
	if (unshare(NEW_NETWORK) == 0)
		return true;
	if (errno != EPERM || unshare(NEW_USERS | NEW_NETWORK) < 0)
		return false;
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return true;
}

static bool turn(const char *interface, bool up)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request;

	if (fd < 0)
		return false;
	memset(&request, 0, sizeof(request));
	strcpy(request.ifr_name, interface);
	bool done = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	if (up)
		request.ifr_flags |= IFF_UP;
	else
		request.ifr_flags &= (short)~IFF_UP;
	done = done && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	int error = errno;
	close(fd);
	errno = error;
	return done;
}

PERFORM(machine, start)
{
	own_number = (int)o->n[0];
	bool done = leave();
	settle(out, done, "unshare");
	if (done)
		settle(out, turn("lo", true), "loopback");
}

/* -- a cable ------------------------------------------------------------------------------------
 */

static const char cable[] = "cable";

enum { ETHERNET = 6, V4 = 4, V6 = 16 };

/* Of Ethernet, and of the internet: 10.77.0.number and fd77::number. */
static void ethernet_of(int number, unsigned char *address)
{
	memcpy(address, (unsigned char[]){2, 0, 0, 0, 77, (unsigned char)number}, ETHERNET);
}

static size_t internet_of(int family, int number, unsigned char *address)
{
	unsigned char last = (unsigned char)number;

	if (family == AF_INET) {
		memcpy(address, (unsigned char[]){10, 77, 0, last}, V4);
		return V4;
	}
	memset(address, 0, V6);
	address[0] = 0xFD;
	address[1] = 0x77;
	address[V6 - 1] = last;
	return V6;
}

unsigned machine_cable(void)
{
	return if_nametoindex(cable);
}

static void add_end(struct message *m, int number)
{
	unsigned char address[ETHERNET];

	ethernet_of(number, address);
	add(m, 3 /* IFLA_IFNAME */, cable, sizeof(cable));
	add(m, 1 /* IFLA_ADDRESS */, address, sizeof(address));
}

/* Machines have the numbers 1 and 2: the other one's is what is left of 3. */
PERFORM(machine, lay_cable)
{
	struct link_message body = {0};
	struct message m = message(NEW_LINK, ACKNOWLEDGE | CREATE, &body, sizeof(body));

	add_end(&m, own_number);
	size_t information = open_nest(&m, 18 /* IFLA_LINKINFO */);
	add(&m, 1 /* IFLA_INFO_KIND */, "veth", 4);
	size_t data = open_nest(&m, 2 /* IFLA_INFO_DATA */);
	size_t peer = open_nest(&m, 1 /* VETH_INFO_PEER */);
	append(&m, &body, sizeof(body));
	add_end(&m, 3 - own_number);
	add_number(&m, 19 /* IFLA_NET_NS_PID */, (uint32_t)o->n[0]);
	close_nest(&m, peer);
	close_nest(&m, data);
	close_nest(&m, information);
	settle(out, ask(&m), "veth");
}

static struct message address_order(int family, int number)
{
	unsigned char address[V6];
	size_t size = internet_of(family, number, address);
	struct address_message body = {(uint8_t)family, family == AF_INET ? 24 : 64, 0, 0,
				       machine_cable()};
	struct message m =
		message(NEW_ADDRESS, ACKNOWLEDGE | CREATE | REPLACE, &body, sizeof(body));

	add(&m, 1 /* IFA_ADDRESS */, address, size);
	add(&m, 2 /* IFA_LOCAL */, address, size);
	if (family == AF_INET)
		add(&m, 4 /* IFA_BROADCAST */, (unsigned char[]){10, 77, 0, 255}, V4);
	add_number(&m, 8 /* IFA_FLAGS */, NO_DETECTION | NO_PREFIX_ROUTE);
	return m;
}

/*
 * An address of IPv6 is put to work in the background: it hears nothing before its news, and
 * whatever else changes a link waits for the rest.
 */
static bool has_address(int family, int number)
{
	struct message m = address_order(family, number);
	struct {
		struct header header;
		struct address_message address;
		unsigned char rest[1024];
	} news = {.address = {0}};
	int fd = family == AF_INET6 ? open_netlink(ADDRESS_NEWS) : -1;
	bool done = ask(&m), is_awaited = done && fd >= 0;
	int error = errno;

	while (is_awaited && !(news.header.type == NEW_ADDRESS && news.address.scope == 0 &&
			       news.address.index == machine_cable()))
		is_awaited = recv(fd, &news, sizeof(news), 0) > 0;
	if (fd >= 0) {
		close(fd);
		turn(cable, true);
	}
	errno = error;
	return done;
}

/* What is lost is sent again after some 10 ms, not after 200. */
static bool has_route(int family)
{
	unsigned char address[V6];
	size_t size = internet_of(family, 0, address);
	struct route_message body = {.family = (uint8_t)family,
				     .prefix = family == AF_INET ? 24 : 64,
				     .table = MAIN_TABLE,
				     .protocol = STATIC,
				     .scope = family == AF_INET ? LINK_SCOPE : 0,
				     .type = UNICAST};
	struct message m = message(NEW_ROUTE, ACKNOWLEDGE | CREATE | REPLACE, &body, sizeof(body));

	add(&m, 1 /* RTA_DST */, address, size);
	add_number(&m, 4 /* RTA_OIF */, machine_cable());
	size_t metrics = open_nest(&m, 8 /* RTA_METRICS */);
	add_number(&m, 1 /* RTAX_LOCK */, 1 << 13);
	add_number(&m, 13 /* RTAX_RTO_MIN */, 10);
	close_nest(&m, metrics);
	return ask(&m);
}

/* The other machine is known, so that nobody has to look for it when the cable is out. */
static bool has_neighbour(int family)
{
	unsigned char address[V6], ethernet[ETHERNET];
	size_t size = internet_of(family, 3 - own_number, address);
	struct neighbour_message body = {
		.family = (uint8_t)family, .index = (int)machine_cable(), .state = PERMANENT};
	struct message m =
		message(NEW_NEIGHBOUR, ACKNOWLEDGE | CREATE | REPLACE, &body, sizeof(body));

	ethernet_of(3 - own_number, ethernet);
	add(&m, 1 /* NDA_DST */, address, size);
	add(&m, 2 /* NDA_LLADDR */, ethernet, sizeof(ethernet));
	return ask(&m);
}

static bool asks(int family, uint32_t times)
{
	const char *name = family == AF_INET ? "arp_cache" : "ndisc_cache";
	struct table_message body = {.family = (uint8_t)family};
	struct message m = message(SET_NEIGHBOURS, ACKNOWLEDGE | REPLACE, &body, sizeof(body));
	uint64_t every = 10;

	add(&m, 1 /* NDTA_NAME */, name, strlen(name) + 1);
	size_t parameters = open_nest(&m, 6 /* NDTA_PARMS */);
	add_number(&m, 1 /* NDTPA_IFINDEX */, machine_cable());
	add(&m, 5 /* NDTPA_RETRANS_TIME */, &every, sizeof(every));
	add_number(&m, 11 /* NDTPA_MCAST_PROBES */, times);
	close_nest(&m, parameters);
	return ask(&m);
}

/* Without IPv6 there are no addresses of it, which the test will notice. */
PERFORM(machine, plug_in)
{
	settle(out,
	       turn(cable, true) && has_address(AF_INET, own_number) && has_route(AF_INET) &&
		       has_neighbour(AF_INET),
	       "addresses");
	if (!out->error && has_address(AF_INET6, own_number))
		settle(out, has_route(AF_INET6) && has_neighbour(AF_INET6), "addresses of IPv6");
}

PERFORM(machine, unplug)
{
	settle(out, turn(cable, false), "cable");
}

PERFORM(machine, answer_for)
{
	settle(out, has_address(AF_INET, (int)o->n[0]), "address");
	if (!out->error)
		has_address(AF_INET6, (int)o->n[0]);
}

PERFORM(machine, ask)
{
	settle(out, asks(AF_INET, (uint32_t)o->n[0]), "neighbours");
	if (!out->error)
		asks(AF_INET6, (uint32_t)o->n[0]);
}

/* The kernel tells of a link that carries when it has begun to send there. */
PERFORM(machine, is_joined)
{
	struct link_message body = {.index = (int)machine_cable()};
	struct message m = message(GET_LINK, 0, &body, sizeof(body));
	struct {
		struct header header;
		struct link_message link;
		unsigned char rest[8192];
	} news = {.link = {0}};
	int fd = open_netlink(LINK_NEWS);
	bool is_told = fd >= 0 && post(fd, &m);

	while (is_told && !(news.header.type == NEW_LINK && news.link.index == body.index &&
			    (news.link.flags & IFF_RUNNING)))
		is_told = recv(fd, &news, sizeof(news), 0) > 0;
	settle(out, is_told, "cable");
	close(fd);
}
