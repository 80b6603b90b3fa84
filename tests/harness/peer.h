/*
 * peer.h -- the other end of a connection, by script.
 *
 * Sends packets in order, each of which the tested side receives with a read
 * of its own: the cuts are exactly where the script puts them.  Then it says
 * no more, or closes.  What the tested side sent is kept, to be compared.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct packet {
	const void *ptr;
	size_t len;
};

struct peer {
	char got[8192]; /* after peer_end: what was sent to us */
	size_t got_len;

	/* Private to peer.c. */
	int fd;
	const struct packet *packets;
	size_t n;
	bool closes;
	pthread_t thread;
};

/* The descriptor for the tested side, which owns it.  packets are borrowed
 * until peer_end. */
int peer_start(
    struct peer *, const struct packet *packets, size_t n, bool closes);
void peer_end(struct peer *);

#endif
