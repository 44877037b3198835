/* gate_text: facts about statement texts, cached. Input: hostile client's text, already bounded. No I/O, never judges. */
#include "gate_text.h"

#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "gate_limit.h"
#include "mask_value.h"

struct gate_texts {
	struct base_map *texts;  /* exact text -> gate_text */
	struct base_map *shapes; /* normalised text -> gate_shape */
	struct sql_scan scan;
};

static void
shape_unref(struct gate_shape **sp)
{
	struct gate_shape *s = *sp;

	*sp = NULL;
	if (!s || --s->refs > 0)
		return;
	for (size_t i = 0; s->touch && i < s->facts->count; i++) {
		free(s->touch[i].relations);
		free(s->touch[i].requests);
	}
	free(s->touch);
	sql_facts_unref(&s->facts);
	free(s);
}

static void
shape_free_value(void *value)
{
	struct gate_shape *s = value;
	shape_unref(&s);
}

static void
text_free_value(void *value)
{
	struct gate_text *t = value;
	gate_text_unref(&t);
}

struct gate_texts *
gate_texts_new(void)
{
	struct gate_texts *t = base_mem_new(1, sizeof(*t));
	t->texts = base_map_new(GATE_TEXTS, text_free_value);
	t->shapes = base_map_new(GATE_SHAPES, shape_free_value);
	sql_scan_init(&t->scan);
	return t;
}

void
gate_texts_free(struct gate_texts **tp)
{
	struct gate_texts *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	base_map_free(&t->texts);
	base_map_free(&t->shapes);
	sql_scan_done(&t->scan);
	free(t);
}

void
gate_texts_clear(struct gate_texts *t)
{
	base_map_clear(t->texts);
	base_map_clear(t->shapes);
}

void
gate_text_ref(struct gate_text *t)
{
	t->refs++;
}

void
gate_text_unref(struct gate_text **tp)
{
	struct gate_text *t = *tp;

	*tp = NULL;
	if (!t || --t->refs > 0)
		return;
	for (size_t i = 0; i < t->nvalues; i++)
		free((void *)(uintptr_t)t->values[i].text.p);
	free(t->values);
	free((void *)(uintptr_t)t->text.p);
	free((void *)(uintptr_t)t->norm.p);
	shape_unref(&t->shape);
	gate_world_unref(&t->world);
	free(t);
}

static struct base_span
keep(struct base_span s)
{
	return s.n ? base_span(base_mem_str(s), s.n) : base_span(NULL, 0);
}

/* The column that an equality means, when it is one that names a subject. A bare column that several relations could have is taken
 * when exactly one protected relation has it: were there two at one level, the server would call it ambiguous. */
static const struct policy_column *
request_column(const struct policy_map *map, const struct sql_statement *s, const struct sql_equality *e)
{
	const struct policy_column *found = NULL;

	for (size_t i = 0; i < s->nrelations; i++) {
		if (e->relation != SIZE_MAX && e->relation != i)
			continue;
		const struct policy_relation *r = policy_map_named(map, s->relations[i].schema, s->relations[i].name, 0);
		const struct policy_column *c = r ? policy_map_column_named(r, e->column) : NULL;
		if (!c || c->role == POLICY_DATA || c == found)
			continue;
		if (found)
			return NULL;
		found = c;
	}
	return found;
}

static bool
runs_at_once(enum sql_class class)
{
	return class != SQL_PREPARE && class != SQL_DECLARE;
}

static bool
has_key(const struct policy_relation *r)
{
	for (size_t i = 0; r && i < r->ncolumns; i++)
		if (r->columns[i].role == POLICY_KEY)
			return true;
	return false;
}

static void
touch_statement(const struct policy_map *map, const struct sql_statement *s, struct gate_touch *t)
{
	const struct policy_relation *r;

	for (size_t i = 0; i < s->nrelations; i++) {
		t->own += has_key(policy_map_named(map, s->relations[i].schema, s->relations[i].name, 0));
		for (size_t k = 0; (r = policy_map_named(map, s->relations[i].schema, s->relations[i].name, k)) != NULL; k++) {
			size_t j = 0;
			while (j < t->nrelations && t->relations[j] != r)
				j++;
			if (j == t->nrelations) {
				const struct policy_relation **more = base_mem_grow(t->relations, t->nrelations + 1, sizeof(*more));
				if (!more)
					continue;
				t->relations = more;
				t->relations[t->nrelations++] = r;
			}
			if (s->relations[i].written && runs_at_once(s->class))
				t->written = true;
		}
	}
	for (size_t i = 0; i < s->nfunctions; i++)
		if (policy_map_function(map, s->functions[i]))
			t->unsure = true;
	if (s->class == SQL_CALL_DO && policy_map_kinds(map) > 0)
		t->unsure = true;
	for (size_t i = 0; i < s->nequalities; i++) {
		const struct policy_column *c = request_column(map, s, &s->equalities[i]);
		struct gate_request *more = c ? base_mem_grow(t->requests, t->nrequests + 1, sizeof(*more)) : NULL;
		if (!more)
			continue;
		t->requests = more;
		t->requests[t->nrequests++] = (struct gate_request){c, s->equalities[i].is_param, s->equalities[i].number};
	}
}

