/*
 * rdb-checksum.c -- pass bytes on untouched and say their checksums.
 *
 * The lines are what xxhsum -c and sha256sum -c read.  They are written when
 * the input has proven itself whole, never before: the file of --output
 * appears under its name with the last byte in it, or not at all.
 *
 * Memory: one chunk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/codec/checksum.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"

static const char *algorithms = "xxh3-128";
static const char *output;
static const char *name;
static bool files;

static const struct opt opts[] = {
	{ OPT_TEXT, 'a', "algorithm", &algorithms, "LIST",
	    "xxh3-128 (default), sha256, crc64-xz; several with commas", 0, 0,
	    NULL, NULL },
	{ OPT_TEXT, 'o', "output", &output, "FILE",
	    "write the lines to FILE, not to standard error", 0, 0, NULL,
	    NULL },
	{ OPT_TEXT, 0, "name", &name, "NAME",
	    "the file's name in the lines (default: standard input)", 0, 0,
	    NULL, NULL },
	OPT_TABLE_END,
};

struct checksum_filter {
	struct filter base;
	struct checksums sums;
	uint64_t bytes;
};

/*
 * One line, in the form the algorithm's own tool reads; crc64-xz has none,
 * so its line is a comment to the others.  Standard input is "stdin" to
 * xxhsum and "-" to sha256sum.
 */
static void
line_print(FILE *to, enum checksum which, const char *digits, const char *file)
{
	if (file == NULL || strcmp(file, "-") == 0)
		file = which == CHECKSUM_XXH3_128 ? "stdin" : "-";
	fprintf(to, "%s%s  %s\n",
	    which == CHECKSUM_CRC64_XZ ? "# crc64-xz " : "", digits, file);
}

static void
lines_print(FILE *to, const struct checksum_filter *c, const char *file)
{
	for (int i = 0; i < CHECKSUM_N; i++)
		if (c->sums.on[i])
			line_print(to, (enum checksum)i, c->sums.text[i], file);
}

/* What is no file (/dev/null, /dev/fd/3) is written, never replaced. */
static bool
output_special(const struct checksum_filter *c, struct err *e)
{
	FILE *to = fopen(output, "we");

	if (to == NULL)
		return err_sys(e, "cannot write %s", output);
	lines_print(to, c, name);
	return fclose(to) == 0 || err_sys(e, "cannot write %s", output);
}

/* Write the lines beside FILE, then give them its name. */
static bool
output_write(const struct checksum_filter *c, struct err *e)
{
	char *temporary = NULL;
	FILE *to = NULL;
	struct stat st;
	bool ok = false;
	int fd = -1;

	if (stat(output, &st) == 0 && !S_ISREG(st.st_mode))
		return output_special(c, e);
	if (asprintf(&temporary, "%s.XXXXXX", output) == -1)
		return err_sys(e, "cannot write %s", output);
	if ((fd = mkostemp(temporary, O_CLOEXEC)) == -1 ||
	    (to = fdopen(fd, "w")) == NULL) {
		err_sys(e, "cannot write %s", output);
		goto out;
	}
	lines_print(to, c, name);
	if (fflush(to) != 0 || fsync(fd) != 0 || fchmod(fd, 0644) != 0 ||
	    rename(temporary, output) != 0) {
		err_sys(e, "cannot write %s", output);
		goto out;
	}
	ok = true;
out:
	if (!ok && fd != -1)
		unlink(temporary);
	if (to != NULL)
		fclose(to);
	else if (fd != -1)
		close(fd);
	free(temporary);
	return ok;
}

static bool
checksum_watch(struct filter *f, struct span in, struct err *e)
{
	struct checksum_filter *c = (struct checksum_filter *)f;

	(void)e;
	checksums_update(&c->sums, in.ptr, in.len);
	c->bytes += in.len;
	return true;
}

static bool
checksum_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct checksum_filter *c = (struct checksum_filter *)f;

	(void)out;
	*done = true;
	if (!checksums_final(&c->sums, e))
		return false;
	if (output != NULL && !files)
		return output_write(c, e);
	if (!files && !stage_quiet && !stage_told)
		lines_print(stderr, c, name);
	return true;
}

static void
checksum_tell(const struct filter *f, struct facts *facts)
{
	const struct checksum_filter *c = (const struct checksum_filter *)f;

	facts_count(facts, "bytes", c->bytes);
	for (int i = 0; i < CHECKSUM_N; i++)
		if (c->sums.text[i][0] != '\0')
			facts_text(facts, checksum_names[i], c->sums.text[i]);
}

static void
checksum_free(struct filter *f)
{
	checksums_release(&((struct checksum_filter *)f)->sums);
	free(f);
}

static const struct filter_ops checksum_ops = {
	.name = "checksum",
	.watch = checksum_watch,
	.finish = checksum_finish,
	.tell = checksum_tell,
	.free = checksum_free,
};

/* Choose every algorithm of the list. */
static bool
list_choose(struct checksums *sums, struct err *e)
{
	const char *at = algorithms;

	for (;;) {
		size_t len = strcspn(at, ",");
		int i;

		for (i = 0; i < CHECKSUM_N; i++)
			if (strlen(checksum_names[i]) == len &&
			    memcmp(checksum_names[i], at, len) == 0)
				break;
		if (i == CHECKSUM_N)
			return err_set(e, ERR_USAGE,
			    "--algorithm: '%.*s' is none of xxh3-128, sha256, "
			    "crc64-xz",
			    (int)len, at);
		if (!checksums_choose(sums, (enum checksum)i, e))
			return false;
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

static struct filter *
checksum_new(const struct operands *args, struct err *e)
{
	struct checksum_filter *c = calloc(1, sizeof *c);

	(void)args;
	if (c == NULL) {
		err_sys(e, "cannot set up checksums");
		return NULL;
	}
	c->base.ops = &checksum_ops;
	checksums_init(&c->sums);
	if (!list_choose(&c->sums, e)) {
		checksum_free(&c->base);
		return NULL;
	}
	return &c->base;
}

static bool
checksum_check(const struct operands *args, struct err *e)
{
	files = args->n > 0;
	if (files && (output != NULL || name != NULL))
		return err_set(e, ERR_USAGE,
		    "--output and --name are for standard input; the lines of "
		    "files go to standard output");
	if (name != NULL && strpbrk(name, "\n\\") != NULL)
		return err_set(e, ERR_USAGE,
		    "--name: a line cannot hold a newline or backslash");
	return true;
}

static void
checksum_report(const struct filter *f, const char *file, const struct err *e)
{
	if (e == NULL)
		lines_print(stdout, (const struct checksum_filter *)f, file);
}

static const char *const notes[] = {
	"Without FILE: standard input goes to standard output; the lines come",
	"when it has ended whole.  They are checked by `xxhsum -c` and",
	"`sha256sum -c`.",
	NULL,
};

const struct stage stage = {
	.name = "rdb-checksum",
	.brief = "pass bytes on and say their checksums",
	.operands = "[FILE...]",
	.operands_max = -1,
	.notes = notes,
	.opts = opts,
	.proof = true,
	.check = checksum_check,
	.filter = checksum_new,
	.report = checksum_report,
};
