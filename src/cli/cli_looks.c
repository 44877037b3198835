/* cli_looks: collects look-ups and prints them as a table (libsmartcols: right widths for Chinese) or as JSON.
 * Input: decoded entries; all their text is quoted before it reaches a terminal.
 */
#include "cli_looks.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "cli_out.h"

#define JSON_MAX (1u << 30)
#define CELL_MAX 400u

struct cli_look {
	uint64_t index, time_us, seq, rows; /* rows: those that speak of the person */
	/* own, NUL-terminated, as in the entry (not quoted) */
	char *session, *actor, *name, *employer, *province, *application, *text;
	char *columns, *tables, *matched; /* joined with '\n' */
};

void
cli_looks_init(struct cli_looks *l)
{
	*l = (struct cli_looks){.by_statement = base_map_new(0, NULL)};
}

static void
look_free(struct cli_look *k)
{
	char *texts[] = {k->session, k->actor, k->name, k->employer, k->province, k->application, k->text, k->columns, k->tables, k->matched};

	for (size_t i = 0; i < BASE_COUNT(texts); i++)
		free(texts[i]);
	free(k);
}

void
cli_looks_done(struct cli_looks *l)
{
	for (size_t i = 0; i < l->count; i++)
		look_free(l->item[i]);
	free(l->item);
	base_map_free(&l->by_statement);
	*l = (struct cli_looks){0};
}

static char *
join(const struct event_list *list)
{
	struct base_buf b;

	base_buf_init(&b, EVENT_ENTRY_MAX);
	for (size_t i = 0; i < list->count; i++) {
		base_buf_str(&b, i ? "\n" : "");
		base_buf_put(&b, list->item[i]);
	}
	char *text = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	return text;
}

static bool
has_line(const char *lines, struct base_span word)
{
	for (const char *p = lines; *p;) {
		size_t n = strcspn(p, "\n");
		if (base_span_eq(base_span(p, n), word))
			return true;
		p += n + (p[n] == '\n');
	}
	return false;
}

/* Adds the kinds by which this part matched to those of the parts before. */
static void
add_matched(struct cli_look *k, const struct event_entry *e, const struct cli_hit *hit)
{
	struct event_list all = {0};

	for (size_t i = 0; i < hit->nthrough; i++)
		if (!k->matched || !has_line(k->matched, e->kinds.item[hit->through[i]]))
			all.item[all.count++] = e->kinds.item[hit->through[i]];
	char *more = join(&all);
	if (!k->matched || !*k->matched) {
		free(k->matched);
		k->matched = more;
	} else if (*more) {
		struct base_buf b;
		base_buf_init(&b, 2 * EVENT_ENTRY_MAX);
		base_buf_fmt(&b, "%s\n%s", k->matched, more);
		free(k->matched);
		k->matched = base_mem_str(base_buf_span(&b));
		base_buf_done(&b);
		free(more);
	} else {
		free(more);
	}
}

void
cli_looks_add(struct cli_looks *l, const struct cli_record *rec, const struct cli_hit *hit)
{
	const struct event_entry *e = rec->e;
	struct base_buf id;

	base_buf_init(&id, EVENT_ENTRY_MAX);
	base_buf_put(&id, e->session);
	base_buf_u64(&id, e->seq);
	struct cli_look *k = base_map_get(l->by_statement, base_buf_span(&id));
	if (!k) {
		k = base_mem_new(1, sizeof *k);
		k->index = rec->index;
		k->time_us = e->time_us;
		k->seq = e->seq;
		k->session = base_mem_str(e->session);
		k->actor = base_mem_str(e->actor);
		k->name = base_mem_str(e->name);
		k->employer = base_mem_str(e->employer);
		k->province = base_mem_str(e->province);
		k->application = base_mem_str(e->application);
		k->text = base_mem_str(e->text);
		k->columns = join(&e->columns);
		k->tables = join(&e->tables);
		if (l->count == l->room) {
			l->room = l->room ? 2 * l->room : 64;
			l->item = base_mem_grow(l->item, l->room, sizeof *l->item);
			if (!l->item)
				abort(); /* a command without memory has no answer */
		}
		l->item[l->count++] = k;
		if (base_map_put(l->by_statement, base_buf_span(&id), k) < 0)
			abort();
	}
	k->rows += hit->tuples;
	add_matched(k, e, hit);
	base_buf_done(&id);
}

