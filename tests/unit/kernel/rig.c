// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "rig.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "endpoint.h"

#define QUOTE(x) #x
#include "kernel_path.h"

static uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// A network of the test's own: nobody else's ports, an IPv6 address besides ::1, and an MTU that may
// be changed. A user namespace can't be entered from here, since Criterion runs threads.
static void enter_network(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: run as root, or under `unshare --user "
			     "--map-root-user`");
	cr_assert_eq(system("PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && "
			    "ip addr add fd00::1/128 dev lo nodad && "
			    "ip addr add fd00::2/128 dev lo nodad"),
		0);
}

static void exec_program(const struct rig *rig, char *const options[])
{
	char workers[16];
	char *argv[RIG_OPTIONS_MAX + 6] = {
		"turnpike-kernel", "--link", (char *)rig->path, "--workers", workers};

	snprintf(workers, sizeof(workers), "%u", rig->workers);
	for (unsigned int i = 0; i < RIG_OPTIONS_MAX && options[i]; i++)
		argv[5 + i] = options[i];
	// A test that fails leaves nobody behind.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(kernel_path, argv);
	_exit(127);
}

void rig_launch_with(struct rig *rig, uint32_t workers, char *const options[])
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	*rig = (struct rig){.workers = workers, .connection = -1, .directory = "/tmp/tp-XXXXXX"};
	cr_assert(mkdtemp(rig->directory));
	snprintf(rig->path, sizeof(rig->path), "%s/link", rig->directory);
	strcpy(name.sun_path, rig->path);
	rig->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(rig->listening, (struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert_eq(listen(rig->listening, 4), 0);
	rig->child = fork();
	cr_assert(rig->child >= 0);
	if (!rig->child)
		exec_program(rig, options);
}

void rig_launch(struct rig *rig, uint32_t workers, const char *public4)
{
	static bool in_network;
	static const char *const address[2] = {"127.0.0.1", "fd00::1"};
	char listen[2][ENDPOINT_TEXT], relay[2 * ENDPOINT_TEXT];
	struct tp_endpoint server[2];
	char *const options[] = {"--allocations", "64", "--peers", "256", "--ports", "1024-65535",
		"--listen", listen[0], "--listen", listen[1], "--relay", relay, "--relay",
		(char *)address[1], NULL};

	if (!in_network)
		enter_network();
	in_network = true;
	for (int i = 0; i < 2; i++) {
		server[i].ip = ip_of(address[i]);
		server[i].port = free_port(&server[i].ip);
		endpoint_text(&server[i], listen[i]);
	}
	snprintf(relay, sizeof(relay), "%s%s%s", address[0], public4 ? "=" : "",
		public4 ? public4 : "");
	rig_launch_with(rig, workers, options);
	for (int i = 0; i < 2; i++) {
		rig->server[i] = server[i];
		rig->relay[i] = rig->relay_local[i] = server[i].ip;
	}
	if (public4)
		rig->relay[0] = ip_of(public4);
	rig->peer[0] = ip_of("127.0.0.2");
	rig->peer[1] = ip_of("fd00::2");
}

void rig_serve(struct rig *rig)
{
	const struct tp_command nothing = {.kind = TP_DROP_ALLOCATION};

	rig_attach(rig);
	// A result shows that a worker has taken over: before, it would drop requests.
	for (uint32_t w = 0; w < rig->workers; w++)
		cr_assert_eq(rig_command(rig, w, nothing), TP_STATUS_OK);
}

void rig_start(struct rig *rig, uint32_t workers, const char *public4)
{
	rig_launch(rig, workers, public4);
	rig_serve(rig);
}

static void wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	cr_assert_eq(poll(&p, 1, RIG_WAIT_MS), 1, "nothing came within the time");
}

