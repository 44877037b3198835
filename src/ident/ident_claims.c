/* ident_claims: what a verified token says. Input: the issuer's own words, true but of any shape. Never: converts a type; gives out half of a list. */
#include "ident_int.h"

#include <stdlib.h>

#define ITEMS_MAX 256u /* a longer list is none: each of its items would be looked at for each item asked for */

void
ident_claims_free(struct ident_claims **c)
{
	struct ident_claims *own = *c;
	*c = NULL;
	if (!own)
		return;
	json_decref(own->root);
	free(own);
}

uint64_t
ident_claims_expires_us(const struct ident_claims *c)
{
	return c->expires_us;
}

/* The whole name first: names of claims may be URLs, with dots in them. */
static const json_t *
claim_find(const struct ident_claims *c, struct base_span name)
{
	const json_t *v = name.n == 0 ? NULL : json_object_getn(c->root, (const char *)name.p, name.n);
	struct base_cursor path = base_cursor(name);
	struct base_span step;

	if (v)
		return v;
	for (v = c->root; v && base_cursor_until(&path, '.', &step);)
		v = json_object_getn(v, (const char *)step.p, step.n);
	return path.left == 0 || v == c->root ? NULL : json_object_getn(v, (const char *)path.p, path.left);
}

bool
ident_claims_text(const struct ident_claims *c, struct base_span name, struct base_span *value_r)
{
	return ident_json_text(claim_find(c, name), value_r);
}

/* The i-th word of a text: words are parted by blanks; all of them must do, so that no list is read in half. */
static bool
claim_word(const json_t *v, size_t i, struct base_span *value_r)
{
	struct base_cursor c = base_cursor(base_span(json_string_value(v), json_string_length(v)));
	struct base_span word, found = base_span("", 0);
	size_t count = 0;

	while (c.left > 0) {
		if (!base_cursor_until(&c, ' ', &word))
			word = base_cursor_take(&c, c.left);
		if (word.n == 0)
			continue;
		if (!ident_text_plain(word) || count == ITEMS_MAX)
			return false;
		if (count++ == i)
			found = word;
	}
	if (found.n == 0)
		return false;
	*value_r = found;
	return true;
}

bool
ident_claims_item(const struct ident_claims *c, struct base_span name, size_t i, struct base_span *value_r)
{
	const json_t *v = claim_find(c, name);
	struct base_span s, found = base_span("", 0);

	if (json_is_string(v))
		return claim_word(v, i, value_r);
	size_t n = json_array_size(v);
	if (i >= n || n > ITEMS_MAX)
		return false;
	for (size_t at = 0; at < n; at++) {
		if (!ident_json_text(json_array_get(v, at), &s))
			return false;
		if (at == i)
			found = s;
	}
	*value_r = found;
	return true;
}
