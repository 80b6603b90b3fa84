/*
 * main.c -- rdbpipe, the driver: picks the verb, parses its options, prints
 * the one error line.
 */
#include <stdio.h>
#include <string.h>

#include "pipeline/config.h"
#include "pipeline/say.h"
#include "pipeline/verb.h"
#include "stages/kit/process.h"

static const struct verb *const verbs[] = {
	&verb_backup,
	&verb_list,
	&verb_show,
	&verb_verify,
	&verb_clone,
	&verb_url,
	&verb_hold,
	&verb_release,
	&verb_delete,
	&verb_prune,
	&verb_config,
	&verb_plan,
	&verb_auto,
	&verb_check,
};

static bool help;

static const struct opt common_opts[] = {
	{ OPT_FLAG, 'q', "quiet", &say_quiet, NULL,
	    "errors only: no warnings, lines, progress", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "help", &help, NULL, "print this and end", 0, 0, NULL,
	    NULL },
	OPT_TABLE_END,
};

static void
main_help(FILE *to)
{
	fprintf(to,
	    "rdbpipe: back up Redis and Valkey through pipes\n\n"
	    "usage: rdbpipe VERB [OPTION...] [OPERAND...]\n\n");
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		fprintf(to, "  %-8s  %s\n", verbs[i]->name, verbs[i]->brief);
	fprintf(to,
	    "\n`rdbpipe VERB --help` says more; `rdbpipe --version` "
	    "prints the version.\n");
}

static void
verb_help(const struct verb *v, const struct opt *const *tables)
{
	printf("rdbpipe %s: %s\n\nusage: rdbpipe %s [OPTION...]%s%s\n\n",
	    v->name, v->brief, v->name, v->operands != NULL ? " " : "",
	    v->operands != NULL ? v->operands : "");
	opt_help(tables, stdout);
	if (v->notes != NULL)
		putchar('\n');
	for (const char *const *n = v->notes; n != NULL && *n != NULL; n++)
		printf("%s\n", *n);
	printf("\n%s", process_exit_help);
}

static const struct verb *
verb_find(const char *name, struct err *e)
{
	char list[200] = "";
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s",
		    i > 0 ? ", " : "", verbs[i]->name);
	}
	err_set(e, ERR_USAGE, "unknown verb '%s'; there are %s", name, list);
	return NULL;
}

static bool
verb_run(const struct verb *v, int argc, char **argv, struct err *e)
{
	const struct opt *tables[VERB_TABLES + 3] = { NULL };
	struct operands args;
	size_t n = 0;

	while (n < VERB_TABLES && v->tables[n] != NULL) {
		tables[n] = v->tables[n];
		n++;
	}
	tables[n++] = config_opts;
	tables[n] = common_opts;
	if (!opt_parse(tables, argc, argv, &args, e))
		return false;
	if (help) {
		verb_help(v, tables);
		return true;
	}
	if (args.n < v->operands_min)
		return err_set(e, ERR_USAGE, "%s: %s is missing, see --help",
		    v->name, v->operands);
	if (v->operands_max != -1 && args.n > v->operands_max)
		return err_set(e, ERR_USAGE, "'%s' is one operand too many",
		    args.v[v->operands_max]);
	return v->run(&args, e);
}

static int
finish(bool ok, struct err *e)
{
	ok = process_close_stdout(ok, e);
	return process_end("rdbpipe", ok, e);
}

int
main(int argc, char **argv)
{
	const struct verb *v;
	struct err e = { 0 };

	process_begin();
	if (argc < 2) {
		main_help(stderr);
		return ERR_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0)
		return main_help(stdout), finish(true, &e);
	if (strcmp(argv[1], "--version") == 0)
		return printf("rdbpipe %s\n", RDBPIPE_VERSION),
		       finish(true, &e);
	v = verb_find(argv[1], &e);
	return finish(v != NULL && verb_run(v, argc - 1, argv + 1, &e), &e);
}
