// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "fixture.h"

#define F "turnpike.yaml:"

// Hex digits.
#define SIXTY_FOUR "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *yaml, *message;
} shapes[] = {
	{"listen: [\"10.0.0.1:3478\"]\nfoo: 3\n", F "2: foo: unknown key.\n"},
	{"limits:\n  workers: 2\n", F "2: limits.workers: unknown key.\n"},
	{"users:\n- name: a\n  password: b\n- name: c\n  pasword: d\n",
		F "5: users[1].pasword: unknown key.\n"},
	{"limits: 3\n",
		F "1: limits: a mapping (key: value) is expected here, not a single value.\n"},
	{"\n\nlisten: 10.0.0.1:3478\n",
		F "3: listen: a list is expected here, not a single value.\n"},
	{"realm: [a]\n", F "1: realm: a single value is expected here, not a list.\n"},
	{"relay:\n- [10.0.0.1]\n", F "2: relay[0]: a single value is expected here, not a list.\n"},
	{"secrets: {a: b}\n",
		F "1: secrets: a list is expected here, not a mapping (key: value).\n"},
	{"- a\n", F " a mapping (key: value) is expected here, not a list.\n"},
	{"realm: a\nworkers: 1\nrealm: b\n",
		F "3: realm: this key stands here a second time, after line 1.\n"},
	{"? [a]\n: b\n", F "1: a key must be a word.\n"},
	{"realm: \"a\\0b\"\n", F "1: a NUL character can't be part of a value.\n"},
	{"\"a\\eb\": 3\n", F "1: a?b: unknown key.\n"},
	{"realm: a\n---\nrealm: b\n",
		F "3: a second document starts here; the configuration is one document.\n"},
	{"\trealm: a\n", F "1: this is not YAML: found character that cannot start any token.\n"},
	{"users: [{name: x}\n", F "2: this is not YAML: did not find expected ',' or ']'.\n"},
};

Test(config_errors, a_wrong_shape_names_file_line_and_key)
{
	struct host host = fixture_host();

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		char *errors;

		config_free(parse(shapes[i].yaml, &host, &errors));
		cr_expect_str_eq(errors, shapes[i].message);
		free(errors);
	}
}