static void make_control_segment(struct rig *rig)
{
	struct tp_header header = {
		.abi = TP_ABI, .workers = rig->workers, .epoch = tp_random64(), .commands = 65536};

	rig->generation++;
	header.size = tp_control_size(&header);
	rig->own_fd = tp_segment_create("test-control", header.size, &rig->ours);
	cr_assert_geq(rig->own_fd, 0);
	rig->control = rig->ours.base;
	rig->control->header = header;
	for (uint32_t w = 0; w < rig->workers; w++) {
		const struct tp_worker_out *out = &rig->plane->worker[w];
		struct tp_worker_in *in = &rig->control->worker[w];
		const uint8_t *base = rig->theirs.base;
		const struct tp_header *h = &rig->plane->header;

		cr_assert_eq(tp_producer_init(&rig->commands[w],
				     (uint8_t *)rig->ours.base + tp_commands_offset(&header, w),
				     header.commands, &in->commands_tail, &out->commands_head),
			0);
		cr_assert_eq(tp_consumer_init(&rig->results[w], base + tp_results_offset(h, w),
				     h->results, &out->results_tail, &in->results_head),
			0);
		cr_assert_eq(tp_consumer_init(&rig->punts[w], base + tp_punts_offset(h, w),
				     h->punts, &out->punts_tail, &in->punts_head),
			0);
		rig->rung[w] = 0;
	}
	__atomic_store_n(&rig->control->header.magic, TP_MAGIC_CONTROL, __ATOMIC_RELEASE);
}

