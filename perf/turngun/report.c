// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "report.h"

#include <string.h>

static const struct {
	const char *name;
	double share;
} percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

#define PERCENTILES (sizeof(percentiles) / sizeof(*percentiles))

static const char *const directions[WAYS] = {"to-peer", "to-client", "hairpin"};
static const char *const forms[FORMS] = {"channel", "indication"};

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static json_t *unless_unknown(int64_t value, double unit)
{
	return value < 0 ? json_null() : json_real((double)value / unit);
}

static json_t *latency(const struct histogram *h)
{
	json_t *o = json_object();

	for (size_t i = 0; i < PERCENTILES; i++)
		json_object_set_new(o, percentiles[i].name,
			h->count ? json_real(us(histogram_percentile(h, percentiles[i].share)))
				 : json_null());
	json_object_set_new(o, "max", h->count ? json_real(us(h->max)) : json_null());
	json_object_set_new(
		o, "mean", h->count ? json_real(us(h->sum) / (double)h->count) : json_null());
	json_object_set_new(o, "samples", json_integer((json_int_t)h->count));
	return o;
}

static json_t *histogram(const struct histogram *h)
{
	json_t *buckets = json_array();

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (h->bucket[i])
			json_array_append_new(
				buckets, json_pack("[I, I]", (json_int_t)histogram_highest(i),
						 (json_int_t)h->bucket[i]));
	return json_pack("{s:s, s:f, s:o}", "unit", "ns", "relative_error", 1.0 / HISTOGRAM_STEPS,
		"buckets", buckets);
}

static json_t *errors(const struct setup_result *r)
{
	json_t *o = json_object();
	char code[16];

	for (uint32_t i = 0; i < SETUP_ERRORS_MAX && r->error[i].count; i++) {
		snprintf(code, sizeof(code), "%u", r->error[i].code);
		json_object_set_new(o, code, json_integer(r->error[i].count));
	}
	if (r->timeouts)
		json_object_set_new(o, "timeout", json_integer(r->timeouts));
	if (r->bad)
		json_object_set_new(o, "bad", json_integer(r->bad));
	return o;
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static json_t *phase(const struct setup_result *r)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:o}", "asked",
		(json_int_t)r->asked, "made", (json_int_t)r->made, "failed",
		(json_int_t)(r->asked - r->made), "transactions", (json_int_t)r->transactions,
		"retransmissions", (json_int_t)r->retransmissions, "seconds", seconds(r->took_ns),
		"per_second", ratio(r->made, seconds(r->took_ns)), "latency_us",
		latency(&r->latency), "errors", errors(r));
}

json_t *report_setup(const struct setup_result *allocate, const struct setup_result *bind)
{
	return json_pack("{s:f, s:o, s:o}", "seconds", seconds(allocate->took_ns + bind->took_ns),
		"allocate", phase(allocate), "bind", phase(bind));
}

json_t *report_kept(const struct setup_result *r)
{
	return phase(r);
}

static json_t *way(const struct load_way *w, double took)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "offered",
		(json_int_t)w->offered, "sent", (json_int_t)w->sent, "unsent",
		(json_int_t)w->unsent, "received", (json_int_t)w->received, "lost",
		(json_int_t)load_way_lost(w), "duplicates", (json_int_t)w->duplicates, "reordered",
		(json_int_t)w->reordered, "late", (json_int_t)w->late, "corrupt",
		(json_int_t)w->corrupt, "misdelivered", (json_int_t)w->misdelivered, "bad_checksum",
		(json_int_t)w->bad_checksum);

	json_object_set_new(o, "offered_pps", json_real(ratio((double)w->offered, took)));
	json_object_set_new(o, "sent_pps", json_real(ratio((double)w->sent, took)));
	json_object_set_new(o, "received_pps", json_real(ratio((double)w->received_in_time, took)));
	json_object_set_new(
		o, "payload_bps", json_real(ratio(8 * (double)w->received_bytes, took)));
	json_object_set_new(o, "loss", json_real(ratio((double)load_way_lost(w), (double)w->sent)));
	json_object_set_new(o, "worst_stream_loss", json_real(w->worst_stream_loss));
	json_object_set_new(o, "latency_us", latency(&w->latency));
	json_object_set_new(o, "histogram", histogram(&w->latency));
	return o;
}

json_t *report_load(const struct load *l)
{
	static const char *const asked[] = {
		[DIRECTION_TO_PEER] = "to-peer",
		[DIRECTION_TO_CLIENT] = "to-client",
		[DIRECTION_BOTH] = "both",
	};
	double took = seconds(l->sending_ns);
	json_t *ways = json_array(), *total;
	static struct load_way all;
	json_int_t streams = 0;

	load_total(l, &all);
	total = way(&all, took);
	for (uint32_t i = 0; i < WAYS * FORMS; i++) {
		const struct load_way *w = &l->way[i / FORMS][i % FORMS];
		json_t *o;

		streams += w->streams;
		if (!w->streams)
			continue;
		o = way(w, took);
		json_object_set_new(o, "direction", json_string(directions[i / FORMS]));
		json_object_set_new(o, "form", json_string(forms[i % FORMS]));
		json_array_append_new(ways, o);
	}
	return json_pack("{s:o, s:s, s:s, s:f, s:f, s:o, s:f, s:I, s:I, s:o, s:o}", "rate",
		l->trial->rate ? json_integer((json_int_t)l->trial->rate) : json_null(), "sizes",
		l->trial->sizes.text, "direction", asked[l->trial->direction], "seconds", took,
		"grace_seconds", seconds(l->grace_ns), "best_received_pps",
		l->best_pps > 0 ? json_real(l->best_pps) : json_null(), "best_window_seconds",
		seconds(LOAD_WINDOW_NS), "flows", (json_int_t)l->population->flows, "streams",
		streams, "ways", ways, "total", total);
}

