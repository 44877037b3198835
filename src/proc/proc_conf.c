/* proc_conf: reads gatehouse.conf.
 *
 * Job: lines to a struct, driven by proc_conf.def: a setting exists when it has a row there, and nowhere else.
 * Input trust: written by the operator, read as if hostile: ceilings on size and line, no control characters, valid UTF-8,
 * numbers checked against their row's range, everything unknown refused.
 * Never: expands variables, includes other files, keeps a default silently where the file says something else.
 *
 *   line    = blanks [ name blanks "=" blanks value ] blanks [ "#" anything ]
 *   value   = bare | '"' characters '"'      in quotes: \" and \\ are escapes, no others
 *   bare    = up to the end of the line or to a "#" that follows a blank; blanks at both ends do not belong to it
 */
#include "proc_conf.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_file.h"
#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "proc_conf_int.h"

#define FILE_MAX (1u << 20)
#define LINE_MAX_BYTES 8192u
#define LIST_MAX 256u
#define TIME_MAX_US (UINT64_C(366) * 24 * 3600 * 1000000)

enum type { TYPE_TEXT, TYPE_PATH, TYPE_LIST, TYPE_NUM, TYPE_SIZE, TYPE_TIME, TYPE_ENUM };

struct setting {
	const char *name;
	enum type type;
	const char *def;
	const char *words; /* ENUM: separated by one space */
	uint64_t lo, hi;
	size_t offset;     /* of the member in struct proc_conf */
	const char *help;
};

static const struct setting settings[] = {
#define AT(name) offsetof(struct proc_conf, name)
#define PROC_TEXT(name, def, help) {#name, TYPE_TEXT, def, "", 0, 0, AT(name), help},
#define PROC_PATH(name, def, help) {#name, TYPE_PATH, def, "", 0, 0, AT(name), help},
#define PROC_LIST(name, def, help) {#name, TYPE_LIST, def, "", 0, 0, AT(name), help},
#define PROC_NUM(name, def, lo, hi, help) {#name, TYPE_NUM, def, "", lo, hi, AT(name), help},
#define PROC_SIZE(name, def, lo, hi, help) {#name, TYPE_SIZE, def, "", lo, hi, AT(name), help},
#define PROC_TIME(name, def, help) {#name, TYPE_TIME, def, "", 0, TIME_MAX_US, AT(name), help},
#define PROC_ENUM(name, def, words, help) {#name, TYPE_ENUM, def, words, 0, 0, AT(name), help},
#include "proc_conf.def"
};
#define NSETTINGS BASE_COUNT(settings)

