/*
 * script.h -- an HTTP server that does as it is told, byte by byte.
 *
 * A thread on 127.0.0.1 that plays steps: each request takes the next one,
 * whatever it asks for.  What was asked is kept for the test to look at.  One
 * connection at a time; a new one ends the old.
 */
#ifndef HARNESS_SCRIPT_H
#define HARNESS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum script_end {
	SCRIPT_KEEP,  /* the connection stays */
	SCRIPT_CLOSE, /* it is closed */
	SCRIPT_RESET, /* it is reset */
	SCRIPT_HOLD   /* nothing more, until the client goes or script_stop */
};

struct script_step {
	const char *reply; /* raw bytes; "" for none */
	enum script_end end;
	size_t body_max;  /* read so much of the body only; 0: all */
	int pause_ms;     /* before the reply */
	const char *more; /* sent another pause_ms after the reply, or NULL */
};

struct script;

struct script *script_start(const struct script_step *steps, size_t n);
int script_port(const struct script *);
/* Requests so far, and the head and body of one. */
size_t script_requests(struct script *);
const char *script_head(struct script *, size_t i);
size_t script_body_len(struct script *, size_t i);
/* How many connections were made. */
size_t script_connections(struct script *);
void script_stop(struct script *);

#endif