json_t *report_wire(const struct load *l, const struct options *o)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "name", o->wire,
		"driver", l->wire->driver, "refused", (json_int_t)l->wire_counters.refused,
		"missed", (json_int_t)l->wire_counters.missed, "errors",
		(json_int_t)l->wire_counters.errors, "unexpected", "unknown",
		(json_int_t)l->unknown, "stale", (json_int_t)l->stale, "malformed",
		(json_int_t)l->wire_counters.malformed, "stun", (json_int_t)l->stun);
}

static double lost_percent(const struct gaps *g)
{
	return 100 * ratio((double)g->lost_ns, (double)(g->end_ns - g->begin_ns));
}

json_t *report_gaps(const struct gaps *g)
{
	return json_pack("{s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "threshold_us",
		us(GAP_NS), "count", (json_int_t)g->count, "longest_us", us(g->looks.max),
		"lost_percent", lost_percent(g), "p50_us", us(histogram_percentile(&g->looks, 0.5)),
		"p99_us", us(histogram_percentile(&g->looks, 0.99)), "p99.9_us",
		us(histogram_percentile(&g->looks, 0.999)), "involuntary_switches",
		unless_unknown(g->kernel.involuntary, 1), "waited_ms",
		unless_unknown(g->kernel.waited_ns, 1e6), "stolen_ms",
		unless_unknown(g->kernel.stolen_ms, 1));
}

void report_gaps_text(FILE *out, const struct gaps *g)
{
	fprintf(out,
		"gaps        %lu longer than %.0f us, the longest %.0f us, %.2f %% of the time\n",
		g->count, us(GAP_NS), us(g->looks.max), lost_percent(g));
}

static void phase_text(FILE *out, const char *what, const struct setup_result *r)
{
	char *failures = json_dumps(errors(r), 0);

	fprintf(out,
		"%-11s %u of %u in %.3f s: %.0f a second, transactions p50 %.0f us, p99 %.0f "
		"us%s%s\n",
		what, r->made, r->asked, seconds(r->took_ns), ratio(r->made, seconds(r->took_ns)),
		us(histogram_percentile(&r->latency, 0.5)),
		us(histogram_percentile(&r->latency, 0.99)),
		r->made == r->asked ? "" : ", failures ", r->made == r->asked ? "" : failures);
	free(failures);
}

void report_setup_text(
	FILE *out, const struct setup_result *allocate, const struct setup_result *bind)
{
	phase_text(out, "allocated", allocate);
	phase_text(out, "bound", bind);
}

static void way_text(
	FILE *out, const char *direction, const char *form, const struct load_way *w, double took)
{
	fprintf(out,
		"%-9s %-10s offered %.0f/s, sent %.0f/s, received %.0f/s, lost %lu (%.4f %%)\n",
		direction, form, ratio((double)w->offered, took), ratio((double)w->sent, took),
		ratio((double)w->received_in_time, took), load_way_lost(w),
		100 * ratio((double)load_way_lost(w), (double)w->sent));
	fprintf(out, "%20s latency", "");
	for (size_t i = 0; i < PERCENTILES; i++)
		fprintf(out, " %s %.1f", percentiles[i].name,
			us(histogram_percentile(&w->latency, percentiles[i].share)));
	fprintf(out, " max %.0f us\n", us(w->latency.max));
	fprintf(out,
		"%20s reordered %lu, duplicates %lu, corrupt %lu, misdelivered %lu, bad checksums "
		"%lu\n",
		"", w->reordered, w->duplicates, w->corrupt, w->misdelivered, w->bad_checksum);
}

void report_load_text(FILE *out, const struct load *l)
{
	double took = seconds(l->sending_ns);
	static struct load_way all;

	load_total(l, &all);
	for (uint32_t i = 0; i < WAYS * FORMS; i++)
		if (l->way[i / FORMS][i % FORMS].streams)
			way_text(out, directions[i / FORMS], forms[i % FORMS],
				&l->way[i / FORMS][i % FORMS], took);
	way_text(out, "all", "", &all, took);
	fprintf(out, "%-20s %.0f/s received in the best %.0f ms\n", "", l->best_pps,
		us(LOAD_WINDOW_NS) / 1000);
	fprintf(out,
		"%-11s refused %lu, missed %lu, unexpected: %lu unknown, %lu stale, %lu malformed, "
		"%lu stun\n",
		"wire", l->wire_counters.refused, l->wire_counters.missed, l->unknown, l->stale,
		l->wire_counters.malformed, l->stun);
	report_gaps_text(out, &l->gaps);
}
