/*
 * rdb-print.c -- what an RDB stream holds, for people and for scripts.
 *
 * The product is text on standard output, written while the stream is read
 * (stages/print/).  A stream that was cut or is bad ends with status 1, and
 * what was printed then does not look complete: a JSON document is not closed,
 * rows and commands end with the last one that was whole.
 *
 * Memory: a chunk, a buffer of 256 KiB, the printer's 130 KiB, and one key;
 * values of any size are printed as they arrive.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "stages/keys/choice.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"
#include "stages/print/csv.h"
#include "stages/print/json.h"
#include "stages/print/jsonl.h"
#include "stages/print/keys.h"
#include "stages/print/printer.h"
#include "stages/print/resp.h"

enum kind { KIND_JSON, KIND_JSONL, KIND_RESP, KIND_KEYS, KIND_CSV };

static const char *const kinds[] = { "json", "jsonl", "resp", "keys", "csv",
	NULL };

static int kind = KIND_JSON, encoding = WRITER_BYTES, target = -1;
static bool nul, aux, functions, replace;
static struct choice choice = CHOICE_DEFAULT;

static const struct opt opts[] = {
	{ OPT_CHOICE, 'f', "format", &kind, "FORMAT",
	    "json, jsonl, resp, keys or csv (json)", 0, 0, kinds, NULL },
	{ OPT_CHOICE, 'e', "encoding", &encoding, "HOW",
	    "strings in json: bytes, utf8 or base64 (bytes)", 0, 0,
	    writer_encodings, NULL },
	{ OPT_FLAG, 0, "aux", &aux, NULL,
	    "auxiliary fields as well (json, jsonl)", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "functions", &functions, NULL,
	    "functions as well (json, jsonl)", 0, 0, NULL, NULL },
	{ OPT_FLAG, '0', "null", &nul, NULL,
	    "keys as they are, a NUL behind each (keys)", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 't', "target", &target, "SERVER",
	    "commands for redis-7.0, valkey-9, ... (resp)", 0, 0,
	    rdb_engine_names, NULL },
	{ OPT_FLAG, 0, "replace", &replace, NULL,
	    "remove keys before they are made (resp)", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

static const struct opt choice_opts[] = { CHOICE_OPTIONS(choice),
	OPT_TABLE_END };

struct print {
	struct filter base;
	struct sink *to;
	struct format *format;
	struct output out;
	struct printer printer;
	bool ended; /* well */
};

static bool
print_watch(struct filter *base, struct span in, struct err *e)
{
	return printer_feed(&((struct print *)base)->printer, in, e);
}

static void
warn(const struct print *p)
{
	if (p->format->strange > 0)
		stage_warn("%" PRIu64 " bytes are no UTF-8 and became lone "
			   "surrogates: some readers of JSON refuse those, "
			   "and --encoding bytes has none",
		    p->format->strange);
	if (printer_share(&p->printer) > 1)
		stage_warn("many keys: only one in %" PRIu64
			   " names was looked at for being given twice",
		    printer_share(&p->printer));
}

static bool
print_finish(struct filter *base, struct room *out, bool *done, struct err *e)
{
	struct print *p = (struct print *)base;

	(void)out;
	*done = true;
	p->ended = printer_end(&p->printer, e);
	if (p->ended)
		warn(p);
	return p->ended;
}

static void
print_tell(const struct filter *base, struct facts *facts)
{
	const struct print *p = (const struct print *)base;

	facts_text(facts, "format", p->format->ops->name);
	facts_count(facts, "keys", p->printer.keys);
	facts_count(facts, "left-out", p->printer.left_out);
	facts_count(facts, "functions", p->printer.n_libraries);
	facts_count(facts, "bytes", p->out.bytes);
}

static void
print_free(struct filter *base)
{
	struct print *p = (struct print *)base;

	if (!p->ended)
		printer_salvage(&p->printer);
	printer_release(&p->printer);
	format_free(p->format);
	sink_free(p->to);
	free(p);
}

static const struct filter_ops print_ops = {
	.name = "print",
	.watch = print_watch,
	.finish = print_finish,
	.tell = print_tell,
	.free = print_free,
};

static struct format *
format_new(struct output *out, struct err *e)
{
	switch (kind) {
	case KIND_JSON:
		return json_new(out, (enum writer_encoding)encoding, e);
	case KIND_JSONL:
		return jsonl_new(out, (enum writer_encoding)encoding, e);
	case KIND_KEYS:
		return keys_new(out, nul, e);
	case KIND_CSV:
		return csv_new(out, e);
	default:
		return resp_format_new(out,
		    target == -1 ? NULL : rdb_engine_at((unsigned)target),
		    replace, e);
	}
}

static struct filter *
print_new(const struct operands *args, struct err *e)
{
	struct print *p = calloc(1, sizeof *p);

	(void)args;
	if (p == NULL) {
		err_sys(e, "cannot set up the printer");
		return NULL;
	}
	p->base.ops = &print_ops;
	p->to = sink_fd_new(STDOUT_FILENO, "standard output", e);
	if (p->to == NULL)
		goto out;
	output_init(&p->out, p->to);
	if ((p->format = format_new(&p->out, e)) == NULL)
		goto out;
	printer_init(&p->printer, p->format, &choice);
	p->printer.aux = aux;
	p->printer.libraries |= functions;
	return &p->base;
out:
	sink_free(p->to);
	free(p);
	return NULL;
}

/* There is nothing to add: it is all out. */
static void
print_report(const struct filter *base, const char *file, const struct err *e)
{
	(void)base, (void)file, (void)e;
}

/* An option for other formats than the one that was asked for. */
static bool
option_check(bool given, const char *option, bool fits, struct err *e)
{
	return !given || fits ||
	    err_set(e, ERR_USAGE, "--%s is not for --format %s", option,
		kinds[kind]);
}

static bool
print_check(const struct operands *args, struct err *e)
{
	bool json = kind == KIND_JSON || kind == KIND_JSONL;

	(void)args;
	if ((kind == KIND_RESP || nul) && isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE,
		    "standard output is a terminal; send it to a pipe or file");
	return option_check(encoding != WRITER_BYTES, "encoding", json, e) &&
	    option_check(aux, "aux", json, e) &&
	    option_check(functions, "functions", json, e) &&
	    option_check(nul, "null", kind == KIND_KEYS, e) &&
	    option_check(target != -1, "target", kind == KIND_RESP, e) &&
	    option_check(replace, "replace", kind == KIND_RESP, e) &&
	    choice_check(&choice, e);
}

static bool
print_terminal(void)
{
	return true;
}

static const char *const notes[] = {
	"json is one document, as librdb writes it; jsonl a line for each key, "
	"with",
	"its database, type and expiry; resp commands for redis-cli --pipe.",
	NULL,
};

const struct stage stage = {
	.name = "rdb-print",
	.brief = "print what an RDB stream holds",
	.operands = "[FILE]",
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.more = { choice_opts },
	.text = true,
	.check = print_check,
	.filter = print_new,
	.report = print_report,
	.terminal = print_terminal,
};
