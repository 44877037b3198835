/* gate_plan: which columns of an answer say whose record a row is. Pure: from column origins and the policy map. */
#ifndef GATE_PLAN_H
#define GATE_PLAN_H

#include "gate_limit.h"
#include "policy_map.h"

/* A RowDescription, reduced to what we need; immutable, counted. */
struct gate_column { uint32_t oid, type; int16_t attnum, format; };
struct gate_describe {
	unsigned refs;
	uint16_t count;
	struct gate_column column[];
};
/* NULL when the payload is malformed (fail) or has too many columns. */
BASE_CHECK int gate_describe_read(struct base_span payload, struct gate_describe **describe_r, struct base_fail *fail);
void gate_describe_ref(struct gate_describe *d);
void gate_describe_unref(struct gate_describe **d);

struct gate_plan_column {
	uint16_t index;                     /* in the row */
	int16_t format;
	uint32_t type;
	const struct policy_column *column; /* borrow: the world's */
};
struct gate_plan {
	size_t nsubjects; /* subject-bearing columns, ascending by index */
	struct gate_plan_column subject[GATE_SUBJECT_COLUMNS];
	bool more;        /* there are subject-bearing columns beyond those: rows are not only of whom they name */
	size_t nprotected; /* columns of protected relations in the answer (first 64) */
	const struct policy_column *protected[64];
	bool touched;      /* some column comes from a protected relation */
};
/* formats: result formats of Bind (0/1/n rule); nformats < 0 = take the description's own (simple protocol). */
void gate_plan_make(const struct policy_map *map, const struct gate_describe *d, struct base_span formats, int nformats, struct gate_plan *plan_r);
/* COPY of a protected table: its columns in order, or those of the list. false: a column is not known. */
BASE_CHECK bool gate_plan_copy(const struct policy_relation *r, const struct base_span *columns, size_t ncolumns, int format, struct gate_plan *plan_r, uint16_t *count_r);

#endif
