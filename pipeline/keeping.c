/* keeping.c -- see keeping.h. */
#include "pipeline/keeping.h"

#include "stages/kit/stop.h"

void
keeping_close(struct keeping *k)
{
	while (k->n > 0)
		plan_close(&k->plan[--k->n]);
}

static bool
rules_add(struct keeping *k, const struct config_section *s,
    const char *instance, struct err *e)
{
	if (k->n == KEEPING_MAX)
		return err_set(e, ERR_USAGE, "more than %d plans are for %s",
		    KEEPING_MAX, instance);
	if (!plan_open(&k->plan[k->n], s, e))
		return false;
	k->rules[k->n] = k->plan[k->n].keep;
	k->n++;
	return true;
}

bool
keeping_rules(void *arg, const char *instance, const struct retention **rules,
    size_t *n, struct err *e)
{
	struct keeping *k = arg;

	keeping_close(k);
	*rules = k->given != NULL ? k->given : k->rules;
	*n = k->given != NULL;
	if (k->given != NULL)
		return true;
	for (size_t i = 0; i < k->config->sections.n; i++) {
		const struct config_section *s = config_section(k->config, i);

		if (s->of == OF_PLAN && config_is_for(s, instance) &&
		    !rules_add(k, s, instance, e))
			return false;
	}
	*n = k->n;
	return true;
}

bool
keeping_apply(const struct stock *stock, struct store *store, size_t *removed,
    struct err *e)
{
	*removed = 0;
	for (size_t i = 0; i < stock->n; i++) {
		if (stock_backup(stock, i)->keep)
			continue;
		if (!stop_check(e) ||
		    !catalogue_remove(store, &stock_item(stock, i)->name, e))
			return false;
		++*removed;
	}
	return true;
}
