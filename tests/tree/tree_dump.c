/* tree_dump: for tests/tree/run.py. Standard input: records of "<bytes>\n" and that many bytes, each a DETAIL with a query tree. For each, one line:
 * "ok <hash of the first query> <kinds seen, comma between>" or "refused <why>". A tree that is read is also unwrapped and broken into lines again by the
 * server's rule, which must give the same bytes; else "differs". With --names, after
 * the kinds also the names of result columns, hex, and the hash of the first sub-query in FROM ("-": none).
 */
#include "test_tree_util.h"

#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"

static int
mark(const struct tree_node *n, enum tree_field f, void *ctx)
{
	(void)f; /* any */
	((bool *)ctx)[n->kind] = true;
	return tree_each(n, mark, ctx);
}

static void
print_hex(struct base_span s)
{
	for (size_t i = 0; i < s.n; i++)
		(void)printf("%02x", s.p[i]);
}

static void
print_hash(const struct tree_node *n)
{
	uint8_t hash[BASE_SHA256_SIZE];

	tree_hash(n, 0, hash);
	print_hex(base_span(hash, sizeof(hash)));
}

static void
print_names(const struct tree_node *query)
{
	struct tree_list l = tree_list(query, TREE_F_TARGET_LIST);

	for (size_t i = 0; i < l.n; i++) {
		struct base_span s = tree_text(l.item[i], TREE_F_RESNAME);

		(void)putchar(i == 0 ? ' ' : ',');
		print_hex(s);
	}
	if (l.n == 0)
		(void)printf(" -");
}

static void
print_subquery(const struct tree_node *query)
{
	struct tree_list l = tree_list(query, TREE_F_RTABLE);

	for (size_t i = 0; i < l.n; i++)
		if (tree_has(l.item[i], TREE_F_SUBQUERY)) {
			(void)putchar(' ');
			print_hash(tree_child(l.item[i], TREE_F_SUBQUERY));
			return;
		}
	(void)printf(" -");
}

static void
one(struct base_span text, bool names)
{
	struct base_buf line, again;
	struct base_fail fail;
	struct tree *t = NULL;
	bool seen[TREE_KIND_COUNT] = {false};

	base_buf_init(&line, TREE_TEXT_MAX);
	base_buf_init(&again, 2 * TREE_TEXT_MAX);
	if (tree_read(text, 15, &t, &fail) < 0 || tree_unwrap(text, &line, &fail) < 0) {
		(void)printf("refused %s\n", fail.text);
		goto out;
	}
	cut(base_buf_span(&line), &again);
	if (!base_span_eq(base_buf_span(&again), text)) {
		(void)printf("differs\n");
		goto out;
	}
	if (tree_queries(t).n == 0) {
		(void)printf("ok 0 QUERY - -\n"); /* the server made nothing of it */
		goto out;
	}
	(void)printf("ok ");
	print_hash(tree_queries(t).item[0]);
	for (size_t i = 0; i < tree_queries(t).n; i++)
		(void)mark(tree_queries(t).item[i], TREE_F_ITEMS, seen); /* always 0 */
	(void)putchar(' ');
	for (unsigned k = 1, first = 1; k < TREE_KIND_COUNT; k++)
		if (seen[k]) {
			(void)printf("%s%s", first ? "" : ",", tree_kind_name((enum tree_kind)k));
			first = 0;
		}
	if (names) {
		print_names(tree_queries(t).item[0]);
		print_subquery(tree_queries(t).item[0]);
	}
	(void)putchar('\n');
out:
	tree_free(&t);
	base_buf_done(&line);
	base_buf_done(&again);
}

int
main(int argc, char **argv)
{
	bool names = argc > 1 && strcmp(argv[1], "--names") == 0;
	char head[32];

	base_crypt_init();
	while (fgets(head, sizeof(head), stdin) != NULL) {
		uint64_t n;
		uint8_t *p;

		if (base_num_u64(base_span(head, strcspn(head, "\n")), 0, 2 * TREE_TEXT_MAX, &n) < 0 || (p = base_mem_try(n, 1)) == NULL)
			return 2;
		if (fread(p, 1, n, stdin) != n)
			return 2;
		one(base_span(p, n), names);
		free(p);
		if (fflush(stdout) != 0)
			return 2;
	}
	return 0;
}
