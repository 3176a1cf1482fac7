// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The section xdp: defaults, what can't be, and what the host lacks.

#include "fixture.h"

#include "../../../controlplane/config/render.h"

#define F "turnpike.yaml:"
#define USERS "users: [{name: a, password: b}]\nports: 61000-65535\n"

Test(config_xdp, without_a_word_it_is_tried_on_the_interfaces_of_the_addresses)
{
	struct host host = fixture_host();
	struct config *c = good(USERS, &host);

	cr_expect_eq(c->dataplane, CONFIG_DATAPLANE_AUTO);
	cr_expect(config_uses_xdp(c));
	cr_expect_eq(c->xdp.mode, CONFIG_XDP_AUTO);
	cr_expect_eq(c->xdp.interfaces_count, 0);
	config_free(c);
}

Test(config_xdp, the_other_dataplanes_leave_it_alone)
{
	struct host host = fixture_host();
	struct config *c = good(USERS "dataplane: sockets\n", &host);

	cr_expect_not(config_uses_xdp(c));
	config_free(c);
}

Test(config_xdp, every_key_is_read_and_rendered_so_that_another_host_reads_the_same)
{
	struct host host = fixture_host();
	struct config *c = good(USERS "dataplane: xdp\n"
				      "xdp: {interfaces: [eth0, ens1f0np0], mode: native}\n",
		&host);

	for (int again = 0; again < 2; again++) {
		size_t size;
		char *yaml;
		FILE *file = open_memstream(&yaml, &size);

		cr_expect_eq(c->dataplane, CONFIG_DATAPLANE_XDP);
		cr_expect_eq(c->xdp.mode, CONFIG_XDP_NATIVE);
		cr_assert_eq(c->xdp.interfaces_count, 2);
		cr_expect_str_eq(c->xdp.interfaces[0], "eth0");
		cr_expect_str_eq(c->xdp.interfaces[1], "ens1f0np0");
		cr_assert_eq(config_render(c, file), 0);
		fclose(file);
		config_free(c);
		c = good(yaml, &host);
		free(yaml);
	}
	config_free(c);
}

static const struct {
	const char *yaml, *message;
} wrong[] = {
	{"dataplane: afxdp\n", F "1: dataplane: \"afxdp\" is none of auto, xdp, sockets, dpdk.\n"},
	{"xdp:\n  mode: offload\n",
		F "2: xdp.mode: \"offload\" is none of auto, native, generic.\n"},
	{"xdp:\n  interface: a\n", F "2: xdp.interface: unknown key.\n"},
	{"xdp:\n  interfaces: eth0\n",
		F "2: xdp.interfaces: a list is expected here, not a single value.\n"},
	{"xdp:\n  interfaces: [eth0,\n    eth0]\n",
		F "3: xdp.interfaces[1]: eth0 is in the list twice.\n"},
	{"xdp:\n  interfaces: [a b]\n",
		F "2: xdp.interfaces[0]: \"a b\" can't be the name of a network interface.\n"},
	{"xdp:\n  interfaces: [a, b, c, d, e, f, g, h, i]\n",
		F "2: xdp.interfaces: more than 8 interfaces.\n"},
};

Test(config_xdp, an_impossible_value_names_file_line_and_key)
{
	struct host host = fixture_host();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *errors;

		config_free(parse(wrong[i].yaml, &host, &errors));
		cr_expect_str_eq(errors, wrong[i].message, "%s", errors);
		free(errors);
	}
}

Test(config_xdp, what_the_host_lacks_is_told)
{
	struct host host = fixture_host();

	host.privileged = false;
	strcpy(host.interface[host.interfaces++], "eth0");
	expect_warnings(USERS "dataplane: xdp\nxdp: {interfaces: [eth0, eth7]}\n", &host, 2,
		"warning: xdp.interfaces: this host has no interface eth7; `ip link` shows which "
		"it has.\n"
		"warning: dataplane: xdp takes root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; "
		"without them sockets relay.\n");
	// It is only tried then, and a line at the start says what came of it.
	expect_warnings(USERS, &host, 0, "");
}

Test(config_xdp, a_section_that_nobody_reads_is_told)
{
	struct host host = fixture_host();

	expect_warnings(USERS "dataplane: sockets\nxdp: {mode: native}\n", &host, 1,
		"warning: xdp: this section does nothing without `dataplane: xdp` or `dataplane: "
		"auto`.\n");
}
