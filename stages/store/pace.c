/* pace.c -- see pace.h. */
#include "stages/store/pace.h"

void
pace_init(struct pace *p, unsigned most, unsigned complaints)
{
	*p = (struct pace){ most, most, complaints, 0 };
}

unsigned
pace_allow(struct pace *p, unsigned complaints, int64_t now_ms)
{
	if (p->now < p->most && now_ms - p->changed_ms >= PACE_RECOVER_MS) {
		p->now++;
		p->changed_ms = now_ms;
	}
	if (complaints == p->seen)
		return p->now;
	p->seen = complaints;
	if (p->now == p->most || now_ms - p->changed_ms >= PACE_DEAF_MS) {
		p->now = p->now > 1 ? p->now / 2 : 1;
		p->changed_ms = now_ms;
	}
	return p->now;
}
