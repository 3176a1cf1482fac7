// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "request.h"

static const char *nonce_for(struct auth *auth, const struct tp_endpoint *from, uint64_t now)
{
	static char nonce[AUTH_NONCE_MAX];

	cr_assert(auth_nonce(auth, from, now, nonce) == strlen(nonce));
	return nonce;
}

static int with_nonce(
	struct auth *auth, const char *nonce, const struct tp_endpoint *from, uint64_t now)
{
	struct request r = {
		.user = "alice", .realm = REALM, .nonce = nonce, .password = "wonderland"};
	struct auth_result result;

	return check_at(auth, &r, from, now, &result);
}

Test(nonce, is_the_cookie_and_15_characters_of_base64)
{
	struct auth *auth = auth_of_test();

	for (unsigned int i = 0; i < 1000; i++) {
		const char *nonce = nonce_for(auth, &client, NOW + i);

		cr_assert(strlen(nonce) == 28);
		cr_assert(strncmp(nonce, "obMatJos2", 9) == 0);
		cr_assert(strspn(nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789+/") == 28);
	}
	auth_destroy(auth);
}

Test(nonce, its_cookie_tells_password_algorithms_and_without_rest_users_anonymity)
{
	struct auth *rest = auth_of_test(), *named_only = auth_of_named();

	cr_assert(strncmp(nonce_for(rest, &client, NOW), "obMatJos2AAAB", 13) == 0);
	cr_assert(strncmp(nonce_for(named_only, &client, NOW), "obMatJos2AAAD", 13) == 0);
	auth_destroy(rest);
	auth_destroy(named_only);
}

Test(nonce, a_401_with_the_longest_realm_is_120_bytes)
{
	static const uint8_t tid[TP_STUN_TID];
	struct auth_config config = config_of_test();
	uint8_t bytes[128];
	const uint8_t *algorithms;
	struct stun_writer w;
	struct auth *auth;
	size_t n;

	config.users = named;
	config.users_count = 2;
	config.realm = "turn.of-28-bytes.example.org";
	auth = auth_of(&config);
	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_ERROR, tid);
	stun_put_error(&w, 401, "Unauthenticated");
	stun_put(&w, TP_ATTR_REALM, auth_realm(auth), strlen(auth_realm(auth)));
	stun_put(&w, TP_ATTR_NONCE, nonce_for(auth, &client, NOW), 28);
	n = auth_algorithms(auth, &algorithms);
	stun_put(&w, TP_ATTR_PASSWORD_ALGORITHMS, algorithms, n);
	cr_assert(n == 8 && stun_finish(&w) == 120);
	auth_destroy(auth);
}

Test(nonce, holds_for_its_lifetime_to_the_second)
{
	struct auth_config config = config_of_test();

	for (unsigned int i = 0; i < 2; i++) {
		const uint32_t lifetime = i ? 3600 : 60;
		struct auth *auth;
		const char *nonce;

		config.nonce_lifetime_s = i ? 0 : 60;
		auth = auth_of(&config);
		nonce = nonce_for(auth, &client, NOW);
		cr_assert(with_nonce(auth, nonce, &client, NOW) == 0);
		cr_assert(with_nonce(auth, nonce, &client, NOW + lifetime) == 0);
		cr_assert(with_nonce(auth, nonce, &client, NOW + lifetime + 1) == 438);
		cr_assert(with_nonce(auth, nonce, &client, NOW - 1) == 438, "from the future");
		auth_destroy(auth);
	}
}

Test(nonce, of_another_port_or_address_is_438)
{
	struct auth *auth = auth_of_test();
	const char *nonce = nonce_for(auth, &client, NOW);

	for (unsigned int bit = 0; bit < 16 + 128; bit++) {
		struct tp_endpoint other = client;

		if (bit < 16)
			other.port ^= (uint16_t)(1u << bit);
		else
			other.ip.b[(bit - 16) / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(with_nonce(auth, nonce, &other, NOW) == 438, "bit %u", bit);
	}
	cr_assert(with_nonce(auth, nonce, &client, NOW) == 0);
	auth_destroy(auth);
}

Test(nonce, survives_a_restart_with_the_same_key_only)
{
	struct auth_config config = config_of_test();
	struct auth *before = auth_of(&config), *after = auth_of(&config), *other;
	const char *nonce = nonce_for(before, &client, NOW);

	auth_destroy(before);
	config.nonce_key[15] ^= 1;
	other = auth_of(&config);
	cr_assert(with_nonce(after, nonce, &client, NOW + 1) == 0);
	cr_assert(with_nonce(other, nonce, &client, NOW + 1) == 438);
	auth_destroy(after);
	auth_destroy(other);
}

Test(nonce, of_another_realm_is_438)
{
	struct auth_config config = config_of_test();
	struct auth *auth = auth_of(&config), *other;

	config.realm = "other.example.org";
	other = auth_of(&config);
	cr_assert(with_nonce(auth, nonce_for(other, &client, NOW), &client, NOW) == 438);
	auth_destroy(auth);
	auth_destroy(other);
}

Test(nonce, of_another_list_of_algorithms_is_438)
{
	struct auth_config config = config_of_test();
	struct auth *auth = auth_of(&config), *other;

	config.users_count = 1; // without bob, who has no SHA-256 key
	other = auth_of(&config);
	cr_assert(with_nonce(auth, nonce_for(other, &client, NOW), &client, NOW) == 438);
	auth_destroy(auth);
	auth_destroy(other);
}

Test(nonce, of_any_other_spelling_is_438)
{
	struct auth *auth = auth_of_test();
	char nonce[AUTH_NONCE_MAX + 8];

	for (size_t at = 0; at < 28; at++)
		for (unsigned int c = 1; c < 256; c++) {
			strcpy(nonce, nonce_for(auth, &client, NOW));
			if (nonce[at] == (char)c)
				continue;
			nonce[at] = (char)c;
			cr_assert(with_nonce(auth, nonce, &client, NOW) == 438, "%zu %u", at, c);
		}
	for (size_t n = 0; n < 28; n++) {
		strcpy(nonce, nonce_for(auth, &client, NOW));
		nonce[n] = '\0';
		cr_assert(with_nonce(auth, nonce, &client, NOW) == 438, "cut to %zu", n);
	}
	strcpy(nonce, nonce_for(auth, &client, NOW));
	strcat(nonce, "=");
	cr_assert(with_nonce(auth, nonce, &client, NOW) == 438);
	auth_destroy(auth);
}

Test(nonce, holds_across_the_wrap_of_32_bit_seconds)
{
	struct auth *auth = auth_of_test();
	const uint64_t wrap = 1ull << 32;
	const char *nonce = nonce_for(auth, &client, wrap - 10);

	cr_assert(with_nonce(auth, nonce, &client, wrap + 10) == 0);
	cr_assert(with_nonce(auth, nonce, &client, wrap + 3591) == 438);
	auth_destroy(auth);
}
