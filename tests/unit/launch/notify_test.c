// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../controlplane/launch/notify.h"

Test(notify, who_started_us_is_told_on_the_socket_it_named)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[64] = "@", got[64] = "";

	// An abstract name of the kernel's choice.
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	memcpy(text + 1, name.sun_path + 1, length - offsetof(struct sockaddr_un, sun_path) - 1);
	setenv("NOTIFY_SOCKET", text, 1);
	cr_assert_eq(notify_ready(), 0);
	cr_assert_eq(recv(fd, got, sizeof(got), 0), 7);
	cr_expect_str_eq(got, "READY=1");
	close(fd);
	cr_expect_eq(notify_ready(), -ECONNREFUSED);
}

Test(notify, nobody_is_told_where_nobody_asked_and_a_bad_name_is_refused)
{
	unsetenv("NOTIFY_SOCKET");
	cr_expect_eq(notify_ready(), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	cr_expect_eq(notify_ready(), -EINVAL);
}
