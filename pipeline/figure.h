/* figure.h -- amounts as people read them. */
#ifndef PIPELINE_FIGURE_H
#define PIPELINE_FIGURE_H

#include <stdint.h>

#define FIGURE_LEN 32

/* "1023 B", "1.5 KiB", "12.0 GiB".  Returns buf. */
const char *figure_bytes(char buf[FIGURE_LEN], uint64_t bytes);

/* "0.04 s", "12.3 s", "5m07s", "3h05m". */
const char *figure_time(char buf[FIGURE_LEN], int64_t ms);

#endif
