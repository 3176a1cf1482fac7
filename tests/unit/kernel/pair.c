// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "pair.h"

struct pair pair;

static void dropped(void *, uint32_t allocation, uint8_t, uint16_t)
{
	mirror_dropped(pair.mirror, pair.dropping, allocation);
}

void pair_start(void)
{
	pair.config = config();
	fake_init(&pair.fake, &pair.config.capabilities);
	pair.mirror = fake_mirror(&pair.fake, &pair.config.capabilities);
	for (int i = 0; i < 2; i++) {
		pair.relay[i] = create(&pair.config);
		relay_on_dropped(pair.relay[i], dropped, NULL);
	}
}

void pair_stop(void)
{
	mirror_destroy(pair.mirror);
	for (int i = 0; i < 2; i++)
		relay_destroy(pair.relay[i]);
}

static bool mirrored(uint32_t worker, const struct tp_command *c)
{
	uint32_t from = 0;

	if (c->kind != TP_SWEEP)
		return mirror_apply(pair.mirror, worker, c) == 0;
	do
		from = mirror_sweep(pair.mirror, worker, c->generation, from);
	while (from);
	return true;
}

enum tp_status pair_run(uint32_t worker, struct tp_command c)
{
	enum tp_status status;

	pair.dropping = worker;
	status = relay_apply(pair.relay[worker], &c, T0);
	if (status != TP_STATUS_OK || mirrored(worker, &c))
		return status;
	if (c.kind == TP_MOVE_ALLOCATION) {
		relay_stay(pair.relay[worker], c.allocation);
		return TP_STATUS_NO_SPACE;
	}
	c.kind = c.kind == TP_PUT_ALLOCATION   ? TP_DROP_ALLOCATION
		 : c.kind == TP_PUT_PERMISSION ? TP_DROP_PERMISSION
					       : TP_DROP_CHANNEL;
	relay_apply(pair.relay[worker], &c, T0);
	return TP_STATUS_NO_SPACE;
}
