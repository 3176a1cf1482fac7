// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the other side may write: a ring whose data and tail are the input, changed again while it is
// read, and a good segment whose header the input has changed.
#include <turnpike/attach.h>

#define SIZE 4096u
#define GUARD 4096u

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);

static void check(bool good)
{
	if (!good)
		abort();
}

// A ring's data with unreadable pages around it, made once.
static uint8_t *ring_data(void)
{
	static uint8_t *data;

	if (!data) {
		data = mmap(NULL, SIZE + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(data != MAP_FAILED);
		data += GUARD;
		check(mprotect(data, SIZE, PROT_READ | PROT_WRITE) == 0);
	}
	return data;
}

// Input: where the consumer stands, two tails, then bytes that are laid on each record's header. The
// second tail is stored half way.
static void fuzz_ring(const uint8_t *input, size_t length)
{
	static struct tp_position tail;
	static struct tp_position head;
	uint8_t *data = ring_data();
	struct tp_consumer c;
	uint64_t start;
	uint64_t tails[2];
	uint8_t out[1976];
	uint32_t kind;
	int calls = 0;

	if (length < 24)
		return;
	memcpy(&start, input, 8);
	memcpy(tails, input + 8, 16);
	input += 24;
	length -= 24;
	tail.value = start & ~63ull;
	check(tp_consumer_init(&c, data, SIZE, &tail, &head) == 0);
	memset(data, 0, SIZE);
	for (size_t i = 0; i < length && i < SIZE / 8; i++)
		data[i / 8 * 64 + i % 8] = input[i];
	// Near, so that most tails are worth reading up to; far ones are in the input's high bytes.
	tail.value += tails[0] >> 56 ? tails[0] : tails[0] % (SIZE + 128);
	for (;;) {
		uint64_t before = c.local;
		int n = tp_ring_next(&c, &kind, out, sizeof(out));

		if (n == -EAGAIN) {
			if (calls > 500 || tail.value == tails[1])
				break;
			tail.value = tails[1];
		}
		check(n == -EAGAIN || n == -EPROTO || n == -EMSGSIZE ||
			(n >= 0 && n <= (int)sizeof(out)));
		check(n < 0 || kind != TP_FILLER);
		check(n < 0 || (c.local - before >= (uint64_t)n && c.local - before <= SIZE));
		check(c.local % TP_RING_ALIGN == 0);
		check(++calls < 1000);
		tp_ring_release(&c);
	}
	check(!tp_ring_ready(&c));
}

struct segment {
	struct tp_header good;
	struct tp_mapping own;
	int fd;
};

static void make_segment(struct segment *s, uint64_t magic)
{
	s->good = (struct tp_header){.magic = magic, .abi = TP_ABI, .workers = 3};
	s->good.commands = s->good.results = s->good.punts = 4096;
	s->good.owners = magic == TP_MAGIC_CONTROL ? 0 : 1000;
	s->good.size = magic == TP_MAGIC_CONTROL ? tp_control_size(&s->good)
						 : tp_dataplane_size(&s->good);
	s->fd = tp_segment_create("fuzz", s->good.size, &s->own);
	check(s->fd >= 0);
}

// A good header, changed by the input: what is still taken has every ring inside.
static void fuzz_header(struct segment *s, const uint8_t *input, size_t length)
{
	struct tp_mapping other = {0};
	const struct tp_header *h = &other.header;
	uint8_t *b = s->own.base;

	memcpy(b, &s->good, sizeof(s->good));
	for (size_t i = 0; i < length && i < sizeof(s->good); i++)
		b[i] ^= input[i];
	if (tp_segment_map(s->fd, s->good.magic, &other))
		return;
	// Its writer goes on writing.
	memset(b, 0xff, sizeof(s->good));
	check(other.size == s->good.size && h->workers <= TP_WORKERS_MAX);
	for (uint32_t w = 0; w < h->workers; w++) {
		if (s->good.magic == TP_MAGIC_CONTROL) {
			check(tp_commands_offset(h, w) + h->commands <= other.size);
			continue;
		}
		check(tp_results_offset(h, w) + h->results <= tp_punts_offset(h, w));
		check(tp_punts_offset(h, w) + h->punts <= tp_owners_offset(h));
		check(tp_owners_offset(h) + h->owners <= other.size);
	}
	tp_unmap(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
	static struct segment control;
	static struct segment dataplane;

	if (!control.own.base) {
		make_segment(&control, TP_MAGIC_CONTROL);
		make_segment(&dataplane, TP_MAGIC_DATAPLANE);
	}
	fuzz_ring(input, length);
	fuzz_header(&control, input, length);
	fuzz_header(&dataplane, input, length);
	return 0;
}
