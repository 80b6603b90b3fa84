/* figure.c -- see figure.h. */
#include "pipeline/figure.h"

#include <stdio.h>

const char *
figure_bytes(char buf[FIGURE_LEN], uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB",
		"PiB" };
	double n = (double)bytes;
	unsigned u = 0;

	/* 1023.96 would print as 1024.0. */
	for (; n >= 1023.95 && u < 5; u++)
		n /= 1024;
	snprintf(buf, FIGURE_LEN, u == 0 ? "%.0f %s" : "%.1f %s", n, unit[u]);
	return buf;
}

const char *
figure_time(char buf[FIGURE_LEN], int64_t ms)
{
	long long s = (ms + 500) / 1000;

	if (ms < 9995)
		snprintf(buf, FIGURE_LEN, "%.2f s", (double)ms / 1000);
	else if (ms < 59950)
		snprintf(buf, FIGURE_LEN, "%.1f s", (double)ms / 1000);
	else if (s < 3600)
		snprintf(buf, FIGURE_LEN, "%lldm%02llds", s / 60, s % 60);
	else
		snprintf(
		    buf, FIGURE_LEN, "%lldh%02lldm", s / 3600, s / 60 % 60);
	return buf;
}
