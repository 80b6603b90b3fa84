/*
 * stage.c -- the one main of all programs; see stage.h.
 *
 * Errors end up here and nowhere else: one line on standard error, and the
 * kind as the exit status.
 */
#include "stages/kit/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/kit/facts.h"
#include "stages/kit/process.h"
#include "stages/kit/progress.h"
#include "stages/kit/pump.h"
#include "stages/kit/stop.h"
#include "stages/kit/whole.h"

bool stage_quiet;
bool stage_told;
uint64_t stage_expect = SIZE_UNKNOWN;

static bool help, version, trust_eof, went;
static int progress = -1;
static int64_t facts_fd = -1, go_fd = -1;

static struct facts *early; /* for stage_fact; NULL: nobody wants to know */

static const char *const progress_styles[] = { "text", "json", NULL };

static const struct opt common_opts[] = {
	{ OPT_FLAG, 'q', "quiet", &stage_quiet, NULL,
	    "errors only: no warnings, lines, progress", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "progress", &progress, "STYLE",
	    "show progress on standard error: text or json", 0, 0,
	    progress_styles, "text" },
	{ OPT_INT, 0, "facts-fd", &facts_fd, "N",
	    "write what was learnt to descriptor N", 2, 1 << 20, NULL, NULL },
	{ OPT_FLAG, 0, "help", &help, NULL, "print this and end", 0, 0, NULL,
	    NULL },
	{ OPT_FLAG, 0, "version", &version, NULL, "print the version and end",
	    0, 0, NULL, NULL },
	OPT_TABLE_END,
};

static const struct opt sink_opts[] = {
	{ OPT_INT, 0, "go-fd", &go_fd, "N",
	    "finish or publish only after \"go\" on descriptor N", 0, 1 << 20,
	    NULL, NULL },
	OPT_TABLE_END,
};

static const struct opt start_opts[] = {
	{ OPT_INT, 0, "go-fd", &go_fd, "N",
	    "begin only after \"go\" on descriptor N", 0, 1 << 20, NULL, NULL },
	OPT_TABLE_END,
};

static const struct opt proof_opts[] = {
	{ OPT_FLAG, 0, "trust-eof", &trust_eof, NULL,
	    "take the end of unknown formats on trust", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

static const struct opt no_opts[] = { OPT_TABLE_END };

/* --- what people read --- */

static void
line_print(const char *kind, const char *fmt, va_list ap)
{
	char text[600], line[4 * sizeof text];

	vsnprintf(text, sizeof text, fmt, ap);
	fprintf(stderr, "%s: %s%s\n", stage.name, kind,
	    err_clean(line, sizeof line, text));
}

void
stage_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!stage_quiet)
		line_print("warning: ", fmt, ap);
	va_end(ap);
}

void
stage_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!stage_quiet)
		line_print("", fmt, ap);
	va_end(ap);
}

static void
help_print(const struct opt *const *tables)
{
	printf("%s: %s\n\nusage: %s [OPTION...]%s%s\n\n", stage.name,
	    stage.brief, stage.name, stage.operands ? " " : "",
	    stage.operands ? stage.operands : "");
	opt_help(tables, stdout);
	if (stage.notes != NULL)
		putchar('\n');
	for (const char *const *n = stage.notes; n != NULL && *n != NULL; n++)
		printf("%s\n", *n);
	printf("\n%s", process_exit_help);
}

/* --- the driver's word, and ours --- */

bool
stage_fact(const char *name, const char *value, struct err *e)
{
	if (early != NULL)
		facts_text(early, name, value);
	return facts_flush(early, e);
}

bool
stage_go(struct err *e)
{
	char word[2];
	size_t have = 0;
	ssize_t n;

	if (go_fd == -1 || went)
		return true;
	while (have < sizeof word) {
		n = read((int)go_fd, word + have, sizeof word - have);
		if (n == -1 && errno != EINTR)
			return err_sys(e, "cannot read the go-ahead");
		if (n == 0)
			return err_set(e, ERR_DATA,
			    "no go-ahead: the chain was called off");
		if (n > 0)
			have += (size_t)n;
		if (!stop_check(e))
			return false;
	}
	if (memcmp(word, "go", sizeof word) != 0)
		return err_set(e, ERR_DATA, "the go-ahead is not \"go\"");
	went = true;
	return true;
}

/* A sink whose commit waits for the go-ahead first. */
struct gated {
	struct sink base;
	struct sink *to;
};

static bool
gated_put(struct sink *s, struct span c, struct err *e)
{
	return sink_put(((struct gated *)s)->to, c, e);
}

