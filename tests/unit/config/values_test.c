// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <turnpike/segment.h>
#include <turnpike/wire.h>

#include "../../../controlplane/config/render.h"
#include "fixture.h"

static void expect_endpoint(const struct tp_endpoint *endpoint, const char *expected)
{
	char text[TEXT_ENDPOINT];

	cr_expect_str_eq(text_endpoint(endpoint, text), expected);
}

static void expect_ip(const struct tp_ip *found, const char *expected)
{
	char text[TEXT_IP];

	cr_expect_str_eq(text_ip(found, text), expected);
}

Test(config_values, an_empty_file_gives_every_default)
{
	struct host host = fixture_host();
	struct config *c = good("# nothing\n", &host);

	cr_assert_eq(c->listen_count, 4);
	expect_endpoint(&c->listen[0], "127.0.0.1:3478");
	expect_endpoint(&c->listen[1], "10.0.0.1:3478");
	expect_endpoint(&c->listen[2], "[::1]:3478");
	expect_endpoint(&c->listen[3], "[2001:db8::7]:3478");
	cr_assert_eq(c->relay_count, 2);
	expect_ip(&c->relay[0], "10.0.0.1");
	expect_ip(&c->relay[1], "2001:db8::7");
	cr_expect_eq(c->port_min, 49152);
	cr_expect_eq(c->port_max, 65535);
	cr_expect_str_eq(c->realm, "turnpike");
	cr_expect_str_eq(c->software, "Turnpike " TURNPIKE_VERSION);
	cr_expect_str_eq(c->control_socket, "/run/turnpike/control");
	cr_expect_eq(c->dataplane, CONFIG_DATAPLANE_AUTO);
	cr_expect_eq(c->workers, 3);
	cr_expect_eq(c->limits.allocations, 16384);
	cr_expect_eq(c->limits.allocations_per_user, 0);
	cr_expect_eq(c->limits.allocations_per_address, 0);
	cr_expect_eq(c->limits.unauthenticated_per_second, 200);
	cr_expect_eq(c->limits.network_unauthenticated_per_second, 2000);
	cr_expect_eq(c->limits.permissions_per_allocation, 256);
	cr_expect_eq(c->limits.channels_per_allocation, 256);
	cr_expect_eq(c->limits.permissions_per_user, 0);
	cr_expect_eq(c->limits.channels_per_user, 0);
	cr_expect_eq(c->limits.new_peers_per_second, 10);
	cr_expect_eq(c->limits.user_new_peers_per_second, 10000);
	cr_expect_eq(c->limits.packets_per_second, 1000000);
	cr_expect_eq(c->limits.bits_per_second, 10000000000);
	cr_expect(c->limits.packets_per_second_spared);
	cr_expect(c->limits.bits_per_second_spared);
	cr_expect_eq(c->limits.user_packets_per_second, 0);
	cr_expect_eq(c->limits.user_bits_per_second, 0);
	cr_expect_eq(c->channel_max, TP_CHANNEL_MAX);
	cr_expect_eq(c->users_count + c->secrets_count + c->external_count, 0);
	cr_expect_eq(c->redirect.servers_count, 0);
	cr_expect_str_eq(c->redirect.domain, "");
	cr_expect_eq(c->allow_peers_count + c->deny_peers_count, 0);
	config_free(c);
}

