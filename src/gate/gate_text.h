/* gate_text: what we know of a statement text before the server answers: hash, normalised form, which protected relations it
 * names, and which subject it asks for (`column = constant or parameter`). Cached per worker by exact text and by normalised
 * form (SQL-RULES 5.3: facts of `observe` serve the record, never a permission, so sharing by normalised form is sound here).
 * Objects are reference-counted without atomics: one worker, one thread.
 */
#ifndef GATE_TEXT_H
#define GATE_TEXT_H

#include "base_map.h"
#include "gate_world.h"
#include "sql_facts.h"

/* One equality that names a subject. */
struct gate_request {
	const struct policy_column *column; /* borrow: the world's */
	bool is_param;
	uint32_t number;                    /* parameter from 1, or literal from 0 */
};

/* One statement of a text. */
struct gate_touch {
	const struct policy_relation **relations; /* own array, borrowed items: protected relations named */
	size_t nrelations;
	bool written;     /* at least one of them is a target of a write */
	bool unsure;      /* calls a user function or unknown code that may read protected tables */
	unsigned own;     /* occurrences of relations with a subject's key: two or more, and one equality does not say whose the rows are */
	struct gate_request *requests; /* own */
	size_t nrequests;
};

struct gate_shape {
	unsigned refs;
	struct sql_facts *facts;   /* shared */
	struct gate_touch *touch;  /* own; facts->count of them */
};

struct gate_value { struct base_span text; /* own memory of the gate_text; n == 0: could not be told */ };

struct gate_text {
	unsigned refs;
	struct gate_world *world;  /* shared: pointers into its map stay good */
	char hash[65];             /* SHA-256 of the exact text, hex; "" until asked for, or until a streamed text has ended */
	struct base_span text;     /* own; exact text, n == 0 when it was too long to keep */
	struct base_span norm;     /* own; empty when the text could not be scanned */
	struct gate_shape *shape;  /* shared; NULL: the text could not be parsed */
	struct gate_value *values; /* own: for each literal of the text that some request names, its value; by literal number */
	size_t nvalues;
};

struct gate_texts; /* the cache of one worker */
struct gate_texts *gate_texts_new(void);
void gate_texts_free(struct gate_texts **t);
void gate_texts_clear(struct gate_texts *t); /* at a new world */
/* Never NULL; caller gets a reference. */
struct gate_text *gate_text_get(struct gate_texts *t, struct gate_world *w, struct base_span text);
/* A text too long to look at: no facts; the hash is filled in when it has streamed by. */
struct gate_text *gate_text_big(struct gate_world *w);
void gate_text_ref(struct gate_text *t);
void gate_text_unref(struct gate_text **t);
const char *gate_text_hash(struct gate_text *t); /* made at the first call: most texts touch nothing and are never recorded */
/* Statement k of the text, NULL when unknown. */
const struct sql_statement *gate_text_statement(const struct gate_text *t, size_t k);
const struct gate_touch *gate_text_touch(const struct gate_text *t, size_t k);

#endif
