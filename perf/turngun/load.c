// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../dataplane/frame/checksum.h"
#include "front.h"
#include "pacer.h"
#include "payload.h"

#define QUIET_NS 50000000u // without anything at the end: nothing is under way any more
#define GRACE_NS 1000000000u // at most
#define RECEIVES_MAX 8u // bursts between looks at what is due
#define TRAILING_SHARE \
	50u // of a trial: longer than that no wire is behind because of a gap at its end
#define OVERTIME_SHARE 4u // of a trial: what such a gap held back may take
#define LOOK_NS 100000u // between looks at the thread's clock
#define RUN_MARK 0x80000080u // a peer's data must begin like no ChannelData and no STUN message

struct shooting {
	struct load *load;
	struct pacer pacer;
	uint32_t *active; // streams, in the order in which they take turns
	uint32_t count;
	uint32_t next; // in `active`
	uint32_t size; // in the cycle of sizes
	uint64_t looked_ns, caught_cpu_ns; // the thread's time when nothing was due
};

static bool goes(const struct stream *s, uint8_t direction)
{
	return s->way == WAY_HAIRPIN ||
	       direction & (s->way == WAY_TO_PEER ? DIRECTION_TO_PEER : DIRECTION_TO_CLIENT);
}

static void advance(struct shooting *s)
{
	s->size++;
	if (++s->next == s->count) {
		s->next = 0;
		// One further: where streams are a multiple of the cycle each would have one size for ever.
		s->size++;
	}
	while (s->size >= s->load->trial->sizes.length)
		s->size -= s->load->trial->sizes.length;
}

static void write_packet(struct shooting *s, struct departure *d, uint64_t now)
{
	struct stream *stream = &s->load->population->stream[s->active[s->next]];
	struct stamp stamp = {.run = s->load->run,
		.stream = s->active[s->next],
		.sequence = stream->sequence,
		.length = s->load->trial->sizes.at[s->size],
		.intended_ns = pacer_take(&s->pacer, now)};
	uint32_t front = stream->front_length, padding;
	uint64_t id = (uint64_t)stamp.stream << 32 | stamp.sequence;

	memcpy(d->data, stream->front, FRONT_MAX);
	padding = front_finish(d->data, front, stamp.length, id);
	d->sum = payload_write(d->data + front, &stamp) + sum_bytes(d->data, front);
	memset(d->data + front + stamp.length, 0, padding);
	d->length = front + stamp.length + padding;
	d->path = &stream->path;
	stream->sequence++;
	advance(s);
}

// What the wire did not take leaves its stream as it was.
static void take_back(struct shooting *s, uint32_t n)
{
	pacer_back(&s->pacer, n);
	for (; n; n--) {
		s->next = (s->next ? s->next : s->count) - 1;
		s->load->population->stream[s->active[s->next]].sequence--;
	}
}

// Returns whether the wire took all of it.
static bool send_due(struct shooting *s, uint64_t now)
{
	const struct wire_ops *ops = s->load->wire->ops;
	struct departure d[WIRE_BURST];
	uint32_t n = pacer_due(&s->pacer, now, WIRE_BURST), left;

	if (!n || !ops->prepare(s->load->wire, d, n))
		return !n;
	for (uint32_t i = 0; i < n; i++)
		write_packet(s, &d[i], now);
	left = n - ops->send(s->load->wire, d, n);
	take_back(s, left);
	return !left;
}

// Whether a sound payload came to whom, and as what, it was sent.
static bool delivered(const struct load *l, const struct stamp *stamp, const struct front *f,
	const struct arrival *a)
{
	const struct stream *s = &l->population->stream[stamp->stream];
	const struct expected *e = &l->population->expected[stamp->stream];

	if (l->reflected)
		return true;
	if (!tp_endpoint_equal(&a->source, &e->source) ||
		!tp_endpoint_equal(&a->destination, &e->destination))
		return false;
	if (s->way == WAY_TO_PEER)
		return !f->front;
	if (s->form == FORM_CHANNEL)
		return f->channel == e->channel;
	return f->indication && tp_endpoint_equal(&f->peer, &e->peer);
}

// UDP's checksum against the bytes, of which the application data's sum is known.
static bool checksum_right(const struct arrival *a, const struct front *f, uint64_t sum)
{
	const uint8_t *behind = f->data + f->length;
	uint32_t rest = a->length - f->front - f->length;

	if (!a->summed)
		return true;
	sum += sum_bytes(a->data, f->front) + sum_at(sum_bytes(behind, rest), f->front + f->length);
	return sum % 0xffff == a->sum % 0xffff;
}

static void count_unknown(struct load *l, const struct stamp *stamp, uint32_t length)
{
	if (length >= PAYLOAD_MIN && l->run - stamp->run < 1u << 16)
		l->stale++;
	else
		l->unknown++;
}