struct parser {
	const char *path; /* borrow */
	unsigned line;
	struct proc_conf *conf; /* borrow */
	unsigned first_line[NSETTINGS]; /* where each was set; 0 = not yet */
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct base_span
trim(struct base_span s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = base_span(s.p + 1, s.n - 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The next of `words` (separated by `sep`), which moves on; false at the end. A separator at the end makes an empty last one. */
static bool
next_word(struct base_span *words, uint8_t sep, struct base_span *word_r)
{
	size_t n = 0;

	if (words->p == NULL)
		return false;
	while (n < words->n && words->p[n] != sep)
		n++;
	*word_r = base_span(words->p, n);
	*words = n == words->n ? base_span(NULL, 0) : base_span(words->p + n + 1, words->n - n - 1);
	return true;
}

/* ---- one setter for each type */

static int
set_path(char **dst, struct base_span v, const char *dir)
{
	struct base_buf b;

	if (v.n == 0 || v.p[0] == '/') {
		*dst = base_mem_str(v);
		return GH_OK;
	}
	base_buf_init(&b, FILE_MAX * 2);
	base_buf_str(&b, dir);
	if (strcmp(dir, "/") != 0)
		base_buf_u8(&b, '/');
	base_buf_put(&b, v);
	*dst = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	return GH_OK;
}

static void
list_done(struct proc_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct proc_list){0};
}

static int
set_list(const struct setting *s, struct proc_list *dst, struct base_span v, struct base_fail *fail)
{
	struct proc_list list = {.item = base_mem_new(LIST_MAX, sizeof(char *))};
	struct base_span rest = v, item;
	int rc = GH_OK;

	while (v.n > 0 && rc == GH_OK && next_word(&rest, ',', &item)) {
		item = trim(item);
		if (item.n == 0)
			rc = base_fail_set(fail, GH_E_PARSE, "%s: empty item in the list", s->name);
		else if (list.count == LIST_MAX)
			rc = base_fail_set(fail, GH_E_LIMIT, "%s: more than %u items", s->name, LIST_MAX);
		else
			list.item[list.count++] = base_mem_str(item);
	}
	if (rc < 0)
		list_done(&list);
	else
		*dst = list;
	return rc;
}

static int
set_number(const struct setting *s, uint64_t *dst, struct base_span v, struct base_fail *fail)
{
	static const char *const kinds[] = {
		[TYPE_NUM] = "number",
		[TYPE_SIZE] = "size (4096, 64KiB, 1MiB)",
		[TYPE_TIME] = "duration (500ms, 5s, 10min, 2h, 1d)",
	};
	char shown[100];
	uint64_t n;
	int rc;

	if (s->type == TYPE_SIZE)
		rc = base_num_size(v, UINT64_MAX, &n);
	else if (s->type == TYPE_TIME)
		rc = base_num_duration(v, UINT64_MAX, &n);
	else
		rc = base_num_u64(v, 0, UINT64_MAX, &n);
	base_text_quote(shown, sizeof(shown), v, 40);
	if (rc == GH_E_PARSE)
		return base_fail_set(fail, rc, "%s: \"%s\" is not a %s", s->name, shown, kinds[s->type]);
	if (rc < 0 || n < s->lo || n > s->hi) {
		if (s->type == TYPE_TIME)
			return base_fail_set(fail, GH_E_LIMIT, "%s: %s is more than 366d", s->name, shown);
		return base_fail_set(fail, GH_E_LIMIT, "%s: %s is outside %" PRIu64 "..%" PRIu64, s->name, shown, s->lo, s->hi);
	}
	*dst = n;
	return GH_OK;
}

static int
set_enum(const struct setting *s, unsigned *dst, struct base_span v, struct base_fail *fail)
{
	struct base_span rest = base_span_str(s->words), word;
	char shown[100], words[100];
	size_t n = 0;

	for (unsigned i = 0; next_word(&rest, ' ', &word); i++) {
		if (base_span_eq(word, v)) {
			*dst = i;
			return GH_OK;
		}
	}
	for (const char *p = s->words; *p != '\0' && n < sizeof(words) - 3; p++) { /* "a b" -> "a, b" */
		if (*p == ' ')
			words[n++] = ',';
		words[n++] = *p;
	}
	words[n] = '\0';
	return base_fail_set(fail, GH_E_PARSE, "%s: \"%s\" is none of: %s", s->name, base_text_quote(shown, sizeof(shown), v, 40), words);
}

/* Sets one member, which has no value yet. */
static int
set_value(struct proc_conf *conf, const struct setting *s, struct base_span v, struct base_fail *fail)
{
	void *member = (char *)conf + s->offset;

	switch (s->type) {
	case TYPE_TEXT:
		*(char **)member = base_mem_str(v);
		return GH_OK;
	case TYPE_PATH:
		return set_path(member, v, conf->dir);
	case TYPE_LIST:
		return set_list(s, member, v, fail);
	case TYPE_NUM:
	case TYPE_SIZE:
	case TYPE_TIME:
		return set_number(s, member, v, fail);
	case TYPE_ENUM:
		return set_enum(s, member, v, fail);
	}
	return GH_E_UNSUPPORTED;
}

/* ---- lines */

/* What may follow a value: nothing, or a comment. */
static bool
only_comment(struct base_span s)
{
	s = trim(s);
	return s.n == 0 || s.p[0] == '#';
}

/* s begins behind the opening quote. The value, unescaped, goes to b. */
static int
read_quoted(struct base_span s, struct base_buf *b, struct base_fail *fail)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != '"') {
		if (s.p[i] == '\\') {
			i++;
			if (i == s.n || (s.p[i] != '"' && s.p[i] != '\\'))
				return base_fail_set(fail, GH_E_PARSE, "a backslash in quotes must come before \" or \\");
		}
		base_buf_u8(b, s.p[i++]);
	}
	if (i == s.n)
		return base_fail_set(fail, GH_E_PARSE, "the closing quote is missing");
	if (!only_comment(base_span(s.p + i + 1, s.n - i - 1)))
		return base_fail_set(fail, GH_E_PARSE, "text after the closing quote");
	return GH_OK;
}

static void
read_bare(struct base_span s, struct base_buf *b)
{
	size_t n = 0;

	while (n < s.n && !(s.p[n] == '#' && (n == 0 || is_blank(s.p[n - 1]))))
		n++;
	base_buf_put(b, trim(base_span(s.p, n)));
}

