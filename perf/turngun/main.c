// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "machine.h"
#include "payload.h"
#include "reflect.h"
#include "report.h"
#include "setup.h"

enum status {
	STATUS_MEASURED = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_DAMAGED = 3,
};

struct program {
	struct options options;
	int argc;
	char **argv;
	struct wire *wire;
	struct population population;
	struct credentials credentials;
	struct setup_result allocate, bind, release;
	struct keeper keeper;
	struct load load;
	enum status status;
};

static void print(json_t *document)
{
	json_dumpf(document, stdout, JSON_REAL_PRECISION(9));
	puts("");
	fflush(stdout);
	json_decref(document);
}

static enum status measure_gaps(struct program *p)
{
	struct gaps *g = &p->load.gaps;
	uint64_t now = clock_ns(), until = now + (uint64_t)(p->options.trial.seconds * 1e9);
	json_t *document;

	gaps_begin(g, now);
	for (; now < until; now = clock_ns())
		gaps_look(g, now);
	gaps_end(g, now);
	if (!p->options.json) {
		report_gaps_text(stdout, g);
		return STATUS_MEASURED;
	}
	document = machine_document(&p->options, p->argc, p->argv, NULL);
	json_object_set_new(document, "gaps", report_gaps(g));
	print(document);
	return STATUS_MEASURED;
}

// Allocations and what goes with them; or, without a relay, as if.
static int set_up(struct program *p)
{
	int err;

	if (p->options.command == COMMAND_CEILING) {
		population_pretend(&p->population);
		for (uint32_t i = 0; i < p->population.clients; i++)
			if ((err = p->wire->ops->find(
				     p->wire, &p->population.client[i].path, clock_ns())))
				return err;
		return 0;
	}
	err = setup_run(&p->allocate, p->wire, &p->population, &p->credentials, TASK_ALLOCATE);
	if (!err)
		err = setup_run(&p->bind, p->wire, &p->population, &p->credentials, TASK_BIND);
	if (!err && !p->bind.made) {
		report_setup_text(stderr, &p->allocate, &p->bind);
		fprintf(stderr, "turngun: no flow could be made.\n");
		err = -EIO;
	}
	return err;
}

static json_t *head(struct program *p)
{
	json_t *document = machine_document(&p->options, p->argc, p->argv, p->wire->dpdk);

	json_object_set_new(document, "setup",
		p->options.command == COMMAND_LOAD ? report_setup(&p->allocate, &p->bind)
						   : json_null());
	return document;
}

static void put_trial(struct program *p, json_t *document)
{
	json_object_set_new(document, "load", report_load(&p->load));
	json_object_set_new(document, "kept",
		p->load.keeper ? report_kept(&p->load.keeper->result) : json_null());
	json_object_set_new(document, "wire", report_wire(&p->load, &p->options));
	json_object_set_new(document, "gaps", report_gaps(&p->load.gaps));
	print(document);
}

static int try(struct program *p)
{
	static struct load_way all;
	double warm_up = p->options.warm_up;
	int err = 0;

	if (warm_up > 0)
		err = load_run(&p->load, warm_up);
	if (!err)
		err = load_run(&p->load, p->load.trial->seconds);
	if (err)
		return err;
	load_total(&p->load, &all);
	if (all.corrupt || all.misdelivered)
		p->status = STATUS_DAMAGED;
	return 0;
}

static int one_trial(struct program *p)
{
	int err = try(p);

	if (err)
		return err;
	if (p->options.json) {
		put_trial(p, head(p));
		return 0;
	}
	if (p->options.command == COMMAND_LOAD)
		report_setup_text(stdout, &p->allocate, &p->bind);
	report_load_text(stdout, &p->load);
	return 0;
}

static int trials_of_stdin(struct program *p)
{
	struct trial trial = p->options.trial;
	char line[512];
	int err = 0;

	p->load.trial = &trial;
	if (p->options.json)
		print(head(p));
	else if (p->options.command == COMMAND_LOAD)
		report_setup_text(stdout, &p->allocate, &p->bind);
	while (!err && fgets(line, sizeof(line), stdin)) {
		err = trial_parse(&trial, line);
		if (!err)
			err = try(p);
		if (err)
			break;
		if (p->options.json)
			put_trial(p, json_pack("{s:s}", "schema", SCHEMA));
		else
			report_load_text(stdout, &p->load);
	}
	return err;
}

static int measure(struct program *p)
{
	int err = set_up(p);

	if (!err)
		err = population_make_streams(&p->population, p->wire);
	if (!err) {
		p->load.wire = p->wire;
		p->load.population = &p->population;
		p->load.trial = &p->options.trial;
		p->load.reflected = p->options.command == COMMAND_CEILING;
		if (p->options.command == COMMAND_LOAD) {
			err = keeper_begin(
				&p->keeper, p->wire, &p->population, &p->credentials, clock_ns());
			p->load.keeper = &p->keeper;
		}
	}
	if (!err)
		err = p->options.trials ? trials_of_stdin(p) : one_trial(p);
	if (p->load.keeper)
		keeper_end(p->load.keeper);
	if (p->options.command == COMMAND_LOAD && !p->options.keep)
		setup_run(&p->release, p->wire, &p->population, &p->credentials, TASK_RELEASE);
	return err;
}

static enum status run(struct program *p)
{
	const struct options *o = &p->options;
	int err = 0;

	if (o->command == COMMAND_GAPS)
		return measure_gaps(p);
	if (o->command == COMMAND_LOAD)
		err = credentials_read(&p->credentials, o);
	if (!err)
		err = population_make(&p->population, o);
	if (!err)
		err = wire_open(&p->wire, o);
	if (!err && o->command == COMMAND_REFLECT)
		reflect(p->wire, o->forever ? 0 : o->trial.seconds);
	else if (!err)
		err = measure(p);
	if (p->wire)
		p->wire->ops->close(p->wire);
	population_free(&p->population);
	credentials_free(&p->credentials);
	return err ? STATUS_FAILED : p->status;
}

int main(int argc, char **argv)
{
	static struct program p;
	int err = options_parse(&p.options, argc, argv);

	if (err)
		return err < 0 ? STATUS_USAGE : 0;
	p.argc = argc;
	p.argv = argv;
	if (p.options.cpu >= 0 && (err = machine_pin(p.options.cpu))) {
		fprintf(stderr, "turngun: CPU %d: %s.\n", p.options.cpu, strerror(-err));
		return STATUS_FAILED;
	}
	payload_init();
	return (int)run(&p);
}
