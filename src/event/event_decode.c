/* event_decode: a line of the ledger back into an entry.
 *
 * Job: jansson reads the JSON, event_fields.def says what may be in it, and the canonical re-encoding must be the input byte for
 * byte: an entry has one form only, so that its leaf hash speaks about its content.
 * Input trust: none. Ledger files may come from anybody (verification is done by strangers).
 * Never: guesses, converts or skips a field; does I/O.
 */
#include "event_entry.h"

#include <jansson.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"

struct event_decoded {
	struct event_entry e;  /* its spans borrow from root and marks */
	json_t *root;          /* own */
	struct base_buf marks; /* own: raw bytes */
};

/* ---- one reader for each type of event_fields.def: value present, of any JSON type; GH_OK or GH_E_PARSE */


static int
read_string(const json_t *v, struct base_span *s_r)
{
	if (!json_is_string(v))
		return GH_E_PARSE;
	*s_r = base_span(json_string_value(v), json_string_length(v));
	return GH_OK;
}

static int
read_KIND(struct event_decoded *d, const json_t *v, enum event_kind *k_r)
{
	struct base_span s;

	(void)d;
	if (read_string(v, &s) < 0)
		return GH_E_PARSE;
	return event_kind_parse(s, k_r);
}

static int
read_TIME(struct event_decoded *d, const json_t *v, uint64_t *us_r)
{
	struct base_span s;

	(void)d;
	if (read_string(v, &s) < 0)
		return GH_E_PARSE;
	return base_time_parse(s, us_r) < 0 ? GH_E_PARSE : GH_OK;
}

static int
read_TEXT(struct event_decoded *d, const json_t *v, struct base_span *s_r)
{
	(void)d;
	return read_string(v, s_r);
}

static int
read_NUM(struct event_decoded *d, const json_t *v, uint64_t *n_r)
{
	(void)d;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return GH_E_PARSE;
	*n_r = (uint64_t)json_integer_value(v);
	return GH_OK;
}

static int
read_NUM32(struct event_decoded *d, const json_t *v, uint32_t *n_r)
{
	uint64_t n;

	if (read_NUM(d, v, &n) < 0 || n > UINT32_MAX)
		return GH_E_PARSE;
	*n_r = (uint32_t)n;
	return GH_OK;
}

static int
read_BOOL(struct event_decoded *d, const json_t *v, bool *b_r)
{
	(void)d;
	if (!json_is_true(v))
		return GH_E_PARSE;
	*b_r = true;
	return GH_OK;
}

static int
read_LIST(struct event_decoded *d, const json_t *v, struct event_list *list)
{
	size_t n;

	(void)d;
	if (!json_is_array(v) || (n = json_array_size(v)) > EVENT_LIST_MAX)
		return GH_E_PARSE;
	for (size_t i = 0; i < n; i++)
		if (read_string(json_array_get(v, i), &list->item[i]) < 0)
			return GH_E_PARSE;
	list->count = n;
	return GH_OK;
}

static int
read_WORD(struct event_decoded *d, const json_t *v, enum event_subjects *s_r)
{
	struct base_span s;

	(void)d;
	if (read_string(v, &s) < 0)
		return GH_E_PARSE;
	if (base_span_is(s, "known"))
		*s_r = EVENT_SUBJECTS_KNOWN;
	else if (base_span_is(s, "unknown"))
		*s_r = EVENT_SUBJECTS_UNKNOWN;
	else
		return GH_E_PARSE;
	return GH_OK;
}

static int
read_MARKS(struct event_decoded *d, const json_t *v, struct base_span *marks_r)
{
	struct base_span s;

	if (read_string(v, &s) < 0 || base_text_unbase64(s, &d->marks) < 0)
		return GH_E_PARSE;
	*marks_r = base_buf_span(&d->marks);
	return GH_OK;
}

#define read_LONG read_TEXT
#define read_KEYS read_LIST

