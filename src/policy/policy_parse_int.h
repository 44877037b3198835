/* policy_parse_int: what the parts of the .gate parser share: the parser's state, and steps over one or a few tokens. Private to policy.
 * After an error every step does nothing and returns empty values: callers check policy_parse_ok once, before they keep anything.
 */
#ifndef POLICY_PARSE_INT_H
#define POLICY_PARSE_INT_H

#include <stdatomic.h>

#include "base_buf.h"
#include "policy_file.h"
#include "policy_lexer.h"

#define POLICY_SHOW_SIZE 112 /* for policy_lexer_show */

/* The handle's whole: a policy_map shares the file that it was bound from. */
struct policy_file_own {
	struct policy_file file; /* first: the handle */
	atomic_uint refs;
	struct base_arena *arena; /* own */
};
struct policy_file *policy_file_share(const struct policy_file *f);

/* A name that is found when all of the file is known: of a group, or of a subject in a count. */
struct policy_parse_wanted {
	struct policy_token at;
};

struct policy_parse {
	struct policy_lexer lx;
	struct policy_file *file;
	size_t columns; /* named so far in subjects */
	size_t says;    /* named so far in groups */
	struct policy_parse_wanted *wanted; size_t nwanted; /* groups */
	struct policy_parse_wanted *nouns; size_t nnouns;   /* subjects; until policy_parse_counts_end, policy_count.subject is an index of this list */
	struct policy_token explains;                       /* the first word that needs `case from`; line 0: none */
	struct policy_token case_of;                        /* the subject's name behind `case from table`; line 0: not said */
};

bool policy_parse_ok(const struct policy_parse *p);
struct policy_token policy_parse_take(struct policy_parse *p);
bool policy_parse_is(const struct policy_parse *p, enum policy_token_kind kind, const char *text);
bool policy_parse_at(const struct policy_token *t, const char *word); /* is it this bare word? */
bool policy_parse_inside(const struct policy_parse *p);               /* no error, and neither '}' nor the end is next */
bool policy_parse_comma(struct policy_parse *p);                      /* takes a comma, if one is next */

void policy_parse_expected(struct policy_parse *p, const char *what); /* "expected WHAT, got ..." */
/* An unknown word where one of `words` must stand. */
void policy_parse_unknown(struct policy_parse *p, const struct policy_token *at, const char *what, const char *const *words, size_t count);
void policy_parse_keyword(struct policy_parse *p, const char *word);
void policy_parse_punct(struct policy_parse *p, const char *punct, const char *what);
/* "text", at most once: *line remembers where it was given first. */
void policy_parse_once(struct policy_parse *p, const struct policy_token *at, unsigned *line);
/* The same for a few words, or for a thing of its own: what = "\"no copy\"". */
void policy_parse_first(struct policy_parse *p, const struct policy_token *at, const char *what, unsigned *line);

struct base_span policy_parse_string(struct policy_parse *p, const char *what); /* not empty */
uint64_t policy_parse_number(struct policy_parse *p, uint64_t min, uint64_t max, const char *what);
struct base_span policy_parse_name(struct policy_parse *p, const char *what);
struct base_span policy_parse_word(struct policy_parse *p, const char *what);
struct policy_name policy_parse_table(struct policy_parse *p, const char *what); /* [schema.]table; without a schema: public */
/* "observe" or "enforce"; the word `treat` is taken. */
enum policy_treat policy_parse_treat(struct policy_parse *p);
struct policy_mask policy_parse_mask(struct policy_parse *p);

/* Room for one more item: arrays live in the arena and double at powers of two. */
void *policy_parse_append(struct policy_parse *p, void *items, size_t n, size_t size);
bool policy_parse_same(const struct policy_name *a, const struct policy_name *b);
/* Latches "what "schema.table[.column]" rest LINE" at the name's place. */
void policy_parse_twice(struct policy_parse *p, const struct policy_name *name, const char *what, const char *rest, unsigned line);

/* Takes the word in hand and reads the next token as POLICY_WIDE. */
void policy_parse_wide(struct policy_parse *p);
/* Remembers a group's name that is next, and takes it. */
struct base_span policy_parse_group_name(struct policy_parse *p);
/* Adds to a list of names; the same name twice is an error: "WHAT "NAME" is given twice". */
void policy_parse_add_name(struct policy_parse *p, struct base_span **list, size_t *n, const struct policy_token *at, struct base_span name, const char *what);
size_t policy_parse_subject(const struct policy_parse *p, struct base_span noun); /* by name, or name + "s"; SIZE_MAX: there is none */
void policy_parse_no_subject(struct policy_parse *p, const struct policy_token *at); /* latches "there is no subject ..." */
struct base_span policy_parse_zone(struct policy_parse *p); /* the token in hand is one */

void policy_parse_budget(struct policy_parse *p, struct policy_group *g, const struct policy_token *at); /* at: the word, which is taken; so below */
void policy_parse_step(struct policy_parse *p, struct policy_group *g, const struct policy_token *at);
void policy_parse_ask(struct policy_parse *p, struct policy_group *g, const struct policy_token *at);
void policy_parse_need(struct policy_parse *p, struct policy_group *g, const struct policy_token *at);
void policy_parse_unexplained(struct policy_parse *p, struct policy_group *g, const struct policy_token *at);
void policy_parse_only(struct policy_parse *p, struct policy_group *g, const struct policy_token *at);
void policy_parse_counts_end(struct policy_parse *p);                             /* at the end: are the subjects of counts declared, is there a `case from` where it is needed? */
void policy_parse_case(struct policy_parse *p, const struct policy_token *at);    /* `case` is taken; at: that word */
void policy_parse_case_end(struct policy_parse *p);
void policy_parse_application(struct policy_parse *p, const struct policy_token *at);

void policy_parse_group(struct policy_parse *p);                                  /* `group` is taken */
void policy_parse_trust(struct policy_parse *p);                                  /* `trust` is taken */
void policy_parse_test(struct policy_parse *p, const struct policy_token *at);    /* `test` is taken; at: that word */
void policy_parse_wanted_groups(struct policy_parse *p);                          /* at the end: are the groups of the tests declared? */

/* `rows where`, `open where`: is it one condition over one table's row, in SQL that we understand? Then, when out is given, the condition as SQL for the
 * server, actor.team and the like replaced (which are not known where actor is false). GH_E_PARSE with the reason alone in fail. */
BASE_CHECK int policy_where_sql(struct base_span text, bool actor, struct base_buf *out, struct base_fail *fail);
/* `where` is next: the condition behind it, to the end of its line, checked. at_r: where it begins. */
struct base_span policy_parse_where(struct policy_parse *p, bool actor, struct policy_token *at_r);

#endif