#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char everything[] = "listen: ['0.0.0.0:3478', '[2001:db8::7]:3479', 10.0.0.1:3478]\n"
				 "relay: [10.0.0.1, 2001:db8::7]\n"
				 "ports: 50000-50099\n"
				 "external: [{public: 203.0.113.1, local: 10.0.0.1}]\n"
				 "realm: \"re\u0301alm\"\n"
				 "users:\n"
				 "- {name: alice, password: \" p: #\\u3000\"}\n"
				 "- {name: bob, key: 00112233445566778899AABBCCDDEEFF,\n"
				 "  key_sha256: " SHA256 "}\n"
				 "secrets: [north, 'null', 0123]\n"
				 "allow_peers: [10.0.0.0/8, 2001:db8::/32]\n"
				 "deny_peers: [10.1.2.3]\n"
				 "dataplane: sockets\n"
				 "sockets: {raw: true}\n"
				 "workers: 2\n"
				 "limits: {allocations: 0, allocations_per_user: 10,\n"
				 "  allocations_per_address: 5, unauthenticated_per_second: 0,\n"
				 "  network_unauthenticated_per_second: 11, "
				 "permissions_per_allocation: 12,\n"
				 "  channels_per_allocation: 13, permissions_per_user: 14,\n"
				 "  channels_per_user: 15, new_peers_per_second: 16,\n"
				 "  user_new_peers_per_second: 17,\n"
				 "  packets_per_second: 18, bits_per_second: 1000000000000,\n"
				 "  user_packets_per_second: 19, user_bits_per_second: 20}\n"
				 "abuse_log: {file: /var/log/a b, max_size: 5000, files: 0,\n"
				 "  per_second: 7}\n"
				 "run_as: {control: a, dataplane: b, operators: c}\n"
				 "channel_numbers: rfc5766\n"
				 "mobility: forbidden\n"
				 "control_socket: /tmp/t/c\n"
				 "redirect: {servers: [192.0.2.1:3478, '[2001:db8::1]:5349'],\n"
				 "  domain: turn-2.example.org}\n"
				 "software: \"a\\\"b\\\\c\\u2028\\u0085é\\n\"\n";

static void expect_everything(const struct config *c)
{
	cr_assert_eq(c->listen_count, 3);
	expect_endpoint(&c->listen[0], "127.0.0.1:3478");
	expect_endpoint(&c->listen[1], "10.0.0.1:3478");
	expect_endpoint(&c->listen[2], "[2001:db8::7]:3479");
	cr_expect_eq(c->relay_count, 2);
	cr_expect_eq(c->port_min, 50000);
	cr_expect_eq(c->port_max, 50099);
	cr_assert_eq(c->external_count, 1);
	expect_ip(&c->external[0].public_, "203.0.113.1");
	expect_ip(&c->external[0].local, "10.0.0.1");
	cr_expect_str_eq(c->realm, "r\u00e9alm", "composed");
	cr_assert_eq(c->users_count, 2);
	cr_expect_str_eq(c->users[0].name, "alice");
	cr_expect_str_eq(c->users[0].password, " p: # ", "every space is one");
	cr_expect_null(c->users[0].key);
	cr_expect_null(c->users[1].password);
	cr_expect_str_eq(c->users[1].key, "00112233445566778899AABBCCDDEEFF");
	cr_expect_str_eq(c->users[1].key_sha256, SHA256);
	cr_assert_eq(c->secrets_count, 3);
	cr_expect_str_eq(c->secrets[0], "north");
	cr_expect_str_eq(c->secrets[1], "null");
	cr_expect_str_eq(c->secrets[2], "0123");
	cr_assert_eq(c->allow_peers_count, 2);
	cr_expect_eq(c->allow_peers[0].bits, 104);
	expect_ip(&c->allow_peers[0].ip, "10.0.0.0");
	cr_expect_eq(c->allow_peers[1].bits, 32);
	cr_assert_eq(c->deny_peers_count, 1);
	cr_expect_eq(c->deny_peers[0].bits, 128);
	cr_expect_eq(c->dataplane, CONFIG_DATAPLANE_SOCKETS);
	cr_expect_eq(c->workers, 2);
	cr_expect(c->raw_sending);
	cr_expect(c->mobility_forbidden);
	cr_expect_eq(c->limits.allocations, 200, "0 is what ports and relay addresses give");
	cr_expect_eq(c->limits.allocations_per_user, 10);
	cr_expect_eq(c->limits.allocations_per_address, 5);
	cr_expect_eq(c->limits.unauthenticated_per_second, 0);
	cr_expect_str_eq(c->abuse_log.file, "/var/log/a b");
	cr_expect_eq(c->abuse_log.max_size, 5000);
	cr_expect_eq(c->abuse_log.files, 0);
	cr_expect_eq(c->abuse_log.per_second, 7);
	cr_expect_eq(c->limits.network_unauthenticated_per_second, 11);
	cr_expect_eq(c->limits.permissions_per_allocation, 12);
	cr_expect_eq(c->limits.channels_per_allocation, 13);
	cr_expect_eq(c->limits.permissions_per_user, 14);
	cr_expect_eq(c->limits.channels_per_user, 15);
	cr_expect_eq(c->limits.new_peers_per_second, 16);
	cr_expect_eq(c->limits.user_new_peers_per_second, 17);
	cr_expect_str_eq(c->run_as.control, "a");
	cr_expect_str_eq(c->run_as.dataplane, "b");
	cr_expect_str_eq(c->run_as.operators, "c");
	cr_expect_eq(c->limits.packets_per_second, 18);
	cr_expect(!c->limits.packets_per_second_spared);
	cr_expect(!c->limits.bits_per_second_spared);
	cr_expect_eq(c->limits.bits_per_second, 1000000000000);
	cr_expect_eq(c->limits.user_packets_per_second, 19);
	cr_expect_eq(c->limits.user_bits_per_second, 20);
	cr_expect_eq(c->channel_max, TP_CHANNEL_MAX_5766);
	cr_expect_str_eq(c->control_socket, "/tmp/t/c");
	cr_assert_eq(c->redirect.servers_count, 2);
	expect_endpoint(&c->redirect.servers[0], "192.0.2.1:3478");
	expect_endpoint(&c->redirect.servers[1], "[2001:db8::1]:5349");
	cr_expect_str_eq(c->redirect.domain, "turn-2.example.org");
	cr_expect_str_eq(c->software, "a\"b\\c\u2028\xc2\x85é\n");
}

