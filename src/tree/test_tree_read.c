/* test_tree_read: real trees whole, cut off, damaged; lines; names; numbers; constants; limits; and names that try to be tree. */
#include "test_tree_util.h"

#include "base_num.h"
#include "tree_int.h"

static void
put_span(struct base_buf *b, const uint8_t *from, const uint8_t *to)
{
	base_buf_put(b, base_span(from, (size_t)(to - from)));
}

static void
test_golden(void **state)
{
	size_t n;
	const struct tree_golden *g = tree_golden(15, &n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct base_buf b = golden_file(g[i].name), line = golden_line(g[i].name), again;
		struct base_fail fail;
		struct tree *t = NULL;

		if (tree_read(base_buf_span(&b), 15, &t, &fail) < 0)
			fail_msg("%s: %s", g[i].name, fail.text);
		assert_int_equal(tree_queries(t).n, 1);
		assert_int_equal(tree_major(t), 15);
		tree_free(&t);
		base_buf_init(&again, TREE_TEXT_MAX);
		cut(base_buf_span(&line), &again);
		assert_true(base_span_eq(base_buf_span(&again), base_buf_span(&b)));
		base_buf_done(&again);
		base_buf_done(&line);
		base_buf_done(&b);
	}
}

/* At every length of the short ones, at many of the long ones. */
static void
test_truncated(void **state)
{
	size_t n;
	const struct tree_golden *g = tree_golden(15, &n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct base_buf b = golden_file(g[i].name);
		size_t size = base_buf_len(&b), step = size < 5000 ? 1 : 31;

		for (size_t len = 0; len < size - 1; len += step) {
			uint8_t *copy = malloc(len == 0 ? 1 : len); /* of its size: a sanitizer sees one byte too far */
			struct tree *t = NULL;

			memcpy(copy, base_buf_span(&b).p, len);
			assert_int_equal(tree_read(base_span(copy, len), 15, &t, NULL), GH_E_PARSE);
			assert_null(t);
			free(copy);
		}
		base_buf_done(&b);
	}
}

/* Any byte made any of those that mean something: no crash, and what is read can be walked. */
static void
test_damaged(void **state)
{
	static const char bytes[] = " \n(){}\\<>\"09-:xt[]?\t";
	struct base_buf b = golden_file("distinct");
	uint8_t *p = b.mem + b.start, hash[BASE_SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < base_buf_len(&b); i++) {
		uint8_t old = p[i];

		for (size_t k = 0; k < sizeof(bytes); k++) { /* with the NUL */
			struct tree *t = NULL;

			p[i] = (uint8_t)bytes[k];
			if (tree_read(base_buf_span(&b), 15, &t, NULL) == 0)
				tree_hash(tree_queries(t).item[0], 0, hash);
			tree_free(&t);
		}
		p[i] = old;
	}
	base_buf_done(&b);
}

/* Where the value that begins at p ends. */
static const uint8_t *
value_end(const uint8_t *p)
{
	int open = 0;

	if (*p >= '1' && *p <= '9') { /* a constant's bytes? */
		const uint8_t *q = p;

		while (*q >= '0' && *q <= '9')
			q++;
		if (q[0] == ' ' && q[1] == '[')
			return (const uint8_t *)strchr((const char *)q, ']') + 1;
	}
	for (;; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '(' || *p == '{')
			open++;
		else if ((*p == ')' || *p == '}') && open-- == 0)
			return p;
		else if (*p == ' ' && open == 0)
			return p;
		if (open == 0 && (*p == ')' || *p == '}'))
			return p + 1;
	}
}

enum damage { REMOVE, DOUBLE, RENAME, OTHER, LATE, SURPLUS, UNSPACED, SPACED, DAMAGES };

