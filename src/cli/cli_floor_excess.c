/* cli_floor_excess: which columns the people who are enforced may read in the database itself although no rule of theirs names them (cli_floor.h). Input: a bound
 * policy, the catalogue. Runs one SELECT.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "cli_check.h"
#include "cli_floor.h"

#define LIST_MAX 4096u /* names of one kind in one finding */

struct list { struct base_span *item; size_t n, cap; }; /* own, and own the texts */

static void
list_free(void *value)
{
	struct list *l = value;

	for (size_t i = 0; i < l->n; i++)
		free((void *)(uintptr_t)l->item[i].p);
	free(l->item);
	free(l);
}

static void
list_add(struct base_map *m, struct base_span key, struct base_span text)
{
	struct list *l = base_map_get(m, key);

	if (!l) {
		l = base_mem_new(1, sizeof(*l));
		if (base_map_put(m, key, l) < 0)
			abort(); /* a command line without memory has no answer to give */
	}
	if (l->n == LIST_MAX)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 8;
		struct base_span *more = base_mem_grow(l->item, l->cap, sizeof(*more));
		if (!more)
			abort();
		l->item = more;
	}
	l->item[l->n++] = base_span(base_mem_str(text), text.n);
}

static const struct policy_scope *
scope_of(const struct cli_enforced_list *people, struct base_span role)
{
	size_t low = 0, high = people->n; /* ascending role */

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (base_span_cmp(people->item[mid].person->role, role) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < people->n && base_span_eq(people->item[low].person->role, role) ? people->item[low].scope : NULL;
}

/* "public.orders (remark, gift)", or nothing when all of these columns have a rule. attnums: "1,2,5". */
static bool
describe(const struct policy_scope_relation *r, struct base_span table, struct base_span attnums, char *dst, size_t size)
{
	struct base_span *name;
	char list[800], shown[300];
	size_t n = 0;

	(void)base_text_quote(shown, sizeof(shown), table, 280);
	if (!r || !(r->actions & POLICY_READ)) {
		(void)snprintf(dst, size, "%s", shown);
		return true;
	}
	name = base_mem_new(r->ncolumns + 1, sizeof(*name));
	while (attnums.n > 0) {
		const uint8_t *comma = memchr(attnums.p, ',', attnums.n);
		size_t len = comma ? (size_t)(comma - attnums.p) : attnums.n;
		int64_t number = 0;
		const struct policy_scope_column *c = base_num_i64(base_span(attnums.p, len), 1, INT16_MAX, &number) == 0 ? policy_scope_column(r, (int16_t)number) : NULL;
		if (c && !c->known && c->attnum != r->key && n < r->ncolumns)
			name[n++] = c->name;
		attnums = base_span(attnums.p + len, attnums.n - len);
		if (attnums.n > 0)
			attnums = base_span(attnums.p + 1, attnums.n - 1);
	}
	cli_check_names(name, n, list, sizeof(list));
	free(name);
	(void)snprintf(dst, size, "%s (%s)", shown, list);
	return n > 0;
}

/* what -> roles becomes roles -> whats. */
static bool
turn(struct base_span what, void *value, void *ctx)
{
	struct list *roles = value;
	struct base_buf key;

	base_buf_init(&key, 1u << 20);
	for (size_t i = 0; i < roles->n; i++)
		base_buf_fmt(&key, "%.*s\n", (int)roles->item[i].n, (const char *)roles->item[i].p);
	struct base_span k = base_buf_span(&key);
	struct base_map *m = ctx;
	if (!base_map_get(m, k)) { /* the first item is how the roles are called */
		char names[800];
		cli_check_names(roles->item, roles->n, names, sizeof(names));
		list_add(m, k, base_span_str(names));
	}
	list_add(m, k, what);
	base_buf_done(&key);
	return true;
}

struct report { const char *check; struct cli_findings *out; };

static bool
say(struct base_span key, void *value, void *ctx)
{
	const struct report *r = ctx;
	struct list *l = value;
	char what[1200];

	(void)key;
	cli_check_names(l->item + 1, l->n - 1, what, sizeof(what));
	cli_findings_say(r->out, CLI_WARNING, r->check, "the gate refuses these; whoever comes to the database beside the gate reads them", "gatehouse policy floor", "%.*s may read in the database itself: %s",
	                 (int)l->item[0].n, (const char *)l->item[0].p, what);
	return true;
}

int
cli_floor_excess(const struct cli_live *l, const struct cli_enforced_list *people, const char *check, struct cli_findings *out, struct base_fail *fail)
{
	static const char sql[] =
	    "SELECT p.rolname, c.oid, c.oid::regclass, string_agg(a.attnum::text, ',' ORDER BY a.attnum) FROM pg_roles p CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
	    "WHERE p.rolname = ANY ($1::name[]) AND NOT p.rolsuper AND c.relkind IN ('r','p','v','m','f') AND n.nspname NOT IN ('pg_catalog','information_schema') AND n.nspname !~ '^pg_(toast|temp)' "
	    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') "
	    "AND has_schema_privilege(p.oid, n.oid, 'USAGE') AND has_any_column_privilege(p.oid, c.oid, 'SELECT') AND has_column_privilege(p.oid, c.oid, a.attnum, 'SELECT') "
	    "GROUP BY p.rolname, c.oid ORDER BY p.rolname COLLATE \"C\", c.oid::regclass::text COLLATE \"C\"";
	struct base_span *role = base_mem_new(people->n + 1, sizeof(*role));
	struct base_map *what = base_map_new(0, list_free), *who = base_map_new(0, list_free);
	struct base_buf array;
	PGresult *r = NULL;
	const uint8_t *hash;
	char text[1200];

	for (size_t i = 0; i < people->n; i++)
		role[i] = people->item[i].person->role;
	base_buf_init(&array, 64u << 20);
	cli_live_array(&array, role, people->n);
	base_buf_u8(&array, 0);
	const char *const params[] = {(const char *)base_buf_span(&array).p};
	int rc = cli_live_query(l->conn, sql, 1, params, 4, &r, fail);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		const struct policy_scope *s = scope_of(people, cli_live_value(r, i, 0));
		uint32_t oid = cli_live_oid(r, i, 1);
		if (!s || policy_map_trusted_view(l->map, oid, &hash))
			continue;
		if (describe(policy_scope_relation(s, oid), cli_live_value(r, i, 2), cli_live_value(r, i, 3), text, sizeof(text)))
			list_add(what, base_span_str(text), cli_live_value(r, i, 0));
	}
	base_map_each(what, turn, who);
	base_map_each(who, say, &(struct report){check, out});
	PQclear(r);
	base_buf_done(&array);
	base_map_free(&who);
	base_map_free(&what);
	free(role);
	return rc;
}