static const struct {
	const char *yaml, *message;
} values[] = {
	{"abuse_log: {file: abuse.log}\n",
		F "1: abuse_log.file: \"abuse.log\" is not the absolute path of a file.\n"},
	{"abuse_log: {file: /var/log/}\n",
		F "1: abuse_log.file: \"/var/log/\" is not the absolute path of a file.\n"},
	{"run_as: {control: \"a b\"}\n",
		F "1: run_as.control: \"a b\" is no name of a user or group.\n"},
	{"run_as:\n  control: a\n  dataplane: a\n", F
		"3: run_as.dataplane: \"a\" is turnpike-control's: each has a user of its own.\n"},
	{"abuse_log: {files: 3}\n", F "1: abuse_log: there is no `file` to write to.\n"},
	{"abuse_log: {file: /a, max_size: 10M}\n",
		F "1: abuse_log.max_size: \"10M\" is not a whole number from 4096 to "
		  "1099511627776.\n"},
	{"abuse_log: {file: /a, files: 1000}\n",
		F "1: abuse_log.files: \"1000\" is not a whole number from 0 to 999.\n"},
	{"abuse_log: {file: /a, per_second: 0}\n",
		F "1: abuse_log.per_second: \"0\" is not a whole number from 1 to 1000000.\n"},
	{"listen: [foo]\n",
		F "1: listen[0]: \"foo\" is not ADDRESS:PORT, such as 192.0.2.1:3478 or "
		  "[2001:db8::1]:3478.\n"},
	{"listen: [\"[fe80::1]:3478\"]\n",
		F "1: listen[0]: [fe80::1]:3478 is a multicast or link-local address; clients need "
		  "another.\n"},
	{"listen: []\n", F "1: listen: there is no address to listen on.\n"},
	{"relay: [\"10.0.0.1\", \"0.0.0.0\"]\n", F
		"1: relay[1]: 0.0.0.0 can't be a relay address; name one that peers can reach.\n"},
	{"relay: [\"a\\nb\\e[31m\\u009bc\"]\n",
		F "1: relay[0]: \"a?b?[31m?c\" is not an IP address.\n"},
	{"relay: [10.0.0.1, 10.0.0.1]\n", F "1: relay[1]: 10.0.0.1 is in the list twice.\n"},
	{"relay: [\"::ffff:10.0.0.1\"]\n",
		F "1: relay[0]: \"::ffff:10.0.0.1\" is not an IP address.\n"},
	{"ports: 50000\n",
		F "1: ports: \"50000\" is not MIN-MAX with ports from 1 to 65535, such as "
		  "49152-65535.\n"},
	{"ports: 0-100\n",
		F "1: ports: \"0-100\" is not MIN-MAX with ports from 1 to 65535, such as "
		  "49152-65535.\n"},
	{"\nports: 60000-50000\n",
		F "2: ports: 60000-50000 is the wrong way round: write 50000-60000.\n"},
	{"limits:\n  allocations: many\n",
		F "2: limits.allocations: \"many\" is not a whole number from 0 to 4194304.\n"},
	{"limits:\n  allocations_per_user: 12abc\n",
		F "2: limits.allocations_per_user: \"12abc\" is not a whole number from 0 to "
		  "4294967295.\n"},
	{"workers: 65\n", F "1: workers: \"65\" is not a whole number from 0 to 64.\n"},
	{"workers: -1\n", F "1: workers: \"-1\" is not a whole number from 0 to 64.\n"},
	{"sockets:\n  raw: yes\n", F "2: sockets.raw: \"yes\" is neither true nor false.\n"},
	{"sockets:\n  cooked: true\n", F "2: sockets.cooked: unknown key.\n"},
	{"dataplane: udp\n", F "1: dataplane: \"udp\" is none of auto, xdp, sockets, dpdk.\n"},
	{"nat_discovery: maybe\n", F "1: nat_discovery: \"maybe\" is neither on nor off.\n"},
	{"listen: ['127.0.0.1:3478', '127.0.0.1:3479', '127.0.0.2:3478']\nnat_discovery: on\n",
		F "2: nat_discovery: `listen` has no two addresses of one family with the same two "
		  "ports each; list them, such as 192.0.2.1:3478, 192.0.2.1:3479, 192.0.2.2:3478 "
		  "and 192.0.2.2:3479.\n"},
	{"mobility: yes\n", F "1: mobility: \"yes\" is neither allowed nor forbidden.\n"},
	{"channel_numbers: all\n",
		F "1: channel_numbers: \"all\" is neither rfc8656 nor rfc5766.\n"},
	{"deny_peers:\n- 10.1.2.3/8\n",
		F "2: deny_peers[0]: 10.1.2.3/8 has bits set behind its prefix; the network is "
		  "10.0.0.0/8.\n"},
	{"allow_peers:\n- 2001:db8::1/32\n", F
		"2: allow_peers[0]: 2001:db8::1/32 has bits set behind its prefix; the network is "
		"2001:db8::/32.\n"},
	{"allow_peers: [10.0.0.0/33]\n",
		F "1: allow_peers[0]: \"10.0.0.0/33\" is not a prefix such as 192.0.2.0/24 or "
		  "2001:db8::/32.\n"},
	{"external:\n- local: 10.0.0.1\n",
		F "2: external[0].public: is missing; an entry has a public and a local "
		  "address.\n"},
	{"control_socket: control\n",
		F "1: control_socket: \"control\" is not an absolute path.\n"},
	{"control_socket: /run/turnpike/link\n",
		F "1: control_socket: \"/run/turnpike/link\" is not a file in a directory of "
		  "Turnpike's own, such as /run/turnpike/control.\n"},
	{"realm: abcdefghijklmnopqrstuvwxyz.xy\n",
		F "1: realm: 29 bytes are too many: with more than 28 a 401 exceeds 120 bytes, and "
		  "amplifies what is sent from forged addresses.\n"},
	{"realm: 'a\"b'\n", F "1: realm: can't have quotes or backslashes.\n"},
	{"realm: \"a\\u00adb\"\n",
		F "1: realm: has a character that can't be part of it (RFC 8265): a control "
		  "character, or one that is unassigned or invisible.\n"},
	{"software: " SIXTY_FOUR SIXTY_FOUR "\n", F "1: software: has more than 127 bytes.\n"},
	{"redirect: {servers: [10.0.0.9]}\n",
		F "1: redirect.servers[0]: \"10.0.0.9\" is not ADDRESS:PORT, such as "
		  "192.0.2.1:3478 or [2001:db8::1]:3478.\n"},
	{"listen: ['10.0.0.1:3478']\nredirect:\n  servers:\n  - 192.0.2.1:3478\n  - "
	 "10.0.0.1:3478\n",
		F "5: redirect.servers[1]: 10.0.0.1:3478 is an address of `listen`: clients would "
		  "come back here.\n"},
	{"redirect:\n  servers: ['192.0.2.1:3478']\n  domain: turn-.example.org\n",
		F "3: redirect.domain: \"turn-.example.org\" is not a domain name.\n"},
	{"redirect:\n  servers: ['192.0.2.1:3478']\n  domain: .org\n",
		F "3: redirect.domain: \".org\" is not a domain name.\n"},
	{"redirect:\n  servers: ['192.0.2.1:3478']\n  domain: " SIXTY_FOUR "\n",
		F "3: redirect.domain: \"" SIXTY_FOUR "\" is not a domain name.\n"},
	{"redirect: {domain: turn.example.org}\n",
		F "1: redirect.domain: names the certificate of `redirect.servers`, but there are "
		  "none.\n"},
	{"realm: ''\n", F "1: realm: is empty; give it a name, such as your domain.\n"},
	{"realm: ''\nworkers: x\n", F "1: realm: is empty; give it a name, such as your domain.\n" F
				      "2: workers: \"x\" is not a whole number from 0 to 64.\n"},
};

