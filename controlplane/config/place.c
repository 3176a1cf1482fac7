// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "printable.h"

static bool key_is(const yaml_node_t *key, const char *name, size_t length)
{
	return key->type == YAML_SCALAR_NODE && key->data.scalar.length == length &&
	       memcmp(key->data.scalar.value, name, length) == 0;
}

// The first pair of a mapping with this key.
static yaml_node_pair_t *find(
	yaml_document_t *d, const yaml_node_t *node, const char *name, size_t length)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
		p++)
		if (key_is(yaml_document_get_node(d, p->key), name, length))
			return p;
	return NULL;
}

// The value of a key; *line becomes the key's, from 1.
static yaml_node_t *member(
	yaml_document_t *d, const yaml_node_t *node, const char *name, size_t length, size_t *line)
{
	const yaml_node_pair_t *p = find(d, node, name, length);

	if (!p)
		return NULL;
	*line = yaml_document_get_node(d, p->key)->start_mark.line + 1;
	return yaml_document_get_node(d, p->value);
}

static yaml_node_t *entry(yaml_document_t *d, yaml_node_t *node, size_t index, size_t *line)
{
	yaml_node_t *found;

	if (node->type != YAML_SEQUENCE_NODE)
		return NULL;
	if (index >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
		return NULL;
	found = yaml_document_get_node(d, node->data.sequence.items.start[index]);
	*line = found->start_mark.line + 1;
	return found;
}

// Goes as far along the path as the document does. Returns the node at its end, NULL when the path
// leaves the document; *line is of the last step that was there, 0: not even the first.
static yaml_node_t *walk(struct place *place, const char *path, size_t *line)
{
	yaml_node_t *node = NULL;

	*line = 0;
	if (place->loaded)
		node = yaml_document_get_root_node(&place->document);
	while (node && *path) {
		if (*path == '[') {
			char *end;
			size_t index = strtoul(path + 1, &end, 10);

			node = entry(&place->document, node, index, line);
			path = end + 1;
		} else {
			size_t length;

			path += *path == '.';
			length = strcspn(path, ".[");
			node = member(&place->document, node, path, length, line);
			path += length;
		}
	}
	return node;
}

// What is quoted from the file stays on the line and harms no terminal.
[[gnu::format(printf, 2, 0)]] static void print_list(
	struct place *place, const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		return;
	printable(text);
	fputs(text, place->errors);
	free(text);
}

[[gnu::format(printf, 2, 3)]] static void print(struct place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_list(place, format, arguments);
	va_end(arguments);
}

static void write_place(struct place *place, size_t line, const char *path)
{
	place->complaints++;
	fprintf(place->errors, "%s:", place->name);
	if (line)
		fprintf(place->errors, "%zu:", line);
	print(place, *path ? " %s: " : " ", path);
}

void place_complain(struct place *place, const char *path, const char *format, ...)
{
	va_list arguments;
	size_t line;

	walk(place, path, &line);
	write_place(place, line, path);
	va_start(arguments, format);
	print_list(place, format, arguments);
	va_end(arguments);
	fputc('\n', place->errors);
}

bool place_has_value(struct place *place, const char *path)
{
	size_t line;
	const yaml_node_t *node = walk(place, path, &line);

	return node && !(node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0);
}

static void check_mapping(struct place *place, const yaml_node_t *node)
{
	yaml_document_t *d = &place->document;

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
		p++) {
		const yaml_node_t *key = yaml_document_get_node(d, p->key);
		const yaml_node_pair_t *first;

		if (key->type != YAML_SCALAR_NODE) {
			write_place(place, key->start_mark.line + 1, "");
			fprintf(place->errors, "a key must be a word.\n");
			continue;
		}
		first = find(
			d, node, (const char *)key->data.scalar.value, key->data.scalar.length);
		if (first == p)
			continue;
		write_place(place, key->start_mark.line + 1, (const char *)key->data.scalar.value);
		fprintf(place->errors, "this key stands here a second time, after line %zu.\n",
			yaml_document_get_node(d, first->key)->start_mark.line + 1);
	}
}

static int check_nodes(struct place *place)
{
	yaml_document_t *d = &place->document;

	for (yaml_node_t *node = d->nodes.start; node < d->nodes.top; node++) {
		if (node->type == YAML_MAPPING_NODE)
			check_mapping(place, node);
		if (node->type == YAML_SCALAR_NODE &&
			memchr(node->data.scalar.value, 0, node->data.scalar.length)) {
			write_place(place, node->start_mark.line + 1, "");
			fprintf(place->errors, "a NUL character can't be part of a value.\n");
		}
	}
	return place->complaints ? -EINVAL : 0;
}

static int not_yaml(struct place *place, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	write_place(place, parser->problem_mark.line + 1, "");
	fprintf(place->errors, "this is not YAML: %s.\n",
		parser->problem ? parser->problem : "it can't be read");
	return -EINVAL;
}

int place_open(struct place *place, const char *yaml, size_t length, const char *name, FILE *errors)
{
	yaml_document_t second;
	yaml_parser_t parser;
	yaml_node_t *root;
	int err = 0;

	*place = (struct place){.name = name, .errors = errors};
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, length);
	if (!yaml_parser_load(&parser, &place->document)) {
		err = not_yaml(place, &parser);
		goto out;
	}
	place->loaded = true;
	if (!yaml_document_get_root_node(&place->document))
		goto out;
	if (!yaml_parser_load(&parser, &second)) {
		err = not_yaml(place, &parser);
		goto out;
	}
	root = yaml_document_get_root_node(&second);
	if (root) {
		write_place(place, root->start_mark.line + 1, "");
		fprintf(errors,
			"a second document starts here; the configuration is one document.\n");
		err = -EINVAL;
	}
	yaml_document_delete(&second);
	if (!err)
		err = check_nodes(place);
out:
	yaml_parser_delete(&parser);
	return err;
}

void place_close(struct place *place)
{
	if (!place->loaded)
		return;
	for (yaml_node_t *n = place->document.nodes.start; n < place->document.nodes.top; n++)
		if (n->type == YAML_SCALAR_NODE)
			explicit_bzero(n->data.scalar.value, n->data.scalar.length);
	yaml_document_delete(&place->document);
	place->loaded = false;
}