/* line, with the field whose name begins at `at` (after the colon) and whose value ends at `end` damaged. */
static void
damage(struct base_buf *out, struct base_span line, const uint8_t *at, enum damage how)
{
	const uint8_t *name_end = at, *end, *begin = at - 2, *last = line.p + line.n, *next;

	while (*name_end != ' ')
		name_end++;
	end = value_end(name_end + 1);
	base_buf_clear(out);
	put_span(out, line.p, begin);
	switch (how) {
	case REMOVE:
		break;
	case DOUBLE:
		put_span(out, begin, end);
		put_span(out, begin, end);
		break;
	case RENAME:
		put_span(out, begin, at);
		base_buf_u8(out, (uint8_t)(*at == 'x' ? 'y' : 'x'));
		put_span(out, at + 1, end);
		break;
	case OTHER:
		base_buf_str(out, memcmp(at, "expr ", 5) == 0 ? " :qual" : " :expr");
		put_span(out, name_end, end);
		break;
	case LATE: /* behind the next field of the node, or the node's end */
		next = end[0] == ' ' ? value_end((const uint8_t *)strchr((const char *)end + 2, ' ') + 1) : end + 1;
		put_span(out, end, next);
		put_span(out, begin, end);
		end = next;
		break;
	case SURPLUS:
		put_span(out, begin, end);
		base_buf_str(out, " x");
		break;
	case UNSPACED:
		put_span(out, begin, name_end);
		put_span(out, name_end + 1, end);
		break;
	case SPACED:
		put_span(out, begin, name_end);
		base_buf_u8(out, ' ');
		put_span(out, name_end, end);
		break;
	case DAMAGES:
		break;
	}
	put_span(out, end, last);
}

/* Every field of these trees removed, doubled, renamed, misplaced, followed by one token more: refused. */
static void
test_fields(void **state)
{
	static const char *const files[] = {"plain", "lock", "values", "insert", "window", "merge", "cases", "functions"};
	struct base_buf out;
	unsigned count = 0;

	(void)state;
	base_buf_init(&out, TREE_TEXT_MAX);
	for (size_t i = 0; i < BASE_COUNT(files); i++) {
		struct base_buf b = golden_line(files[i]);
		struct base_span line;
		const uint8_t *p;

		base_buf_u8(&b, 0); /* for strstr; no tree holds one */
		line = base_span(base_buf_span(&b).p, base_buf_len(&b) - 1);
		for (p = line.p; (p = (const uint8_t *)strstr((const char *)p, " :")) != NULL; p++) {
			for (enum damage how = 0; how < DAMAGES; how++) {
				struct tree *t = NULL;

				damage(&out, line, p + 2, how);
				if (read_cut(base_buf_span(&out), &t, NULL) != GH_E_PARSE)
					fail_msg("%s, damage %d at %.40s: read", files[i], how, (const char *)p);
				count++;
			}
		}
		base_buf_done(&b);
	}
	assert_true(count > 5000);
	base_buf_done(&out);
}

/* Values of every form in every place: what is read then has the form that the table says. */
static void
test_values(void **state)
{
	static const char *const values[] = {"<>", "7", "-1", "true", "x", "(b)", "(b 1)", "(i 1)", "(o 1)", "(i)", "()", "{}", "{VAR}", "(<>)", "(\"x\")", "\"x\"", "((<>))", "?",
	    "4 [ 1 0 0 0 0 0 0 0 ]", "{RANGETBLREF :rtindex 1}", "({RANGETBLREF :rtindex 1})", "", " ", "\\"};
	struct base_buf b = golden_line("functions"), out;
	struct base_span line;
	const uint8_t *p;

	(void)state;
	base_buf_init(&out, TREE_TEXT_MAX);
	base_buf_u8(&b, 0);
	line = base_span(base_buf_span(&b).p, base_buf_len(&b) - 1);
	for (p = line.p; (p = (const uint8_t *)strstr((const char *)p, " :")) != NULL; p++) {
		const uint8_t *value = (const uint8_t *)strchr((const char *)p + 2, ' ') + 1;

		for (size_t i = 0; i < BASE_COUNT(values); i++) {
			struct tree *t = NULL;

			base_buf_clear(&out);
			put_span(&out, line.p, value);
			base_buf_str(&out, values[i]);
			put_span(&out, value_end(value), line.p + line.n);
			if (read_cut(base_buf_span(&out), &t, NULL) == 0)
				assert_true(tree_equal(tree_queries(t).item[0], tree_queries(t).item[0]));
			if (i >= 21)
				assert_null(t); /* nothing, a space, a lone backslash */
			tree_free(&t);
		}
	}
	base_buf_done(&out);
	base_buf_done(&b);
}

