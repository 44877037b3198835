/* sql_command_int: what the files sql_command*.c share. Private to sql.
 *
 * The way of a text: tokens of pg_query_scan (the place of everything) and pg_query_parse's JSON (the meaning of everything). What is cut
 * out by tokens is parsed again by itself and must give the same tree as it had inside: neither is believed alone.
 */
#ifndef SQL_COMMAND_INT_H
#define SQL_COMMAND_INT_H

#include <jansson.h>

#include "base_mem.h"
#include "sql_command.h"
#include "sql_scan_int.h"

#define COMMAND_DEPTH_MAX 2100u /* of our recursion; jansson refuses trees deeper than 2048 */
#define COMMAND_ARENA_MAX ((size_t)16 << 20)

/* A text with its tokens. Comments are left out; ends are put right; a keyword that stands where only a name can (behind '.' or AS) is
 * IDENT. */
struct command_text {
	struct base_span text;   /* the caller's */
	const char *z;           /* in the arena: the same, NUL-terminated */
	struct sql_token *token; /* in the arena */
	size_t ntokens;
	json_t *tree;            /* own: {"version", "stmts"} */
};

struct command_build {
	struct sql_command *c;
	struct base_arena *arena; /* borrow: c's */
	struct command_text in;
	int err; /* first failure; everything stops when it is set */
};

/* sql_command_cut.c */
BASE_CHECK int command_text_scan(struct base_arena *arena, struct base_span text, struct command_text *t_r, struct base_fail *fail); /* the tokens only: no tree */
BASE_CHECK int command_text_read(struct base_arena *arena, struct base_span text, struct command_text *t_r, struct base_fail *fail);
void command_text_done(struct command_text *t);
/* Text from token `from` to the end of the statement (';' not), or to token `to` (not with it). */
struct base_span command_range(const struct command_text *t, size_t from, size_t to);
size_t command_find(const struct command_text *t, size_t from, uint64_t kind);  /* outside brackets; ntokens when there is none */
size_t command_close(const struct command_text *t, size_t open);                /* behind the bracket that closes token `open` */
size_t command_first(const struct command_text *t);                             /* first token that is not ';' */
/* Does the span, parsed by itself, give this tree? Places in the text do not count. */
BASE_CHECK int command_same(struct base_arena *arena, struct base_span span, json_t *tree);
bool command_is_select(json_t *wrapped); /* as sql_command.is_select */

/* sql_command.c */
struct base_span command_copy(struct command_build *b, const char *s); /* in the arena; NULL is empty */
void command_other(struct command_build *b, const char *words);
struct base_span command_keep(struct command_build *b, struct base_buf *buf); /* buf is freed */
const char *command_string(json_t *node);                                     /* of {"String":{"sval":..}}, else NULL */

/* sql_command_tag.c: the command tag of {"SomeStmt": {...}}. */
void command_tag(json_t *wrapped, char *dst, size_t size);

/* sql_command_value.c */
enum command_const { COMMAND_NULL, COMMAND_VALUE, COMMAND_COMPLEX };
enum command_const command_const(struct command_build *b, json_t *node, struct base_span *text_r);
void command_types(struct command_build *b, json_t *types);
void command_args(struct command_build *b, json_t *params);

/* sql_command_option.c */
void command_copy_options(struct command_build *b, json_t *options);
bool command_explain_options(struct command_build *b, json_t *options); /* false: one that is not known */

/* ---- sql_command_case.c ---- */
struct base_span command_quote_case(struct base_arena *arena, struct base_span text); /* text, or a copy of it with gatehouse."case" */

#endif
