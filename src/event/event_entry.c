/* event_entry: a ledger entry as canonical JSON.
 *
 * Job: one pass over event_fields.def, straight into room reserved in the caller's buffer: this is on the way of every
 * recorded answer, so there is no document tree, no allocation and no printf.
 * Input trust: the texts come from clients and servers; any byte may be in them. Whatever they hold, the result is valid
 * UTF-8, valid JSON, one line, and at most EVENT_ENTRY_MAX bytes.
 * Never: changes or drops a mark; writes half an entry (on failure nothing is appended).
 *
 * Cutting is idempotent: a cut text or list, read back and encoded again, fits its ceiling and stays as it is. The decoder's
 * check "re-encoding equals the input" rests on that, and on two further things: limits count bytes as written, and only the
 * exact size of the whole (never an estimate) decides whether the statement text is cut once more.
 */
#include "event_entry.h"

#include <assert.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 */
#define ELLIPSIS_N 3u
#define NUM_MAX ((UINT64_C(1) << 53) - 1)
#define MARK_SIZE 8u
#define ESCAPED 6u /* the most bytes that one byte of text becomes: \u00XX */

static const char *const kind_names[] = {
	[EVENT_START] = "start", [EVENT_STOP] = "stop",   [EVENT_OPEN] = "open",     [EVENT_CLOSE] = "close",
	[EVENT_DENY] = "deny",   [EVENT_READ] = "read",   [EVENT_WRITE] = "write",   [EVENT_REFUSE] = "refuse",
	[EVENT_POLICY] = "policy", [EVENT_PEOPLE] = "people",
	[EVENT_ALARM] = "alarm", [EVENT_STEP] = "step",   [EVENT_ASK] = "ask",       [EVENT_APPROVE] = "approve",
	[EVENT_SUSPEND] = "suspend", [EVENT_RESUME] = "resume", [EVENT_ENROLL] = "enroll", [EVENT_SETTLE] = "settle",
};
_Static_assert(BASE_COUNT(kind_names) == EVENT_KIND_COUNT, "each kind has a name");

/* What all fields but the marks can take at most. The rest of an entry is room for marks, in the worst case too. */
enum {
#define EVENT_FIELD(type, json, member, max, always, help) +(max) + (int)sizeof(",\"" #json "\":[]")
	FIXED_MAX = sizeof("{\"v\":1}")
#include "event_fields.def"
#undef EVENT_FIELD
};
#define LATER_MAX 2048u /* see event_entry_tuples_max */
_Static_assert(EVENT_ENTRY_MAX - FIXED_MAX - LATER_MAX > EVENT_LIST_MAX * MARK_SIZE * 4 / 3 + 8, "room for one tuple always");

const char *
event_kind_name(enum event_kind k)
{
	return (unsigned)k < EVENT_KIND_COUNT ? kind_names[k] : "unknown";
}

int
event_kind_parse(struct base_span s, enum event_kind *k_r)
{
	for (unsigned k = 0; k < EVENT_KIND_COUNT; k++) {
		if (base_span_is(s, kind_names[k])) {
			*k_r = (enum event_kind)k;
			return GH_OK;
		}
	}
	return GH_E_PARSE;
}

/* ---- writer: appends into `left` bytes; what does not fit latches `bad`, which the size bound makes our own bug */

struct writer {
	uint8_t *p;      /* borrow: next byte */
	size_t left;
	bool bad;        /* a part did not fit */
	bool keys_cut;   /* kinds passed their limit */
	size_t long_max; /* ceiling of the LONG field this time */
	size_t long_n;   /* what it took */
};

static void
put(struct writer *w, const void *src, size_t n)
{
	if (n > w->left) {
		w->bad = true;
		return;
	}
	memcpy(w->p, src, n);
	w->p += n;
	w->left -= n;
}

static void
skip(struct writer *w, size_t n)
{
	assert(n <= w->left);
	w->p += n;
	w->left -= n;
}