#define A10 "aaaaaaaaaa"
#define A70 A10 A10 A10 A10 A10 A10 A10

static void
test_lines(void **state)
{
	static const struct { const char *text, *line; } rows[] = { /* line NULL: refused */
		{"", NULL}, {"\n", NULL}, {"\n\n", NULL}, {"x\n\n", NULL}, {"\nx\n", NULL},
		{"x", "x"}, {"x\n", "x"}, {" x\n", " x"},
		{A70 "12345678\n", A70 "12345678"},
		{A70 "123456789\n", NULL},                                     /* 79 bytes */
		{A70 "12345678\nx\n", NULL},                                   /* hard break or swallowed space? */
		{" " A70 "1234567\nx\n", NULL},                                /* a space at index 0 does not count */
		{"x " A70 "123456\nx\n", "x " A70 "123456 x"},                 /* there was a space at 78 */
		{"x " A70 "12345\nx\n", "x " A70 "12345 x"},                   /* the space was the 78th byte */
		{"x " A70 "1234\nx\n", NULL},                                  /* 78 in all: had room */
		{"x y\n" A70 "12345678\n", "x y " A70 "12345678"},
		{"x y\n" A70 "123\n", NULL},                                   /* 77 in all: had room */
		{"x y\n" A70 "1234\n", NULL},                                  /* 78: had room */
		{"x y\n" A70 "12345\n", "x y " A70 "12345"},                   /* 79: had not */
		{"x y\n" A70 " 12345\n", NULL},                                /* would have been broken later */
		{"x y\n" A70 "1234 5\n", NULL},                                /* a space at 78 */
		{"x y\n" A70 "12345 \n", "x y " A70 "12345 "},
		{"x y\n" A70 "12\n" A70 A10 "\n", NULL},                       /* the second line feed would have been taken */
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct base_buf out;
		int rc;

		base_buf_init(&out, 1000);
		rc = tree_unwrap(base_span_str(rows[i].text), &out, NULL);
		if (rc != (rows[i].line ? 0 : GH_E_PARSE) || (rc == 0 && !base_span_is(base_buf_span(&out), rows[i].line)))
			fail_msg("row %zu: %d", i, rc);
		base_buf_done(&out);
	}
}

/* The proof at the head of tree_read.c, tried: any text with line feeds behind backslashes, cut as the server does; what is accepted differs from it in line feeds
 * that became spaces, and in nothing else. */
static void
test_lines_at_random(void **state)
{
	uint64_t seed = 88172645463325252u;
	unsigned ok = 0, refused = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		static const char *const alphabets[] = {"xL ", "xxxxL", "xxxxxxxx L", "xxxxxxxxxxxxxxxL     ", "LLLLLLLx ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "};
		const char *alphabet = alphabets[i % BASE_COUNT(alphabets)];
		uint8_t text[400];
		size_t n = 0, size = 60 + i % 300;
		struct base_buf b, line;

		while (n < size) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			text[n] = (uint8_t)alphabet[seed % strlen(alphabet)];
			if (text[n] == 'L') {
				text[n++] = '\\';
				text[n] = '\n';
			}
			n++;
		}
		base_buf_init(&b, 1000);
		base_buf_init(&line, 1000);
		cut(base_span(text, n), &b);
		if (tree_unwrap(base_buf_span(&b), &line, NULL) == 0) {
			assert_int_equal(base_buf_len(&line), n);
			for (size_t k = 0; k < n; k++)
				assert_true(base_buf_span(&line).p[k] == text[k] || (text[k] == '\n' && base_buf_span(&line).p[k] == ' '));
			ok++;
		} else {
			refused++;
		}
		base_buf_done(&b);
		base_buf_done(&line);
	}
	assert_true(ok > 10000 && refused > 10000);
}

