/* sql_command_case: CASE is a reserved word of PostgreSQL's grammar, so `SET gatehouse.case = '8841'` is no SQL, though people and programs write it: the gate's own
 * setting is read as gatehouse."case". Only in SET, RESET and SHOW, at the beginning of the text. Pure. Input: hostile text.
 */
#include <strings.h>

#include "sql_command_int.h"

static size_t
blanks(struct base_span s, size_t at)
{
	while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t' || s.p[at] == '\n' || s.p[at] == '\r' || s.p[at] == '\f' || s.p[at] == '\v'))
		at++;
	return at;
}

/* Takes the word at *at, if it stands there whole. */
static bool
word(struct base_span s, size_t *at, const char *w)
{
	size_t n = strlen(w), end = *at + n;

	if (s.n < end || strncasecmp((const char *)s.p + *at, w, n) != 0)
		return false;
	if (end < s.n && (s.p[end] == '_' || s.p[end] == '$' || s.p[end] >= 0x80 || (s.p[end] >= '0' && s.p[end] <= '9') || ((s.p[end] | 0x20) >= 'a' && (s.p[end] | 0x20) <= 'z')))
		return false;
	*at = end;
	return true;
}

struct base_span
command_quote_case(struct base_arena *arena, struct base_span text)
{
	size_t at = blanks(text, 0);

	if (word(text, &at, "set")) {
		size_t local = blanks(text, at);
		if (word(text, &local, "local") || word(text, &local, "session"))
			at = local;
	} else if (!word(text, &at, "reset") && !word(text, &at, "show")) {
		return text;
	}
	at = blanks(text, at);
	if (!word(text, &at, "gatehouse"))
		return text;
	at = blanks(text, at);
	if (at == text.n || text.p[at] != '.')
		return text;
	at = blanks(text, at + 1);
	size_t begin = at;
	if (!word(text, &at, "case"))
		return text;
	uint8_t *made = base_arena_get(arena, text.n + 3);
	if (!made)
		return text; /* the grammar will refuse it */
	memcpy(made, text.p, begin);
	memcpy(made + begin, "\"case\"", 6);
	memcpy(made + begin + 6, text.p + at, text.n - at);
	return base_span(made, text.n + 2);
}
