/* test_tree_util: what the tests of trees share: real trees of tests/golden/tree15, the server's rule for lines, and a query with holes. */
#ifndef TEST_TREE_UTIL_H
#define TEST_TREE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tree_golden.h"
#include "tree_read.h"

#define LINE 78

/* PostgreSQL's format_node_dump, from its description in tree_read.c: appends s, cut into lines. */
static inline void
cut(struct base_span s, struct base_buf *out)
{
	while (s.n > LINE) {
		size_t n = LINE, skip = 0;

		if (s.p[LINE] == ' ') {
			skip = 1;
		} else {
			while (n > 1 && s.p[n - 1] != ' ')
				n--;
			skip = n > 1;
			n = n > 1 ? n - 1 : LINE;
		}
		base_buf_put(out, base_span(s.p, n));
		base_buf_u8(out, '\n');
		s = base_span(s.p + n + skip, s.n - n - skip);
	}
	base_buf_put(out, s);
	base_buf_u8(out, '\n');
}

/* A file of tests/golden/tree15. __FILE__ is relative to the build folder, two above this program, or absolute. */
static inline struct base_buf
golden_file(const char *name)
{
	char exe[512] = "", file[] = __FILE__, path[1400];
	struct base_buf b;
	uint8_t *p;
	FILE *f;

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	for (int i = 0; i < 2; i++)
		*strrchr(exe, '/') = 0;
	*strrchr(file, '/') = 0;
	(void)snprintf(path, sizeof(path), "%s%s%s/../../tests/golden/tree15/%s", file[0] == '/' ? "" : exe, file[0] == '/' ? "" : "/", file, name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	base_buf_init(&b, TREE_TEXT_MAX);
	p = base_buf_reserve(&b, 1u << 20);
	assert_non_null(p);
	base_buf_commit(&b, fread(p, 1, 1u << 20, f));
	(void)fclose(f); /* only read */
	return b;
}

/* The line that a file's text was cut from. */
static inline struct base_buf
golden_line(const char *name)
{
	struct base_buf b = golden_file(name), line;

	base_buf_init(&line, TREE_TEXT_MAX);
	assert_int_equal(tree_unwrap(base_buf_span(&b), &line, NULL), 0);
	base_buf_done(&b);
	return line;
}

static inline int
read_cut(struct base_span line, struct tree **t_r, struct base_fail *fail)
{
	struct base_buf b;
	int rc;

	base_buf_init(&b, 2 * TREE_TEXT_MAX);
	cut(line, &b);
	rc = tree_read(base_buf_span(&b), 15, t_r, fail);
	base_buf_done(&b);
	return rc;
}

/* A query: SELECT of one target, and what else is asked for. */
struct shape { const char *with, *rtable, *expr, *resname, *location; };
#define CONST_1 \
	"{CONST :consttype 23 :consttypmod -1 :constcollid 0 :constlen 4 :constbyval true :constisnull false :location 7 :constvalue 4 [ 1 0 0 0 0 0 0 0 ]}"

static inline void
put_query(struct base_buf *b, struct shape s)
{
	base_buf_fmt(b, "{QUERY :commandType 1 :querySource 0 :canSetTag true :utilityStmt <> :resultRelation 0 :hasAggs false :hasWindowFuncs false "
	    ":hasTargetSRFs false :hasSubLinks false :hasDistinctOn false :hasRecursive false :hasModifyingCTE false :hasForUpdate false :hasRowSecurity false "
	    ":isReturn false :cteList %s :rtable %s :jointree {FROMEXPR :fromlist <> :quals <>} :targetList ({TARGETENTRY :expr ", s.with ? s.with : "<>",
	    s.rtable ? s.rtable : "<>");
	base_buf_str(b, s.expr ? s.expr : CONST_1);
	base_buf_fmt(b, " :resno 1 :resname %s :ressortgroupref 0 :resorigtbl 0 :resorigcol 0 :resjunk false}) :override 0 :onConflict <> :returningList <> "
	    ":groupClause <> :groupDistinct false :groupingSets <> :havingQual <> :windowClause <> :distinctClause <> :sortClause <> :limitOffset <> :limitCount <> "
	    ":limitOption 0 :rowMarks <> :setOperations <> :constraintDeps <> :withCheckOptions <> :mergeActionList <> :mergeUseOuterJoin false :stmt_location %s "
	    ":stmt_len 0}", s.resname ? s.resname : "x", s.location ? s.location : "0");
}

static inline struct base_buf
query_line(struct shape s)
{
	struct base_buf b;

	base_buf_init(&b, 2 * TREE_TEXT_MAX);
	base_buf_str(&b, "(");
	put_query(&b, s);
	base_buf_str(&b, ")");
	return b;
}

static inline int
read_shape(struct shape s, struct tree **t_r, struct base_fail *fail)
{
	struct base_buf b = query_line(s);
	int rc = read_cut(base_buf_span(&b), t_r, fail);

	base_buf_done(&b);
	return rc;
}

static inline const struct tree_node *
target(const struct tree *t)
{
	return tree_list(tree_queries(t).item[0], TREE_F_TARGET_LIST).item[0];
}

#endif
