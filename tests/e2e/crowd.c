// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Makes many allocations through the protocol, each from a transport address of its own, and leaves them.
//
//   crowd SERVER PORT USER PASSWORD COUNT CLIENT...
//
// CLIENT are this namespace's IPv4 addresses, taken in turn. A line of JSON with the time goes out at the
// end: {"made": N, "refused": N, "took": seconds}. Ports are FIRST_PORT and up, so a test can come back as
// any of these clients.
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	WINDOW = 128, // allocations under way
	FIRST_PORT = 2000,
	AGAIN_MS = 500, // until a request is sent again
	MESSAGE_MAX = 512,
	TEXT_MAX = 128, // of realm and nonce
};

struct attempt {
	int fd; // -1: none under way
	uint32_t number;
	uint64_t sent_ms;
	size_t length;
	uint8_t message[MESSAGE_MAX];
};

struct crowd {
	struct sockaddr_in server;
	const char *user, *password;
	char **clients;
	uint32_t clients_count, count, next, made, refused;
	struct attempt attempt[WINDOW];
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static size_t put(uint8_t *message, size_t at, uint16_t type, const void *value, uint16_t length)
{
	uint16_t head[2] = {htons(type), htons(length)};

	memcpy(message + at, head, 4);
	memset(message + at + 4, 0, (length + 3u) & ~3u);
	memcpy(message + at + 4, value, length);
	return at + 4 + ((length + 3u) & ~3u);
}

static void set_length(uint8_t *message, size_t length)
{
	uint16_t n = htons((uint16_t)(length - 20));

	memcpy(message + 2, &n, 2);
}

// An Allocate request for UDP; the transaction ID is the client's number and `round`.
static size_t begin(uint8_t *message, uint32_t number, uint32_t round)
{
	static const uint8_t head[8] = {0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42}, udp[4] = {17};
	uint32_t id[3] = {htonl(number), htonl(round), 0};

	memcpy(message, head, 8);
	memcpy(message + 8, id, 12);
	return put(message, 20, 0x0019, udp, 4);
}

static void send_again(const struct crowd *c, struct attempt *a)
{
	a->sent_ms = now_ms();
	// What can't be sent now goes out when its time is over.
	(void)!sendto(a->fd, a->message, a->length, MSG_DONTWAIT,
		(const struct sockaddr *)&c->server, sizeof(c->server));
}

static bool start(struct crowd *c, uint32_t index, int epoll)
{
	struct attempt *a = &c->attempt[index];
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
	struct sockaddr_in local = {.sin_family = AF_INET};

	a->fd = -1;
	if (c->next == c->count)
		return true;
	a->number = c->next++;
	local.sin_port = htons((uint16_t)(FIRST_PORT + a->number / c->clients_count));
	a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (a->fd < 0 ||
		inet_pton(AF_INET, c->clients[a->number % c->clients_count], &local.sin_addr) !=
			1 ||
		bind(a->fd, (struct sockaddr *)&local, sizeof(local)) < 0 ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, a->fd, &event) < 0)
		return false;
	a->length = begin(a->message, a->number, 0);
	set_length(a->message, a->length);
	send_again(c, a);
	return true;
}

// Copies an attribute of a message that came. Returns its length; 0: it isn't there.
static uint16_t find(const uint8_t *message, size_t length, uint16_t type, char out[TEXT_MAX])
{
	size_t at = 20;

	while (at + 4 <= length) {
		uint16_t t = (uint16_t)(message[at] << 8 | message[at + 1]);
		uint16_t n = (uint16_t)(message[at + 2] << 8 | message[at + 3]);

		if (at + 4 + n > length)
			return 0;
		if (t == type && n < TEXT_MAX) {
			memcpy(out, message + at + 4, n);
			out[n] = '\0';
			return n;
		}
		at += 4 + ((n + 3u) & ~3u);
	}
	return 0;
}

// Answers a 401 (RFC 8489 section 9.2, with MD5 and SHA-1).
static bool authenticate(
	const struct crowd *c, struct attempt *a, const uint8_t *got, size_t length)
{
	char realm[TEXT_MAX], nonce[TEXT_MAX], text[3 * TEXT_MAX];
	uint8_t key[EVP_MAX_MD_SIZE], digest[EVP_MAX_MD_SIZE];
	unsigned int key_length, digest_length;
	uint16_t realm_length = find(got, length, 0x0014, realm);
	uint16_t nonce_length = find(got, length, 0x0015, nonce);
	size_t at = begin(a->message, a->number, 1);
	int n = snprintf(
		text, sizeof(text), "%s:%s:%s", c->user, realm_length ? realm : "", c->password);

	if (!realm_length || !nonce_length || n < 0 || (size_t)n >= sizeof(text))
		return false;
	at = put(a->message, at, 0x0006, c->user, (uint16_t)strlen(c->user));
	at = put(a->message, at, 0x0014, realm, realm_length);
	at = put(a->message, at, 0x0015, nonce, nonce_length);
	set_length(a->message, at + 24);
	if (!EVP_Digest(text, (size_t)n, key, &key_length, EVP_md5(), NULL) ||
		!HMAC(EVP_sha1(), key, (int)key_length, a->message, at, digest, &digest_length))
		return false;
	a->length = put(a->message, at, 0x0008, digest, 20);
	send_again(c, a);
	return true;
}

static bool receive(struct crowd *c, uint32_t index, int epoll)
{
	struct attempt *a = &c->attempt[index];
	uint8_t got[1500];
	ssize_t length = recv(a->fd, got, sizeof(got), MSG_DONTWAIT);

	// An answer to a request that was sent again may come twice.
	if (length < 20 || memcmp(got + 8, a->message + 8, 12) != 0)
		return true;
	if (got[0] == 1 && got[1] == 0x13 && a->message[15] == 0)
		return authenticate(c, a, got, (size_t)length);
	c->made += got[0] == 1 && got[1] == 0x03;
	c->refused += !(got[0] == 1 && got[1] == 0x03);
	close(a->fd);
	return start(c, index, epoll);
}

static bool run(struct crowd *c, int epoll)
{
	struct epoll_event events[WINDOW];

	for (uint32_t i = 0; i < WINDOW; i++)
		if (!start(c, i, epoll))
			return false;
	while (c->made + c->refused < c->count) {
		int n = epoll_wait(epoll, events, WINDOW, AGAIN_MS / 5);

		for (int i = 0; i < n; i++)
			if (!receive(c, events[i].data.u32, epoll))
				return false;
		for (uint32_t i = 0; n < WINDOW / 8 && i < WINDOW; i++)
			if (c->attempt[i].fd >= 0 && now_ms() - c->attempt[i].sent_ms >= AGAIN_MS)
				send_again(c, &c->attempt[i]);
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct crowd c;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t from = now_ms();

	if (argc < 7 || epoll < 0) {
		fprintf(stderr, "usage: crowd SERVER PORT USER PASSWORD COUNT CLIENT...\n");
		return 2;
	}
	c = (struct crowd){
		.server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))},
		.user = argv[3],
		.password = argv[4],
		.count = (uint32_t)strtoul(argv[5], NULL, 10),
		.clients = argv + 6,
		.clients_count = (uint32_t)(argc - 6)};
	if (inet_pton(AF_INET, argv[1], &c.server.sin_addr) != 1 || !run(&c, epoll)) {
		perror("crowd");
		return 1;
	}
	printf("{\"made\": %u, \"refused\": %u, \"took\": %.3f}\n", c.made, c.refused,
		(double)(now_ms() - from) / 1000);
	return 0;
}
