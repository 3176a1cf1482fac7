// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <stdio.h>
#include <string.h>

#include "gaps.h"
#include "machine.h"
#include "options.h"
#include "report.h"

static int measure_gaps(const struct options *o, int argc, char **argv)
{
	static struct gaps g;
	uint64_t now = clock_ns(), until = now + (uint64_t)(o->trial.seconds * 1e9);
	json_t *document;

	gaps_begin(&g, now);
	do {
		now = clock_ns();
		gaps_look(&g, now);
	} while (now < until);
	gaps_end(&g, now);
	if (!o->json) {
		report_gaps_text(stdout, &g);
		return 0;
	}
	document = machine_document(o, argc, argv, NULL);
	json_object_set_new(document, "gaps", report_gaps(&g));
	json_dumpf(document, stdout, JSON_REAL_PRECISION(9));
	puts("");
	json_decref(document);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o;
	int err = options_parse(&o, argc, argv);

	if (err)
		return err < 0 ? 2 : 0;
	if (o.cpu >= 0 && (err = machine_pin(o.cpu))) {
		fprintf(stderr, "turngun: CPU %d: %s.\n", o.cpu, strerror(-err));
		return 1;
	}
	if (o.command == COMMAND_GAPS)
		return measure_gaps(&o, argc, argv);
	fprintf(stderr, "turngun: this version measures gaps only.\n");
	return 1;
}