static inline bool
plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* How many bytes at the front of s stand for themselves. Eight at a time: statement texts are nearly all plain. */
static size_t
plain_run(struct base_span s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
	size_t i = 0;

	while (s.n - i >= 8) {
		uint64_t v, quote, slash;

		memcpy(&v, s.p + i, 8);
		quote = v ^ (ones * '"');
		slash = v ^ (ones * '\\');
		/* The usual "has a byte below n" trick: exact as to whether there is one, which is all that is asked. */
		if ((v | ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops)
			break;
		i += 8;
	}
	while (i < s.n && plain(s.p[i]))
		i++;
	return i;
}

/* Escapes s into dst; stops before the first character that would pass `room`. Returns the bytes written; *all_r: nothing left. */
static size_t
escape(uint8_t *dst, size_t room, struct base_span s, bool *all_r)
{
	static const char hex[] = "0123456789abcdef";
	size_t in = 0, out = 0;

	while (in < s.n) {
		struct base_span rest = base_span(s.p + in, s.n - in);
		size_t run = plain_run(rest);
		uint8_t unit[ESCAPED];
		const uint8_t *src = unit;
		size_t n, took = 1;
		uint8_t c;

		if (run > room - out)
			run = room - out; /* plain characters are single bytes, so any prefix is whole */
		if (run > 0) {
			memcpy(dst + out, rest.p, run);
			out += run;
			in += run;
			if (out == room)
				break;
			continue;
		}
		c = rest.p[0];
		if (c == '"' || c == '\\') {
			unit[0] = '\\';
			unit[1] = c;
			n = 2;
		} else if (c < 0x20) {
			memcpy(unit, "\\u00", 4);
			unit[4] = (uint8_t)hex[c >> 4];
			unit[5] = (uint8_t)hex[c & 15];
			n = 6;
		} else if ((n = base_text_utf8_length(rest.p, rest.n)) > 0) {
			src = rest.p;
			took = n;
		} else {
			src = (const uint8_t *)"\xef\xbf\xbd"; /* U+FFFD */
			n = 3;
		}
		if (n > room - out)
			break;
		memcpy(dst + out, src, n);
		out += n;
		in += took;
	}
	*all_r = in == s.n;
	return out;
}

/* A string with its quotes, at most max bytes between them; cut with an ellipsis. Returns the bytes between the quotes. */
static size_t
put_string(struct writer *w, struct base_span s, size_t max)
{
	size_t n;
	bool all;

	put(w, "\"", 1);
	if (w->bad || max > w->left)
		max = w->bad ? 0 : w->left;
	n = escape(w->p, max, s, &all);
	if (!all && max >= ELLIPSIS_N) {
		n = escape(w->p, max - ELLIPSIS_N, s, &all);
		memcpy(w->p + n, ELLIPSIS, ELLIPSIS_N);
		n += ELLIPSIS_N;
	}
	skip(w, n);
	put(w, "\"", 1);
	return n;
}

static void
put_num(struct writer *w, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	put(w, digits + n, sizeof(digits) - n);
}

/* base64 (RFC 4648, padded) in place: base_text_base64 wants a buffer of its own and the bytes would be copied twice. */
static void
put_base64(struct writer *w, struct base_span s)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t need = (s.n + 2) / 3 * 4;
	uint8_t *d = w->p;
	size_t i = 0;

	if (need > w->left) {
		w->bad = true;
		return;
	}
	for (; s.n - i >= 3; i += 3, d += 4) {
		uint32_t v = (uint32_t)s.p[i] << 16 | (uint32_t)s.p[i + 1] << 8 | s.p[i + 2];

		d[0] = (uint8_t)abc[v >> 18];
		d[1] = (uint8_t)abc[v >> 12 & 63];
		d[2] = (uint8_t)abc[v >> 6 & 63];
		d[3] = (uint8_t)abc[v & 63];
	}
	if (s.n > i) {
		uint32_t v = (uint32_t)s.p[i] << 16 | (s.n - i == 2 ? (uint32_t)s.p[i + 1] << 8 : 0);

		d[0] = (uint8_t)abc[v >> 18];
		d[1] = (uint8_t)abc[v >> 12 & 63];
		d[2] = (uint8_t)(s.n - i == 2 ? abc[v >> 6 & 63] : '=');
		d[3] = '=';
	}
	skip(w, need);
}

/* ---- one writer for each type of event_fields.def; `key` is ,"name": */

struct field {
	const char *key; /* borrow */
	size_t key_n;
	size_t max;
	bool always;
};

static void
write_KIND(struct writer *w, const struct field *f, const enum event_kind *k)
{
	put(w, f->key, f->key_n);
	put_string(w, base_span_str(kind_names[*k]), f->max);
}

static void
write_TIME(struct writer *w, const struct field *f, const uint64_t *us)
{
	char text[BASE_TIME_UTC_SIZE];

	if (*us == 0 && !f->always)
		return;
	put(w, f->key, f->key_n);
	put_string(w, base_span_str(base_time_utc(*us, text)), f->max);
}

static void
write_TEXT(struct writer *w, const struct field *f, const struct base_span *s)
{
	if (s->n == 0 && !f->always)
		return;
	put(w, f->key, f->key_n);
	put_string(w, *s, f->max);
}

