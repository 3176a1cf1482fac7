// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "commands.h"

#include "worker.h"

void commands_attach(struct worker *w, const struct attachment *attachment)
{
	const struct tp_header *own = &w->segment->header;
	uint8_t *base = (uint8_t *)w->segment;
	const struct tp_control_segment *control;
	const struct tp_worker_in *in;

	w->attached = attachment;
	if (!attachment)
		return;
	control = attachment->segment;
	in = &control->worker[w->index];
	tp_consumer_resume(&w->commands,
		(const uint8_t *)control + tp_commands_offset(&attachment->header, w->index),
		attachment->header.commands, &in->commands_tail, &w->out->commands_head);
	tp_producer_resume(&w->results, base + tp_results_offset(own, w->index), own->results,
		&w->out->results_tail, &in->results_head);
	tp_producer_resume(&w->punts, base + tp_punts_offset(own, w->index), own->punts,
		&w->out->punts_tail, &in->punts_head);
	w->rung = 0;
	w->failed = 0;
}

bool commands_ready(struct worker *w)
{
	return w->attached && tp_ring_ready(&w->commands);
}

static enum tp_status apply(struct worker *w, const struct tp_command *command)
{
	if (command->transaction && command->transaction == w->failed)
		return TP_STATUS_SKIPPED;
	if (command->kind == TP_PUT_ALLOCATION)
		return relay_socket_put(w, command);
	return relay_apply(w->relay, command, w->now);
}

static void run_command(struct worker *w, const struct tp_command *command)
{
	enum tp_status status = apply(w, command);
	struct tp_result result = {.sequence = command->sequence,
		.transaction = command->transaction,
		.status = status};
	void *out = tp_ring_reserve(&w->results, TP_RESULT, sizeof(result));

	tally_add(&w->tally, status == TP_STATUS_OK ? TP_C_commands_applied : TP_C_commands_failed,
		1);
	if (status == TP_STATUS_INVALID)
		tally_add(&w->tally, TP_C_command_bad, 1);
	if (status != TP_STATUS_OK && command->transaction)
		w->failed = command->transaction;
	if (out)
		memcpy(out, &result, sizeof(result));
	else
		tally_add(&w->tally,
			tp_ring_room(&w->results) < 0 ? TP_C_ring_bad : TP_C_results_full, 1);
}

static bool send_valid(const struct worker *w, const struct tp_send *send)
{
	const struct tp_capabilities *caps = w->capabilities;

	return send->server < caps->servers && send->transport == TP_UDP && send->client.port &&
	       send->length && send->length <= TP_PUNT_MAX &&
	       tp_ip_family(&send->client.ip) == tp_ip_family(&caps->server[send->server].ip);
}

// Queues the message in `record`, which stays in use until the flush. Returns whether it did.
static bool queue_send(struct worker *w, uint8_t *record)
{
	struct transmit_item *item;
	struct tp_send send;

	memcpy(&send, record, sizeof(send));
	if (!send_valid(w, &send)) {
		tally_add(&w->tally, TP_C_send_bad, 1);
		return false;
	}
	if (send.transaction && send.transaction == w->failed) {
		tally_add(&w->tally, TP_C_replies_withheld, 1);
		return false;
	}
	item = transmit_next(&w->transmit);
	*item = (struct transmit_item){.fd = w->listener[send.server].fd,
		.kind = TRANSMIT_REPLY,
		.parts = 1,
		.part = {{record + sizeof(send), send.length}},
		.to = send.client};
	return true;
}

// Handles the record of `length` bytes. Returns whether its bytes stay in use until the flush.
static bool run_record(struct worker *w, uint32_t kind, uint8_t *record, uint32_t length)
{
	struct tp_command command;
	struct tp_send send;

	if (kind == TP_COMMAND && length == sizeof(command)) {
		memcpy(&command, record, sizeof(command));
		run_command(w, &command);
		return false;
	}
	if (kind == TP_SEND && length >= sizeof(send)) {
		memcpy(&send, record, sizeof(send));
		if (length == sizeof(send) + send.length)
			return queue_send(w, record);
	}
	tally_add(&w->tally, TP_C_record_bad, 1);
	return false;
}

unsigned int commands_run(struct worker *w)
{
	unsigned int n;

	if (!w->attached)
		return 0;
	for (n = 0; n < COMMANDS_ROUND; n++) {
		uint8_t *record = w->batch.record[w->transmit.count];
		uint32_t kind;
		int length = tp_ring_next(&w->commands, &kind, record, sizeof(w->batch.record[0]));

		if (length == -EAGAIN)
			break;
		if (length < 0)
			tally_add(
				&w->tally, length == -EPROTO ? TP_C_ring_bad : TP_C_record_bad, 1);
		else if (run_record(w, kind, record, (uint32_t)length) &&
			 w->transmit.count == RELAY_BURST)
			transmit_flush(w);
	}
	if (n) {
		tp_ring_release(&w->commands);
		transmit_flush(w);
	}
	return n;
}