Test(config_errors, an_impossible_value_names_file_line_and_key)
{
	struct host host = fixture_host();

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char *errors;

		config_free(parse(values[i].yaml, &host, &errors));
		cr_expect_str_eq(errors, values[i].message);
		free(errors);
	}
}

static const struct {
	const char *yaml, *message;
} credentials[] = {
	{"users:\n- name: a\n", F "2: users[0]: needs a password or a key.\n"},
	{"users:\n- password: SECRET\n", F "2: users[0].name: is missing.\n"},
	{"users:\n- {name: '', password: SECRET}\n",
		F "2: users[0].name: must have 1 to 508 bytes.\n"},
	{"realm: r\nusers:\n- name: a\n  password: SECRET\n"
	 "  key: 00112233445566778899aabbccddeeff\n",
		F "3: users[0]: has a password and a key; one of them must go.\n"},
	{"users:\n- {name: a, password: SECRET}\n- {name: a, password: SECRET}\n",
		F "3: users[1].name: \"a\" is the name of users[0] already.\n"},
	{"users:\n- name: a\n  password: ''\n", F "3: users[0].password: is empty.\n"},
	{"realm: r\nusers:\n- name: a\n  key: SECRET\n",
		F "4: users[0].key: must be the 32 hex digits of MD5(name:realm:password).\n"},
	{"users:\n- name: a\n  key: 00112233445566778899aabbccddeeff\n",
		F "3: users[0].key: is made for one realm, which `realm` must name; there is "
		  "none.\n"},
	{"users:\n- name: a\n  password: SECRET\n- name: b\n  password: [SECRET]\n",
		F "5: users[1].password: a single value is expected here, not a list.\n"},
	{"users:\n- name: a\n- {name: b, SECRET}\n", F "3: users[1]: this has a key that is not "
						       "one of name, password, key, key_sha256.\n"},
	{"realm: r\nusers:\n- name: a\n  key_sha256: 00112233445566778899aabbccddeeff\n",
		F "4: users[0].key_sha256: must be the 64 hex digits of "
		  "SHA-256(name:realm:password).\n"},
	{"realm: r\nusers:\n- name: a\n  password: SECRET\n  key_sha256: " SIXTY_FOUR "\n",
		F "3: users[0]: has a password and a key; one of them must go.\n"},
	{"realm: r\nusers:\n- {name: a, key: 00112233445566778899aabbccddeeff}\n"
	 "- {name: b, key_sha256: " SIXTY_FOUR "}\n",
		F
		"2: users: users[0] has an MD5 key only and users[1] a SHA-256 key only, so there "
		"is no algorithm that all can use; give one of them both keys.\n"},
	{"users:\n- name: a\n  password: \"SECRET\\n\"\n",
		F "3: users[0].password: has a character that can't be part of it (RFC 8265): a "
		  "control character, or one that is unassigned or invisible.\n"},
	{"users:\n- {name: \"e\\u0301\", password: SECRET}\n- {name: \"\\u00e9\", password: "
	 "SECRET}\n",
		F "3: users[1].name: \"\u00e9\" is the name of users[0] already.\n"},
	{"secrets:\n- SECRET\n- SECRET\n", F "3: secrets[1]: is the same as secrets[0].\n"},
	{"secrets: ['']\n", F "1: secrets[0]: is empty: anyone could make credentials.\n"},
	{"secrets:\n  SECRET\n", F "1: secrets: a list is expected here, not a single value.\n"},
	{"users:\n- {name: a, password: \"SECRET}\n",
		F "3: this is not YAML: found unexpected end of stream.\n"},
};

