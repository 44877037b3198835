/* cli_refill: see cli_refill.h. Input: texts of ledger entries. The operator "?" is "OPERATOR(?)" in a normal form, so that a lone "?" is a literal; inside of a quoted identifier it
 * is neither. No I/O.
 */
#include "cli_refill.h"

#include <strings.h>

#include "base_num.h"

/* One token: up to the next space that is not within double quotes. */
static struct base_span
token(struct base_span *left)
{
	bool quoted = false;
	size_t n = 0;

	while (n < left->n && (quoted || left->p[n] != ' ')) {
		if (left->p[n] == '"')
			quoted = !quoted; /* a doubled one ends and begins again */
		n++;
	}
	struct base_span t = base_span(left->p, n);
	n += n < left->n;
	*left = base_span(left->p + n, left->n - n);
	return t;
}

/* The client's own $n are kept; ours come behind the greatest. */
static uint64_t
greatest_parameter(struct base_span text)
{
	uint64_t most = 0, n;

	while (text.n > 0) {
		struct base_span t = token(&text);
		if (t.n > 1 && t.p[0] == '$' && base_num_u64(base_span(t.p + 1, t.n - 1), 1, 65535, &n) == 0 && n > most)
			most = n;
	}
	return most;
}

static const char *
typed(struct base_span before)
{
	static const struct { const char *word, *value; } types[] = {{"date", "'2000-01-01'"}, {"timestamp", "'2000-01-01'"}, {"timestamptz", "'2000-01-01'"}, {"zone", "'2000-01-01'"},
	    {"interval", "'0:00'"}, {"time", "'0:00'"}, {"n", "''"}, {"uescape", "'!'"}};

	for (size_t i = 0; i < BASE_COUNT(types); i++)
		if (before.n == strlen(types[i].word) && strncasecmp((const char *)before.p, types[i].word, before.n) == 0)
			return types[i].value;
	return NULL;
}

void
cli_refill_text(struct base_span text, enum cli_refill how, struct base_buf *out)
{
	uint64_t next = greatest_parameter(text);
	struct base_span before = base_span("", 0);
	bool first = true;

	while (text.n > 0) {
		struct base_span t = token(&text);
		if (!first)
			base_buf_u8(out, ' ');
		first = false;
		if (base_span_is(t, "OPERATOR(?)"))
			base_buf_u8(out, '?');
		else if (!base_span_is(t, "?"))
			base_buf_put(out, t);
		else if (typed(before))
			base_buf_str(out, typed(before));
		else if (how == CLI_REFILL_PARAMETER)
			base_buf_fmt(out, "$%llu", (unsigned long long)++next);
		else
			base_buf_str(out, how == CLI_REFILL_NUMBER ? "0" : "'0'");
		before = t;
	}
}