/* How many different values: of actor, or of employer. */
static size_t
distinct(const struct cli_looks *l, bool employers)
{
	struct base_map *seen = base_map_new(0, NULL);
	static char there;

	for (size_t i = 0; i < l->count; i++) {
		const char *text = employers ? l->item[i]->employer : l->item[i]->actor;
		if (*text && base_map_put(seen, base_span_str(text), &there) < 0)
			abort();
	}
	size_t n = base_map_count(seen);
	base_map_free(&seen);
	return n;
}

static void
put_count(struct base_buf *b, size_t n, const char *one, const char *many)
{
	base_buf_fmt(b, "%zu %s", n, n == 1 ? one : many);
}

static void
summary(const struct cli_looks *l, struct base_buf *b)
{
	char first[BASE_TIME_LOCAL_SIZE], last[BASE_TIME_LOCAL_SIZE];
	uint64_t from = UINT64_MAX, to = 0;

	if (l->count == 0) {
		base_buf_str(b, "nobody: no look-up of this person is in the ledger");
		return;
	}
	for (size_t i = 0; i < l->count; i++) {
		from = l->item[i]->time_us < from ? l->item[i]->time_us : from;
		to = l->item[i]->time_us > to ? l->item[i]->time_us : to;
	}
	put_count(b, l->count, "look-up", "look-ups");
	base_buf_str(b, " by ");
	put_count(b, distinct(l, false), "person", "people");
	size_t employers = distinct(l, true);
	if (employers > 0) {
		base_buf_str(b, " of ");
		put_count(b, employers, "employer", "employers");
	}
	if (l->count == 1)
		base_buf_fmt(b, " at %s", base_time_local(from, first));
	else
		base_buf_fmt(b, " between %s and %s", base_time_local(from, first), base_time_local(to, last));
}

static void
json_field(struct base_buf *b, const char *name, const char *text)
{
	if (!*text)
		return;
	base_buf_fmt(b, ",\"%s\":", name);
	cli_out_json(b, base_span_str(text));
}

static void
json_lines(struct base_buf *b, const char *name, const char *lines)
{
	base_buf_fmt(b, ",\"%s\":[", name);
	for (const char *p = lines; *p;) {
		size_t n = strcspn(p, "\n");
		cli_out_json(b, base_span(p, n));
		p += n;
		if (*p == '\n') {
			base_buf_u8(b, ',');
			p++;
		}
	}
	base_buf_u8(b, ']');
}

static int
print_json(const struct cli_looks *l)
{
	struct base_buf b, text;
	char time[BASE_TIME_UTC_SIZE];

	base_buf_init(&b, JSON_MAX);
	base_buf_init(&text, 1024);
	summary(l, &text);
	base_buf_str(&b, "{\"summary\":");
	cli_out_json(&b, base_buf_span(&text));
	base_buf_fmt(&b, ",\"unknown\":%llu,\"lookups\":[", (unsigned long long)l->unknown);
	for (size_t i = 0; i < l->count; i++) {
		const struct cli_look *k = l->item[i];
		base_buf_fmt(&b, "%s{\"index\":%llu,\"time\":\"%s\",\"seq\":%llu,\"rows\":%llu", i ? "," : "", (unsigned long long)k->index,
		    base_time_utc(k->time_us, time), (unsigned long long)k->seq, (unsigned long long)k->rows);
		json_field(&b, "session", k->session);
		json_field(&b, "actor", k->actor);
		json_field(&b, "name", k->name);
		json_field(&b, "employer", k->employer);
		json_field(&b, "province", k->province);
		json_field(&b, "application", k->application);
		json_field(&b, "text", k->text);
		json_lines(&b, "tables", k->tables);
		json_lines(&b, "columns", k->columns);
		json_lines(&b, "matched", k->matched);
		base_buf_u8(&b, '}');
	}
	base_buf_str(&b, "]}\n");
	bool ok = cli_out_write(&b);
	base_buf_done(&b);
	base_buf_done(&text);
	return !ok ? cli_out_error("cannot write to standard output") : l->count ? CLI_EXIT_OK : CLI_EXIT_NONE;
}

