// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "agent.h"

void agent_init(
	struct agent *a, uint32_t index, const struct segment *segment, const struct agent_ops *ops)
{
	*a = (struct agent){.index = index,
		.capabilities = &segment->shared->capabilities,
		.segment = segment->shared,
		.out = &segment->shared->worker[index],
		.ops = *ops,
		.wake = segment->wake[index],
		.ready = segment->ready};
}

static void take(struct agent *a, const struct attachment *attachment)
{
	const struct tp_header *own = &a->segment->header;
	const struct tp_header *theirs;
	uint8_t *base = (uint8_t *)a->segment;
	const struct tp_worker_in *in;

	a->attached = attachment;
	if (a->ops.listen)
		a->ops.listen(a->ops.context, attachment ? attachment->bell[a->index] : -1);
	if (!attachment)
		return;
	theirs = &attachment->control.header;
	in = &attachment->segment->worker[a->index];
	tp_consumer_resume(&a->commands,
		(const uint8_t *)attachment->segment + tp_commands_offset(theirs, a->index),
		theirs->commands, &in->commands_tail, &a->out->commands_head);
	tp_producer_resume(&a->results, base + tp_results_offset(own, a->index), own->results,
		&a->out->results_tail, &in->results_head);
	tp_producer_resume(&a->punts, base + tp_punts_offset(own, a->index), own->punts,
		&a->out->punts_tail, &in->punts_head);
	a->rung = 0;
	a->failed = 0;
	a->swept = a->swept_beside = 0; // its control plane is gone, the next one sweeps for itself
}

void agent_follow(struct agent *a)
{
	struct attachment *wanted = atomic_load_explicit(&a->wanted, memory_order_acquire);
	const uint64_t one = 1;

	if (wanted == a->attached)
		return;
	take(a, wanted);
	atomic_store_explicit(&a->held, wanted, memory_order_release);
	// The main thread looks at its next heartbeat at the latest.
	if (write(a->ready, &one, sizeof(one)) < 0)
		return;
}

static bool sweeps(const struct agent *a)
{
	return a->swept || a->swept_beside;
}

bool agent_ready(struct agent *a)
{
	return a->attached && (sweeps(a) || tp_ring_ready(&a->commands));
}

static enum tp_status apply(struct agent *a, const struct tp_command *command)
{
	if (command->transaction && command->transaction == a->failed)
		return TP_STATUS_SKIPPED;
	if (a->ops.apply)
		return a->ops.apply(a->ops.context, command);
	return relay_apply(a->relay, command, a->now);
}

static void answer(struct agent *a, const struct tp_command *command, enum tp_status status)
{
	struct tp_result result = {.sequence = command->sequence,
		.transaction = command->transaction,
		.status = status};
	void *out = tp_ring_reserve(&a->results, TP_RESULT, sizeof(result));

	tally_add(&a->tally, status == TP_STATUS_OK ? TP_C_commands_applied : TP_C_commands_failed,
		1);
	if (status == TP_STATUS_INVALID)
		tally_add(&a->tally, TP_C_command_bad, 1);
	if (status != TP_STATUS_OK && command->transaction)
		a->failed = command->transaction;
	if (out)
		memcpy(out, &result, sizeof(result));
	else
		tally_add(&a->tally,
			tp_ring_room(&a->results) < 0 ? TP_C_ring_bad : TP_C_results_full, 1);
}

static void sweep(struct agent *a, const struct tp_command *command)
{
	if (!a->swept_beside)
		a->swept = relay_sweep(a->relay, command->generation, a->swept, AGENT_SWEEP_LOOK,
			AGENT_SWEEP_DROP);
	if (!a->swept && a->ops.sweep)
		a->swept_beside = a->ops.sweep(a->ops.context, command, a->swept_beside);
	if (!sweeps(a))
		answer(a, command, TP_STATUS_OK);
}