static void
test_names(void **state)
{
	static const struct { const char *printed, *name; } rows[] = { /* name NULL: refused; "" here: none */
		{"x", "x"}, {"<>", ""}, {":expr", ":expr"}, {":", ":"}, {"Total\\ Amount", "Total Amount"}, {"\\ ", " "}, {"\\\t", "\t"}, {"\t", NULL},
		{"\\<>", "<>"}, {"<x", NULL}, {"<", NULL}, {"\\<", "<"}, {"x<", "x<"}, {"x\\<", NULL}, {"\\5", "5"}, {"5", NULL}, {"x5", "x5"}, {"x\\5", NULL},
		{"\\-1", "-1"}, {"-1", NULL}, {"-x", "-x"}, {"\\-x", NULL}, {"-", "-"}, {"\\-.", "-."}, {"+.", NULL}, {"\\+0", "+0"}, {"a\\b", NULL}, {"a\\\\b", "a\\b"},
		{"\\", NULL}, {"a\\", NULL}, {"\\\\", "\\"}, {"\\(\\)\\{\\}", "(){}"}, {"(", NULL}, {"a)", NULL}, {"a{", NULL}, {"}", NULL}, {"\\\"a", "\"a"}, {"\"a", NULL},
		{"a\"", "a\""}, {"a b", NULL}, {"", NULL}, {" ", NULL}, {"\xc3\xa9\xe5\xbc\xa0", "\xc3\xa9\xe5\xbc\xa0"}, {"x :resname y", NULL},
		{"x :ressortgroupref 0", NULL}, {"\\{VAR\\ :varno\\ 1\\}", "{VAR :varno 1}"}, {"{VAR :varno 1}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct tree *t = NULL;
		int rc = read_shape((struct shape){.resname = rows[i].printed}, &t, NULL);
		struct base_span name;

		if (rc != (rows[i].name ? 0 : GH_E_PARSE))
			fail_msg("%s: %d", rows[i].printed, rc);
		if (rc < 0)
			continue;
		name = tree_text(target(t), TREE_F_RESNAME);
		if (rows[i].name[0] == 0)
			assert_null(name.p);
		else if (!base_span_is(name, rows[i].name))
			fail_msg("%s: another name", rows[i].printed);
		tree_free(&t);
	}
}

static void
test_strings(void **state)
{
	static const struct { const char *list, *first; } rows[] = {
		{"(\"x\")", "x"}, {"(\"\")", ""}, {"(\"\" \"x\")", ""}, {"(\"x\" <>)", "x"}, {"(\"a\\ b\")", "a b"}, {"(\"\\\"\")", "\""}, {"(\"a\"\")", "a\""}, {"(\"\\<>\")", "<>"},
		{"(\"\\5\")", "5"}, {"(\"5\")", NULL}, {"(\"<>\")", NULL}, {"(\"\\\")", NULL}, {"(\"x)", NULL}, {"(\"x", NULL}, {"(x)", NULL}, {"()", NULL}, {"(\"a b\")", NULL},
		{"(\"\"\")", NULL}, {"(\"a\"b)", NULL}, {"(\"a\\\")", NULL}, {"(\"x\"  \"y\")", NULL}, {"(\"x\" )", NULL}, {"( \"x\")", NULL}, {"(\"x\"", NULL}, {"({RANGETBLREF :rtindex 1})", NULL},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct tree *t = NULL;
		char expr[200];
		int rc;

		(void)snprintf(expr, sizeof(expr), "{ROWEXPR :args <> :row_typeid 2249 :row_format 0 :colnames %s :location 7}", rows[i].list);
		rc = read_shape((struct shape){.expr = expr}, &t, NULL);
		if (rc != (rows[i].first ? 0 : GH_E_PARSE))
			fail_msg("%s: %d", rows[i].list, rc);
		if (rc == 0)
			assert_true(base_span_is(tree_text(tree_list(tree_child(target(t), TREE_F_EXPR), TREE_F_COLNAMES).item[0], TREE_F_SVAL), rows[i].first));
		tree_free(&t);
	}
}

static void
test_numbers(void **state)
{
	static const struct { const char *printed; int64_t v; bool ok; } rows[] = {
		{"0", 0, true}, {"1", 1, true}, {"-1", -1, true}, {"4294967295", 4294967295, true}, {"4294967296", 0, false}, {"-2147483648", -2147483648LL, true},
		{"-2147483649", 0, false}, {"9999999999", 0, false}, {"10000000000", 0, false}, {"99999999999999999999", 0, false}, {"00", 0, false}, {"01", 0, false}, {"-0", 0, false},
		{"+1", 0, false}, {"", 0, false}, {"-", 0, false}, {"1x", 0, false}, {"0x1", 0, false}, {"1.0", 0, false}, {"true", 0, false}, {"<>", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct tree *t = NULL;
		int rc = read_shape((struct shape){.location = rows[i].printed}, &t, NULL);

		if (rc != (rows[i].ok ? 0 : GH_E_PARSE))
			fail_msg("%s: %d", rows[i].printed, rc);
		if (rc == 0)
			assert_int_equal(tree_number(tree_queries(t).item[0], TREE_F_STMT_LOCATION), rows[i].v);
		tree_free(&t);
	}
}

static void
test_constants(void **state)
{
	static const struct { const char *len, *byval, *isnull, *value; int n; } rows[] = { /* n: bytes; -1 null; -2 refused */
		{"4", "true", "false", "4 [ 1 0 0 0 0 0 0 0 ]", 8}, {"4", "true", "false", "4 [ 1 0 0 0 0 0 0 ]", -2}, {"4", "true", "false", "4 [ 1 0 0 0 0 0 0 0 0 ]", -2},
		{"4", "true", "false", "4 [ 1 0 0 0 ]", -2}, {"8", "true", "false", "4 [ 1 0 0 0 0 0 0 0 ]", -2}, {"-1", "false", "false", "5 [ 20 0 0 0 120 ]", 5},
		{"-1", "false", "false", "5 [ 20 0 0 0 -128 ]", 5}, {"-1", "false", "false", "5 [ 20 0 0 0 128 ]", -2}, {"-1", "false", "false", "5 [ 20 0 0 0 -129 ]", -2},
		{"-1", "false", "false", "5 [ 20 0 0 0 ]", -2}, {"-1", "false", "false", "5 [ 20 0 0 0 1 2 ]", -2}, {"-1", "false", "false", "0 [ ]", 0}, {"-1", "false", "false", "-1 [ ]", -2},
		{"-1", "false", "false", "4294967295 [ 1 ]", -2}, {"-1", "false", "false", "2 [1 2 ]", -2}, {"-1", "false", "false", "2 [ 1 2]", -2}, {"-1", "false", "false", "2 1 2 ]", -2},
		{"-1", "false", "false", "<>", -2}, {"-1", "false", "true", "<>", -1}, {"4", "true", "true", "4 [ 1 0 0 0 0 0 0 0 ]", -2}, {"-1", "false", "2", "<>", -2},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct tree *t = NULL;
		char expr[300];
		struct base_span s;
		int rc;

		(void)snprintf(expr, sizeof(expr), "{CONST :consttype 23 :consttypmod -1 :constcollid 0 :constlen %s :constbyval %s :constisnull %s :location 7 :constvalue %s}", rows[i].len,
		    rows[i].byval, rows[i].isnull, rows[i].value);
		rc = read_shape((struct shape){.expr = expr}, &t, NULL);
		if (rc != (rows[i].n == -2 ? GH_E_PARSE : 0))
			fail_msg("row %zu: %d", i, rc);
		if (rc == 0) {
			s = tree_text(tree_child(target(t), TREE_F_EXPR), TREE_F_CONSTVALUE);
			assert_true(rows[i].n == -1 ? s.p == NULL : s.p != NULL && s.n == (size_t)rows[i].n);
		}
		tree_free(&t);
	}
}

/* Utility statements: seen, not looked into. */
static void
test_utility(void **state)
{
	static const struct { const char *value; bool ok; } rows[] = {
		{"<>", true}, {"?", true}, {"{NOTIFYSTMT :conditionname x :payload <>}", true}, {"{A :x {B :y \\}} :z (\"\\{\")}", true}, {"{A :x {B}", false}, {"{A}}", false}, {"{A", false},
		{"??", false}, {"{A\\", false}, {"x", false}, {"()", false},
	};
	struct base_buf b = query_line((struct shape){0}), out;

	(void)state;
	base_buf_u8(&b, 0);
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		const uint8_t *p = (const uint8_t *)strstr((const char *)base_buf_span(&b).p, ":utilityStmt <>") + 13;
		struct tree *t = NULL;
		int rc;

		base_buf_init(&out, 10000);
		put_span(&out, base_buf_span(&b).p, p);
		base_buf_str(&out, rows[i].value);
		base_buf_str(&out, (const char *)p + 2);
		rc = read_cut(base_buf_span(&out), &t, NULL);
		if (rc != (rows[i].ok ? 0 : GH_E_PARSE))
			fail_msg("%s: %d", rows[i].value, rc);
		if (rc == 0)
			assert_int_equal(tree_has(tree_queries(t).item[0], TREE_F_UTILITY_STMT), i > 0);
		tree_free(&t);
		base_buf_done(&out);
	}
	base_buf_done(&b);
}

/* An expression of `depth` negations, each a node and a list, in a query's targets (4 levels). */
static int
read_deep(unsigned depth)
{
	struct base_buf expr;
	struct tree *t = NULL;
	int rc;

	base_buf_init(&expr, 1u << 20);
	for (unsigned i = 0; i < depth; i++)
		base_buf_str(&expr, "{BOOLEXPR :boolop not :args (");
	base_buf_str(&expr, CONST_1);
	for (unsigned i = 0; i < depth; i++)
		base_buf_str(&expr, ") :location 7}");
	base_buf_u8(&expr, 0);
	rc = read_shape((struct shape){.expr = (const char *)base_buf_span(&expr).p}, &t, NULL);
	base_buf_done(&expr);
	tree_free(&t);
	return rc;
}

/* More queries, or none, by rules. */
static void
test_lists(void **state)
{
	struct base_buf b;
	struct tree *t = NULL;

	(void)state;
	base_buf_init(&b, 10000);
	base_buf_str(&b, "(");
	put_query(&b, (struct shape){0});
	base_buf_str(&b, " ");
	put_query(&b, (struct shape){0});
	base_buf_str(&b, ")");
	assert_int_equal(read_cut(base_buf_span(&b), &t, NULL), 0);
	assert_int_equal(tree_queries(t).n, 2);
	tree_free(&t);
	assert_int_equal(tree_read(base_span_str("<>\n"), 15, &t, NULL), 0);
	assert_int_equal(tree_queries(t).n, 0);
	tree_free(&t);
	assert_int_equal(tree_read(base_span_str("(<>)\n"), 15, &t, NULL), GH_E_PARSE);
	assert_int_equal(tree_read(base_span_str("({RANGETBLREF :rtindex 1})\n"), 15, &t, NULL), GH_E_PARSE);
	base_buf_done(&b);
}

static void
test_limits(void **state)
{
	struct base_buf b;
	struct tree *t = NULL;
	struct base_fail fail;
	uint8_t *big = calloc(1, TREE_TEXT_MAX + 1);

	(void)state;
	assert_int_equal(read_deep((TREE_DEPTH_MAX - 5) / 2), 0);
	assert_int_equal(read_deep((TREE_DEPTH_MAX - 5) / 2 + 1), GH_E_LIMIT);
	assert_int_equal(read_deep(10000), GH_E_LIMIT);
	assert_int_equal(tree_read(base_span(big, TREE_TEXT_MAX + 1), 15, &t, &fail), GH_E_LIMIT);
	assert_int_equal(tree_read(base_span(big, TREE_TEXT_MAX), 15, &t, &fail), GH_E_PARSE);
	free(big);
	assert_true(tree_supported(15));
	assert_false(tree_supported(14) || tree_supported(16) || tree_supported(0));
	assert_int_equal(tree_read(base_span_str("(x)"), 16, &t, &fail), GH_E_UNSUPPORTED);

	base_buf_init(&b, TREE_TEXT_MAX); /* more nodes than allowed: strings of one byte */
	base_buf_str(&b, "{ROWEXPR :args <> :row_typeid 2249 :row_format 0 :colnames (\"x\"");
	for (unsigned i = 0; i < TREE_NODES_MAX; i++)
		base_buf_str(&b, " \"x\"");
	base_buf_str(&b, ") :location 7}");
	base_buf_u8(&b, 0);
	assert_int_equal(read_shape((struct shape){.expr = (const char *)base_buf_span(&b).p}, &t, &fail), GH_E_LIMIT);
	base_buf_done(&b);
}

/* A name as outToken prints it. */
static void
print_name(struct base_buf *b, const char *name)
{
	if (strchr("<\"0123456789", *name) || ((*name == '+' || *name == '-') && strchr("0123456789.", name[1]) && name[1] != 0))
		base_buf_u8(b, '\\');
	for (; *name != 0; name++) {
		if (strchr(" \n\t(){}\\", *name))
			base_buf_u8(b, '\\');
		base_buf_u8(b, (uint8_t)*name);
	}
}

/* Reads the query with the printed name as alias (or as the name of a WITH query), moved along the line by the digits of a number before it. Returns whether it was read;
 * then it must be the same name but for line feeds that became spaces, and everything else must be as it is without it. */
static bool
try_name(const char *name, unsigned pad, bool with)
{
	struct base_buf printed, cte;
	char expr[400], digits[] = "1000000000";
	struct tree *t = NULL;
	struct shape s;
	int rc;

	digits[pad % 10 + 1] = 0;
	base_buf_init(&printed, 1000);
	base_buf_init(&cte, 10000);
	print_name(&printed, name);
	base_buf_u8(&printed, 0);
	/* The bytes of the constant move the name by more than the digits can. */
	(void)snprintf(expr, sizeof(expr), "{CONST :consttype 25 :consttypmod -1 :constcollid %s :constlen -1 :constbyval false :constisnull false :location 7 :constvalue %u [ ", digits, pad / 10);
	for (unsigned i = 0; i < pad / 10; i++)
		(void)snprintf(expr + strlen(expr), sizeof(expr) - strlen(expr), "65 ");
	(void)snprintf(expr + strlen(expr), sizeof(expr) - strlen(expr), "]}");
	s = (struct shape){.expr = expr, .resname = (const char *)base_buf_span(&printed).p};
	if (with) {
		base_buf_fmt(&cte, "({COMMONTABLEEXPR :ctename %s :aliascolnames <> :ctematerialized %s :ctequery ", s.resname, digits);
		put_query(&cte, (struct shape){.expr = expr});
		base_buf_str(&cte, " :search_clause <> :cycle_clause <> :location 5 :cterecursive false :cterefcount 1 :ctecolnames (\"x\") :ctecoltypes (o 23) :ctecoltypmods (i -1) "
		    ":ctecolcollations (o 0)})");
		base_buf_u8(&cte, 0);
		s.with = (const char *)base_buf_span(&cte).p;
		s.resname = NULL;
	}
	rc = read_shape(s, &t, NULL);
	if (rc == 0) {
		struct base_span got = with ? tree_text(tree_list(tree_queries(t).item[0], TREE_F_CTE_LIST).item[0], TREE_F_CTENAME) : tree_text(target(t), TREE_F_RESNAME);

		assert_int_equal(got.n, strlen(name));
		for (size_t i = 0; i < got.n; i++)
			assert_true(got.p[i] == (uint8_t)name[i] || (!with && name[i] == '\n' && got.p[i] == ' '));
		assert_int_equal(tree_child(target(t), TREE_F_EXPR)->kind, TREE_CONST);
		assert_int_equal(tree_text(tree_child(target(t), TREE_F_EXPR), TREE_F_CONSTVALUE).n, pad / 10);
	}
	tree_free(&t);
	base_buf_done(&printed);
	base_buf_done(&cte);
	return rc == 0;
}

static void
test_hostile_names(void **state)
{
	static const char *const parts[] = {"(", "\n", " ", "\\", "x", ":expr", "a\n", "(\n", "\n\n(", "a b", "\\\n", "{VAR :varno 1}", ")\n "};
	char name[64];
	unsigned ok = 0, refused = 0;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(parts); i++)
		for (size_t n = strlen(parts[i]); n < sizeof(name); n += strlen(parts[i]) + (n > 30))
			for (unsigned pad = 0; pad < 100; pad += i < 9 ? 1 : 7)
				for (int with = 0; with < 2; with++) {
					for (size_t k = 0; k < n; k++)
						name[k] = parts[i][k % strlen(parts[i])];
					name[n] = 0;
					if (try_name(name, pad, with))
						ok++;
					else
						refused++;
				}
	assert_true(ok > 1000 && refused > 1000);
	assert_true(try_name(":expr", 0, false));
	assert_true(try_name("Total Amount", 0, false));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_at_random),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_utility),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hostile_names),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