static bool
gated_commit(struct sink *s, struct err *e)
{
	return stage_go(e) && sink_commit(((struct gated *)s)->to, e);
}

static const struct sink_ops gated_ops = {
	.put = gated_put,
	.commit = gated_commit,
};

/* --- running --- */

enum { VIA_MAX = 2 };

/* Everything a run needs, so that one place frees it. */
struct run {
	struct pump pump;
	struct filter *via[VIA_MAX], *filter;
	struct room between[VIA_MAX];
	struct gated gated;
	struct progress progress;
	struct sink *sink;
};

static bool
run_filters(struct run *r, const struct operands *args, struct err *e)
{
	struct filter *f;

	r->pump.via = r->via;
	r->pump.between = r->between;
	if (stage.proof) {
		if ((f = whole_filter_new(trust_eof, e)) == NULL)
			return false;
		r->via[r->pump.n++] = f;
	}
	if (stage.filter == NULL)
		return true;
	if ((f = stage.filter(args, e)) == NULL)
		return false;
	r->filter = f;
	if (f->ops->turn != NULL) {
		struct room *room = &r->between[r->pump.n];

		if ((room->ptr = malloc(STAGE_CHUNK)) == NULL) {
			filter_free(f);
			r->filter = NULL;
			return err_sys(e, "cannot set up a buffer");
		}
		room->cap = STAGE_CHUNK;
	}
	r->via[r->pump.n++] = f;
	return true;
}

static void
run_progress(struct run *r)
{
	struct stat st;
	bool piped = fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
	bool shown = stage.text && isatty(STDOUT_FILENO);
	enum progress_style style = PROGRESS_OFF;

	if (progress != -1)
		style = progress == 0 ? PROGRESS_TEXT : PROGRESS_JSON;
	else if (!stage_quiet && isatty(STDERR_FILENO) && !shown &&
	    (stage.sink != NULL || !piped))
		style = PROGRESS_TEXT;
	progress_begin(&r->progress, stage.name, style, stage_expect);
	r->pump.progress = &r->progress;
}

static void
run_release(struct run *r)
{
	sink_free(r->sink);
	for (size_t i = 0; i < r->pump.n; i++)
		filter_free(r->via[i]);
	for (size_t i = 0; i < VIA_MAX; i++)
		free(r->between[i].ptr);
	source_free(r->pump.from);
}

/*
 * Move one stream: from in, or what the stage opens when in is NULL, to the
 * stage's end.  keep: the stream goes to standard output; else nowhere.
 */
static bool
run_stream(struct run *r, struct source *in, const struct operands *args,
    bool keep, struct err *e)
{
	bool ok;

	r->pump.from = in;
	if (in == NULL)
		r->pump.from = stage.source ?
		    stage.source(args, e) :
		    source_fd_new(
			STDIN_FILENO, "standard input", STAGE_CHUNK, e);
	if (r->pump.from == NULL)
		return false;
	if (stage_expect == SIZE_UNKNOWN)
		stage_expect = source_size(r->pump.from);
	if (!run_filters(r, args, e))
		return false;
	r->sink = stage.sink ? stage.sink(args, e) :
	    keep ? sink_fd_new(STDOUT_FILENO, "standard output", e) :
		   sink_null_new(e);
	if (r->sink == NULL)
		return false;
	r->gated = (struct gated){ { &gated_ops }, r->sink };
	r->pump.to = &r->gated.base;
	run_progress(r);
	ok = pump_run(&r->pump, e);
	progress_end(&r->progress);
	return ok;
}

static void
run_tell(const struct run *r, struct facts *facts)
{
	if (facts == NULL)
		return;
	if (stage.source != NULL && r->pump.from != NULL)
		source_tell(r->pump.from, facts);
	if (r->filter != NULL)
		filter_tell(r->filter, facts);
	if (stage.sink != NULL && r->sink != NULL)
		sink_tell(r->sink, facts);
}

/* One file of a filter that reports; "-" is standard input. */
static bool
file_run(const char *file, struct facts *facts, struct err *e)
{
	struct run r = { 0 };
	struct operands none = { NULL, 0 };
	struct source *in = NULL;
	bool ok;

	stage_expect = SIZE_UNKNOWN;
	if (strcmp(file, "-") != 0)
		in = source_file_new(file, STAGE_CHUNK, e);
	ok = (strcmp(file, "-") == 0 || in != NULL) &&
	    run_stream(&r, in, &none, false, e);
	run_tell(&r, facts);
	stage.report(r.filter, file, ok ? NULL : e);
	if (!ok && in != NULL)
		err_in(e, "%s", file);
	run_release(&r);
	return ok;
}