static void take(struct load *l, const struct arrival *a, uint64_t now)
{
	struct population *p = l->population;
	struct stamp stamp = {0};
	enum payload_state state;
	struct load_way *way;
	struct track *track;
	struct front f;
	uint64_t sum;

	if (!front_read(&f, a->data, a->length)) {
		if (!l->keeper || !keeper_take(l->keeper, a, now))
			l->stun++;
		return;
	}
	state = payload_read(&stamp, &sum, f.data, f.length, l->run);
	if (state == PAYLOAD_UNKNOWN) {
		count_unknown(l, &stamp, f.length);
		return;
	}
	if (state == PAYLOAD_BROKEN || stamp.stream >= p->streams) {
		l->broken++;
		return;
	}
	track = &p->track[stamp.stream];
	if (state == PAYLOAD_CORRUPT) {
		track->corrupt++;
		return;
	}
	if (!delivered(l, &stamp, &f, a)) {
		track->misdelivered++;
		return;
	}
	track->bad_checksum += !checksum_right(a, &f, sum);
	if (track_arrive(track, stamp.sequence) == TRACK_DUPLICATE)
		return;
	way = &l->way[p->stream[stamp.stream].way][p->stream[stamp.stream].form];
	way->received++;
	way->received_bytes += stamp.length;
	histogram_add(&way->latency, now > stamp.intended_ns ? now - stamp.intended_ns : 0);
}

// Returns how many came.
static uint32_t receive(struct load *l)
{
	const struct wire_ops *ops = l->wire->ops;
	struct arrival arrivals[WIRE_BURST];
	uint32_t all = 0;
	bool more = true;

	for (uint32_t k = 0; more && k < RECEIVES_MAX; k++) {
		uint32_t n = ops->receive(l->wire, arrivals, &more);
		// What was handed over together is as old as that.
		uint64_t now = n ? clock_ns() : 0;

		for (uint32_t i = 0; i < n; i++)
			take(l, &arrivals[i], now);
		ops->release(l->wire, arrivals, n);
		all += n;
	}
	return all;
}

static uint64_t received(const struct load *l)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < WAYS * FORMS; i++)
		n += l->way[i / FORMS][i % FORMS].received;
	return n;
}

static void look_at_time(struct load *l)
{
	for (uint32_t i = 0; i < WAYS * FORMS; i++)
		l->way[i / FORMS][i % FORMS].received_in_time =
			l->way[i / FORMS][i % FORMS].received;
}

// Waits for what is under way: until all has come, or nothing comes any more.
static void wait_for_rest(struct shooting *s, uint64_t begin)
{
	struct load *l = s->load;
	uint64_t now = begin, came = begin, sent = 0;

	for (uint32_t i = 0; i < s->count; i++)
		sent += l->population->stream[s->active[i]].sequence;
	while (received(l) < sent && now - came < QUIET_NS && now - begin < GRACE_NS) {
		if (receive(l))
			came = clock_ns();
		now = clock_ns();
	}
	l->grace_ns = now - begin;
}

struct window {
	uint64_t begin_ns;
	uint64_t received; // before
};

// One in which the machine was taken away from us is longer, and counts for less.
static void look_at_window(struct load *l, struct window *w, uint64_t now)
{
	uint64_t took = now - w->begin_ns, all;
	double pps;

	if (took < LOAD_WINDOW_NS)
		return;
	all = received(l);
	pps = (double)(all - w->received) * 1e9 / (double)took;
	l->best_pps = pps > l->best_pps ? pps : l->best_pps;
	*w = (struct window){now, all};
}

// Of this thread: a gap, in which something else has the CPU, is not in it.
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void look_whether_caught_up(struct shooting *s, uint64_t now)
{
	if (now - s->looked_ns < LOOK_NS || pacer_due(&s->pacer, now, 1))
		return;
	s->looked_ns = now;
	s->caught_cpu_ns = cpu_ns();
}

// What was due in a gap at the very end, unless the wire is what holds it back: one that takes everything, but too
// slowly, would have the rate be less than was asked for, and nothing lost.
static void send_rest(struct shooting *s, uint64_t until)
{
	uint64_t trial = until - s->pacer.begin_ns;

	if (cpu_ns() - s->caught_cpu_ns > trial / TRAILING_SHARE)
		return;
	while (pacer_waiting(&s->pacer, until) && send_due(s, until - 1) &&
		cpu_ns() - s->caught_cpu_ns < trial / OVERTIME_SHARE)
		receive(s->load);
}

