/* progress.c -- see progress.h. */
#include "stages/kit/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "stages/kit/clock.h"
#include "stages/kit/port.h"

#define EVERY_MS 1000

void
progress_begin(struct progress *p, const char *program,
    enum progress_style style, uint64_t total)
{
	*p = (struct progress){
		.program = program, .style = style, .total = total
	};
	p->began_ms = p->told_ms = clock_steady();
}

/* 1234567 as "1.2 MB": powers of 1000, as disks and networks are sold. */
static const char *
amount(char *buf, size_t cap, double n)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	unsigned u = 0;

	for (; n >= 1000 && u < 4; u++)
		n /= 1000;
	snprintf(
	    buf, cap, u == 0 || n >= 100 ? "%.0f %s" : "%.1f %s", n, units[u]);
	return buf;
}

static void
text_show(struct progress *p, double seconds, double rate, double eta)
{
	char done[16], speed[16], all[16], left[48] = "";

	if (p->total != SIZE_UNKNOWN && p->total > 0)
		snprintf(left, sizeof left, " of %s, %.0f%%, %.0f s to go",
		    amount(all, sizeof all, (double)p->total),
		    100 * (double)p->bytes / (double)p->total, eta);
	fprintf(stderr, "\r\033[K%s: %s%s, %s/s, %.0f s", p->program,
	    amount(done, sizeof done, (double)p->bytes), left,
	    amount(speed, sizeof speed, rate), seconds);
}

static void
json_show(
    struct progress *p, double seconds, double rate, double eta, bool done)
{
	char total[24] = "null", left[24] = "null";

	if (p->total != SIZE_UNKNOWN) {
		snprintf(total, sizeof total, "%" PRIu64, p->total);
		if (rate > 0)
			snprintf(left, sizeof left, "%.1f", eta);
	}
	fprintf(stderr,
	    "{\"program\":\"%s\",\"bytes\":%" PRIu64 ",\"total\":%s,"
	    "\"seconds\":%.1f,\"rate\":%.0f,\"eta\":%s,\"done\":%s}\n",
	    p->program, p->bytes, total, seconds, rate, left,
	    done ? "true" : "false");
}

static void
show(struct progress *p, int64_t now, bool done)
{
	double seconds = (double)(now - p->began_ms) / 1000;
	double rate = seconds > 0 ? (double)p->bytes / seconds : 0;
	double eta = 0;

	if (p->total != SIZE_UNKNOWN && p->bytes < p->total && rate > 0)
		eta = (double)(p->total - p->bytes) / rate;
	if (p->style == PROGRESS_JSON)
		json_show(p, seconds, rate, eta, done);
	else
		text_show(p, seconds, rate, eta);
	fflush(stderr);
	p->shown = true;
	p->told_ms = now;
}

void
progress_add(struct progress *p, uint64_t bytes)
{
	int64_t now;

	p->bytes += bytes;
	if (p->style == PROGRESS_OFF)
		return;
	now = clock_steady();
	if (now - p->told_ms >= EVERY_MS)
		show(p, now, false);
}

void
progress_end(struct progress *p)
{
	if (p->style == PROGRESS_JSON)
		show(p, clock_steady(), true);
	else if (p->style == PROGRESS_TEXT && p->shown)
		fputs("\r\033[K", stderr);
}
