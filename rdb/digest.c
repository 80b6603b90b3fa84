/*
 * digest.c -- see digest.h; docs/digest.md is what this implements.
 *
 * Per key there is a record, whose hash is added to the sum.  For what has no
 * order (members, fields, pending entries) the record holds a sum too: each
 * element is a term, a small record of its own.  So nothing is kept but two
 * records in the making.
 */
#include "rdb/digest.h"

#include "rdb/kind.h"

/* First bytes of records and terms: docs/digest.md. */
enum tag {
	TAG_KEY = 'K',
	TAG_LIBRARY = 'L',
	TAG_LIBRARY_RC = 'l',
	TAG_META = 'M',
	TAG_MEMBER = 'm',
	TAG_SCORED = 'z',
	TAG_FIELD = 'f',
	TAG_ENTRY = 'e',
	TAG_STREAM = 's',
	TAG_GROUP = 'g',
	TAG_PENDING = 'p',
	TAG_CONSUMER = 'c',
	TAG_OWNED = 'o',
	TAG_NACKED = 'n',
	TAG_IDMP = 'i',
	TAG_COUNTS = 'j',
	TAG_IID = 'd',
	TAG_INSERT = 'A',
	TAG_ARRAY = 'a'
};

#define NO_EXPIRY (-1) /* a server takes a time of -1 for none, too */

void
rdb_digest_init(struct rdb_digest *d, int64_t at_ms)
{
	memset(d, 0, offsetof(struct rdb_digest, key));
	d->at_ms = at_ms;
	d->expire = NO_EXPIRY;
	rdb_text_begin(&d->text);
	rdb_value_init(&d->value);
}

static bool
bad(struct rdb_digest *d, uint64_t at, const char *what)
{
	d->fault = (struct rdb_fault){ .at = at, .what = what };
	return false;
}

/* --- terms --- */

static void
term_start(struct rdb_digest *d, enum tag tag)
{
	record_start(&d->term);
	record_byte(&d->term, tag);
}

static void
term_end(struct rdb_digest *d)
{
	hash128_add(&d->terms, record_sum(&d->term));
	d->n_terms++;
}

/* Part of a text: in front of its bytes, how many they are. */
static void
text_add(struct record *r, const struct rdb_piece *p)
{
	if (p->first)
		record_num(r, p->size);
	record_add(r, p->ptr, p->len);
}

static uint64_t
bits_of(double score)
{
	uint64_t bits;

	if (score == 0)
		score = 0; /* -0.0 is 0.0 */
	memcpy(&bits, &score, sizeof bits);
	return bits;
}

/* --- collections --- */

/* A field is complete, with its TTL; 0: none. */
static void
field_end(struct rdb_digest *d, uint64_t ttl)
{
	if (ttl != 0 && d->at_ms >= 0 && ttl <= (uint64_t)d->at_ms) {
		d->gone++;
		return;
	}
	record_num(&d->term, ttl);
	term_end(d);
	d->elements++;
}

static void
collection_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_STRING:
	case RDB_ITEM:
		text_add(&d->key, p);
		d->elements += p->done;
		return;
	case RDB_MEMBER:
		if (p->first)
			term_start(d,
			    d->kind == RDB_KIND_ZSET ? TAG_SCORED : TAG_MEMBER);
		break;
	case RDB_SCORE:
		record_num(&d->term, bits_of(p->score));
		term_end(d);
		d->elements++;
		return;
	case RDB_FIELD:
		if (p->first)
			term_start(d, TAG_FIELD);
		break;
	case RDB_FIELD_TTL:
		field_end(d, p->num);
		return;
	default:
		break;
	}
	text_add(&d->term, p);
	if (!p->done)
		return;
	if (p->what == RDB_FIELD_VALUE) {
		field_end(d, 0);
	} else {
		term_end(d);
		d->elements++;
	}
}

/* Parts of module data, in order, into a record. */
static void
part_piece(struct record *r, const struct rdb_piece *p)
{
	if (p->what != RDB_PART_STRING) {
		record_byte(r,
		    p->what == RDB_PART_END ?
			0u :
			(unsigned)p->what - RDB_PART_SINT + 1u);
		if (p->what != RDB_PART_END)
			record_num(r, p->num);
		return;
	}
	if (p->first)
		record_byte(r, 5);
	text_add(r, p);
}

static void
array_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	if (p->what == RDB_ARRAY_INSERT) {
		term_start(d, TAG_INSERT);
		record_num(&d->term, p->num);
		term_end(d);
		return;
	}
	if (p->what == RDB_ARRAY_INDEX) {
		term_start(d, TAG_ARRAY);
		record_num(&d->term, p->num);
		return;
	}
	if (p->what == RDB_ARRAY_DOUBLE) {
		record_byte(&d->term, 'd');
		record_num(&d->term, bits_of(p->score));
	} else {
		if (p->first)
			record_byte(&d->term, 't');
		text_add(&d->term, p);
	}
	if (p->done) {
		term_end(d);
		d->elements++;
	}
}

