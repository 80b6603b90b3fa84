/*
 * tls.h -- TLS over a descriptor that does not block.
 *
 * conn.h is the only user: it waits, this encrypts.  Verification is on
 * unless somebody said --tls-insecure; the name (or the IP address) in the
 * server's certificate must be the one that was asked for.  TLS 1.2 and up.
 */
#ifndef REDIS_TLS_H
#define REDIS_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "stages/kit/err.h"

/* All strings are borrowed, NULL: not given. */
struct tls_options {
	const char *ca;          /* file of trusted authorities; NULL: the
				    system's */
	const char *cert, *key;  /* ours: a chain and its key, both PEM */
	const char *server_name; /* expected instead of the host */
	bool insecure;           /* believe anybody */
};

struct tls;

enum tls_got { TLS_OK, TLS_WANT_READ, TLS_WANT_WRITE, TLS_CLOSED, TLS_FAILED };

/*
 * Speak TLS as a client on fd, which stays the caller's and must outlive
 * this.  host is what the user asked for.  NULL on failure: ERR_USAGE for
 * files that are no certificates or keys, ERR_SYSTEM for what cannot be read.
 */
struct tls *tls_client_new(
    int fd, const struct tls_options *, const char *host, struct err *);

/*
 * As a server; cert and key are needed.  With a ca the peer must show a
 * certificate that it signed.
 */
struct tls *tls_server_new(int fd, const struct tls_options *, struct err *);

/* Each may have to be called again when the descriptor is ready.  Only
 * TLS_FAILED fills the error (ERR_REMOTE). */
enum tls_got tls_handshake(struct tls *, struct err *);
enum tls_got tls_read(
    struct tls *, void *to, size_t cap, size_t *n, struct err *);
enum tls_got tls_write(
    struct tls *, const void *from, size_t len, size_t *n, struct err *);

void tls_free(struct tls *);

#endif
