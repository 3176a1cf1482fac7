// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The thread: asks for destinations, looks at the neighbours of next hops, and hears of changes.

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <confine.h>

#include "nexthops.h"

#define EACH_ROUND 64u // of each kind of work, so that none waits long for another
#define AGAIN_PAUSE_MS 5u
#define REFRESH_MS \
	600000u // whatever the kernel changed without telling (an MTU that it learnt) ends
#define PROBE_MS 30000u // of neighbours that the kernel doesn't manage for us

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// Under the lock. The next hop that an answer names, with a reference.
static uint32_t hop_of(struct nexthops *n, const struct rtnl_route *route)
{
	uint8_t port = nexthops_port_of(n, route->ifindex);
	uint16_t mtu;

	if (!route->usable || port == NEXTHOPS_PORTS_MAX || !n->port[port].running)
		return HOP_LOST;
	mtu = n->port[port].mtu;
	if (route->mtu && route->mtu < mtu)
		mtu = (uint16_t)route->mtu;
	return hop_take(n, port, &route->gateway, mtu);
}

// Asks the kernel about the next destination in a queue; false: there was none. The lock is not held while
// the kernel answers: what has become another destination meanwhile is left alone.
static bool ask_next(struct nexthops *n, enum destination_queued queue)
{
	struct rtnl_route route = {.usable = false};
	struct destination *destination;
	struct tp_ip ip;
	uint32_t d;
	int err;

	nexthops_lock(n);
	d = destination_dequeue(n, queue);
	destination = &n->destinations[d];
	ip = destination->ip;
	n->status.asked += d != 0;
	n->status.asked_again += d && queue == QUEUED_AGAIN;
	pthread_mutex_unlock(&n->lock);
	if (!d)
		return false;
	err = rtnl_get_route(&n->rtnl, &ip, &route);
	nexthops_lock(n);
	if (destination->refs && tp_ip_equal(&destination->ip, &ip)) {
		if (err == -EAGAIN) {
			destination_enqueue(n, d, QUEUED_AGAIN);
		} else {
			destination_want(n, d, err ? HOP_LOST : hop_of(n, &route));
			destination_settle(n, d);
		}
	}
	pthread_mutex_unlock(&n->lock);
	return true;
}

// Has a next hop's neighbour managed, and takes in what the kernel knows of it.
static void resolve(struct nexthops *n, uint32_t hop, const struct hop *h)
{
	uint32_t ifindex = n->port[h->port].ifindex;
	struct rtnl_neighbour neighbour;
	int err = rtnl_get_neighbour(&n->rtnl, ifindex, &h->gateway, &neighbour);
	bool refused = false;

	if (err == 0 && !neighbour.managed && !(neighbour.nud & RTNL_NUD_FIXED)) {
		refused = rtnl_use_neighbour(&n->rtnl, ifindex, &h->gateway, true) != 0;
		err = rtnl_get_neighbour(&n->rtnl, ifindex, &h->gateway, &neighbour);
	}
	nexthops_lock(n);
	n->status.refused += refused;
	n->hops[hop].managed = err == 0 && neighbour.managed;
	n->hops[hop].ours = err == 0 && neighbour.managed && neighbour.ours;
	if (err == 0 && neighbour.nud)
		hop_neighbour(n, h->port, &neighbour);
	pthread_mutex_unlock(&n->lock);
}

static void release(struct nexthops *n, const struct hop *h)
{
	rtnl_use_neighbour(&n->rtnl, n->port[h->port].ifindex, &h->gateway, false);
}

// Looks at the next one of the next hops in the queue; false: there was none. Only this thread frees them.
static bool look_next(struct nexthops *n)
{
	bool running, shared, gone;
	uint32_t hop;
	struct hop h;

	nexthops_lock(n);
	hop = n->hops_look.first;
	if (!hop) {
		pthread_mutex_unlock(&n->lock);
		return false;
	}
	n->hops_look.first = n->hops[hop].queue;
	n->hops[hop].queued = false;
	h = n->hops[hop];
	running = n->port[h.port].running;
	shared = hop_shared(n, hop);
	gone = h.refs == 0;
	if (gone) {
		hop_remove(n, hop);
		hop_free(n, hop);
	}
	pthread_mutex_unlock(&n->lock);
	// One that is wanted again meanwhile waits in the queue: it will be managed anew.
	if (gone && h.ours && !shared && running)
		release(n, &h);
	else if (!gone && running)
		resolve(n, hop, &h);
	return true;
}