static bool
known_field(const char *name)
{
#define EVENT_FIELD(type, json, member, max, always, help) \
	if (strcmp(name, #json) == 0)                      \
		return true;
#include "event_fields.def"
#undef EVENT_FIELD
	return strcmp(name, "v") == 0;
}

/* The name of a field that the table does not have; the caller knows that there is one. */
static int
fail_unknown(json_t *root, struct base_fail *fail)
{
	const char *key;
	json_t *v;

	json_object_foreach(root, key, v) {
		char text[80];

		if (!known_field(key))
			return base_fail_set(fail, GH_E_PARSE, "unknown field \"%s\"",
			    base_text_quote(text, sizeof(text), base_span_str(key), 64));
	}
	return base_fail_set(fail, GH_E_PARSE, "unknown field");
}

static int
read_fields(struct event_decoded *d, struct base_fail *fail)
{
	json_t *v = json_object_get(d->root, "v");
	size_t seen = 1;

	if (!json_is_integer(v) || json_integer_value(v) != 1)
		return base_fail_set(fail, GH_E_PARSE, "not an entry of format 1");
	if (json_object_get(d->root, "kind") == NULL || json_object_get(d->root, "time") == NULL)
		return base_fail_set(fail, GH_E_PARSE, "kind or time is missing");
#define EVENT_FIELD(type, json, member, max, always, help)                                                \
	if ((v = json_object_get(d->root, #json)) != NULL) {                                              \
		seen++;                                                                                   \
		if (read_##type(d, v, &d->e.member) < 0)                                                  \
			return base_fail_set(fail, GH_E_PARSE, "field \"" #json "\" has a malformed value"); \
	}
#include "event_fields.def"
#undef EVENT_FIELD
	if (seen != json_object_size(d->root))
		return fail_unknown(d->root, fail);
	return GH_OK;
}

static int
check_canonical(const struct event_decoded *d, struct base_span line, struct base_fail *fail)
{
	struct base_buf again;
	int rc;

	base_buf_init(&again, EVENT_ENTRY_MAX);
	rc = event_entry_encode(&d->e, &again, fail);
	if (rc == GH_OK && !base_span_eq(base_buf_span(&again), line))
		rc = base_fail_set(fail, GH_E_VERIFY, "entry is not in canonical form");
	base_buf_done(&again);
	return rc;
}

int
event_decode(struct base_span line, struct event_decoded **d_r, struct base_fail *fail)
{
	struct event_decoded *d;
	json_error_t err;
	int rc;

	if (line.n > EVENT_ENTRY_MAX)
		return base_fail_set(fail, GH_E_PARSE, "entry of %zu bytes is longer than %u", line.n, EVENT_ENTRY_MAX);
	d = base_mem_try(1, sizeof(*d));
	if (d == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for an entry");
	base_buf_init(&d->marks, EVENT_ENTRY_MAX);
	d->root = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
	if (d->root == NULL) {
		char text[200];

		rc = base_fail_set(fail, GH_E_PARSE, "not JSON: %s at byte %d",
		    base_text_quote(text, sizeof(text), base_span_str(err.text), 120), err.position);
		goto out;
	}
	if (!json_is_object(d->root)) {
		rc = base_fail_set(fail, GH_E_PARSE, "entry is not a JSON object");
		goto out;
	}
	rc = read_fields(d, fail);
	if (rc == GH_OK)
		rc = check_canonical(d, line, fail);
	if (rc == GH_OK) {
		*d_r = d;
		d = NULL;
	}
out:
	event_decoded_free(&d);
	return rc;
}

const struct event_entry *
event_decoded_entry(const struct event_decoded *d)
{
	return &d->e;
}

void
event_decoded_free(struct event_decoded **dp)
{
	struct event_decoded *d = *dp;

	if (d == NULL)
		return;
	*dp = NULL;
	json_decref(d->root);
	base_buf_done(&d->marks);
	free(d);
}