void rig_attach(struct rig *rig)
{
	int fds[TP_WORKERS_MAX + 1], bell[2], welcome[2];
	uint32_t n;

	wait_readable(rig->listening);
	rig->connection = accept4(rig->listening, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(rig->connection, 0);
	wait_readable(rig->connection);
	cr_assert_eq(
		tp_greeting_receive(rig->connection, TP_HELLO_MAGIC, fds, TP_WORKERS_MAX + 1, &n),
		(int)rig->workers);
	cr_assert_eq(n, rig->workers + 1);
	cr_assert_eq(tp_segment_map(fds[0], TP_MAGIC_DATAPLANE, &rig->theirs), 0);
	close(fds[0]);
	memcpy(rig->bell, fds + 1, rig->workers * sizeof(fds[0]));
	rig->plane = rig->theirs.base;
	make_control_segment(rig);
	welcome[0] = rig->own_fd;
	cr_assert_eq(tp_bell_make(bell), 0);
	rig->doorbell = bell[0];
	welcome[1] = bell[1];
	cr_assert_eq(
		tp_greeting_send(rig->connection, TP_WELCOME_MAGIC, rig->workers, welcome, 2), 0);
	close(welcome[1]);
}

void rig_detach(struct rig *rig)
{
	close(rig->connection);
	rig->connection = -1;
	for (uint32_t w = 0; w < rig->workers; w++)
		close(rig->bell[w]);
	close(rig->doorbell);
	tp_unmap(&rig->ours);
	tp_unmap(&rig->theirs);
	close(rig->own_fd);
}

static void check_sums(const struct rig *rig)
{
	for (uint32_t w = 0; w < rig->workers; w++) {
		const struct tp_counters *c = &rig->plane->worker[w].counters;
		uint64_t client = tp_counter(c, TP_C_relayed_to_peer) + tp_counter(c, TP_C_punted);
		uint64_t peer = tp_counter(c, TP_C_relayed_to_client);

#define X(name, text) client += tp_counter(c, TP_C_##name);
		TP_CLIENT_DROPS(X)
#undef X
#define X(name, text) peer += tp_counter(c, TP_C_##name);
		TP_PEER_DROPS(X)
#undef X
		cr_assert_eq(tp_counter(c, TP_C_client_packets), client);
		cr_assert_eq(tp_counter(c, TP_C_peer_packets), peer);
	}
}

void rig_stop(struct rig *rig)
{
	int status;

	cr_assert_eq(kill(rig->child, SIGTERM), 0);
	cr_assert_eq(waitpid(rig->child, &status, 0), rig->child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	if (rig->connection >= 0)
		check_sums(rig);
	unlink(rig->path);
	rmdir(rig->directory);
}

uint64_t rig_counter(const struct rig *rig, enum tp_counter which)
{
	uint64_t sum = 0;

	for (uint32_t w = 0; w < rig->workers; w++)
		sum += tp_counter(&rig->plane->worker[w].counters, which);
	return sum;
}

// A worker adds to its counters at the end of a round, after it has sent.
void rig_expect(struct rig *rig, enum tp_counter which, uint64_t value)
{
	uint64_t until = monotonic_ms() + RIG_WAIT_MS;

	while (rig_counter(rig, which) != value && monotonic_ms() < until)
		poll(NULL, 0, 1);
	cr_assert_eq(rig_counter(rig, which), value, "counter %d is %lu, not %lu", which,
		rig_counter(rig, which), value);
}

void rig_push(struct rig *rig, uint32_t worker, uint32_t kind, const void *bytes, uint32_t length)
{
	void *out = tp_ring_reserve(&rig->commands[worker], kind, length);

	cr_assert(out);
	memcpy(out, bytes, length);
}

void rig_ring(struct rig *rig, uint32_t worker)
{
	tp_ring_publish(&rig->commands[worker]);
	tp_doorbell_ring(&rig->plane->worker[worker].bell, rig->bell[worker], &rig->rung[worker]);
}

static int next(struct rig *rig, struct tp_consumer *c, uint32_t *kind, void *out, uint32_t size)
{
	for (;;) {
		int length = tp_ring_next(c, kind, out, size);

		if (length != -EAGAIN) {
			tp_ring_release(c);
			return length;
		}
		tp_doorbell_sleep(&rig->control->bell);
		if (!tp_ring_ready(c)) {
			wait_readable(rig->doorbell);
			cr_assert_geq(tp_bell_silence(rig->doorbell), 1);
		}
		tp_doorbell_awake(&rig->control->bell);
	}
}

struct tp_result rig_result(struct rig *rig, uint32_t worker)
{
	struct tp_result result;
	uint32_t kind;

	cr_assert_eq(next(rig, &rig->results[worker], &kind, &result, sizeof(result)),
		(int)sizeof(result));
	cr_assert_eq(kind, TP_RESULT);
	return result;
}

struct tp_punt rig_punt(struct rig *rig, uint32_t worker, uint8_t bytes[TP_PUNT_MAX])
{
	uint8_t record[sizeof(struct tp_punt) + TP_PUNT_MAX];
	struct tp_punt punt;
	uint32_t kind;
	int length = next(rig, &rig->punts[worker], &kind, record, sizeof(record));

	cr_assert_geq(length, (int)sizeof(punt));
	cr_assert_eq(kind, TP_PUNT);
	memcpy(&punt, record, sizeof(punt));
	cr_assert_eq(length, (int)sizeof(punt) + punt.length);
	memcpy(bytes, record + sizeof(punt), punt.length);
	return punt;
}

void rig_expect_arrival(struct rig *rig, uint32_t worker, const struct tp_arrival *arrival)
{
	struct tp_arrival record;
	uint32_t kind;

	cr_assert_eq(next(rig, &rig->punts[worker], &kind, &record, sizeof(record)),
		(int)sizeof(record));
	cr_assert_eq(kind, TP_ARRIVAL);
	cr_assert_eq(memcmp(&record, arrival, sizeof(record)), 0);
}

enum tp_status rig_command(struct rig *rig, uint32_t worker, struct tp_command command)
{
	struct tp_result result;

	command.sequence = ++rig->sequence;
	command.generation = rig->generation;
	command.expires_ms = monotonic_ms() + 600000;
	rig_push(rig, worker, TP_COMMAND, &command, sizeof(command));
	rig_ring(rig, worker);
	result = rig_result(rig, worker);
	cr_assert_eq(result.sequence, command.sequence);
	return result.status;
}