static void
write_LONG(struct writer *w, const struct field *f, const struct base_span *s)
{
	if (s->n == 0 && !f->always)
		return;
	put(w, f->key, f->key_n);
	w->long_n = put_string(w, *s, f->max < w->long_max ? f->max : w->long_max);
}

static void
write_NUM(struct writer *w, const struct field *f, const uint64_t *v)
{
	if (*v == 0 && !f->always)
		return;
	put(w, f->key, f->key_n);
	put_num(w, *v < NUM_MAX ? *v : NUM_MAX);
}

static void
write_NUM32(struct writer *w, const struct field *f, const uint32_t *v)
{
	uint64_t wide = *v;

	write_NUM(w, f, &wide);
}

static void
write_BOOL(struct writer *w, const struct field *f, const bool *v)
{
	if (!*v)
		return;
	put(w, f->key, f->key_n);
	put(w, "true", 4);
}

/* The first `count` items; false (and nothing that counts written) when they take more than max bytes. */
static bool
put_items(struct writer *w, const struct event_list *list, size_t count, size_t max)
{
	size_t room = w->left < max ? w->left : max;
	size_t before = w->left;

	for (size_t i = 0; i < count; i++) {
		size_t used = before - w->left;
		size_t need = (i > 0) + 2u; /* comma, quotes */
		bool all;
		size_t n;

		if (need > room - used)
			return false;
		if (i > 0)
			put(w, ",", 1);
		n = escape(w->p + 1, room - used - need, list->item[i], &all);
		if (!all)
			return false;
		*w->p = '"';
		skip(w, n + 1);
		put(w, "\"", 1);
	}
	return true;
}

/* [items]; cut to what fits with "..." (U+2026) as the last item, so that a reader sees that there was more. */
static bool
put_list(struct writer *w, const struct field *f, const struct event_list *list)
{
	static const char more[] = ",\"" ELLIPSIS "\"";
	struct writer start;
	size_t count = list->count;
	bool whole = count <= EVENT_LIST_MAX;

	put(w, f->key, f->key_n);
	put(w, "[", 1);
	if (w->bad)
		return true; /* our own bound was wrong; the caller sees bad */
	start = *w;
	if (!whole)
		count = EVENT_LIST_MAX - 1;
	if (!put_items(w, list, count, whole ? f->max : f->max - (sizeof(more) - 1)) || !whole) {
		whole = false;
		if (count == EVENT_LIST_MAX)
			count--;
		for (*w = start; !put_items(w, list, count, f->max - (sizeof(more) - 1)); *w = start)
			count--;
		put(w, count > 0 ? more : more + 1, sizeof(more) - (count > 0 ? 1 : 2));
	}
	put(w, "]", 1);
	return whole;
}

static void
write_LIST(struct writer *w, const struct field *f, const struct event_list *list)
{
	if (list->count > 0 || f->always)
		(void)put_list(w, f, list); /* a cut shows in the list itself */
}

static void
write_KEYS(struct writer *w, const struct field *f, const struct event_list *list)
{
	if (list->count > 0 && !put_list(w, f, list))
		w->keys_cut = true;
}

static void
write_WORD(struct writer *w, const struct field *f, const enum event_subjects *s)
{
	if (*s == EVENT_SUBJECTS_NONE)
		return;
	put(w, f->key, f->key_n);
	put_string(w, base_span_str(*s == EVENT_SUBJECTS_KNOWN ? "known" : "unknown"), f->max);
}

static void
write_MARKS(struct writer *w, const struct field *f, const struct base_span *s)
{
	if (s->n == 0)
		return;
	put(w, f->key, f->key_n);
	put(w, "\"", 1);
	put_base64(w, *s);
	put(w, "\"", 1);
}

static void
write_all(struct writer *w, const struct event_entry *e)
{
	unsigned bit = 1u << e->kind;

	put(w, "{\"v\":1", 6);
#define EVENT_FIELD(type, json, member, max, always, help)                                                          \
	write_##type(w, &(const struct field){",\"" #json "\":", sizeof(",\"" #json "\":") - 1, max, ((always) & bit) != 0}, \
	    &e->member);
#include "event_fields.def"
#undef EVENT_FIELD
	put(w, "}", 1);
}

/* ---- the most that the fields can take; never less than what write_all writes */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
bound_TEXT(const struct base_span *s, size_t max)
{
	return s->n < max / ESCAPED ? s->n * ESCAPED : max;
}

static size_t
bound_LIST(const struct event_list *list, size_t max)
{
	size_t sum = ELLIPSIS_N + 3;

	for (size_t i = 0; i < least(list->count, EVENT_LIST_MAX) && sum < max; i++)
		sum += bound_TEXT(&list->item[i], max) + 3;
	return least(sum, max);
}

