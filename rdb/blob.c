/* blob.c -- what all packed collections have in common; see blob.h. */
#include "rdb/pack.h"

void
blob_begin(struct blob *b, enum blob_kind kind, uint64_t size)
{
	static enum rdb_got (*const next[])(
	    struct blob *, struct rdb_chunk *, struct blob_run *) = {
		[BLOB_LISTPACK] = listpack_next,
		[BLOB_ZIPLIST] = ziplist_next,
		[BLOB_ZIPMAP] = zipmap_next,
		[BLOB_INTSET] = intset_next,
	};

	memset(b, 0, sizeof *b);
	b->next = next[kind];
	b->size = size;
}

static enum rdb_got
broken(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	(void)b, (void)in, (void)run;
	return RDB_BAD;
}

enum pack_got
pack_bad(struct blob *b, const char *what)
{
	b->what = what;
	b->next = broken;
	return PACK_BAD;
}

const uint8_t *
pack_gather(struct blob *b, struct rdb_chunk *in, unsigned n)
{
	unsigned want = n - b->have;

	if ((size_t)(in->end - in->ptr) < want)
		want = (unsigned)(in->end - in->ptr);
	if (want > 0) {
		memcpy(b->head + b->have, in->ptr, want);
		in->ptr += want;
		b->pos += want;
		b->have += want;
	}
	if (b->have < n)
		return NULL;
	b->have = 0;
	return b->head;
}

enum pack_got
pack_text(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	size_t n = (size_t)(in->end - in->ptr);

	if (n > b->left)
		n = (size_t)b->left;
	if (n == 0 && b->left > 0)
		return PACK_MORE;
	*run = (struct blob_run){ .first = b->left == b->text,
		.ptr = in->ptr,
		.len = n,
		.size = b->text };
	if (n > 0)
		in->ptr += n;
	b->pos += n;
	b->left -= n;
	run->last = b->left == 0;
	return PACK_RUN;
}
