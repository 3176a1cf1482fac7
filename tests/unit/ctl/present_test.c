// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/admin/present.h"

enum what { STATUS, ALLOCATIONS, COUNTERS };

static char *present(enum what what, const char *json)
{
	json_t *root = json_loads(json, 0, NULL);
	size_t size;
	char *text;
	FILE *file = open_memstream(&text, &size);

	cr_assert_not_null(root);
	if (what == STATUS)
		present_status(root, file);
	else if (what == ALLOCATIONS)
		present_allocations(root, file);
	else
		present_counters(root, false, file);
	fclose(file);
	json_decref(root);
	return text;
}

static void expect(enum what what, const char *json, const char *expected)
{
	char *text = present(what, json);

	cr_expect_str_eq(text, expected);
	free(text);
}

Test(present, each_program_is_told_with_what_keeps_it_in_bounds)
{
	char *text = present(STATUS,
		"{\"programs\":[{\"name\":\"turnpike\",\"pid\":10,\"confined\":true,\"seccomp\":"
		"true,\"no_new_privs\":true,\"user\":\"root\",\"capabilities\":[\"kill\","
		"\"setuid\"]},{\"name\":\"turnpike-control\",\"pid\":1234,\"confined\":false,"
		"\"seccomp\":false,\"no_new_privs\":true,\"user\":\"6543\\u001b0\","
		"\"capabilities\":[]}]}");

	cr_expect_not_null(strstr(text,
		"\nPROGRAM            PID  CONFINED  BY\n"
		"turnpike            10  yes       seccomp, no_new_privs, user root, capabilities "
		"kill setuid\n"
		"turnpike-control  1234  no        no_new_privs, user 6543?0, no capability\n"));
	free(text);
}

Test(present, status_is_an_aligned_table)
{
	expect(STATUS,
		"{\"version\":\"0.1.0\",\"pid\":42,\"uptime_s\":3725,\"dataplane\":{\"attached\":"
		"true,"
		"\"name\":\"sockets\",\"workers\":2,\"heartbeat_age_ms\":7},\"allocations\":{"
		"\"live\":3,"
		"\"capacity\":16384},\"relays\":[{\"public\":\"203.0.113.1\",\"local\":\"10.0.0."
		"1\","
		"\"ports\":{\"total\":16384,\"used\":3,\"free\":16381}},{\"public\":\"2001:db8::"
		"7\","
		"\"local\":\"2001:db8::7\",\"ports\":{\"total\":16384,\"used\":0,\"free\":16384}}],"
		"\"listen\":[\"10.0.0.1:3478\",\"[::1]:3478\"]}",
		"turnpike     version 0.1.0, pid 42, up 1 h 2 min\n"
		"dataplane    sockets, attached, 2 workers, heartbeat 7 ms ago\n"
		"allocations  3 of 16384\n"
		"listen       10.0.0.1:3478\n"
		"             [::1]:3478\n"
		"\n"
		"RELAY        LOCAL        PORTS USED   FREE  TOTAL\n"
		"203.0.113.1  10.0.0.1              3  16381  16384\n"
		"2001:db8::7  2001:db8::7           0  16384  16384\n");
}

Test(present, status_tells_what_xdp_does_on_each_interface_and_why_not)
{
	char *text = present(STATUS,
		"{\"dataplane\":{\"attached\":true,\"interfaces\":["
		"{\"name\":\"eth0\",\"xdp\":\"native\",\"driver\":\"veth\",\"queues\":2,"
		"\"mtu\":1500,\"headroom\":{\"enough\":7,\"lacking\":0},\"why\":\"\"},"
		"{\"name\":\"eth1\",\"xdp\":\"none\",\"driver\":\"tun\",\"queues\":1,"
		"\"mtu\":9000,\"headroom\":{\"enough\":0,\"lacking\":0},\"why\":\"ta\\u009bken\","
		"\"partial_checksums\":3}]}}");

	cr_expect_not_null(
		strstr(text, "\nINTERFACE  XDP     DRIVER  QUEUES   MTU  HEADROOM\n"
			     "eth0       native  veth         2  1500  enough\n"
			     "eth1       none    tun          1  9000  no frame seen\n"
			     "eth1: ta?ken.\n"
			     "eth1: 3 frames with partial checksums before the start.\n"),
		"%s", text);
	free(text);
}

Test(present, status_without_a_dataplane_says_that_nothing_is_relayed)
{
	char *text = present(STATUS, "{\"dataplane\":{\"attached\":false}}");

	cr_expect_not_null(strstr(text, "dataplane    none attached: nothing is relayed\n"));
	free(text);
}

Test(present, an_allocation_is_followed_by_its_permissions_and_channels)
{
	expect(ALLOCATIONS,
		"{\"allocations\":[{\"client\":\"192.0.2.9:5000\",\"server\":\"10.0.0.1:3478\","
		"\"transport\":\"udp\",\"relayed\":\"203.0.113.1:50000\",\"user\":\"a\\u001b["
		"2J\\u009bb\","
		"\"worker\":1,\"age_s\":59,\"expires_in_s\":600,\"permissions\":[{\"peer\":"
		"\"192.0.2.77\",\"expires_in_s\":299}],\"channels\":[{\"number\":\"0x4000\","
		"\"peer\":"
		"\"192.0.2.77:7000\",\"expires_in_s\":90000}]}]}",
		"CLIENT          SERVER             RELAYED            USER      AGE  EXPIRES IN\n"
		"192.0.2.9:5000  udp 10.0.0.1:3478  203.0.113.1:50000  a?[2J?b  59 s  10 min 0 s\n"
		"  permission                       192.0.2.77                        4 min 59 s\n"
		"  channel       0x4000             192.0.2.77:7000                      1 d 1 "
		"h\n");
}

Test(present, no_allocations_is_a_sentence)
{
	expect(ALLOCATIONS, "{\"allocations\":[]}", "There are no allocations.\n");
}

Test(present, counters_that_are_not_zero_come_with_their_meaning)
{
	expect(COUNTERS,
		"{\"control\":{\"error_401\":2,\"error_437\":0},\"workers\":[],\"total\":"
		"{\"client_packets\":12,\"channel_unbound\":1},"
		"\"relayed\":{\"program\":70,\"workers\":5}}",
		"relayed by the XDP program: 70 packets, by workers: 5\n"
		"\n"
		"dataplane\n"
		"  client_packets   12  datagrams from clients\n"
		"  channel_unbound   1  ChannelData on a channel that is not bound (RFC 8656 "
		"section "
		"12.6)\n"
		"\n"
		"control plane\n"
		"  error_401  2  401 Unauthenticated\n");
}

Test(present, answers_of_the_wrong_shape_are_shown_as_nothing)
{
	static const char *const shapes[] = {"{}",
		"{\"allocations\":3,\"dataplane\":[],\"relays\":{}}",
		"{\"allocations\":[3,{\"permissions\":3}],\"relays\":[[]],\"total\":[],\"control\":"
		"1}"};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (int what = STATUS; what <= COUNTERS; what++) {
			char *text = present((enum what)what, shapes[i]);

			cr_expect_gt(strlen(text), 0);
			free(text);
		}
}
