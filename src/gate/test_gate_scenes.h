/* test_gate_scenes: the scenes that every test of a whole session plays: what clients and servers say to one another, what of it must be
 * held, and what the entries must say. In the shop of test_gate_shop.h.
 */
#ifndef TEST_GATE_SCENES_H
#define TEST_GATE_SCENES_H

#include "test_gate_scene.h"

static inline void
whose(struct scene *c, size_t entries, uint64_t rows, const char *a, const char *b)
{
	c->entries = entries;
	c->rows = rows;
	c->whose[0] = a;
	c->whose[1] = b;
}

/* The answer to a simple SELECT id, phone of two customers. */
static inline void
two_rows(struct scene *c)
{
	describe_id_phone(c);
	held_from_here(c);
	row2(c, "17", "138 0013 8000");
	row2(c, "18", NULL);
	done(c, "SELECT 2");
}

static inline void
simple_query(struct scene *c)
{
	client_says(c);
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	two_rows(c);
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

static inline void
query_of_nobodys_rows(struct scene *c)
{
	client_says(c);
	query(c, "SELECT id, 'x' FROM other");
	server_says(c);
	described(c, plain, 2);
	row2(c, "1", "x");
	done(c, "SELECT 1");
	ready(c, 'I');
}

static inline void
several_statements(struct scene *c)
{
	client_says(c);
	query(c, "SELECT id, 'x' FROM other; SELECT id, phone FROM customers; UPDATE customers SET note = 'x' WHERE id = 19; ; SELECT 1");
	server_says(c);
	described(c, plain, 2);
	row2(c, "1", "x");
	done(c, "SELECT 1");
	two_rows(c);
	done(c, "UPDATE 1");
	described(c, plain + 1, 1);
	data_row(c, (const char *const[]){"1"}, 1);
	done(c, "SELECT 1");
	ready(c, 'I');
	whose(c, 2, 3, "17", "18");
	c->whose[2] = "19";
}

static inline void
extended_described(struct scene *c)
{
	client_says(c);
	parse(c, "", "SELECT id, phone FROM customers");
	bind_portal(c, "", "", NULL, 0);
	target(c, 'D', 'P', "");
	execute(c, "", 0);
	sync_up(c);
	server_says(c);
	simple(c, '1');
	simple(c, '2');
	two_rows(c);
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

static inline void
extended_not_described(struct scene *c)
{
	client_says(c);
	parse(c, "", "SELECT id, phone FROM customers");
	bind_portal(c, "p", "", NULL, 0);
	gate_adds(c);
	target(c, 'D', 'P', "p");
	as_it_is(c);
	execute(c, "p", 0);
	sync_up(c);
	server_says(c);
	simple(c, '1');
	simple(c, '2');
	gate_takes(c);
	describe_id_phone(c);
	as_it_is(c);
	held_from_here(c);
	row2(c, "17", "13800138000");
	done(c, "SELECT 1");
	ready(c, 'I');
	whose(c, 1, 1, "17", NULL);
}

/* The statement was described when it was prepared; it returns binary. The second execution needs no Describe either. */
static inline void
prepared_and_binary(struct scene *c)
{
	static const char seventeen[] = "\0\0\0\0\0\0\0\21";

	client_says(c);
	parse(c, "s", "SELECT id FROM customers WHERE id = $1");
	target(c, 'D', 'S', "s");
	sync_up(c);
	server_says(c);
	simple(c, '1');
	msg(c, 't');
	base_buf_u16(&c->m, 1);
	base_buf_u32(&c->m, SHOP_INT8);
	end(c);
	described(c, id_phone, 1);
	ready(c, 'I');
	for (int i = 0; i < 2; i++) {
		client_says(c);
		bind_portal(c, "", "s", "17", 1);
		execute(c, "", 0);
		sync_up(c);
		server_says(c);
		simple(c, '2');
		held_from_here(c);
		msg(c, 'D');
		base_buf_u16(&c->m, 1);
		base_buf_u32(&c->m, 8);
		base_buf_put(&c->m, base_span(seventeen, 8));
		end(c);
		done(c, "SELECT 1");
		ready(c, 'I');
	}
	whose(c, 2, 2, "17", NULL);
}

static inline void
portal_in_parts(struct scene *c)
{
	client_says(c);
	query(c, "BEGIN");
	server_says(c);
	done(c, "BEGIN");
	ready(c, 'T');
	client_says(c);
	parse(c, "", "SELECT id, phone FROM customers");
	bind_portal(c, "p", "", NULL, 0);
	target(c, 'D', 'P', "p");
	execute(c, "p", 1);
	sync_up(c);
	server_says(c);
	simple(c, '1');
	simple(c, '2');
	describe_id_phone(c);
	held_from_here(c);
	row2(c, "17", NULL);
	simple(c, 's');
	ready(c, 'T');
	client_says(c);
	execute(c, "p", 1);
	simple(c, 'H');
	server_says(c);
	held_from_here(c);
	row2(c, "18", NULL);
	simple(c, 's');
	client_says(c);
	target(c, 'C', 'P', "p");
	sync_up(c);
	server_says(c);
	simple(c, '3');
	ready(c, 'T');
	whose(c, 2, 2, "17", "18");
}

/* The second of three requests fails: the server skips to Sync, whatever was on the way; then all is well again. */
static inline void
pipeline_with_an_error(struct scene *c)
{
	client_says(c);
	parse(c, "a", "SELECT id, phone FROM customers");
	parse(c, "b", "SELECT nonsense FROM other");
	bind_portal(c, "", "a", NULL, 0);
	target(c, 'D', 'P', "");
	execute(c, "", 0);
	target(c, 'C', 'S', "a");
	sync_up(c);
	bind_portal(c, "", "a", NULL, 0);
	target(c, 'D', 'P', "");
	execute(c, "", 0);
	sync_up(c);
	server_says(c);
	simple(c, '1');
	failed(c, "42703");
	ready(c, 'I');
	simple(c, '2');
	two_rows(c);
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

/* The error comes before the client has sent the rest: that is skipped too. */
static inline void
error_before_the_rest(struct scene *c)
{
	client_says(c);
	parse(c, "", "SELECT nonsense FROM other");
	simple(c, 'H');
	server_says(c);
	failed(c, "42703");
	client_says(c);
	bind_portal(c, "", "", NULL, 0);
	execute(c, "", 0);
	sync_up(c);
	server_says(c);
	ready(c, 'I');
	client_says(c);
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	two_rows(c);
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

static inline void
error_about_somebody(struct scene *c)
{
	client_says(c);
	query(c, "INSERT INTO customers (id) VALUES (17)");
	server_says(c);
	held_from_here(c);
	failed(c, "23505");
	ready(c, 'I');
	whose(c, 1, 0, "17", NULL); /* asked for */
}

static inline void
error_behind_rows(struct scene *c)
{
	client_says(c);
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	describe_id_phone(c);
	held_from_here(c);
	row2(c, "17", NULL);
	failed(c, "57014");
	ready(c, 'I');
	whose(c, 1, 1, "17", NULL);
}

static inline void
copy_out(struct scene *c)
{
	client_says(c);
	query(c, "COPY customers (id, note) TO STDOUT");
	server_says(c);
	copy_response(c, 'H', 2);
	held_from_here(c);
	copy_data(c, "17\tx\\\ty\n", 8);
	copy_data(c, "18\t\\N\n", 6);
	simple(c, 'c');
	done(c, "COPY 2");
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

/* No field of the row can be told apart: it is recorded as it is, unknown. */
static inline void
copy_of_a_query(struct scene *c)
{
	client_says(c);
	query(c, "COPY (SELECT id, phone FROM customers) TO STDOUT");
	server_says(c);
	copy_response(c, 'H', 2);
	held_from_here(c);
	copy_data(c, "17\t1\n", 5);
	simple(c, 'c');
	done(c, "COPY 1");
	ready(c, 'I');
	whose(c, 1, 1, NULL, NULL);
	c->unknown = true;
}

static inline void
copy_in(struct scene *c)
{
	client_says(c);
	query(c, "COPY customers FROM STDIN");
	server_says(c);
	copy_response(c, 'G', 2);
	client_says(c);
	copy_data(c, "17\t1\n", 5);
	copy_data(c, "18\t1\n", 5);
	simple(c, 'c');
	server_says(c);
	held_from_here(c);
	done(c, "COPY 2");
	ready(c, 'I');
	whose(c, 1, 2, NULL, NULL);
	c->unknown = true;
}

/* The COPY fails at once; its data and its end arrive afterwards and mean nothing, and so does a Sync in it. */
static inline void
copy_in_that_fails(struct scene *c)
{
	client_says(c);
	query(c, "COPY other FROM STDIN");
	copy_data(c, "x\n", 2);
	simple(c, 'c');
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	failed(c, "42501");
	ready(c, 'I');
	two_rows(c);
	ready(c, 'I');
	client_says(c);
	copy_data(c, "late\n", 5);
	msg(c, 'f');
	base_buf_cstr(&c->m, "no more");
	end(c);
	query(c, "SELECT id, 'x' FROM other");
	server_says(c);
	described(c, plain, 2);
	done(c, "SELECT 0");
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

static inline void
copy_in_by_extended_query(struct scene *c)
{
	client_says(c);
	parse(c, "", "COPY other FROM STDIN");
	bind_portal(c, "", "", NULL, 0);
	target(c, 'D', 'P', "");
	execute(c, "", 0);
	sync_up(c); /* the server is in COPY when it reads this, and ignores it */
	server_says(c);
	simple(c, '1');
	simple(c, '2');
	simple(c, 'n');
	copy_response(c, 'G', 1);
	client_says(c);
	copy_data(c, "1\n", 2);
	simple(c, 'c');
	sync_up(c);
	server_says(c);
	done(c, "COPY 1");
	ready(c, 'I');
	client_says(c);
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	two_rows(c);
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

/* COPY to a view: the server says that it will read, then fails before it does. So it reads the Sync of the pipeline as a Sync, and the
 * one that ends the data as a second one. */
static inline void
copy_in_that_fails_before_it_reads(struct scene *c)
{
	client_says(c);
	parse(c, "", "COPY other FROM STDIN");
	bind_portal(c, "", "", NULL, 0);
	target(c, 'D', 'P', "");
	execute(c, "", 0);
	sync_up(c);
	server_says(c);
	simple(c, '1');
	simple(c, '2');
	simple(c, 'n');
	copy_response(c, 'G', 1);
	failed(c, "42809");
	ready(c, 'I');
	client_says(c);
	copy_data(c, "1\n", 2);
	simple(c, 'c');
	sync_up(c);
	server_says(c);
	ready(c, 'I');
	client_says(c);
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	two_rows(c);
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

/* The names that two statements bear one after the other: what counts is what the server has confirmed. */
static inline void
one_name_for_two_statements(struct scene *c)
{
	client_says(c);
	parse(c, "s", "SELECT id, 'x' FROM other");
	target(c, 'D', 'S', "s");
	target(c, 'C', 'S', "s");
	parse(c, "s", "SELECT id, phone FROM customers");
	bind_portal(c, "", "s", NULL, 0);
	gate_adds(c);
	target(c, 'D', 'P', "");
	as_it_is(c);
	execute(c, "", 0);
	sync_up(c);
	server_says(c);
	simple(c, '1');
	msg(c, 't');
	base_buf_u16(&c->m, 0);
	end(c);
	described(c, plain, 2);
	simple(c, '3');
	simple(c, '1');
	simple(c, '2');
	gate_takes(c);
	describe_id_phone(c);
	as_it_is(c);
	held_from_here(c);
	row2(c, "17", NULL);
	done(c, "SELECT 1");
	ready(c, 'I');
	whose(c, 1, 1, "17", NULL);
}

static inline void
prepare_by_sql(struct scene *c)
{
	client_says(c);
	query(c, "PREPARE s AS SELECT upper(name) FROM customers WHERE id = $1");
	server_says(c);
	done(c, "PREPARE");
	ready(c, 'I');
	client_says(c);
	query(c, "EXECUTE s (17)");
	server_says(c);
	described(c, plain + 1, 1);
	held_from_here(c);
	data_row(c, (const char *const[]){"ANN"}, 1);
	done(c, "SELECT 1");
	ready(c, 'I');
	whose(c, 1, 1, "17", NULL);
}

static inline void
cursor_by_sql(struct scene *c)
{
	client_says(c);
	query(c, "BEGIN; DECLARE c CURSOR FOR SELECT upper(name) FROM customers WHERE id = 17");
	server_says(c);
	done(c, "BEGIN");
	done(c, "DECLARE CURSOR");
	ready(c, 'T');
	client_says(c);
	query(c, "FETCH ALL FROM c");
	server_says(c);
	described(c, plain + 1, 1);
	held_from_here(c);
	data_row(c, (const char *const[]){"ANN"}, 1);
	done(c, "FETCH 1");
	ready(c, 'T');
	whose(c, 1, 1, "17", NULL);
}

/* Names that only code on the server knows: whose rows these are cannot be told, and is not guessed. */
static inline void
names_of_somebody_elses(struct scene *c)
{
	client_says(c);
	query(c, "FETCH ALL FROM hidden");
	server_says(c);
	described(c, plain + 1, 1);
	held_from_here(c);
	data_row(c, (const char *const[]){"ANN"}, 1);
	done(c, "FETCH 1");
	ready(c, 'T');
	client_says(c);
	query(c, "EXECUTE hidden");
	server_says(c);
	described(c, plain + 1, 1);
	held_from_here(c);
	data_row(c, (const char *const[]){"ANN"}, 1);
	done(c, "SELECT 1");
	ready(c, 'T');
	whose(c, 2, 2, NULL, NULL);
	c->unknown = true;
}

/* Longer than 63 bytes, names are one to the server when they begin alike: the second closes the first, the third replaces it. */
static inline void
long_names(struct scene *c)
{
	static const char a[] = "name_that_is_longer_than_the_server_looks_at_which_is_63_bytes_A";
	static const char b[] = "name_that_is_longer_than_the_server_looks_at_which_is_63_bytes_B";
	static const char d[] = "name_that_is_longer_than_the_server_looks_at_which_is_63_bytes_C";

	client_says(c);
	parse(c, a, "SELECT name FROM other");
	target(c, 'D', 'S', a);
	target(c, 'C', 'S', b);
	parse(c, d, "SELECT upper(name) FROM customers");
	bind_portal(c, "", a, NULL, 0);
	target(c, 'D', 'P', "");
	execute(c, "", 0);
	sync_up(c);
	server_says(c);
	simple(c, '1');
	msg(c, 't');
	base_buf_u16(&c->m, 0);
	end(c);
	described(c, plain + 1, 1);
	simple(c, '3');
	simple(c, '1');
	simple(c, '2');
	described(c, plain + 1, 1);
	held_from_here(c);
	data_row(c, (const char *const[]){"ANN"}, 1);
	done(c, "SELECT 1");
	ready(c, 'I');
	whose(c, 1, 1, NULL, NULL);
	c->unknown = true;
}

static inline void
function_call(struct scene *c)
{
	client_says(c);
	msg(c, 'F');
	base_buf_u32(&c->m, 30000); /* somebody's function */
	base_buf_u16(&c->m, 0);
	base_buf_u16(&c->m, 0);
	base_buf_u16(&c->m, 0);
	end(c);
	server_says(c);
	held_from_here(c);
	msg(c, 'V');
	base_buf_u32(&c->m, 3);
	base_buf_str(&c->m, "ANN");
	end(c);
	ready(c, 'I');
	c->entries = 1;
	c->unknown = true;
}

static inline void
words_in_between(struct scene *c)
{
	client_says(c);
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	describe_id_phone(c);
	held_from_here(c);
	row2(c, "17", NULL);
	msg(c, 'N');
	base_buf_cstr(&c->m, "SNOTICE");
	base_buf_cstr(&c->m, "C00000");
	base_buf_cstr(&c->m, "Mcustomer 17 is Ann");
	base_buf_u8(&c->m, 0);
	end(c);
	msg(c, 'S');
	base_buf_cstr(&c->m, "application_name");
	base_buf_cstr(&c->m, "psql");
	end(c);
	msg(c, 'A');
	base_buf_u32(&c->m, 4711);
	base_buf_cstr(&c->m, "channel");
	base_buf_cstr(&c->m, "payload");
	end(c);
	row2(c, "18", NULL);
	done(c, "SELECT 2");
	ready(c, 'I');
	whose(c, 1, 2, "17", "18");
}

/* More subject columns than are marked: the rest must not go unsaid. */
static inline void
many_subject_columns(struct scene *c)
{
	struct origin all[GATE_SUBJECT_COLUMNS + 1];
	const char *values[GATE_SUBJECT_COLUMNS + 1];

	for (size_t i = 0; i < BASE_COUNT(all); i++) {
		all[i] = id_phone[0];
		values[i] = i < GATE_SUBJECT_COLUMNS ? "17" : "18";
	}
	client_says(c);
	query(c, "SELECT a.id, b.id FROM customers a, customers b");
	server_says(c);
	described(c, all, BASE_COUNT(all));
	held_from_here(c);
	data_row(c, values, BASE_COUNT(all));
	done(c, "SELECT 1");
	ready(c, 'I');
	whose(c, 1, 1, "17", NULL);
	c->unknown = true;
}

/* A row that is larger than hold_size, between two small ones. */
static inline void
giant_row(struct scene *c)
{
	char *note = base_mem_new(1, 200001);

	memset(note, 'n', 200000);
	client_says(c);
	query(c, "SELECT note, id FROM customers");
	server_says(c);
	described(c, (const struct origin[]){{SHOP_CUSTOMERS, 5, SHOP_TEXT, 0}, id_phone[0]}, 2);
	held_from_here(c);
	row2(c, "small", "17");
	row2(c, note, "18");
	row2(c, "small", "19");
	done(c, "SELECT 3");
	ready(c, 'I');
	whose(c, 3, 3, "17", "18");
	c->whose[2] = "19";
	c->unknown = true; /* of the row's beginning */
	c->big = true;
	free(note);
}

static inline void
much_more_than_the_buffer(struct scene *c)
{
	char name[2000];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	client_says(c);
	query(c, "SELECT id, name FROM customers");
	server_says(c);
	described(c, (const struct origin[]){id_phone[0], {SHOP_CUSTOMERS, 4, SHOP_TEXT, 0}}, 2);
	held_from_here(c);
	for (int i = 0; i < 300; i++)
		row2(c, i % 2 ? "17" : "18", name);
	done(c, "SELECT 300");
	ready(c, 'I');
	whose(c, 2, 300, "18", "17");
	c->big = true;
}

/* Requests longer than every buffer; what follows them is understood. */
static inline void
giant_requests(struct scene *c)
{
	char *text = base_mem_new(1, 400001);

	memset(text, ' ', 400000);
	memcpy(text, "SELECT 'x'", 10);
	client_says(c);
	query(c, text);
	parse(c, "giant", text);
	target(c, 'D', 'S', "giant");
	bind_portal(c, "p", "giant", text, 0);
	execute(c, "p", 0);
	sync_up(c);
	query(c, "SELECT id, phone FROM customers");
	server_says(c);
	described(c, plain + 1, 1);
	held_from_here(c); /* a text that was not looked at: unknown */
	data_row(c, (const char *const[]){"x"}, 1);
	done(c, "SELECT 1");
	ready(c, 'I');
	simple(c, '1');
	msg(c, 't');
	base_buf_u16(&c->m, 0);
	end(c);
	described(c, plain + 1, 1);
	simple(c, '2');
	data_row(c, (const char *const[]){"x"}, 1);
	done(c, "SELECT 1");
	ready(c, 'I');
	two_rows(c);
	ready(c, 'I');
	whose(c, 3, 4, "17", "18");
	c->unknown = true;
	c->big = true;
	free(text);
}

static const struct { const char *name; void (*make)(struct scene *); } scenes[] = {
#define SCENE(name) {#name, name}
	SCENE(simple_query), SCENE(query_of_nobodys_rows), SCENE(several_statements), SCENE(extended_described), SCENE(extended_not_described),
	SCENE(prepared_and_binary), SCENE(portal_in_parts), SCENE(pipeline_with_an_error), SCENE(error_before_the_rest),
	SCENE(error_about_somebody), SCENE(error_behind_rows), SCENE(copy_out), SCENE(copy_of_a_query), SCENE(copy_in), SCENE(copy_in_that_fails),
	SCENE(copy_in_by_extended_query), SCENE(copy_in_that_fails_before_it_reads), SCENE(one_name_for_two_statements), SCENE(prepare_by_sql), SCENE(cursor_by_sql),
	SCENE(names_of_somebody_elses), SCENE(long_names), SCENE(function_call), SCENE(words_in_between), SCENE(many_subject_columns),
	SCENE(giant_row), SCENE(much_more_than_the_buffer), SCENE(giant_requests),
#undef SCENE
};

#endif
