/* sql_command_option: the options of COPY ... TO STDOUT and EXPLAIN, in both of their syntaxes (the grammar makes one list of them).
 *
 * Input: hostile. Rules as in the server's ProcessCopyOptions and ExplainQuery (PostgreSQL 15); what the server would refuse and what the
 * gate does not do itself are the same here: unsupported. No I/O.
 */
#include "sql_command_int.h"

#include <stdlib.h>

enum option_bool { OPTION_OFF, OPTION_ON, OPTION_WRONG };

/* defGetBoolean. The library leaves out zeros. */
static enum option_bool
option_bool(json_t *arg)
{
	json_t *number = json_object_get(arg, "Integer");
	json_t *boolean = json_object_get(arg, "Boolean");
	const char *text = command_string(arg);
	if (!arg)
		return OPTION_ON;
	if (boolean)
		return json_is_true(json_object_get(boolean, "boolval")) ? OPTION_ON : OPTION_OFF;
	if (number) {
		json_int_t v = json_integer_value(json_object_get(number, "ival"));
		return v == 0 ? OPTION_OFF : v == 1 ? OPTION_ON : OPTION_WRONG;
	}
	if (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "on") == 0))
		return OPTION_ON;
	if (text && (strcasecmp(text, "false") == 0 || strcasecmp(text, "off") == 0))
		return OPTION_OFF;
	return OPTION_WRONG;
}

/* -- COPY -- */

/* One byte, no line end. */
static bool
option_char(const char *text, char *out_r)
{
	if (!text || text[0] == '\0' || text[1] != '\0' || text[0] == '\n' || text[0] == '\r' || (text[0] & 0x80))
		return false;
	*out_r = text[0];
	return true;
}

enum { COPY_FORMAT, COPY_HEADER, COPY_DELIMITER, COPY_NULL, COPY_QUOTE, COPY_ESCAPE, COPY_ENCODING, COPY_NOPTIONS };

static bool
option_copy_format(struct sql_copy *copy, const char *text)
{
	if (!text)
		return false;
	copy->format = strcmp(text, "csv") == 0 ? SQL_C_COPY_CSV : strcmp(text, "binary") == 0 ? SQL_C_COPY_BINARY : SQL_C_COPY_TEXT;
	return copy->format != SQL_C_COPY_TEXT || strcmp(text, "text") == 0;
}

static bool
option_copy_one(struct command_build *b, int which, json_t *arg)
{
	struct sql_copy *copy = &b->c->copy;
	const char *text = command_string(arg);
	enum option_bool on;
	switch (which) {
	case COPY_FORMAT: return option_copy_format(copy, text);
	case COPY_HEADER:
		on = option_bool(arg);
		copy->header = on == OPTION_ON;
		return on != OPTION_WRONG;
	case COPY_DELIMITER: return option_char(text, &copy->delimiter);
	case COPY_QUOTE: return option_char(text, &copy->quote);
	case COPY_ESCAPE: return option_char(text, &copy->escape);
	case COPY_NULL:
		copy->null_text = command_copy(b, text);
		return text && !strpbrk(text, "\r\n");
	case COPY_ENCODING: /* what the session speaks anyway */
		return text && (strcasecmp(text, "utf8") == 0 || strcasecmp(text, "utf-8") == 0);
	default: return false;
	}
}