static const struct setting *
find(struct base_span name, struct base_fail *fail)
{
	const char *names[NSETTINGS];
	const char *near;
	char shown[100];

	for (size_t i = 0; i < NSETTINGS; i++) {
		names[i] = settings[i].name;
		if (base_span_is(name, names[i]))
			return &settings[i];
	}
	base_text_quote(shown, sizeof(shown), name, 40);
	near = base_text_nearest(name, names, NSETTINGS);
	if (near != NULL)
		(void)base_fail_set(fail, GH_E_PARSE, "unknown setting \"%s\"; did you mean \"%s\"?", shown, near); /* NULL says it */
	else
		(void)base_fail_set(fail, GH_E_PARSE, "unknown setting \"%s\"", shown); /* as above */
	return NULL;
}

static int
read_setting(struct parser *p, struct base_span line, struct base_buf *value, struct base_fail *fail)
{
	const struct setting *s;
	struct base_span name, rest = line;
	size_t i;
	int rc;

	if (!next_word(&rest, '=', &name) || rest.p == NULL || (name = trim(name)).n == 0)
		return base_fail_set(fail, GH_E_PARSE, "expected: name = value");
	s = find(name, fail);
	if (s == NULL)
		return GH_E_PARSE;
	i = (size_t)(s - settings);
	if (p->first_line[i] != 0)
		return base_fail_set(fail, GH_E_PARSE, "%s is set twice, first on line %u", s->name, p->first_line[i]);
	rest = trim(rest);
	if (rest.n > 0 && rest.p[0] == '"') {
		rc = read_quoted(base_span(rest.p + 1, rest.n - 1), value, fail);
		if (rc < 0) {
			base_fail_where(fail, "%s", s->name);
			return rc;
		}
	} else {
		read_bare(rest, value);
	}
	p->first_line[i] = p->line;
	return set_value(p->conf, s, base_buf_span(value), fail);
}

static int
read_line(struct parser *p, struct base_span line, struct base_fail *fail)
{
	struct base_buf value;
	int rc;

	if (line.n > LINE_MAX_BYTES)
		return base_fail_set(fail, GH_E_LIMIT, "line is longer than %u bytes", LINE_MAX_BYTES);
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return base_fail_set(fail, GH_E_PARSE, "control character \\x%02x", line.p[i]);
	if (!base_text_utf8(line))
		return base_fail_set(fail, GH_E_PARSE, "invalid UTF-8");
	if (only_comment(line))
		return GH_OK;
	base_buf_init(&value, LINE_MAX_BYTES);
	rc = read_setting(p, line, &value, fail);
	base_buf_done(&value);
	return rc;
}

static int
read_lines(struct parser *p, struct base_span text, struct base_fail *fail)
{
	struct base_span line;
	int rc = GH_OK;

	if (text.n > FILE_MAX) {
		rc = base_fail_set(fail, GH_E_LIMIT, "file is longer than %u bytes", FILE_MAX);
		base_fail_where(fail, "%s", p->path);
		return rc;
	}
	while (next_word(&text, '\n', &line)) {
		p->line++;
		rc = read_line(p, line, fail);
		if (rc < 0) {
			base_fail_where(fail, "%s:%u", p->path, p->line);
			return rc;
		}
	}
	return GH_OK;
}

static void
set_defaults(struct parser *p)
{
	for (size_t i = 0; i < NSETTINGS; i++) {
		int rc;

		if (p->first_line[i] != 0)
			continue;
		rc = set_value(p->conf, &settings[i], base_span_str(settings[i].def), NULL);
		assert(rc == GH_OK); /* our own table */
	}
}

/* Settings whose help contains "(required)" have no default that works. */
static int
check_required(const struct proc_conf *conf, struct base_fail *fail)
{
	for (size_t i = 0; i < NSETTINGS; i++) {
		const struct setting *s = &settings[i];
		const char *value;

		if (strstr(s->help, "(required)") == NULL)
			continue;
		assert(s->type == TYPE_TEXT || s->type == TYPE_PATH);
		value = *(char *const *)((const char *)conf + s->offset);
		if (*value == '\0') {
			(void)base_fail_set(fail, GH_E_PARSE, "%s is not set", s->name); /* returned below */
			base_fail_hint(fail, "%s: %s", s->name, s->help);
			return GH_E_PARSE;
		}
	}
	return GH_OK;
}

