// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What is lost, doubled and out of order by chance is found as often as it was done.

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "track.h"

#define PACKETS 20000u

static void arrives(struct track *t, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(track_arrive(t, first + i), TRACK_NEW);
}

static void is(const struct track *t, uint32_t received, uint32_t duplicates, uint32_t reordered,
	uint32_t late)
{
	cr_assert_eq(t->received, received);
	cr_assert_eq(t->duplicates, duplicates);
	cr_assert_eq(t->reordered, reordered);
	cr_assert_eq(t->late, late);
}

Test(turngun_track, in_order_nothing_is_told)
{
	struct track t = {0};

	arrives(&t, 0, PACKETS);
	is(&t, PACKETS, 0, 0, 0);
}

Test(turngun_track, losses_of_any_length_are_what_is_missing)
{
	for (uint32_t hole = 1; hole < 3 * TRACK_WINDOW; hole += 7) {
		struct track t = {0};

		arrives(&t, 0, 1000);
		arrives(&t, 1000 + hole, 1000);
		is(&t, 2000, 0, 0, 0);
		cr_assert_eq(t.next, 2000 + hole);
	}
}

Test(turngun_track, each_second_arrival_is_a_duplicate_once)
{
	struct track t = {0};

	arrives(&t, 0, 1000);
	for (uint32_t s = 1000 - TRACK_WINDOW; s < 1000; s++)
		cr_assert_eq(track_arrive(&t, s), TRACK_DUPLICATE);
	is(&t, 1000, TRACK_WINDOW, 0, 0);
}

Test(turngun_track, a_packet_behind_a_later_one_is_reordered_and_no_loss)
{
	struct track t = {0};

	arrives(&t, 0, 10);
	arrives(&t, 11, 5);
	arrives(&t, 10, 1);
	arrives(&t, 16, 5);
	is(&t, 21, 0, 1, 0);
	cr_assert_eq(track_arrive(&t, 10), TRACK_DUPLICATE);
}

Test(turngun_track, too_far_behind_a_packet_is_late)
{
	struct track t = {0};

	arrives(&t, 1, TRACK_WINDOW);
	arrives(&t, 0, 1);
	is(&t, TRACK_WINDOW + 1, 0, 1, 1);
}

// A random order with bounded distance, losses and duplicates, all known.
Test(turngun_track, what_chance_does_is_found_exactly)
{
	for (unsigned int seed = 1; seed < 20; seed++) {
		struct track t = {0};
		uint32_t lost = 0, doubled = 0, reordered = 0, newest = 0;
		uint32_t *order = malloc(2 * PACKETS * sizeof(*order)), n = 0;
		bool *seen = calloc(PACKETS, sizeof(*seen));

		srandom(seed);
		for (uint32_t s = 0; s < PACKETS; s++) {
			uint32_t chance = (uint32_t)random() % 100;

			if (chance < 5) {
				lost++;
				continue;
			}
			order[n++] = s;
			if (chance < 10) {
				order[n++] = s;
				doubled++;
			}
		}
		// Within stretches of 100, so that none is late.
		for (uint32_t i = 0; i < n / 100 * 100; i++) {
			uint32_t with = i / 100 * 100 + (uint32_t)random() % 100, other = order[i];

			order[i] = order[with];
			order[with] = other;
		}
		for (uint32_t i = 0; i < n; i++) {
			reordered += !seen[order[i]] && i && order[i] < newest;
			newest = order[i] > newest ? order[i] : newest;
			cr_assert_eq(track_arrive(&t, order[i]),
				seen[order[i]] ? TRACK_DUPLICATE : TRACK_NEW);
			seen[order[i]] = true;
		}
		is(&t, PACKETS - lost, doubled, reordered, 0);
		free(order);
		free(seen);
	}
}
