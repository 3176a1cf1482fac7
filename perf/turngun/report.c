// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "report.h"

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

static json_t *unless_unknown(int64_t value, double unit)
{
	return value < 0 ? json_null() : json_real((double)value / unit);
}

static double lost_percent(const struct gaps *g)
{
	uint64_t all = g->end_ns - g->begin_ns;

	return all ? 100 * (double)g->lost_ns / (double)all : 0;
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
