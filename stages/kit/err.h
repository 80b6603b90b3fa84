/*
 * err.h -- what went wrong, once, in words an operator can act on.
 *
 * An error is made where it is found, gains context on the way up, and is
 * printed once, by main.  Functions that can fail return bool, take a
 * struct err * as their last argument, and fill it exactly when they return
 * false.  The makers below all return false, so that
 *
 *	return err_sys(e, "cannot open %s", path);
 *
 * is the whole of an error path.
 *
 * Texts are lower case, without full stop or newline, and name the thing and
 * the place.  Bytes that came from outside (keys, replies) go through
 * err_quote() first, so that a terminal never interprets them.
 */
#ifndef KIT_ERR_H
#define KIT_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include "stages/kit/cc.h"

/* Kinds are exit codes.  Numbers are an interface: add, never renumber. */
enum err_kind {
	ERR_NONE = 0,
	ERR_DATA = 1,    /* the bytes are wrong: corrupt, cut short */
	ERR_USAGE = 2,   /* the command line or the plan is wrong */
	ERR_SYSTEM = 3,  /* a system call failed */
	ERR_REMOTE = 4,  /* a server or store refused, or went away */
	ERR_BUG = 5,     /* we are wrong */
	ERR_SIGNAL = 128 /* asked to stop: exit 128 + .sys */
};

struct err {
	enum err_kind kind;
	int sys; /* ERR_SYSTEM: errno; ERR_SIGNAL: its number */
	char text[480];
};

/* Make an error of the given kind. */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    PRINTF_LIKE(3);

/* Make an ERR_SYSTEM out of errno; strerror's words are appended. */
bool err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2);

/* Make an ERR_SIGNAL for the signal that asked us to stop, see stop.h. */
bool err_signal(struct err *e, int signal);

/* Put "fmt: " in front of an error that is already there. */
bool err_in(struct err *e, const char *fmt, ...) PRINTF_LIKE(2);

/* The status a program ends with because of this error. */
int err_exit_code(const struct err *e);

/*
 * Write len bytes of foreign text to buf as printable ASCII, always
 * NUL-terminated: '"' and '\' get a backslash, other bytes become \xHH, and
 * what does not fit ends in "...".  Returns buf.  cap is at least 16.
 */
const char *err_quote(char *buf, size_t cap, const void *text, size_t len);

/* Is what text begins with a control character, of ASCII or of the two bytes
 * UTF-8 has for 32 more?  Terminals obey both. */
bool err_is_control(const char *text);

/*
 * The last look at a line before it goes to standard error: what an operator
 * gave us by mistake may be in it.  A password in a URL becomes "***", control
 * characters become \xHH, so that it stays one line and no terminal obeys it.
 * What does not fit is left out.  Returns buf.  cap is at least 16.
 */
const char *err_clean(char *buf, size_t cap, const char *text);

#endif
