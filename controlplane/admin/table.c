// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../config/printable.h"
#include "table.h"

void table_add(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		char **more = realloc(table->cells, room * sizeof(*more));

		if (!more)
			return;
		table->cells = more;
		table->room = room;
	}
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (text)
		printable(text);
	table->cells[table->count++] = text;
}

static const char *cell(const struct table *table, size_t i)
{
	return i < table->count && table->cells[i] ? table->cells[i] : "-";
}

// Characters, as far as UTF-8 tells: bytes that do not continue another.
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

void table_print(const struct table *table, unsigned int right, FILE *out)
{
	size_t widest[TABLE_COLUMNS_MAX] = {0};

	for (size_t i = 0; i < table->count; i++) {
		size_t w = width(cell(table, i));

		if (w > widest[i % table->columns])
			widest[i % table->columns] = w;
	}
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;
		int padding = (int)(widest[column] - width(cell(table, i)));
		int last = column + 1 == table->columns;

		if (right & (1u << column))
			fprintf(out, "%*s%s", padding, "", cell(table, i));
		else
			fprintf(out, "%s%*s", cell(table, i), last ? 0 : padding, "");
		fputs(last ? "\n" : "  ", out);
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){.columns = table->columns};
}
