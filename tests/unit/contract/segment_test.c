// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Where everything in the segments and the vault lies.
#include <string.h>

#include <criterion/criterion.h>

#include <turnpike/segment.h>
#include <turnpike/vault.h>

static struct tp_header header(
	uint32_t workers, uint64_t commands, uint64_t results, uint64_t punts)
{
	return (struct tp_header){
		.workers = workers, .commands = commands, .results = results, .punts = punts};
}

Test(segment, rings_lie_one_behind_the_other_up_to_the_very_end)
{
	for (uint32_t workers = 1; workers <= TP_WORKERS_MAX; workers++) {
		struct tp_header h = header(workers, 8192, 4096, 65536);
		uint64_t end = sizeof(struct tp_dataplane_segment) +
			       workers * sizeof(struct tp_worker_out);

		for (uint32_t w = 0; w < workers; w++) {
			cr_assert_eq(tp_results_offset(&h, w), end);
			cr_assert_eq(end % TP_LINE, 0);
			end += h.results;
			cr_assert_eq(tp_punts_offset(&h, w), end);
			end += h.punts;
		}
		cr_assert_eq(tp_dataplane_size(&h), end);
		end = sizeof(struct tp_control_segment) + workers * sizeof(struct tp_worker_in);
		for (uint32_t w = 0; w < workers; w++) {
			cr_assert_eq(tp_commands_offset(&h, w), end);
			cr_assert_eq(end % TP_LINE, 0);
			end += h.commands;
		}
		cr_assert_eq(tp_control_size(&h), end);
	}
}

Test(segment, sizes_are_the_ones_that_this_abi_version_promises)
{
	struct tp_header h = header(2, 4096, 4096, 4096);

	cr_assert_eq(sizeof(struct tp_dataplane_segment), 7680);
	cr_assert_eq(sizeof(struct tp_control_segment), 2240);
	cr_assert_eq(sizeof(struct tp_worker_out), 2304);
	cr_assert_eq(sizeof(struct tp_worker_in), 192);
	cr_assert_eq(tp_dataplane_size(&h), 7680 + 2 * (2304 + 8192));
	cr_assert_eq(tp_control_size(&h), 2240 + 2 * (192 + 4096));
}

Test(segment, counts_and_sizes_out_of_bounds_have_no_layout)
{
	const uint64_t bad[] = {0, 1, 2048, 4095, 4097, 1ull << 31, 1ull << 62, UINT64_MAX};
	const uint32_t workers[] = {0, TP_WORKERS_MAX + 1, 1u << 31, UINT32_MAX};
	struct tp_header h;

	for (uint32_t i = 0; i < sizeof(workers) / sizeof(*workers); i++) {
		h = header(workers[i], 4096, 4096, 4096);
		cr_assert_eq(tp_dataplane_size(&h), 0);
		cr_assert_eq(tp_control_size(&h), 0);
	}
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		h = header(1, bad[i], 4096, 4096);
		cr_assert_eq(tp_control_size(&h), 0);
		h = header(1, 4096, bad[i], 4096);
		cr_assert_eq(tp_dataplane_size(&h), 0);
		h = header(1, 4096, 4096, bad[i]);
		cr_assert_eq(tp_dataplane_size(&h), 0);
	}
	h = header(1, 4096, 4096, 4096);
	h.owners = TP_RELAYS_MAX * 65535u + 1;
	cr_assert_eq(tp_dataplane_size(&h), 0);
	h = header(TP_WORKERS_MAX, 1u << 30, 1u << 30, 1u << 30);
	cr_assert_eq(tp_dataplane_size(&h), 7680 + 64ull * (2304 + (2ull << 30)));
}

Test(segment, the_map_of_owners_has_a_byte_for_each_relay_port_behind_all_rings)
{
	struct tp_capabilities c = {.relays = 3, .port_min = 50000, .port_max = 50009};
	struct tp_header h = header(2, 4096, 4096, 8192);
	uint64_t rings = tp_dataplane_size(&h);

	cr_assert_eq(tp_owners_size(&c), 30);
	cr_assert_eq(tp_owner_index(&c, 0, 50000), 0);
	cr_assert_eq(tp_owner_index(&c, 0, 50009), 9);
	cr_assert_eq(tp_owner_index(&c, 2, 50009), 29);
	h.owners = tp_owners_size(&c);
	cr_assert_eq(tp_owners_offset(&h), rings);
	cr_assert_eq(tp_dataplane_size(&h), rings + 64, "whole lines");
	h.owners = 65;
	cr_assert_eq(tp_dataplane_size(&h), rings + 128);

	c = (struct tp_capabilities){.relays = TP_RELAYS_MAX, .port_min = 1, .port_max = 65535};
	h.owners = tp_owners_size(&c);
	cr_assert_eq(h.owners, 64 * 65535);
	cr_assert_eq(tp_owner_index(&c, 63, 65535), h.owners - 1);
	cr_assert_eq(tp_dataplane_size(&h), rings + 64 * 65535);
}

// A client's worker is written into two programs: these values keep them together.
Test(segment, a_client_has_one_worker_whatever_the_process)
{
	struct tp_endpoint v4 = {.ip = tp_ip4(TP_BE32(0xc0000201)), .port = 40000};
	struct tp_endpoint v6 = {.ip = {.b = {0x20, 1, 0xd, 0xb8, [15] = 7}}, .port = 40000};
	uint32_t seen[8] = {0};

	cr_assert_eq(tp_client_worker(&v4, 1), 0);
	cr_assert_eq(tp_client_worker(&v4, 64), ((0xc0000201u ^ 40000u) * 0x9e3779b1u >> 16) % 64);
	cr_assert_eq(
		tp_client_worker(&v6, 64), ((0x20010db8u ^ 7u ^ 40000u) * 0x9e3779b1u >> 16) % 64);
	for (uint16_t port = 1024; port < 1024 + 8000; port++) {
		v4.port = port;
		seen[tp_client_worker(&v4, 8)]++;
	}
	for (int i = 0; i < 8; i++)
		cr_assert(seen[i] > 800 && seen[i] < 1200, "worker %d got %u of 8000", i, seen[i]);
}

Test(vault, holds_its_header_and_every_slot_and_no_count_overflows)
{
	const uint64_t header = 128 + 64 * 16 + 256 * 24;

	cr_assert_eq(tp_vault_size(0, 0), header + 64 * 64);
	cr_assert_eq(tp_vault_size(1, 0), header + 64 * 64 + 168);
	cr_assert_eq(tp_vault_size(0, 1), header + 64 * 64 + 40);
	cr_assert_eq(tp_vault_size(1000000, 2000000), header + 168000000 + 80000000 + 16000000);
	cr_assert_eq(tp_vault_size(UINT32_MAX, UINT32_MAX),
		header + 208ull * UINT32_MAX + 64ull * (UINT32_MAX / 4));
}