static struct gate_shape *
shape_new(struct gate_texts *cache, const struct policy_map *map, struct base_span text)
{
	struct sql_facts *facts = NULL;

	if (sql_facts_new(text, &cache->scan, &facts, NULL) < 0)
		return NULL;
	struct gate_shape *s = base_mem_new(1, sizeof(*s));
	s->refs = 1;
	s->facts = facts;
	s->touch = base_mem_new(facts->count + 1, sizeof(*s->touch));
	for (size_t i = 0; i < facts->count; i++)
		touch_statement(map, &facts->statement[i], &s->touch[i]);
	return s;
}

/* Values of the literals that requests (or EXECUTE's arguments) name. */
static void
fill_values(struct gate_text *t, const struct sql_scan *scan)
{
	const struct gate_shape *s = t->shape;
	struct base_buf b;

	if (!s || scan->nliterals == 0)
		return;
	base_buf_init(&b, MASK_VALUE_MAX);
	for (size_t k = 0; k < s->facts->count; k++) {
		const struct sql_statement *st = &s->facts->statement[k];
		const struct gate_touch *touch = &s->touch[k];
		for (size_t i = 0; i < touch->nrequests + st->nargs; i++) {
			size_t number = i < touch->nrequests ? touch->requests[i].number : st->args[i - touch->nrequests];
			if ((i < touch->nrequests && touch->requests[i].is_param) || number >= scan->nliterals)
				continue;
			if (!t->values) {
				t->values = base_mem_new(scan->nliterals, sizeof(*t->values));
				t->nvalues = scan->nliterals;
			}
			struct sql_literal l = scan->literal[number];
			base_buf_clear(&b);
			if (t->values[number].text.p == NULL && sql_scan_value(base_span(t->text.p + l.at, l.len), &b) == GH_OK && !b.bad)
				t->values[number].text = keep(base_buf_span(&b));
		}
	}
	base_buf_done(&b);
}

static struct gate_text *
text_new(struct gate_world *w)
{
	struct gate_text *t = base_mem_new(1, sizeof(*t));
	t->refs = 1;
	t->world = w;
	gate_world_ref(w);
	return t;
}

struct gate_text *
gate_text_big(struct gate_world *w)
{
	return text_new(w);
}

struct gate_text *
gate_text_get(struct gate_texts *cache, struct gate_world *w, struct base_span text)
{
	struct gate_text *t = base_map_get(cache->texts, text);

	if (t && t->world == w) {
		t->refs++;
		return t;
	}
	t = text_new(w);
	t->text = keep(text);

	bool literals = true;
	if (sql_scan_text(&cache->scan, text, NULL) == GH_OK) {
		t->norm = keep(base_buf_span(&cache->scan.norm));
		struct gate_shape *s = t->norm.n ? base_map_get(cache->shapes, t->norm) : NULL;
		if (s) {
			s->refs++;
		} else if ((s = shape_new(cache, w->map, text)) != NULL && !s->facts->exact && t->norm.n) {
			s->refs++;
			if (base_map_put(cache->shapes, t->norm, s) < 0)
				s->refs--;
		}
		t->shape = s;
		fill_values(t, &cache->scan);
		literals = cache->scan.nliterals > 0;
	}
	if (!literals) { /* a text with literals seldom comes again as it is; its shape does, and is cached above */
		t->refs++;
		if (base_map_put(cache->texts, text, t) < 0)
			t->refs--;
	}
	return t;
}

const char *
gate_text_hash(struct gate_text *t)
{
	uint8_t hash[BASE_SHA256_SIZE];
	struct base_buf hex;

	if (t->hash[0] == '\0' && t->text.n > 0) {
		base_crypt_sha256(t->text, hash);
		base_buf_init(&hex, 64);
		base_text_hex(&hex, base_span(hash, sizeof(hash)));
		memcpy(t->hash, base_buf_span(&hex).p, 64);
		base_buf_done(&hex);
	}
	return t->hash;
}

const struct sql_statement *
gate_text_statement(const struct gate_text *t, size_t k)
{
	return t && t->shape && k < t->shape->facts->count ? &t->shape->facts->statement[k] : NULL;
}

const struct gate_touch *
gate_text_touch(const struct gate_text *t, size_t k)
{
	return t && t->shape && k < t->shape->facts->count ? &t->shape->touch[k] : NULL;
}
