// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "hook.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "driver.h"
#include "probe.skel.h"

__attribute__((format(printf, 2, 3))) static bool because(struct hook *h, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h->interface.told.why, sizeof(h->interface.told.why), format, args);
	va_end(args);
	return false;
}

static bool other_program(struct hook *h)
{
	return because(h,
		"another XDP program is there and left alone: take it off (ip link set dev %s xdp "
		"off), or name other interfaces in xdp.interfaces",
		h->interface.told.name);
}

// Returns 0 or a negative errno.
static int attach(struct hook *h, int program, enum tp_xdp_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.flags = mode == TP_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	int fd = bpf_link_create(program, (int)h->interface.ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return -errno;
	h->link = fd;
	h->interface.told.mode = (uint8_t)mode;
	return 0;
}

// What speaks against native mode before it is tried; NULL: nothing.
static const char *against_native(const struct interface *f, bool several)
{
	bool veth = !strcmp(f->told.driver, "veth");
	struct driver driver;

	driver_ask(f->ifindex, &driver);
	if (driver.known && !driver.native)
		return "its driver has none";
	if (driver.known && !driver.transmits && veth)
		return "the far end of the veth takes no frames of XDP: it needs a program of its "
		       "own, or GRO (ethtool -K ... gro on)";
	if (driver.known && !driver.transmits && several)
		return "its driver sends no frames that came by another interface";
	if (!driver.known && veth)
		return "this kernel does not tell whether the far end of the veth takes its frames";
	return NULL;
}

// Returns 0, or a negative errno and, where there is one, a reason to tell.
static int try_native(struct hook *h, int program, bool several, const char **why)
{
	int err;

	*why = against_native(&h->interface, several);
	if (*why)
		return -EOPNOTSUPP;
	err = attach(h, program, TP_XDP_NATIVE);
	if (err == -EINVAL || err == -ERANGE || err == -EOPNOTSUPP || err == -EMSGSIZE)
		*why = h->interface.told.mtu > 1500
			       ? "its driver refuses, maybe for its MTU: 1500 or less always goes"
			       : "its driver refuses";
	return err;
}

static bool attach_as_wished(struct hook *h, enum xdp_wish wish, int program, bool several)
{
	const char *why = NULL;
	int err = -EOPNOTSUPP;

	if (wish != XDP_WISH_GENERIC)
		err = try_native(h, program, several, &why);
	if (err == -EBUSY || err == -EEXIST)
		return other_program(h);
	if (err && wish == XDP_WISH_NATIVE)
		return because(h, "no native XDP: %s", why ? why : strerror(-err));
	if (err && wish == XDP_WISH_AUTO)
		because(h, "not native: %s", why ? why : strerror(-err));
	if (err)
		err = attach(h, program, TP_XDP_GENERIC);
	if (err == -EBUSY || err == -EEXIST)
		return other_program(h);
	return !err || because(h, "no XDP program can be attached: %s", strerror(-err));
}

bool hook_probe(struct hook *h, enum xdp_wish wish, bool several)
{
	const struct interface *f = &h->interface;
	int program;

	if (!f->ifindex)
		return because(h, "there is no such interface; `ip link` shows which there are");
	if (!f->ethernet)
		return because(h, "it is no Ethernet interface");
	if (f->other_program)
		return other_program(h);
	h->probe = probe_bpf__open_and_load();
	if (!h->probe && errno == EPERM)
		return because(h, "BPF programs may not be loaded here: that takes root, or "
				  "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
	if (!h->probe)
		return because(h, "BPF programs can't be loaded here: %s", strerror(errno));
	program = bpf_program__fd(h->probe->progs.probe);
	return attach_as_wished(h, wish, program, several);
}

// Too little room is a driver's, which generic mode does not ask.
static bool go_generic(struct hook *h, enum xdp_wish wish, int program)
{
	struct tp_interface *told = &h->interface.told;
	int err;

	close(h->link);
	h->link = -1;
	told->mode = TP_XDP_NONE;
	because(h, "its driver leaves too little room in front of frames (%u of %u looked at)",
		told->headroom_lacking, told->headroom_lacking + told->headroom_seen);
	if (wish != XDP_WISH_AUTO)
		return false;
	err = attach(h, program, TP_XDP_GENERIC);
	return !err || because(h, "no XDP program can be attached: %s", strerror(-err));
}

bool hook_take_over(struct hook *h, enum xdp_wish wish, int program)
{
	struct tp_interface *told = &h->interface.told;
	bool there;

	told->headroom_seen = h->probe->bss->headroom_seen;
	told->headroom_lacking = h->probe->bss->headroom_lacking;
	told->partial_checksums = h->probe->bss->partial_checksums;
	if (told->headroom_lacking && told->mode == TP_XDP_NATIVE)
		there = go_generic(h, wish, program);
	else
		there = bpf_link_update(h->link, program, NULL) == 0 ||
			because(h, "the program can't take its place: %s", strerror(errno));
	probe_bpf__destroy(h->probe);
	h->probe = NULL;
	if (!there)
		hook_release(h);
	return there;
}

void hook_release(struct hook *h)
{
	if (h->probe)
		probe_bpf__destroy(h->probe);
	h->probe = NULL;
	if (h->link >= 0)
		close(h->link);
	h->link = -1;
	h->interface.told.mode = TP_XDP_NONE;
}
