// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>

#include "../../../controlplane/auth/ticket.h"

static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static struct ticket_seal *seal;

static void init(void)
{
	cr_assert_eq(ticket_seal_create(&seal, key), 0);
}

static void fini(void)
{
	ticket_seal_destroy(seal);
}

TestSuite(ticket, .init = init, .fini = fini);

Test(ticket, what_was_sealed_is_read_again)
{
	static const struct ticket table[] = {
		{.serial = 1, .slot = 0, .number = 1},
		{.serial = UINT64_MAX, .slot = UINT32_MAX, .number = UINT32_MAX},
		{.serial = 0x123456789abcdef, .slot = 77, .number = 3},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		uint8_t sealed[TICKET_LENGTH];
		struct ticket t = {0};

		cr_assert_eq(ticket_close(seal, &table[i], sealed), 0);
		cr_assert_eq(ticket_open(seal, sealed, &t), 0);
		cr_expect_eq(t.serial, table[i].serial);
		cr_expect_eq(t.slot, table[i].slot);
		cr_expect_eq(t.number, table[i].number);
	}
}

Test(ticket, is_one_block_of_aes_128_as_fips_197_has_it)
{
	// Its appendix C.1: this plaintext under this key. The fields are the host's, here little-endian.
	const struct ticket t = {
		.serial = 0x7766554433221100, .slot = 0xbbaa9988, .number = 0xffeeddcc};
	static const char expected[] = "69c4e0d86a7b0430d8cdb78070b4c55a";
	uint8_t sealed[TICKET_LENGTH];

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		cr_skip_test("the vector is for little-endian hosts");
	cr_assert_eq(ticket_close(seal, &t, sealed), 0);
	cr_expect_arr_eq(sealed, expected, sizeof(sealed));
}

static unsigned int digits_apart(const uint8_t a[TICKET_LENGTH], const uint8_t b[TICKET_LENGTH])
{
	unsigned int n = 0;

	for (size_t i = 0; i < TICKET_LENGTH; i++)
		n += a[i] != b[i];
	return n;
}

Test(ticket, is_text)
{
	uint8_t sealed[TICKET_LENGTH];

	for (uint32_t i = 1; i < 1000; i++) {
		cr_assert_eq(
			ticket_close(seal, &(struct ticket){.serial = 9, .number = i}, sealed), 0);
		for (size_t j = 0; j < TICKET_LENGTH; j++)
			cr_assert(isdigit(sealed[j]) || (sealed[j] >= 'a' && sealed[j] <= 'f'));
	}
}

Test(ticket, successive_ones_have_nothing_in_common)
{
	uint8_t before[TICKET_LENGTH], sealed[TICKET_LENGTH];

	cr_assert_eq(ticket_close(seal, &(struct ticket){.serial = 9, .number = 1}, before), 0);
	for (uint32_t i = 2; i < 100; i++) {
		cr_assert_eq(
			ticket_close(seal, &(struct ticket){.serial = 9, .number = i}, sealed), 0);
		cr_expect_gt(digits_apart(before, sealed), 20u);
		memcpy(before, sealed, sizeof(before));
	}
}

Test(ticket, one_changed_bit_changes_all_that_is_read)
{
	const struct ticket t = {.serial = 5, .slot = 6, .number = 7};
	uint8_t sealed[TICKET_LENGTH];

	cr_assert_eq(ticket_close(seal, &t, sealed), 0);
	for (unsigned int bit = 0; bit < 8 * TICKET_LENGTH; bit++) {
		struct ticket read = {0};
		int err;

		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = ticket_open(seal, sealed, &read);
		cr_assert(err == 0 || err == -EINVAL);
		cr_expect(read.serial != t.serial && read.slot != t.slot && read.number != t.number,
			"bit %u", bit);
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(ticket, another_key_reads_something_else)
{
	const struct ticket t = {.serial = 5, .slot = 6, .number = 7};
	const uint8_t other[16] = {1};
	struct ticket_seal *stranger;
	uint8_t sealed[TICKET_LENGTH];
	struct ticket read;

	cr_assert_eq(ticket_seal_create(&stranger, other), 0);
	cr_assert_eq(ticket_close(stranger, &t, sealed), 0);
	cr_assert_eq(ticket_open(seal, sealed, &read), 0);
	cr_expect_neq(read.serial, t.serial);
	ticket_seal_destroy(stranger);
}
