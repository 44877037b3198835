/* policy_lexer: see policy_lexer.h. Input: a trusted person's file, read as if hostile: every byte goes through a cursor, token lengths
 * have ceilings, token texts come from an arena with a budget. No I/O.
 */
#include "policy_lexer.h"

#include <stdarg.h>
#include <stdio.h>

#include "base_text.h"

static bool
lexer_is_word(uint8_t c, bool first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
	return letter || (!first && ((c >= '0' && c <= '9') || c == '$'));
}

static bool
lexer_is_number(uint8_t c)
{
	return (c >= '0' && c <= '9') || c == '-';
}

static bool
lexer_is_wide(uint8_t c)
{
	return (c < 0x80 && c != '$' && lexer_is_word(c, false)) || c == '-' || c == '+' || c == '.' || c == ':' || c == '/';
}

/* Takes one byte and keeps the place: a new line at LF, a new column at the first byte of each character. */
static uint8_t
lexer_byte(struct policy_lexer *lx)
{
	uint8_t c = base_cursor_u8(&lx->in);
	if (c == '\n') {
		lx->line++;
		lx->col = 1;
	} else if ((c & 0xc0) != 0x80) {
		lx->col++;
	}
	return c;
}

static uint8_t
lexer_peek(const struct policy_lexer *lx)
{
	return lx->in.left > 0 ? *lx->in.p : 0;
}

static void
lexer_space(struct policy_lexer *lx)
{
	while (lx->in.left > 0) {
		uint8_t c = lexer_peek(lx);
		if (c == '#') {
			while (lx->in.left > 0 && lexer_peek(lx) != '\n')
				(void)lexer_byte(lx);
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			(void)lexer_byte(lx);
		} else {
			return;
		}
	}
}

void
policy_lexer_fail(struct policy_lexer *lx, const struct policy_token *at, int code, const char *fmt, ...)
{
	if (lx->err != 0)
		return;
	char text[320];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut message is still a message */
	va_end(ap);
	lx->err = base_fail_set(lx->fail, code, "%s:%u:%u: %s", lx->file, at->line, at->col, text);
}

const char *
policy_lexer_show(const struct policy_token *t, char *dst, size_t size)
{
	char inner[96];
	if (t->kind == POLICY_END)
		(void)snprintf(dst, size, "the end of the file");
	else
		(void)snprintf(dst, size, "\"%s\"", base_text_quote(inner, sizeof(inner), t->text, 64));
	return dst;
}

