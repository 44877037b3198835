/* policy_lexer: the .gate language's tokens. Part of the policy component only. Input: see policy_file.h.
 * One token of look-ahead; the first error is latched (`err`) and written to `fail` as "file:line:column: what".
 */
#ifndef POLICY_LEXER_H
#define POLICY_LEXER_H

#include "base_fail.h"
#include "base_mem.h"

#define POLICY_NAME_MAX 63u     /* PostgreSQL cuts longer names; we refuse them */
#define POLICY_STRING_MAX 1024u /* purpose and the like */

enum policy_token_kind {
	POLICY_END,    /* of the file */
	POLICY_WORD,   /* bare word, folded to lower case */
	POLICY_STRING, /* "..." with "" for a quote inside */
	POLICY_NUMBER, /* a digit, then digits and '-': numbers and dates */
	POLICY_PUNCT,  /* one of { } . , */
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
/* Latches an error at the token's place; the first one stays. */
void policy_lexer_fail(struct policy_lexer *lx, const struct policy_token *at, int code, const char *fmt, ...) BASE_PRINTF(4, 5);
/* "got" for messages: the token as the reader sees it, quoted; in dst. */
const char *policy_lexer_show(const struct policy_token *t, char *dst, size_t size);

#endif
