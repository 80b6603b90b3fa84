/* base64.c -- see base64.h. */
#include "stages/print/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t *
put_three(uint8_t *to, const uint8_t *p)
{
	uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

	for (unsigned shift = 24; shift > 0; shift -= 6)
		*to++ = (uint8_t)digits[bits >> (shift - 6) & 63];
	return to;
}

static void
put_held(struct base64 *b, struct output *out)
{
	output_taken(out, put_three(output_room(out, 4), b->held));
	b->n_held = 0;
}

void
base64_add(struct base64 *b, struct output *out, const void *text, size_t n)
{
	const uint8_t *p = text, *end = p + n;

	while (p < end && b->n_held > 0) {
		b->held[b->n_held++] = *p++;
		if (b->n_held == 3)
			put_held(b, out);
	}
	while (end - p >= 3) {
		size_t threes = (size_t)(end - p) / 3;
		uint8_t *to;

		if (threes > OUTPUT_ROOM / 4)
			threes = OUTPUT_ROOM / 4;
		to = output_room(out, threes * 4);
		for (; threes > 0; threes--, p += 3)
			to = put_three(to, p);
		output_taken(out, to);
	}
	while (p < end)
		b->held[b->n_held++] = *p++;
}

void
base64_end(struct base64 *b, struct output *out)
{
	unsigned n = b->n_held;

	if (n == 0)
		return;
	while (b->n_held < 3)
		b->held[b->n_held++] = 0;
	put_held(b, out);
	out->len -= 3 - n;
	output_text(out, &"=="[n - 1]);
}
