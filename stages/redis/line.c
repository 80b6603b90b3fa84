/* line.c -- see line.h. */
#include "stages/redis/line.h"

#include <string.h>

bool
line_read(struct conn *c, char *line, size_t cap, struct err *e)
{
	for (;;) {
		struct span held = conn_held(c);
		const uint8_t *end = memchr(held.ptr, '\n', held.len);
		size_t n = end != NULL ? (size_t)(end - held.ptr) : held.len;

		if (n >= cap)
			return err_set(e, ERR_REMOTE,
			    "%s: a line of more than %zu bytes", conn_name(c),
			    cap - 1);
		if (end == NULL) {
			if (!conn_more(c, e))
				return false;
			continue;
		}
		memcpy(line, held.ptr, n);
		conn_take(c, n + 1);
		if (n > 0 && line[n - 1] == '\r')
			n--;
		line[n] = '\0';
		if (n > 0)
			return true;
	}
}