static void run_command(struct agent *a, const struct tp_command *command)
{
	if (command->kind == TP_SWEEP &&
		!(command->transaction && command->transaction == a->failed)) {
		a->sweep = *command;
		sweep(a, &a->sweep);
	} else {
		answer(a, command, apply(a, command));
	}
}

static bool send_valid(const struct agent *a, const struct tp_send *send)
{
	const struct tp_capabilities *caps = a->capabilities;

	return send->server < caps->servers && send->transport == TP_UDP && send->client.port &&
	       send->length && send->length <= TP_PUNT_MAX &&
	       tp_ip_family(&send->client.ip) == tp_ip_family(&caps->server[send->server].ip);
}

// Returns whether `bytes` stay in use until the flush.
static bool run_send(struct agent *a, const struct tp_send *send, const uint8_t *bytes)
{
	if (!send_valid(a, send)) {
		tally_add(&a->tally, TP_C_send_bad, 1);
		return false;
	}
	if (send->transaction && send->transaction == a->failed) {
		tally_add(&a->tally, TP_C_replies_withheld, 1);
		return false;
	}
	a->ops.send(a->ops.context, send, bytes);
	return true;
}

// Handles the record of `length` bytes. Returns whether its bytes stay in use until the flush.
static bool run_record(struct agent *a, uint32_t kind, const uint8_t *record, uint32_t length)
{
	struct tp_command command;
	struct tp_send send;

	if (kind == TP_COMMAND && length == sizeof(command)) {
		memcpy(&command, record, sizeof(command));
		run_command(a, &command);
		return false;
	}
	if (kind == TP_SEND && length >= sizeof(send)) {
		memcpy(&send, record, sizeof(send));
		if (length == sizeof(send) + send.length)
			return run_send(a, &send, record + sizeof(send));
	}
	tally_add(&a->tally, TP_C_record_bad, 1);
	return false;
}

static void publish_rings(struct agent *a)
{
	if (!a->attached ||
		(a->results.local == a->results.published && a->punts.local == a->punts.published))
		return;
	tp_ring_publish(&a->results);
	tp_ring_publish(&a->punts);
	tp_doorbell_ring(&a->attached->segment->bell, a->attached->doorbell, &a->rung);
}

// The results come before the answers: whoever has an answer may ask for more, by way of another worker,
// and the control plane must know by then what this one did.
static void flush(struct agent *a)
{
	publish_rings(a);
	a->ops.flush(a->ops.context);
	a->records = 0;
}

unsigned int agent_run(struct agent *a)
{
	unsigned int n;

	if (!a->attached)
		return 0;
	if (sweeps(a)) {
		sweep(a, &a->sweep);
		return 1;
	}
	for (n = 0; n < AGENT_ROUND && !sweeps(a); n++) {
		uint8_t *record = a->record[a->records];
		uint32_t kind;
		int length = tp_ring_next(&a->commands, &kind, record, sizeof(a->record[0]));

		if (length == -EAGAIN)
			break;
		if (length < 0)
			tally_add(
				&a->tally, length == -EPROTO ? TP_C_ring_bad : TP_C_record_bad, 1);
		else if (run_record(a, kind, record, (uint32_t)length) &&
			 ++a->records == RELAY_BURST)
			flush(a);
	}
	if (n) {
		tp_ring_release(&a->commands);
		flush(a);
	}
	return n;
}

void agent_publish(struct agent *a)
{
	agent_tell_arrivals(a);
	publish_rings(a);
	tally_publish(&a->tally, &a->out->counters);
}

static void wake(const struct agent *a)
{
	const uint64_t one = 1;

	// EAGAIN: it is full, so the worker is awake.
	if (write(a->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

void agent_offer(struct agent *a, struct attachment *attachment)
{
	atomic_store_explicit(&a->wanted, attachment, memory_order_release);
	wake(a);
}

bool agent_holds(const struct agent *a, const struct attachment *attachment)
{
	return atomic_load_explicit(&a->held, memory_order_acquire) == attachment;
}

void agent_stop(struct agent *a)
{
	atomic_store(&a->stop, true);
	wake(a);
}