Test(config_values, every_key_is_read)
{
	struct host host = fixture_host();
	struct config *c = good(everything, &host);

	expect_everything(c);
	config_free(c);
}

Test(config_values, what_is_rendered_reads_the_same_on_another_host)
{
	struct host host = fixture_host(), other = {.cores = 1, .runtime = "/elsewhere"};
	struct config *c = good(everything, &host);
	size_t size;
	char *yaml;
	FILE *file = open_memstream(&yaml, &size);

	cr_assert_eq(config_render(c, file), 0);
	fclose(file);
	config_free(c);
	c = good(yaml, &other);
	expect_everything(c);
	config_free(c);
	free(yaml);
}

Test(config_values, a_host_without_a_global_address_relays_on_loopback)
{
	struct host host = {.count = 2, .cores = 1, .runtime = "/run/turnpike"};
	struct config *c;

	host.address[0] = ip("127.0.0.1");
	host.address[1] = ip("::1");
	c = good("", &host);
	cr_assert_eq(c->relay_count, 2);
	cr_expect(tp_ip_equal(&c->relay[0], &host.address[0]));
	cr_expect(tp_ip_equal(&c->relay[1], &host.address[1]));
	config_free(c);
}

Test(config_values, the_default_allocations_fit_a_small_range)
{
	struct host host = fixture_host();
	struct config *c = good("ports: 50000-50009\nrelay: [10.0.0.1]\n", &host);

	cr_expect_eq(c->limits.allocations, 10);
	config_free(c);
}

Test(config_values, this_host_has_a_loopback_address_to_listen_on)
{
	struct host host;
	const struct tp_ip loopback = ip("127.0.0.1");

	host_read(&host);
	cr_expect(host_has(&host, &loopback));
	cr_expect_geq(host.cores, 1);
}

Test(config_values, secrets_are_forgotten_on_request_and_nothing_else)
{
	static const char yaml[] = "realm: r\n"
				   "users:\n"
				   "- {name: a, password: one}\n"
				   "- {name: b, key: 3d43f24c71b71cdd4be54e0721962a79,\n"
				   "  key_sha256: " SHA256 "}\n"
				   "secrets: [two, three]\n";
	struct host host = fixture_host();
	char *errors = NULL;
	struct config *c = parse(yaml, &host, &errors);

	cr_assert(c, "%s", errors);
	config_forget_secrets(c);
	cr_assert_eq(c->users_count, 2);
	for (size_t i = 0; i < c->users_count; i++) {
		cr_expect_null(c->users[i].password);
		cr_expect_null(c->users[i].key);
		cr_expect_null(c->users[i].key_sha256);
	}
	cr_expect_str_eq(c->users[1].name, "b");
	cr_expect_eq(c->secrets_count, 0);
	config_free(c);
	free(errors);
}