/* The folder of path: "." when it names none. */
static char *
folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return base_mem_str(base_span_str("."));
	return base_mem_str(base_span(path, slash == path ? 1 : (size_t)(slash - path)));
}

int
proc_conf_parse(struct base_span text, const char *path, struct proc_conf **conf_r, struct base_fail *fail)
{
	struct proc_conf *conf = base_mem_new(1, sizeof(*conf));
	struct parser p = {.path = path, .conf = conf};
	int rc;

	conf->file = base_mem_str(base_span_str(path));
	conf->dir = folder(path);
	rc = read_lines(&p, text, fail);
	if (rc == GH_OK) {
		set_defaults(&p);
		rc = check_required(conf, fail);
		if (rc == GH_OK)
			rc = proc_conf_check(conf, fail);
		if (rc < 0)
			base_fail_where(fail, "%s", path);
	}
	if (rc == GH_OK) {
		*conf_r = conf;
		conf = NULL;
	}
	proc_conf_free(&conf);
	return rc;
}

/* path made absolute without following links: relative settings belong to the folder that the operator named. */
static char *
absolute(const char *path)
{
	char *cwd, *whole = NULL;
	struct base_buf b;

	if (path[0] == '/')
		return base_mem_str(base_span_str(path));
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return NULL;
	base_buf_init(&b, FILE_MAX);
	base_buf_str(&b, cwd);
	if (strcmp(cwd, "/") != 0)
		base_buf_u8(&b, '/');
	base_buf_str(&b, path);
	if (!b.bad)
		whole = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	free(cwd);
	return whole;
}

int
proc_conf_load(const char *path, struct proc_conf **conf_r, struct base_fail *fail)
{
	char *whole = absolute(path);
	struct base_buf b;
	int rc;

	if (whole == NULL)
		return base_fail_set(fail, GH_E_IO, "cannot tell the current folder");
	base_buf_init(&b, FILE_MAX);
	rc = base_file_read(AT_FDCWD, whole, &b, fail);
	if (rc == GH_OK)
		rc = proc_conf_parse(base_buf_span(&b), whole, conf_r, fail);
	base_buf_done(&b);
	free(whole);
	return rc;
}

void
proc_conf_free(struct proc_conf **c)
{
	struct proc_conf *conf = *c;

	if (conf == NULL)
		return;
	*c = NULL;
	for (size_t i = 0; i < NSETTINGS; i++) {
		void *member = (char *)conf + settings[i].offset;

		if (settings[i].type == TYPE_LIST)
			list_done(member);
		else if (settings[i].type == TYPE_TEXT || settings[i].type == TYPE_PATH)
			free(*(char **)member);
	}
	free(conf->file);
	free(conf->dir);
	free(conf);
}

/* ---- for people */

static void
print_range(const struct setting *s, struct base_buf *out)
{
	switch (s->type) {
	case TYPE_TEXT:
		base_buf_str(out, "text");
		break;
	case TYPE_PATH:
		base_buf_str(out, "path");
		break;
	case TYPE_LIST:
		base_buf_str(out, "list, comma-separated");
		break;
	case TYPE_NUM:
		base_buf_fmt(out, "number, %" PRIu64 " to %" PRIu64, s->lo, s->hi);
		break;
	case TYPE_SIZE:
		base_buf_fmt(out, "size, %" PRIu64 " to %" PRIu64 " bytes", s->lo, s->hi);
		break;
	case TYPE_TIME:
		base_buf_str(out, "duration: 500ms, 5s, 10min, 2h, 1d");
		break;
	case TYPE_ENUM:
		base_buf_fmt(out, "one of: %s", s->words);
		break;
	}
}

/* In quotes where it would not be read as it is: empty, or beginning with a quote. */
static void
print_value(const char *value, struct base_buf *out)
{
	if (*value != '\0' && *value != '"') {
		base_buf_str(out, value);
		return;
	}
	base_buf_u8(out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			base_buf_u8(out, '\\');
		base_buf_u8(out, (uint8_t)*value);
	}
	base_buf_u8(out, '"');
}

void
proc_conf_print(struct base_buf *out)
{
	for (size_t i = 0; i < NSETTINGS; i++) {
		const struct setting *s = &settings[i];

		base_buf_fmt(out, "# %s (", s->help);
		print_range(s, out);
		base_buf_fmt(out, ")\n#%s = ", s->name);
		print_value(s->def, out); /* a test reads all of this back with the '#' taken off */
		base_buf_str(out, "\n\n");
	}
}
