/*
 * verb-check.c -- `rdbpipe check`: would the next backup succeed, and is the
 * last one good and young enough?  And what Prometheus wants to know of it.
 */
#include "pipeline/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/checkup.h"
#include "pipeline/endpoint.h"
#include "pipeline/metrics.h"
#include "pipeline/place.h"
#include "pipeline/retention.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

enum { FORMAT_TEXT, FORMAT_JSON };

static const char *const formats[] = { "text", "json", NULL };
static int format;
static int64_t max_age;
static const char *metrics_path;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TIME, 0, "max-age", &max_age, "TIME",
	    "how old the newest good backup may be (default: since the last "
	    "window of its plans; 26h without a plan)",
	    1, INT64_MAX / 2, NULL, NULL },
	{ OPT_TEXT, 0, "metrics", &metrics_path, "FILE",
	    "also write the state of the backups for Prometheus", 0, 0, NULL,
	    NULL },
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text (default) or json", 0, 0, formats, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

struct check {
	const struct config *config;
	struct findings findings;
	struct metrics metrics;
	int64_t now;
};

/* --- one instance --- */

/* Does a plan for it want a primary? */
static bool
wants_primary(const struct config *c, const char *instance)
{
	for (size_t i = 0; i < c->sections.n; i++) {
		const struct config_section *s = config_section(c, i);

		if (s->of == OF_PLAN && config_is_for(s, instance) &&
		    strcmp(config_text(s, "source"), "primary") == 0)
			return true;
	}
	return false;
}

static void
backups_look(struct check *k, struct store *store, const char *instance)
{
	const struct checkup_rules rules = { k->config, max_age, k->now };
	struct history h;
	struct err e;

	if (!history_take(&h, store, instance, k->now - RETENTION_LITTER, &e)) {
		finding_bad(&k->findings, "list", e.kind,
		    "permit listing and reading", "%s", e.text);
		return;
	}
	checkup_backups(&k->findings, &h, &rules);
	if (!metrics_add_history(&k->metrics, &h, &e))
		k->findings.lost = true;
}

/* The store is opened anew after the probe, which ends by telling it to go on
 * after signals. */
static void
store_look(struct check *k, const char *instance)
{
	struct store *store;
	struct err e;

	if (!place_open_of(&store, instance, &e)) {
		finding_bad(&k->findings, "store", e.kind, NULL, "%s", e.text);
		return;
	}
	checkup_store(&k->findings, store, instance);
	store_close(store);
	if (!stop_check(&e) || !place_open_of(&store, instance, &e))
		return;
	backups_look(k, store, instance);
	store_close(store);
}

/* url NULL: only its backups.  instance NULL: only the server. */
static bool
one_look(struct check *k, char *url, const char *instance, struct err *e)
{
	finding_about(&k->findings, instance);
	if (url != NULL)
		checkup_server(&k->findings, url,
		    instance != NULL && wants_primary(k->config, instance));
	if (instance != NULL && stop_check(e))
		store_look(k, instance);
	return stop_check(e);
}

/* --- which --- */

/* An [instance] by its name, which is where its URL is, too. */
static bool
section_look(struct check *k, const char *instance, struct err *e)
{
	char *name = strdup(instance);
	bool ok = name != NULL ? one_look(k, name, instance, e) :
				 err_sys(e, "cannot check");

	free(name);
	return ok;
}

static bool
operands_look(struct check *k, const struct operands *args,
    const char *instance, struct err *e)
{
	if (args->n == 1 && strstr(args->v[0], "://") != NULL)
		return one_look(k, args->v[0], instance, e);
	for (int i = 0; i < args->n; i++) {
		if (strstr(args->v[i], "://") != NULL)
			return err_set(e, ERR_USAGE,
			    "check takes one URL, or names of instances");
		if (config_want(k->config, OF_INSTANCE, args->v[i], e) == NULL)
			return false;
	}
	for (int i = 0; i < args->n; i++)
		if (!section_look(k, args->v[i], e))
			return false;
	return true;
}

static bool
sections_look(struct check *k, bool *any, struct err *e)
{
	for (size_t i = 0; i < k->config->sections.n; i++) {
		const struct config_section *s = config_section(k->config, i);

		if (s->of != OF_INSTANCE)
			continue;
		*any = true;
		if (!section_look(k, s->name, e))
			return false;
	}
	return true;
}

static bool
name_keep(void *arg, const struct store_object *o, struct err *e)
{
	char **name;

	if (!ident_instance_ok(o->key))
		return true;
	if ((name = json_list_add(arg, sizeof *name, e)) == NULL)
		return false;
	*name = strdup(o->key);
	return *name != NULL || err_sys(e, "cannot list");
}

/* Nothing is configured: whatever the store holds backups of. */
static bool
stored_look(struct check *k, struct err *e)
{
	struct json_list names = { 0 };
	struct store *store;
	bool ok;

	if (!place_open(&store, e))
		return false;
	ok = store_list_folders(store, "", name_keep, &names, e);
	if (ok && names.n == 0)
		ok = err_set(e, ERR_USAGE,
		    "nothing to check: no [instance] is configured, and there "
		    "are no backups in %s",
		    store_url_of(store, ""));
	store_close(store);
	for (size_t i = 0; ok && i < names.n; i++)
		ok = one_look(k, NULL, ((char **)names.item)[i], e);
	for (size_t i = 0; i < names.n; i++)
		free(((char **)names.item)[i]);
	free(names.item);
	return ok;
}

static bool
all_look(struct check *k, const struct operands *args, struct err *e)
{
	const char *instance;
	bool any = false;

	if (!place_instance(&instance, e))
		return false;
	if (args->n > 0)
		return operands_look(k, args, instance, e);
	if (instance != NULL)
		return config_find(k->config, OF_INSTANCE, instance) != NULL ?
		    section_look(k, instance, e) :
		    one_look(k, NULL, instance, e);
	return sections_look(k, &any, e) && (any || stored_look(k, e));
}

static bool
told(struct check *k, struct err *e)
{
	if (!findings_print(&k->findings, format == FORMAT_JSON, e))
		return false;
	k->metrics.findings = &k->findings;
	return (metrics_path == NULL ||
		   metrics_write(&k->metrics, metrics_path, k->now, e)) &&
	    findings_verdict(&k->findings, e);
}

static bool
check_run(const struct operands *args, struct err *e)
{
	struct check k = { .now = clock_wall() };
	bool ok;

	k.findings.format = 1;
	k.findings.now = k.now;
	ok =
	    config_shared(&k.config, e) && all_look(&k, args, e) && told(&k, e);
	metrics_release(&k.metrics);
	findings_release(&k.findings);
	return ok;
}

static const char *const notes[] = {
	"INSTANCE is one of rdbpipe.conf(5), by default each of them.  With a "
	"URL,",
	"--instance says whose backups to look at.  Ends 1 when backups are "
	"bad,",
	"missing or too old, else as what keeps the next one from being made.",
	"Nothing is changed but for a small object in the store, which is "
	"removed.",
	NULL,
};

const struct verb verb_check = {
	.name = "check",
	.brief = "find out whether backups are, and will be, good",
	.operands = "[URL|INSTANCE...]",
	.operands_min = 0,
	.operands_max = -1,
	.tables = { opts, place_instance_opts, place_store_opts,
	    endpoint_opts },
	.notes = notes,
	.run = check_run,
};
