/* tls.c -- the only user of OpenSSL's TLS; see tls.h. */
#include "stages/redis/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Several records a system call: a record is 16 KiB. */
#define READ_AHEAD (256 * 1024)

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
	bool server;
};

/* The newest reason OpenSSL gives, or a plain word. */
static const char *
reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;

	return text != NULL ? text : "no reason given";
}

/* A key that needs a passphrase must fail, not ask the terminal. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return 0;
}

static bool
readable(const char *path, struct err *e)
{
	if (access(path, R_OK) != 0)
		return err_sys(e, "cannot read %s", path);
	return true;
}

static bool
load_identity(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	const char *key = o->key != NULL ? o->key : o->cert;

	if (o->cert == NULL)
		return o->key == NULL ||
		    err_set(e, ERR_USAGE, "--tls-key needs --tls-cert");
	if (!readable(o->cert, e) || !readable(key, e))
		return false;
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1)
		return err_set(e, ERR_USAGE, "%s: no certificate in it: %s",
		    o->cert, reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return err_set(e, ERR_USAGE,
		    "%s: no private key for the certificate in it: %s", key,
		    reason());
	return true;
}

static bool
load_trust(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	if (o->insecure)
		return true;
	if (o->ca == NULL) {
		if (SSL_CTX_set_default_verify_paths(ctx) != 1)
			return err_set(e, ERR_SYSTEM,
			    "cannot load the system's certificates: %s",
			    reason());
		return true;
	}
	if (!readable(o->ca, e))
		return false;
	if (SSL_CTX_load_verify_file(ctx, o->ca) != 1)
		return err_set(e, ERR_USAGE, "%s: no certificate in it: %s",
		    o->ca, reason());
	return true;
}

static struct tls *
tls_new(int fd, const struct tls_options *o, bool server, struct err *e)
{
	struct tls *t = calloc(1, sizeof *t);

	if (t == NULL) {
		err_sys(e, "no memory for TLS");
		return NULL;
	}
	ERR_clear_error();
	t->server = server;
	t->ctx =
	    SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (t->ctx == NULL) {
		err_set(e, ERR_SYSTEM, "cannot set up TLS: %s", reason());
		goto out;
	}
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(t->ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(t->ctx, 1);
	SSL_CTX_set_default_read_buffer_len(t->ctx, READ_AHEAD);
	if (!load_identity(t->ctx, o, e) || !load_trust(t->ctx, o, e))
		goto out;
	t->ssl = SSL_new(t->ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		err_set(e, ERR_SYSTEM, "cannot set up TLS: %s", reason());
		goto out;
	}
	return t;
out:
	tls_free(t);
	return NULL;
}

/* Which name or address the peer's certificate must carry. */
static bool
expect_host(SSL *ssl, const char *host, struct err *e)
{
	unsigned char addr[sizeof(struct in6_addr)];
	bool ok;

	if (inet_pton(AF_INET, host, addr) == 1 ||
	    inet_pton(AF_INET6, host, addr) == 1)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) ==
		    1;
	else
		ok = SSL_set1_host(ssl, host) == 1 &&
		    SSL_set_tlsext_host_name(ssl, host) == 1;
	if (!ok)
		return err_set(e, ERR_USAGE,
		    "TLS cannot check a server's name against %s", host);
	return true;
}

struct tls *
tls_client_new(
    int fd, const struct tls_options *o, const char *host, struct err *e)
{
	struct tls *t = tls_new(fd, o, false, e);

	if (t == NULL)
		return NULL;
	if (o->server_name != NULL)
		host = o->server_name;
	if (!expect_host(t->ssl, host, e)) {
		tls_free(t);
		return NULL;
	}
	SSL_set_verify(
	    t->ssl, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_set_connect_state(t->ssl);
	return t;
}

struct tls *
tls_server_new(int fd, const struct tls_options *o, struct err *e)
{
	struct tls *t = tls_new(fd, o, true, e);

	if (t == NULL)
		return NULL;
	if (o->ca != NULL && !o->insecure)
		SSL_set_verify(t->ssl,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_set_accept_state(t->ssl);
	return t;
}

/* Sort out why a call did not do all of its work. */
static enum tls_got
outcome(struct tls *t, int ret, struct err *e)
{
	int why = SSL_get_error(t->ssl, ret);
	unsigned long code = ERR_peek_last_error();

	if (why == SSL_ERROR_WANT_READ)
		return TLS_WANT_READ;
	if (why == SSL_ERROR_WANT_WRITE)
		return TLS_WANT_WRITE;
	if (why == SSL_ERROR_ZERO_RETURN)
		return TLS_CLOSED;
	/* Servers close without saying goodbye; whoever reads knows by the
	 * format whether that was too early. */
	if (why == SSL_ERROR_SYSCALL ||
	    ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return TLS_CLOSED;
	err_set(e, ERR_REMOTE, "TLS: %s", reason());
	return TLS_FAILED;
}

/* Say what a person can do about a handshake that failed. */
static void
explain_handshake(struct tls *t, struct err *e)
{
	long verify = SSL_get_verify_result(t->ssl);
	int why = ERR_GET_REASON(ERR_peek_last_error());

	if (verify == X509_V_ERR_HOSTNAME_MISMATCH ||
	    verify == X509_V_ERR_IP_ADDRESS_MISMATCH)
		err_set(e, ERR_REMOTE,
		    "the server's certificate is for another name: %s (see "
		    "--tls-server-name)",
		    X509_verify_cert_error_string(verify));
	else if (verify != X509_V_OK)
		err_set(e, ERR_REMOTE,
		    "the %s's certificate is not trusted: "
		    "%s%s",
		    t->server ? "target" : "server",
		    X509_verify_cert_error_string(verify),
		    t->server ? "" : " (see --tls-ca)");
	else if (why == SSL_R_WRONG_VERSION_NUMBER)
		err_set(e, ERR_REMOTE,
		    "the other side does not speak TLS on this port");
}

enum tls_got
tls_handshake(struct tls *t, struct err *e)
{
	enum tls_got got;
	int ret;

	ERR_clear_error();
	ret = SSL_do_handshake(t->ssl);
	if (ret == 1)
		return TLS_OK;
	got = outcome(t, ret, e);
	if (got == TLS_FAILED)
		explain_handshake(t, e);
	return got;
}

/*
 * In TLS 1.3 a server judges our certificate after the handshake is done, so
 * its refusal arrives with the first read.
 */
static void
explain_alert(struct err *e)
{
	switch (ERR_GET_REASON(ERR_peek_last_error())) {
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		err_set(e, ERR_REMOTE,
		    "the server wants a certificate from us: give --tls-cert "
		    "and --tls-key");
		break;
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
		err_set(e, ERR_REMOTE,
		    "the other side does not trust our certificate: %s",
		    reason());
		break;
	default:
		break;
	}
}

enum tls_got
tls_read(struct tls *t, void *to, size_t cap, size_t *n, struct err *e)
{
	enum tls_got got;

	ERR_clear_error();
	if (SSL_read_ex(t->ssl, to, cap, n) == 1)
		return TLS_OK;
	got = outcome(t, 0, e);
	if (got == TLS_FAILED)
		explain_alert(e);
	return got;
}

enum tls_got
tls_write(struct tls *t, const void *from, size_t len, size_t *n, struct err *e)
{
	ERR_clear_error();
	if (SSL_write_ex(t->ssl, from, len, n) == 1)
		return TLS_OK;
	return outcome(t, 0, e);
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	free(t);
}