static bool work(struct nexthops *n, bool (*next)(struct nexthops *n))
{
	for (unsigned int i = 0; i < EACH_ROUND; i++)
		if (!next(n))
			return false;
	return true;
}

static bool ask_new(struct nexthops *n)
{
	return ask_next(n, QUEUED_NEW);
}

// Returns whether more may be asked at once.
static bool ask_again(struct nexthops *n, uint64_t now)
{
	uint32_t allowed = rate_allows(&n->rate, now);
	uint32_t each = allowed < EACH_ROUND ? allowed : EACH_ROUND;

	for (uint32_t i = 0; i < each; i++) {
		if (!ask_next(n, QUEUED_AGAIN))
			return false;
		rate_spend(&n->rate, 1);
	}
	return allowed > each;
}

static void look_at_unmanaged(struct nexthops *n, uint32_t hop, uint8_t)
{
	if (!n->hops[hop].managed && !n->hops[hop].fixed)
		hop_look(n, hop);
}

static void on_time(struct nexthops *n, uint64_t now)
{
	if (now >= n->probe_next_ms) {
		n->probe_next_ms = now + PROBE_MS;
		hops_walk(n, look_at_unmanaged, 0);
	}
	if (now >= n->refresh_next_ms) {
		n->refresh_next_ms = now + REFRESH_MS;
		changes_add_all(&n->changed);
	}
}

// Milliseconds until there is something to do without a wake-up.
static int pause_ms(struct nexthops *n, uint64_t now)
{
	uint64_t next = n->probe_next_ms < n->refresh_next_ms ? n->probe_next_ms
							      : n->refresh_next_ms;

	nexthops_lock(n);
	if (changes_any(&n->changed) || (n->settle && n->status.unsettled))
		next = next < n->scan_next_ms ? next : n->scan_next_ms;
	if (n->again.first && next > now + AGAIN_PAUSE_MS)
		next = now + AGAIN_PAUSE_MS;
	// What ask_again() has just found is to be looked at, and look_next() has been.
	if (n->hops_look.first || n->new.first)
		next = now;
	pthread_mutex_unlock(&n->lock);
	return next > now ? (int)(next - now) : 0;
}

static void wait_for_work(struct nexthops *n, int ms)
{
	struct pollfd fd[2] = {{n->bell, POLLIN, 0}, {rtnl_events_fd(&n->rtnl), POLLIN, 0}};
	uint64_t rings;

	if (poll(fd, 2, ms) > 0 && fd[0].revents && read(n->bell, &rings, sizeof(rings)) < 0)
		return;
}

// What we had managed and nobody will use: the kernel may forget it.
static void let_go(struct nexthops *n)
{
	for (uint32_t hop = HOP_FIRST; hop < n->hops_fresh; hop++)
		if (n->hops[hop].used && n->hops[hop].ours)
			release(n, &n->hops[hop]);
}

void *nexthops_thread(void *context)
{
	struct nexthops *n = context;
	uint64_t now = clock_ms();

	// For neighbours to be managed; whatever else its maker has is not for this.
	confine_keep(CONFINE_BIT(CAP_NET_ADMIN));
	sem_post(&n->started);
	rate_init(&n->rate, AGAIN_A_SECOND, AGAIN_BURST, now);
	n->probe_next_ms = now + PROBE_MS;
	n->refresh_next_ms = now + REFRESH_MS;
	while (!__atomic_load_n(&n->stop, __ATOMIC_ACQUIRE)) {
		bool more = events_read(n);

		if (n->lost)
			events_resync(n);
		now = clock_ms();
		on_time(n, now);
		more |= work(n, ask_new);
		more |= work(n, look_next);
		more |= events_scan(n, now);
		more |= ask_again(n, now);
		wait_for_work(n, more ? 0 : pause_ms(n, now));
	}
	let_go(n);
	return NULL;
}