/*
 * All files, one error line each; the error that remains is of the worst
 * kind there was.
 */
static bool
files_run(const struct operands *files, struct facts *facts, struct err *e)
{
	struct err one;
	char line[4 * sizeof one.text];
	int bad = 0;

	if (files->n > 1 && facts != NULL)
		return err_set(e, ERR_USAGE, "--facts-fd wants a single file");
	e->kind = ERR_NONE;
	for (int i = 0; i < files->n; i++) {
		if (file_run(files->v[i], facts, &one))
			continue;
		bad++;
		if (one.kind > e->kind)
			*e = one;
		if (one.kind == ERR_SIGNAL || files->n == 1)
			return false;
		fprintf(stderr, "%s: %s\n", stage.name,
		    err_clean(line, sizeof line, one.text));
	}
	if (bad > 0)
		err_set(e, e->kind, "%d of %d files are bad", bad, files->n);
	return bad == 0;
}

static bool
stream_run(const struct operands *args, struct facts *facts, struct err *e)
{
	struct run r = { 0 };
	bool ok = false;

	if (stage.sink == NULL && !stage.text && isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE,
		    "standard output is a terminal; send it to a pipe or file");
	if (stage.source == NULL && isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE,
		    "standard input is a terminal; it wants a pipe or file");
	ok = run_stream(&r, NULL, args, true, e);
	run_tell(&r, facts);
	run_release(&r);
	return ok;
}

static bool
stage_run(const struct operands *args, struct facts *facts, struct err *e)
{
	static char dash[] = "-";
	static char *dashes[] = { dash };
	struct operands input = { dashes, 1 };

	if (stage.act != NULL)
		return stage.act(args, facts, e);
	if (stage.report != NULL && args->n > 0)
		return files_run(args, facts, e);
	if (stage.terminal != NULL && stage.terminal())
		return files_run(&input, facts, e);
	return stream_run(args, facts, e);
}

static bool
operands_check(const struct operands *args, struct err *e)
{
	if (args->n < stage.operands_min)
		return err_set(
		    e, ERR_USAGE, "%s is missing, see --help", stage.operands);
	if (stage.operands_max != -1 && args->n > stage.operands_max)
		return err_set(e, ERR_USAGE, "'%s' is one operand too many",
		    args->v[stage.operands_max]);
	return true;
}

static bool
descriptor_check(const char *option, int64_t fd, struct err *e)
{
	if (fd != -1 && fcntl((int)fd, F_GETFD) == -1)
		return err_set(e, ERR_USAGE, "--%s: descriptor %d is not open",
		    option, (int)fd);
	return true;
}

/* Facts are complete only with the exit status, so they are written last. */
static int
stage_end(bool ok, struct facts *facts, struct err *e)
{
	struct err late;

	ok = process_close_stdout(ok, e);
	facts_count(facts, "exit", ok ? 0 : (uint64_t)err_exit_code(e));
	if (!facts_flush(facts, &late) && ok) {
		*e = late;
		ok = false;
	}
	facts_free(facts);
	return process_end(stage.name, ok, e);
}

int
main(int argc, char **argv)
{
	const struct opt *tables[] = {
		stage.opts != NULL ? stage.opts : no_opts,
		stage.more[0] != NULL ? stage.more[0] : no_opts,
		stage.more[1] != NULL ? stage.more[1] : no_opts,
		stage.more[2] != NULL ? stage.more[2] : no_opts,
		stage.proof ? proof_opts : no_opts,
		stage.sink != NULL ? sink_opts :
		    stage.starts   ? start_opts :
				     no_opts,
		common_opts,
		NULL,
	};
	struct operands args;
	struct facts *facts = NULL;
	struct err e = { 0 };
	bool ok;

	process_begin();
	ok = opt_parse(tables, argc, argv, &args, &e);
	if (ok && help)
		return help_print(tables), stage_end(true, NULL, &e);
	if (ok && version) {
		printf("%s %s\n", stage.name, RDBPIPE_VERSION);
		return stage_end(true, NULL, &e);
	}
	ok = ok && operands_check(&args, &e) &&
	    descriptor_check("facts-fd", facts_fd, &e) &&
	    descriptor_check("go-fd", go_fd, &e) &&
	    (stage.check == NULL || stage.check(&args, &e));
	stage_told = facts_fd != -1;
	if (ok && stage_told)
		ok = (early = facts = facts_new((int)facts_fd, &e)) != NULL;
	ok = ok && stage_run(&args, facts, &e);
	return stage_end(ok, facts, &e);
}