/* --- streams --- */

static void
id_add(struct rdb_digest *d, const struct rdb_piece *p)
{
	record_num(&d->term, p->id.ms);
	record_num(&d->term, p->id.seq);
}

/* The name of a group, a consumer or a producer, kept as its hash. */
static void
name_piece(
    struct rdb_digest *d, const struct rdb_piece *p, struct hash128_sum *to)
{
	if (p->first)
		record_start(&d->term);
	record_add(&d->term, p->ptr, p->len);
	if (p->last)
		*to = record_sum(&d->term);
}

static void
entry_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	if (p->what == RDB_ENTRY) {
		term_start(d, TAG_ENTRY);
		id_add(d, p);
	} else {
		text_add(&d->term, p);
	}
	if (p->done)
		term_end(d);
}

/* A term that begins with the hash of the group's name. */
static void
group_start(struct rdb_digest *d, enum tag tag, bool consumer)
{
	term_start(d, tag);
	record_hash(&d->term, d->group);
	if (consumer)
		record_hash(&d->term, d->owner);
}

static void
group_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_GROUP_STATE:
		d->released = 0;
		group_start(d, TAG_GROUP, false);
		id_add(d, p);
		record_num(&d->term, p->num);
		break;
	case RDB_PENDING:
		group_start(d, TAG_PENDING, false);
		id_add(d, p);
		record_num(&d->term, p->num);
		record_num(&d->term, p->more);
		break;
	case RDB_CONSUMER_STATE:
		/* When it was last seen is no more data than a key's idle time. */
		group_start(d, TAG_CONSUMER, true);
		break;
	case RDB_OWNED:
		group_start(d, TAG_OWNED, true);
		id_add(d, p);
		break;
	default: /* RDB_NACKED */
		group_start(d, TAG_NACKED, false);
		record_num(&d->term, d->released++);
		id_add(d, p);
		break;
	}
	term_end(d);
}

static void
iid_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	if (p->what == RDB_IID) {
		if (p->first) {
			term_start(d, TAG_IID);
			record_hash(&d->term, d->owner);
		}
		text_add(&d->term, p);
		return;
	}
	id_add(d, p);
	term_end(d);
}

static void
stream_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_ENTRY:
	case RDB_FIELD:
	case RDB_FIELD_VALUE:
		entry_piece(d, p);
		break;
	case RDB_STREAM_LENGTH:
	case RDB_STREAM_FIRST:
		break; /* follow from the entries */
	case RDB_STREAM_LAST:
		term_start(d, TAG_STREAM);
		id_add(d, p);
		break;
	case RDB_STREAM_DELETED:
		id_add(d, p);
		break;
	case RDB_STREAM_ADDED:
		record_num(&d->term, p->num);
		term_end(d);
		break;
	case RDB_GROUP:
		name_piece(d, p, &d->group);
		break;
	case RDB_CONSUMER:
	case RDB_PRODUCER:
		name_piece(d, p, &d->owner);
		break;
	case RDB_IDMP:
	case RDB_IDMP_COUNTS:
		term_start(d, p->what == RDB_IDMP ? TAG_IDMP : TAG_COUNTS);
		record_num(&d->term, p->num);
		record_num(&d->term, p->more);
		term_end(d);
		break;
	case RDB_IID:
	case RDB_IID_ENTRY:
		iid_piece(d, p);
		break;
	default:
		group_piece(d, p);
	}
}

/* --- the walk --- */

/* The type is known: the record begins. */
static bool
key_begin(struct rdb_digest *d, const struct rdb_run *run)
{
	d->type = (unsigned)run->num;
	if (!rdb_value_begin(&d->value, d->type, d->valkey))
		return bad(d, run->at, "type that cannot be decoded");
	d->kind = rdb_kind_of(d->type);
	d->terms = (struct hash128_sum){ 0, 0 };
	d->n_terms = d->elements = d->gone = 0;
	record_start(&d->key);
	record_byte(&d->key, TAG_KEY);
	record_byte(&d->key, d->kind);
	record_num(&d->key, d->db);
	record_num(&d->key, (uint64_t)d->expire);
	record_hash(&d->key, d->meta);
	return true;
}

static bool
key_text(struct rdb_digest *d, const struct rdb_run *run)
{
	struct rdb_chunk in = { run->ptr, run->ptr + run->len };
	struct rdb_text_run text;
	enum rdb_got got;

	while ((got = rdb_text_next(&d->text, &in, &text)) == RDB_RUN) {
		if (text.first)
			record_num(&d->key, text.size);
		record_add(&d->key, text.ptr, text.len);
		if (text.last)
			return true;
	}
	if (got == RDB_MORE && !run->last)
		return true;
	return bad(
	    d, run->at, got == RDB_BAD ? d->text.what : "key ends early");
}