Test(config_errors, an_error_about_a_secret_never_holds_it)
{
	struct host host = fixture_host();

	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++) {
		char *errors;

		config_free(parse(credentials[i].yaml, &host, &errors));
		cr_expect_str_eq(errors, credentials[i].message);
		cr_expect_null(strstr(errors, "SECRET"));
		free(errors);
	}
}

static const struct {
	const char *yaml, *message;
} crossed[] = {
	{"relay: [10.0.0.1]\nexternal:\n- public: 203.0.113.1\n  local: 10.0.0.9\n",
		F "4: external[0].local: 10.0.0.9 is not one of `relay`.\n"},
	{"relay: [10.0.0.1]\nexternal:\n- public: 2001:db8::1\n  local: 10.0.0.1\n",
		F "3: external[0].public: 2001:db8::1 and the local 10.0.0.1 are of different "
		  "families.\n"},
	{"relay: [10.0.0.1, 10.0.0.2]\nexternal:\n- {public: 203.0.113.1, local: 10.0.0.1}\n"
	 "- {public: 203.0.113.1, local: 10.0.0.2}\n",
		F "4: external[1].public: 203.0.113.1 stands for 10.0.0.1 already; two relay "
		  "addresses can't share it.\n"},
	{"relay: [10.0.0.1]\nexternal:\n- {public: 203.0.113.1, local: 10.0.0.1}\n"
	 "- {public: 203.0.113.2, local: 10.0.0.1}\n",
		F "4: external[1].local: 10.0.0.1 has the public address 203.0.113.1 already.\n"},
	{"relay: [10.0.0.1, 10.0.0.2]\nexternal:\n- {public: 10.0.0.2, local: 10.0.0.1}\n",
		F "3: external[0].public: 10.0.0.2 is a local address of `relay` itself.\n"},
	{"ports: 50000-50009\nrelay: [10.0.0.1, 10.0.0.2]\nlimits:\n  allocations: 21\n",
		F "4: limits.allocations: 21 allocations need as many ports, but `ports` has 10 on "
		  "each of 2 `relay` addresses.\n"},
	{"relay: [10.0.0.1]\nlisten:\n- 127.0.0.1:50000\n- 10.0.0.1:50000\nports: "
	 "50000-50100\n",
		F "2: listen: 10.0.0.1:50000 is on an address of `relay` and in `ports` "
		  "(50000-50100); take another port or range.\n"},
	{"allow_peers:\n- 10.0.0.0/8\ndeny_peers:\n- 10.0.0.0/8\n",
		F "2: allow_peers[0]: 10.0.0.0/8 is in `deny_peers` too.\n"},
};

Test(config_errors, keys_that_contradict_each_other_are_both_named)
{
	struct host host = fixture_host();

	for (size_t i = 0; i < sizeof(crossed) / sizeof(crossed[0]); i++) {
		char *errors;

		config_free(parse(crossed[i].yaml, &host, &errors));
		cr_expect_str_eq(errors, crossed[i].message);
		free(errors);
	}
}

Test(config_errors, a_file_that_is_not_there_is_said_to_be_unreadable)
{
	struct config *config;
	char *errors;
	size_t size;
	FILE *file = open_memstream(&errors, &size);

	cr_expect_eq(config_load(&config, "/nonexistent/turnpike.yaml", file), -ENOENT);
	fclose(file);
	cr_expect_null(config);
	cr_expect_str_eq(errors, "/nonexistent/turnpike.yaml: the configuration can't be read: "
				 "No such file or directory.\n");
	free(errors);
}
