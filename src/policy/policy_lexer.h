/* policy_lexer: the .gate language's tokens. Part of the policy component only. Input: see policy_file.h.
 * One token of look-ahead; the first error is latched (`err`) and written to `fail` as "file:line:column: what".
 */
#ifndef POLICY_LEXER_H
#define POLICY_LEXER_H

#include "base_fail.h"
#include "base_mem.h"

#define POLICY_NAME_MAX 63u     /* PostgreSQL cuts longer names; we refuse them */
#define POLICY_STRING_MAX 1024u /* purpose and the like */
#define POLICY_RAW_MAX 4096u    /* a condition: short, so that the SQL parser needs little stack for it */

enum policy_token_kind {
	POLICY_END,    /* of the file */
	POLICY_WORD,   /* bare word, folded to lower case */
	POLICY_STRING, /* "..." with "" for a quote inside */
	POLICY_NUMBER, /* a digit, then digits and '-': numbers and dates */
	POLICY_PUNCT,  /* one of { } . , ( */
	POLICY_WIDE,   /* only where asked for: a run of ASCII letters, digits and _ - + . : / as it is: networks, hours, time zones */
};

struct policy_token {
	enum policy_token_kind kind;
	struct base_span text; /* folded, unquoted; in the arena */
	unsigned line, col;    /* from 1; columns count characters, not bytes */
};

struct policy_lexer {
	struct base_cursor in;
	const char *file;         /* borrow */
	struct base_arena *arena; /* borrow: holds token texts */
	struct base_fail *fail;   /* borrow */
	int err;
	unsigned line, col;
	struct policy_token tok;  /* the next token, not yet taken */
};

/* The text must be valid UTF-8 without NUL. Reads the first token. */
void policy_lexer_init(struct policy_lexer *lx, struct base_span text, const char *file, struct base_arena *arena, struct base_fail *fail);
void policy_lexer_next(struct policy_lexer *lx); /* after an error: POLICY_END for ever */
void policy_lexer_wide(struct policy_lexer *lx); /* the same, but the next token is POLICY_WIDE where it can be */
/* Raw text instead of tokens, from behind the look-ahead token (which is thereby taken): white space in front and behind is left out, and the
 * next token is read. '...' and "..." are passed over whole; a quote left open is an error. at_r: where the text begins.
 * _line: to the end of the line, a '#' or a '}', none of which is taken. _parens: to the ')', which is taken, on one line. */
struct base_span policy_lexer_line(struct policy_lexer *lx, struct policy_token *at_r);
struct base_span policy_lexer_parens(struct policy_lexer *lx, struct policy_token *at_r);
/* Latches an error at the token's place; the first one stays. */
void policy_lexer_fail(struct policy_lexer *lx, const struct policy_token *at, int code, const char *fmt, ...) BASE_PRINTF(4, 5);
/* "got" for messages: the token as the reader sees it, quoted; in dst. */
const char *policy_lexer_show(const struct policy_token *t, char *dst, size_t size);

#endif