/* Which of them go together; the defaults are filled in. */
static bool
option_copy_fit(struct sql_copy *copy, const bool *given)
{
	bool csv = copy->format == SQL_C_COPY_CSV;
	if (!given[COPY_DELIMITER])
		copy->delimiter = csv ? ',' : '\t';
	if (!given[COPY_NULL])
		copy->null_text = base_span_str(csv ? "" : "\\N");
	if (!given[COPY_QUOTE])
		copy->quote = '"';
	if (!given[COPY_ESCAPE])
		copy->escape = copy->quote;
	if (copy->format == SQL_C_COPY_BINARY)
		return !given[COPY_DELIMITER] && !given[COPY_NULL] && !given[COPY_QUOTE] && !given[COPY_ESCAPE] && !copy->header;
	if (!csv && (given[COPY_QUOTE] || given[COPY_ESCAPE] || strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", copy->delimiter)))
		return false;
	if (memchr(copy->null_text.p, copy->delimiter, copy->null_text.n))
		return false;
	return !csv || (copy->delimiter != copy->quote && !memchr(copy->null_text.p, copy->quote, copy->null_text.n));
}

void
command_copy_options(struct command_build *b, json_t *options)
{
	static const char *const names[COPY_NOPTIONS] = {"format", "header", "delimiter", "null", "quote", "escape", "encoding"};
	bool given[COPY_NOPTIONS] = {false};
	bool good = true;
	for (size_t i = 0; i < json_array_size(options); i++) {
		json_t *option = json_object_get(json_array_get(options, i), "DefElem");
		const char *name = json_string_value(json_object_get(option, "defname"));
		int k = 0;
		while (name && k < COPY_NOPTIONS && strcmp(name, names[k]) != 0)
			k++;
		if (!name || k == COPY_NOPTIONS || given[k] || !option_copy_one(b, k, json_object_get(option, "arg"))) {
			good = false;
			continue;
		}
		given[k] = true;
	}
	good = option_copy_fit(&b->c->copy, given) && good;
	b->c->copy.unsupported = !good;
}

/* -- EXPLAIN -- */

enum { EXPLAIN_ANALYZE, EXPLAIN_VERBOSE, EXPLAIN_COSTS, EXPLAIN_SETTINGS, EXPLAIN_BUFFERS, EXPLAIN_WAL, EXPLAIN_TIMING, EXPLAIN_SUMMARY, EXPLAIN_NOPTIONS };
static const char *const option_explain[EXPLAIN_NOPTIONS] = {"analyze", "verbose", "costs", "settings", "buffers", "wal", "timing", "summary"};
static const char *const option_words[EXPLAIN_NOPTIONS] = {"ANALYZE", "VERBOSE", "COSTS", "SETTINGS", "BUFFERS", "WAL", "TIMING", "SUMMARY"};
static const char *const option_formats[][2] = {{"text", "TEXT"}, {"xml", "XML"}, {"json", "JSON"}, {"yaml", "YAML"}};

static const char *
option_explain_format(const char *text)
{
	for (size_t i = 0; text && i < BASE_COUNT(option_formats); i++)
		if (strcmp(text, option_formats[i][0]) == 0)
			return option_formats[i][1];
	return NULL;
}

/* ANALYZE and VERBOSE are only told: they are never in the text that is sent. */
static void
option_explain_send(struct command_build *b, const enum option_bool *value, const bool *given, const char *format)
{
	struct base_buf send;
	const char *join = "EXPLAIN (";
	base_buf_init(&send, 1024);
	for (int k = EXPLAIN_COSTS; k < EXPLAIN_NOPTIONS; k++) {
		if (!given[k])
			continue;
		base_buf_fmt(&send, "%s%s %s", join, option_words[k], value[k] == OPTION_ON ? "true" : "false");
		join = ", ";
	}
	if (format) {
		base_buf_fmt(&send, "%sFORMAT %s", join, format);
		join = ", ";
	}
	base_buf_str(&send, join[0] == ',' ? ") " : "EXPLAIN ");
	b->c->send = command_keep(b, &send);
}

bool
command_explain_options(struct command_build *b, json_t *options)
{
	enum option_bool value[EXPLAIN_NOPTIONS] = {OPTION_OFF};
	bool given[EXPLAIN_NOPTIONS] = {false};
	const char *format = NULL;
	for (size_t i = 0; i < json_array_size(options); i++) { /* the last one of a name counts */
		json_t *option = json_object_get(json_array_get(options, i), "DefElem");
		json_t *arg = json_object_get(option, "arg");
		const char *name = json_string_value(json_object_get(option, "defname"));
		if (name && strcmp(name, "format") == 0) {
			format = option_explain_format(command_string(arg));
			if (!format)
				return false;
			continue;
		}
		int k = 0;
		while (name && k < EXPLAIN_NOPTIONS && strcmp(name, option_explain[k]) != 0)
			k++;
		if (!name || k == EXPLAIN_NOPTIONS)
			return false;
		value[k] = option_bool(arg);
		given[k] = true;
		if (value[k] == OPTION_WRONG)
			return false;
	}
	b->c->analyze = value[EXPLAIN_ANALYZE] == OPTION_ON;
	b->c->verbose = value[EXPLAIN_VERBOSE] == OPTION_ON;
	option_explain_send(b, value, given, format);
	return true;
}
