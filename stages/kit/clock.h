/* clock.h -- what time it is, in milliseconds. */
#ifndef KIT_CLOCK_H
#define KIT_CLOCK_H

#include <stdint.h>

/* Of a clock that never jumps: for how long something takes. */
int64_t clock_steady(void);

/* Since 1970, UTC, as people set it: for when something was. */
int64_t clock_wall(void);

#endif