/* Does a server skip this one, for there is nothing in it? */
static bool
is_empty(const struct rdb_digest *d)
{
	return d->elements == 0 && d->kind != RDB_KIND_STREAM &&
	    d->kind != RDB_KIND_MODULE;
}

static void
key_end(struct rdb_digest *d)
{
	bool expires = d->expire != NO_EXPIRY;

	if ((expires && d->expire <= d->at_ms) ||
	    (is_empty(d) && d->gone > 0)) {
		d->left_out++;
	} else if (is_empty(d)) {
		d->empty++;
	} else {
		if (d->kind != RDB_KIND_STRING && d->kind != RDB_KIND_LIST &&
		    d->kind != RDB_KIND_MODULE) {
			record_num(&d->key, d->n_terms);
			record_hash(&d->key, d->terms);
		}
		hash128_add(&d->keys_sum, record_sum(&d->key));
		d->keys++;
		d->expires += expires;
		d->fields_left_out += d->gone;
	}
	d->expire = NO_EXPIRY;
	d->meta = (struct hash128_sum){ 0, 0 };
}

static void
value_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	if (d->kind == RDB_KIND_STREAM)
		stream_piece(d, p);
	else if (d->kind == RDB_KIND_ARRAY)
		array_piece(d, p);
	else if (d->kind != RDB_KIND_MODULE)
		collection_piece(d, p);
	else if (p->what == RDB_MODULE)
		record_num(&d->key, p->num);
	else
		part_piece(&d->key, p);
}

/* One class of a key's metadata is a term of its own sum. */
static void
meta_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	if (p->what == RDB_META_CLASS) {
		record_start(&d->term);
		record_byte(&d->term, TAG_META);
		record_num(&d->term, p->num);
		return;
	}
	part_piece(&d->term, p);
	if (p->what == RDB_PART_END)
		hash128_add(&d->meta, record_sum(&d->term));
}

static void
library_piece(struct rdb_digest *d, const struct rdb_piece *p)
{
	bool begins = p->what == RDB_LIBRARY_NAME ||
	    (p->what == RDB_LIBRARY && d->opcode == 245);

	if (p->first && begins) {
		record_start(&d->term);
		record_byte(&d->term,
		    p->what == RDB_LIBRARY ? TAG_LIBRARY : TAG_LIBRARY_RC);
	}
	text_add(&d->term, p);
	if (!p->done)
		return;
	hash128_add(&d->functions_sum, record_sum(&d->term));
	d->functions++;
}

/* Decode the bytes of a run, which begin skip bytes into it. */
static bool
decode(struct rdb_digest *d, const struct rdb_run *run, size_t skip,
    void (*piece)(struct rdb_digest *, const struct rdb_piece *))
{
	struct rdb_piece p;
	enum rdb_got got;

	rdb_value_feed(
	    &d->value, run->ptr + skip, run->len - skip, run->at + skip);
	while ((got = rdb_value_next(&d->value, &p)) == RDB_RUN)
		piece(d, &p);
	if (got == RDB_BAD) {
		d->fault = d->value.fault;
		return false;
	}
	if (got == RDB_MORE && run->last)
		return bad(d, run->at + run->len, "value ends early");
	return true;
}

/* Metadata or a library: an opcode, and what it carries. */
static bool
carried(struct rdb_digest *d, const struct rdb_run *run,
    void (*piece)(struct rdb_digest *, const struct rdb_piece *))
{
	if (!run->first)
		return decode(d, run, 0, piece);
	d->opcode = run->ptr[0];
	if (!rdb_value_begin_opcode(&d->value, d->opcode, d->valkey))
		return bad(d, run->at, "opcode that cannot be decoded");
	return decode(d, run, 1, piece);
}

bool
rdb_digest_feed(struct rdb_digest *d, const struct rdb_run *run)
{
	switch (run->label) {
	case RDB_HEADER:
		if (run->first)
			d->valkey = run->ptr[0] == 'V';
		return true;
	case RDB_SELECT:
		if (run->last)
			d->db = run->num;
		return true;
	case RDB_EXPIRE:
		if (run->last)
			d->expire = (int64_t)run->num;
		return true;
	case RDB_META:
		if (run->first)
			d->meta = (struct hash128_sum){ 0, 0 };
		return carried(d, run, meta_piece);
	case RDB_FUNCTION:
		return carried(d, run, library_piece);
	case RDB_TYPE:
		return key_begin(d, run);
	case RDB_KEY:
		return key_text(d, run);
	case RDB_VALUE:
		if (!decode(d, run, 0, value_piece))
			return false;
		if (run->last)
			key_end(d);
		return true;
	default:
		return true;
	}
}
