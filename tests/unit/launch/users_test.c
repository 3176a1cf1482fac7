// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// As whom the programs run, and with what, as far as the configuration decides.

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../controlplane/launch/users.h"

#define PLACE "listen: ['192.0.2.1:3478']\nrelay: [192.0.2.1]\n"

static struct config *configured(const char *yaml)
{
	struct config *config;

	cr_assert_eq(config_parse(&config, yaml, strlen(yaml), "x", stderr), 0);
	return config;
}

static void expect_capabilities(const char *yaml, uint64_t expected)
{
	struct config *config = configured(yaml);

	cr_expect_eq(users_dataplane_capabilities(config), expected, "%s", yaml);
	config_free(config);
}

Test(users, a_dataplane_gets_the_capabilities_that_its_ports_take_and_no_others)
{
	const uint64_t admin = CONFINE_BIT(CAP_NET_ADMIN);

	expect_capabilities(PLACE "dataplane: sockets\n", admin);
	expect_capabilities(
		PLACE "dataplane: auto\n", admin | CONFINE_BIT(CAP_BPF) | CONFINE_BIT(CAP_PERFMON));
	expect_capabilities(PLACE "dataplane: sockets\nsockets: {raw: true}\n",
		admin | CONFINE_BIT(CAP_NET_RAW));
	expect_capabilities("listen: ['192.0.2.1:53']\nrelay: [192.0.2.1]\ndataplane: sockets\n",
		admin | CONFINE_BIT(CAP_NET_BIND_SERVICE));
	expect_capabilities(PLACE "ports: 1000-2000\ndataplane: sockets\n",
		admin | CONFINE_BIT(CAP_NET_BIND_SERVICE));
	expect_capabilities(PLACE "dataplane: dpdk\ndpdk: {ports: [net_tap0]}\n", admin);
	expect_capabilities(PLACE "dataplane: dpdk\ndpdk: {ports: ['net_af_packet0,iface=a']}\n",
		admin | CONFINE_BIT(CAP_NET_RAW));
	expect_capabilities(
		PLACE "dataplane: dpdk\ndpdk: {ports: [net_memif0], exception: none}\n", admin);
	expect_capabilities(PLACE "dataplane: dpdk\ndpdk: {ports: ['0000:03:00.0']}\n",
		admin | CONFINE_BIT(CAP_NET_RAW) | CONFINE_BIT(CAP_IPC_LOCK) |
			CONFINE_BIT(CAP_SYS_RAWIO) | CONFINE_BIT(CAP_DAC_OVERRIDE));
}

static struct users found(const char *yaml)
{
	struct config *config = configured(yaml);
	struct users users;

	cr_assert_eq(users_find(&users, config, "x", stderr), 0);
	config_free(config);
	return users;
}

Test(users, without_names_each_program_has_a_user_of_its_own_that_is_not_root)
{
	struct users users = found(PLACE);

	cr_expect_neq(users.control.uid, 0);
	cr_expect_neq(users.dataplane.uid, 0);
	cr_expect_neq(users.control.uid, users.dataplane.uid);
	cr_expect_eq(users.control.capabilities, 0);
}

Test(users, numbers_are_taken_as_they_are)
{
	struct users users = found(
		PLACE "run_as: {control: 4000001, dataplane: 4000002, operators: 4000003}\n");

	cr_expect_eq(users.control.uid, 4000001);
	cr_expect_eq(users.control.gid, 4000001);
	cr_expect_eq(users.dataplane.uid, 4000002);
	cr_expect_eq(users.operators, 4000003);
}

static void expect_refused(const char *yaml, const char *sentence)
{
	struct config *config = configured(yaml);
	struct users users;
	size_t size;
	char *text;
	FILE *file = open_memstream(&text, &size);

	cr_expect_eq(users_find(&users, config, "x", file), -ENOENT);
	fclose(file);
	cr_expect_str_eq(text, sentence);
	config_free(config);
	free(text);
}

Test(users, who_is_not_there_or_must_not_be_is_told)
{
	expect_refused(PLACE "run_as: {control: nobody-at-all}\n",
		"x: run_as.control: this host has no user \"nobody-at-all\": make it (adduser "
		"--system), or name another.\n");
	expect_refused(PLACE "run_as: {operators: no-group-at-all}\n",
		"x: run_as.operators: this host has no group \"no-group-at-all\": make it "
		"(addgroup --system), or name another.\n");
	expect_refused(
		PLACE "run_as: {dataplane: root}\n", "x: run_as.dataplane: \"root\" is root.\n");
	expect_refused(PLACE "run_as: {control: nobody, dataplane: 65534}\n",
		"x: run_as.dataplane: \"65534\" is another program's user.\n");
}

Test(users, an_unprivileged_launcher_starts_everything_as_itself)
{
	if (geteuid() == 0)
		cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_expect_not(found(PLACE).separate);
}