/* One cell: quoted; lines become ", "; of "public.customers.phone" only the last word when short is set. */
static void
cell(struct libscols_line *line, size_t column, const char *text, bool shorten)
{
	struct base_buf b;
	char shown[4 * CELL_MAX + 8];

	base_buf_init(&b, EVENT_ENTRY_MAX);
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n"), from = 0;
		for (size_t i = 0; shorten && i < n; i++)
			from = p[i] == '.' ? i + 1 : from;
		base_buf_str(&b, p == text ? "" : ", ");
		base_buf_put(&b, base_span(p + from, n - from));
		p += n + (p[n] == '\n');
	}
	if (scols_line_set_data(line, column, base_text_quote(shown, sizeof shown, base_buf_span(&b), CELL_MAX)) != 0)
		abort(); /* out of memory */
	base_buf_done(&b);
}

static int
print_table(const struct cli_looks *l)
{
	static const struct {
		const char *name;
		int flags;
	} columns[] = {{"ENTRY", SCOLS_FL_RIGHT}, {"TIME", 0}, {"WHO", 0}, {"EMPLOYER", 0}, {"PROVINCE", 0}, {"PROGRAM", 0}, {"FOUND BY", SCOLS_FL_WRAP},
	    {"COLUMNS", SCOLS_FL_WRAP}, {"STATEMENT", SCOLS_FL_WRAP}};
	struct libscols_table *table = scols_new_table();
	struct base_buf b;
	char time[BASE_TIME_LOCAL_SIZE];

	if (!table)
		return cli_out_error("cannot make a table: out of memory");
	scols_table_enable_maxout(table, 0);
	for (size_t i = 0; i < BASE_COUNT(columns); i++)
		if (!scols_table_new_column(table, columns[i].name, 0, columns[i].flags))
			abort(); /* out of memory */
	base_buf_init(&b, EVENT_ENTRY_MAX);
	for (size_t i = 0; i < l->count; i++) {
		const struct cli_look *k = l->item[i];
		struct libscols_line *line = scols_table_new_line(table, NULL);
		if (!line)
			abort(); /* out of memory */
		base_buf_clear(&b);
		base_buf_fmt(&b, "%llu", (unsigned long long)k->index);
		base_buf_u8(&b, 0);
		cell(line, 0, (const char *)base_buf_span(&b).p, false);
		cell(line, 1, base_time_local(k->time_us, time), false);
		base_buf_clear(&b);
		base_buf_fmt(&b, *k->name ? "%s (%s)" : "%s%s", *k->name ? k->name : k->actor, *k->name ? k->actor : "");
		base_buf_u8(&b, 0);
		cell(line, 2, (const char *)base_buf_span(&b).p, false);
		cell(line, 3, k->employer, false);
		cell(line, 4, k->province, false);
		cell(line, 5, k->application, false);
		cell(line, 6, k->matched, true);
		cell(line, 7, *k->columns ? k->columns : k->tables, true);
		cell(line, 8, k->text, false);
	}
	base_buf_done(&b);
	int rc = scols_print_table(table);
	scols_unref_table(table);
	return rc == 0 && fflush(stdout) == 0 ? CLI_EXIT_OK : cli_out_error("cannot write to standard output");
}

int
cli_looks_print(const struct cli_looks *l, bool json)
{
	struct base_buf b;
	int status = CLI_EXIT_NONE;

	if (json)
		return print_json(l);
	base_buf_init(&b, 1024);
	summary(l, &b);
	base_buf_u8(&b, '\n');
	if (!cli_out_write(&b))
		status = cli_out_error("cannot write to standard output");
	base_buf_done(&b);
	if (l->count > 0 && status == CLI_EXIT_NONE) {
		putchar('\n');
		status = print_table(l);
	}
	if (l->unknown > 0)
		printf("\nOf %llu more %s in this time it is not known whose rows they showed; `gatehouse ledger print --kind read` has them.\n",
		    (unsigned long long)l->unknown, l->unknown == 1 ? "look-up" : "look-ups");
	return status;
}