/* Copies `text` for the token, folded when it is a bare word. */
static void
lexer_keep(struct policy_lexer *lx, struct base_span text, size_t max, bool fold)
{
	if (text.n > max) {
		policy_lexer_fail(lx, &lx->tok, GH_E_LIMIT, "longer than %zu bytes", max);
		return;
	}
	char *copy = base_arena_str(lx->arena, text);
	if (!copy) {
		policy_lexer_fail(lx, &lx->tok, GH_E_LIMIT, "the policy is too large");
		return;
	}
	for (size_t i = 0; fold && i < text.n; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	lx->tok.text = base_span(copy, text.n);
}

/* "..." up to the closing quote; "" is a quote. The opening quote is taken. */
static void
lexer_string(struct policy_lexer *lx)
{
	uint8_t text[POLICY_STRING_MAX];
	size_t n = 0;
	for (;;) {
		if (lx->in.left == 0 || lexer_peek(lx) == '\n') {
			policy_lexer_fail(lx, &lx->tok, GH_E_PARSE, "the closing quote is missing on this line");
			return;
		}
		uint8_t c = lexer_byte(lx);
		if (c == '"') {
			if (lexer_peek(lx) != '"')
				break;
			(void)lexer_byte(lx);
		} else if (c < 0x20 || c == 0x7f) {
			policy_lexer_fail(lx, &lx->tok, GH_E_PARSE, "a control character stands inside the quotes");
			return;
		}
		if (n == sizeof(text)) {
			policy_lexer_fail(lx, &lx->tok, GH_E_LIMIT, "longer than %u bytes", POLICY_STRING_MAX);
			return;
		}
		text[n++] = c;
	}
	lexer_keep(lx, base_span(text, n), POLICY_STRING_MAX, false);
}

static void
lexer_read(struct policy_lexer *lx, bool wide)
{
	lexer_space(lx);
	lx->tok = (struct policy_token){POLICY_END, base_span("", 0), lx->line, lx->col};
	if (lx->err != 0 || lx->in.left == 0)
		return;
	struct base_span rest = base_span(lx->in.p, lx->in.left);
	uint8_t c = lexer_byte(lx);
	size_t n = 1;
	if (c == '"') {
		lx->tok.kind = POLICY_STRING;
		lexer_string(lx);
	} else if (wide && lexer_is_wide(c)) {
		for (; lx->in.left > 0 && lexer_is_wide(lexer_peek(lx)); n++)
			(void)lexer_byte(lx);
		lx->tok.kind = POLICY_WIDE;
		lexer_keep(lx, base_span(rest.p, n), POLICY_NAME_MAX, false);
	} else if (c == '{' || c == '}' || c == '.' || c == ',' || c == '(') {
		lx->tok.kind = POLICY_PUNCT;
		lexer_keep(lx, base_span(rest.p, 1), 1, false);
	} else if (lexer_is_word(c, true)) {
		for (; lx->in.left > 0 && lexer_is_word(lexer_peek(lx), false); n++)
			(void)lexer_byte(lx);
		lx->tok.kind = POLICY_WORD;
		lexer_keep(lx, base_span(rest.p, n), POLICY_NAME_MAX, true);
	} else if (c != '-' && lexer_is_number(c)) {
		for (; lx->in.left > 0 && lexer_is_number(lexer_peek(lx)); n++)
			(void)lexer_byte(lx);
		lx->tok.kind = POLICY_NUMBER;
		lexer_keep(lx, base_span(rest.p, n), POLICY_NAME_MAX, false);
	} else {
		char quoted[16];
		policy_lexer_fail(lx, &lx->tok, GH_E_PARSE, "\"%s\" has no meaning here",
		                  base_text_quote(quoted, sizeof(quoted), base_span(rest.p, 1), 1));
	}
	if (lx->err != 0)
		lx->tok.kind = POLICY_END;
}

void
policy_lexer_next(struct policy_lexer *lx)
{
	lexer_read(lx, false);
}

void
policy_lexer_wide(struct policy_lexer *lx)
{
	lexer_read(lx, true);
}

/* Passes over a quoted piece whose opening quote is next. False: the line ends first. */
static bool
lexer_pass_quoted(struct policy_lexer *lx)
{
	uint8_t quote = lexer_byte(lx);
	while (lx->in.left > 0 && lexer_peek(lx) != '\n')
		if (lexer_byte(lx) == quote)
			return true; /* a doubled quote begins another piece at once */
	return false;
}

static struct base_span
lexer_raw(struct policy_lexer *lx, const char *stops, struct policy_token *at_r)
{
	while (lx->in.left > 0 && (lexer_peek(lx) == ' ' || lexer_peek(lx) == '\t'))
		(void)lexer_byte(lx);
	lx->tok = (struct policy_token){POLICY_END, base_span("", 0), lx->line, lx->col};
	*at_r = lx->tok;
	if (lx->err != 0)
		return base_span("", 0);
	struct base_span text = base_span(lx->in.p, lx->in.left);
	while (lx->in.left > 0) {
		uint8_t c = lexer_peek(lx);
		if (c == '\n' || (c != 0 && strchr(stops, c)))
			break;
		if (c == '\'' || c == '"') {
			struct policy_token quote = {.line = lx->line, .col = lx->col};
			if (!lexer_pass_quoted(lx))
				policy_lexer_fail(lx, &quote, GH_E_PARSE, "the closing quote is missing on this line");
		} else {
			(void)lexer_byte(lx);
		}
	}
	text.n -= lx->in.left;
	while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t' || text.p[text.n - 1] == '\r'))
		text.n--;
	lexer_keep(lx, text, POLICY_RAW_MAX, false);
	return lx->err == 0 ? lx->tok.text : base_span("", 0);
}

struct base_span
policy_lexer_line(struct policy_lexer *lx, struct policy_token *at_r)
{
	struct base_span text = lexer_raw(lx, "#}", at_r);
	policy_lexer_next(lx);
	return text;
}

struct base_span
policy_lexer_parens(struct policy_lexer *lx, struct policy_token *at_r)
{
	struct base_span text = lexer_raw(lx, ")", at_r);
	if (lexer_peek(lx) == ')')
		(void)lexer_byte(lx);
	else
		policy_lexer_fail(lx, at_r, GH_E_PARSE, "the closing \")\" is missing on this line");
	policy_lexer_next(lx);
	return text;
}

void
policy_lexer_init(struct policy_lexer *lx, struct base_span text, const char *file, struct base_arena *arena, struct base_fail *fail)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf}; /* some editors begin a file with a byte order mark */
	*lx = (struct policy_lexer){.in = base_cursor(text), .file = file, .arena = arena, .fail = fail, .line = 1, .col = 1};
	if (text.n >= sizeof(mark) && memcmp(text.p, mark, sizeof(mark)) == 0)
		(void)base_cursor_take(&lx->in, sizeof(mark));
	policy_lexer_next(lx);
}
