/* gate_plan: from the origins in RowDescription to subject columns. Input: hostile server (already framed). Pure. */
#include "gate_plan.h"

#include <stdlib.h>

#include "base_mem.h"
#include "wire_read.h"

int
gate_describe_read(struct base_span payload, struct gate_describe **describe_r, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(payload);
	struct wire_column col;
	uint16_t count;

	int rc = wire_read_row_description(&c, &count, fail);
	if (rc < 0)
		return rc;
	if (count > GATE_COLUMNS_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "row description has %u columns", count);
	struct gate_describe *d = base_mem_new(1, sizeof(*d) + count * sizeof(d->column[0]));
	d->refs = 1;
	d->count = count;
	for (uint16_t i = 0; i < count; i++) {
		if ((rc = wire_read_column(&c, &col, fail)) < 0)
			goto out;
		d->column[i] = (struct gate_column){col.table_oid, col.type_oid, col.attnum, col.format};
	}
	rc = base_cursor_done(&c) ? GH_OK : base_fail_set(fail, GH_E_PARSE, "row description has bytes left over");
out:
	if (rc < 0)
		free(d);
	else
		*describe_r = d;
	return rc;
}

void
gate_describe_ref(struct gate_describe *d)
{
	d->refs++;
}

void
gate_describe_unref(struct gate_describe **dp)
{
	struct gate_describe *d = *dp;

	*dp = NULL;
	if (d && --d->refs == 0)
		free(d);
}

#define FIRST_USER_OID 16384u /* FirstNormalObjectId */

static void
add_column(struct gate_plan *p, size_t index, int16_t format, uint32_t type, const struct policy_column *pc)
{
	p->touched = true;
	if (p->nprotected < BASE_COUNT(p->protected))
		p->protected[p->nprotected++] = pc;
	if (pc->role != POLICY_DATA && p->nsubjects == GATE_SUBJECT_COLUMNS)
		p->more = true;
	else if (pc->role != POLICY_DATA)
		p->subject[p->nsubjects++] = (struct gate_plan_column){(uint16_t)index, format, type, pc};
}

void
gate_plan_make(const struct policy_map *map, const struct gate_describe *d, struct base_span formats, int nformats, struct gate_plan *plan_r)
{
	plan_r->nsubjects = plan_r->nprotected = 0;
	plan_r->touched = plan_r->more = false;
	for (size_t i = 0; i < d->count; i++) {
		const struct gate_column *c = &d->column[i];
		if (c->oid == 0)
			continue;
		const struct policy_column *pc = policy_map_column(map, c->oid, c->attnum);
		if (!pc)
			continue;
		int format = nformats < 0 ? c->format : wire_read_format(formats, (uint16_t)nformats, (unsigned)i);
		/* A type that is not the server's own (citext) is read as what the policy bound it to. */
		add_column(plan_r, i, (int16_t)(format < 0 ? 0 : format), c->type < FIRST_USER_OID ? c->type : pc->type_oid, pc);
	}
}

bool
gate_plan_copy(const struct policy_relation *r, const struct base_span *columns, size_t ncolumns, int format, struct gate_plan *plan_r, uint16_t *count_r)
{
	size_t n = 0;

	plan_r->nsubjects = plan_r->nprotected = 0;
	plan_r->touched = true;
	plan_r->more = false;
	if (ncolumns == 0) {
		for (size_t i = 0; i < r->ncolumns; i++) {
			if (r->generated[i])
				continue; /* COPY leaves generated columns out */
			add_column(plan_r, n++, (int16_t)format, r->columns[i].type_oid, &r->columns[i]);
		}
	}
	for (size_t i = 0; i < ncolumns; i++) {
		const struct policy_column *pc = policy_map_column_named(r, columns[i]);
		if (!pc)
			return false;
		add_column(plan_r, n++, (int16_t)format, pc->type_oid, pc);
	}
	*count_r = (uint16_t)n;
	return true;
}