#define bound_LONG bound_TEXT
#define bound_KEYS bound_LIST
#define bound_KIND(p, max) ((void)(p), (size_t)(max))
#define bound_TIME bound_KIND
#define bound_NUM bound_KIND
#define bound_NUM32 bound_KIND
#define bound_BOOL bound_KIND
#define bound_WORD bound_KIND
#define bound_MARKS bound_KIND /* counted by the callers: base64 of marks has no ceiling of its own */

static size_t
bound_all(const struct event_entry *e)
{
	size_t sum = sizeof("{\"v\":1}");

#define EVENT_FIELD(type, json, member, max, always, help) sum += sizeof(",\"" #json "\":[]") + bound_##type(&e->member, (size_t)(max));
#include "event_fields.def"
#undef EVENT_FIELD
	return sum;
}

static size_t
base64_size(size_t n)
{
	return (n + 2) / 3 * 4;
}

/* Encodes into room bytes at dst; the size, or GH_E_LIMIT. */
static int
encode_at(const struct event_entry *e, uint8_t *dst, size_t room, size_t *size_r, struct base_fail *fail)
{
	struct writer w = {.p = dst, .left = room, .long_max = SIZE_MAX};
	size_t size;

	write_all(&w, e);
	size = room - w.left;
	if (size > EVENT_ENTRY_MAX && w.long_n > size - EVENT_ENTRY_MAX && w.long_n - (size - EVENT_ENTRY_MAX) >= ELLIPSIS_N) {
		w = (struct writer){.p = dst, .left = room, .long_max = w.long_n - (size - EVENT_ENTRY_MAX)};
		write_all(&w, e);
		size = room - w.left;
	}
	assert(!w.bad); /* bound_all() is never too small */
	if (w.keys_cut)
		return base_fail_set(fail, GH_E_LIMIT, "entry has too many kinds of marks");
	if (size > EVENT_ENTRY_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "marks of the entry do not fit: %zu bytes of %u", size, EVENT_ENTRY_MAX);
	*size_r = size;
	return GH_OK;
}

int
event_entry_encode(const struct event_entry *e, struct base_buf *out, struct base_fail *fail)
{
	size_t tuple = least(e->kinds.count, EVENT_LIST_MAX) * MARK_SIZE;
	size_t bound, size;
	uint8_t *dst;
	int rc;

	assert((unsigned)e->kind < EVENT_KIND_COUNT);
	if (e->marks.n > 0 && (tuple == 0 || e->marks.n % tuple != 0))
		return base_fail_set(fail, GH_E_PARSE, "marks are not whole tuples: %zu bytes, %zu kinds", e->marks.n, e->kinds.count);
	if (e->marks.n > EVENT_ENTRY_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "marks of the entry do not fit: %zu bytes", e->marks.n);
	bound = bound_all(e) + base64_size(e->marks.n);
	if (bound <= EVENT_ENTRY_MAX && bound <= out->max - least(out->max, base_buf_len(out))) {
		dst = base_buf_reserve(out, bound);
		if (dst == NULL)
			return base_fail_set(fail, GH_E_NOMEM, "no memory for an entry of up to %zu bytes", bound);
		rc = encode_at(e, dst, bound, &size, fail);
		if (rc < 0)
			return rc;
		base_buf_commit(out, size);
		return GH_OK;
	}
	/* The estimate is far above what most texts need: find the true size aside, rather than refuse or blow up `out`. */
	dst = base_mem_try(1, bound);
	if (dst == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for an entry of up to %zu bytes", bound);
	rc = encode_at(e, dst, bound, &size, fail);
	if (rc == GH_OK && (out->bad || size > out->max - least(out->max, base_buf_len(out))))
		rc = base_fail_set(fail, GH_E_LIMIT, "no room for an entry of %zu bytes", size);
	if (rc == GH_OK) {
		base_buf_put(out, base_span(dst, size));
		if (out->bad)
			rc = base_fail_set(fail, GH_E_NOMEM, "no memory for an entry of %zu bytes", size);
	}
	free(dst);
	return rc;
}

size_t
event_entry_tuples_max(const struct event_entry *e, size_t kinds)
{
	/* why and sqlstate are often known at the last part only: room for them is kept whether they are set or not. */
	size_t used = bound_all(e) + LATER_MAX;

	assert(kinds > 0 && kinds <= EVENT_LIST_MAX);
	if (e->kinds.count == 0)
		used += kinds * (2 * 63 + 4); /* as long as two SQL names each */
	used = least(used, FIXED_MAX + LATER_MAX);
	return (EVENT_ENTRY_MAX - 4 - used) / 4 * 3 / (kinds * MARK_SIZE);
}