static void shoot(struct shooting *s, double seconds)
{
	struct load *l = s->load;
	uint64_t begin = clock_ns(), until = begin + (uint64_t)(seconds * 1e9), now;
	struct window window = {.begin_ns = begin};

	pacer_begin(&s->pacer, begin, l->trial->rate);
	s->caught_cpu_ns = cpu_ns();
	gaps_begin(&l->gaps, begin);
	for (now = begin; now < until; now = clock_ns()) {
		gaps_look(&l->gaps, now);
		look_at_window(l, &window, now);
		send_due(s, now);
		receive(l);
		look_whether_caught_up(s, now);
		if (l->keeper)
			keeper_step(l->keeper, now);
	}
	gaps_end(&l->gaps, now);
	send_rest(s, until);
	l->sending_ns = clock_ns() - begin;
	look_at_time(l);
	wait_for_rest(s, clock_ns());
}

// What was due by the end and never left: the streams whose turn it would have been.
static void count_unsent(struct shooting *s, double seconds)
{
	uint64_t n = pacer_waiting(&s->pacer, s->pacer.begin_ns + (uint64_t)(seconds * 1e9));

	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t turn = (i + s->count - s->next) % s->count;
		const struct stream *stream = &s->load->population->stream[s->active[i]];

		s->load->way[stream->way][stream->form].unsent += n / s->count +
								  (turn < n % s->count);
	}
}

static void add_up(struct shooting *s)
{
	const struct population *p = s->load->population;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct stream *stream = &p->stream[s->active[i]];
		const struct track *t = &p->track[s->active[i]];
		struct load_way *w = &s->load->way[stream->way][stream->form];
		uint32_t lost = stream->sequence > t->received ? stream->sequence - t->received : 0;
		double loss = stream->sequence ? (double)lost / stream->sequence : 0;

		w->streams++;
		w->sent += stream->sequence;
		w->duplicates += t->duplicates;
		w->reordered += t->reordered;
		w->late += t->late;
		w->corrupt += t->corrupt;
		w->misdelivered += t->misdelivered;
		w->bad_checksum += t->bad_checksum;
		w->worst_stream_loss = loss > w->worst_stream_loss ? loss : w->worst_stream_loss;
	}
	for (uint32_t i = 0; i < WAYS * FORMS; i++) {
		struct load_way *w = &s->load->way[i / FORMS][i % FORMS];

		w->offered = w->sent + w->unsent;
	}
}

void load_total(const struct load *l, struct load_way *total)
{
	memset(total, 0, sizeof(*total));
	for (uint32_t i = 0; i < WAYS * FORMS; i++) {
		const struct load_way *w = &l->way[i / FORMS][i % FORMS];

		total->offered += w->offered;
		total->sent += w->sent;
		total->unsent += w->unsent;
		total->received += w->received;
		total->received_in_time += w->received_in_time;
		total->received_bytes += w->received_bytes;
		total->duplicates += w->duplicates;
		total->reordered += w->reordered;
		total->late += w->late;
		total->corrupt += w->corrupt;
		total->misdelivered += w->misdelivered;
		total->bad_checksum += w->bad_checksum;
		total->streams += w->streams;
		if (w->worst_stream_loss > total->worst_stream_loss)
			total->worst_stream_loss = w->worst_stream_loss;
		histogram_merge(&total->latency, &w->latency);
	}
	total->corrupt += l->broken;
}

// Everything of an earlier trial is forgotten, but for its run, by which stale packets are told.
static void begin(struct load *l)
{
	struct load fresh = {.wire = l->wire,
		.population = l->population,
		.trial = l->trial,
		.reflected = l->reflected,
		.keeper = l->keeper};
	struct population *p = l->population;

	fresh.run = l->run ? l->run + 0x100 : (uint32_t)clock_ns() | RUN_MARK;
	*l = fresh;
	for (uint32_t i = 0; i < p->streams; i++)
		p->stream[i].sequence = 0;
	memset(p->track, 0, p->streams * sizeof(*p->track));
	l->wire_counters = l->wire->ops->count(l->wire);
}

static void count_wire(struct load *l)
{
	struct wire_counters now = l->wire->ops->count(l->wire);

	l->wire_counters.refused = now.refused - l->wire_counters.refused;
	l->wire_counters.missed = now.missed - l->wire_counters.missed;
	l->wire_counters.errors = now.errors - l->wire_counters.errors;
	l->wire_counters.malformed = now.malformed - l->wire_counters.malformed;
}

int load_run(struct load *l, double seconds)
{
	struct shooting s = {.load = l};

	s.active = calloc(l->population->streams + 1, sizeof(*s.active));
	if (!s.active)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->population->streams; i++)
		if (goes(&l->population->stream[i], l->trial->direction))
			s.active[s.count++] = i;
	if (!s.count) {
		fprintf(stderr, "turngun: no flow goes in this direction.\n");
		free(s.active);
		return -EINVAL;
	}
	if (l->keeper)
		keeper_catch_up(l->keeper);
	begin(l);
	shoot(&s, seconds);
	count_wire(l);
	count_unsent(&s, seconds);
	add_up(&s);
	free(s.active);
	return 0;
}
