/* sql_command_value: constants and type names of a statement.
 *
 * Input: hostile. libpg_query's JSON writes zero and every negative integer as {"ival":{}} (the value is left out), so such a number is
 * read from the text's tokens at the constant's place: signs and brackets, then the digits. Types are known by name only here: those that
 * are listed, in pg_catalog. No I/O.
 */
#include "sql_command_int.h"

#include <pg_query/pg_query.pb-c.h>
#include <stdio.h>

#include "base_num.h"
#include "base_text.h"

#define KIND(name) PG_QUERY__TOKEN__##name

/* Zero or less: -5, - /+ * + / 5, -(5), 0. The grammar has folded the signs in; a plus is dropped there too. */
static bool
value_negative(const struct command_text *t, json_int_t at, int64_t *out_r)
{
	bool minus = false;
	uint64_t n;
	for (size_t i = 0; at >= 0 && i < t->ntokens; i++) {
		if (t->token[i].start < (uint64_t)at)
			continue;
		uint64_t kind = t->token[i].kind;
		if (kind == KIND(ICONST)) {
			if (base_num_u64(command_range(t, i, i + 1), 0, INT32_MAX, &n) != 0)
				return false;
			*out_r = minus ? -(int64_t)n : (int64_t)n;
			return true;
		}
		if (kind == KIND(ASCII_45))
			minus = !minus;
		else if (kind != KIND(ASCII_43) && kind != KIND(ASCII_40))
			return false;
	}
	return false;
}

static enum command_const
value_integer(struct command_build *b, json_t *constant, struct base_span *text_r)
{
	json_t *number = json_object_get(json_object_get(constant, "ival"), "ival");
	int64_t v = json_integer_value(number);
	char text[32];
	if (!number && !value_negative(&b->in, json_integer_value(json_object_get(constant, "location")), &v))
		return COMMAND_COMPLEX;
	if (!number && v > 0)
		return COMMAND_COMPLEX; /* the library would have written it */
	(void)snprintf(text, sizeof(text), "%lld", (long long)v);
	*text_r = command_copy(b, text);
	return COMMAND_VALUE;
}

/* Casts with a length may cut the value ('abc'::varchar(2)) and those to unknown types may do anything: not taken as the constant. */
static uint32_t value_type(json_t *type);

enum command_const
command_const(struct command_build *b, json_t *node, struct base_span *text_r)
{
	for (unsigned depth = 0; depth < COMMAND_DEPTH_MAX; depth++) {
		json_t *cast = json_object_get(node, "TypeCast");
		json_t *type = json_object_get(cast, "typeName");
		if (!cast)
			break;
		if (value_type(type) == 0 || json_object_get(type, "typmods"))
			return COMMAND_COMPLEX;
		node = json_object_get(cast, "arg");
	}
	json_t *constant = json_object_get(node, "A_Const");
	json_t *value;
	const char *text = NULL;
	*text_r = base_span("", 0);
	if (!constant)
		return COMMAND_COMPLEX;
	if (json_is_true(json_object_get(constant, "isnull")))
		return COMMAND_NULL;
	if (json_object_get(constant, "ival"))
		return value_integer(b, constant, text_r);
	if ((value = json_object_get(constant, "boolval")) != NULL)
		text = json_is_true(json_object_get(value, "boolval")) ? "t" : "f";
	else if ((value = json_object_get(constant, "fval")) != NULL)
		text = json_string_value(json_object_get(value, "fval"));
	else if ((value = json_object_get(constant, "sval")) != NULL)
		text = json_string_value(json_object_get(value, "sval"));
	if (!text)
		return COMMAND_COMPLEX; /* bit strings */
	*text_r = command_copy(b, text);
	return COMMAND_VALUE;
}

/* pg_type.dat. `int`, `character varying`, `timestamp with time zone` and the like have become these names in the grammar. */
static const struct {
	const char *name;
	uint32_t oid, array;
} value_types[] = {
	{"bool", 16, 1000},         {"bytea", 17, 1001},   {"char", 18, 1002},    {"name", 19, 1003},       {"int8", 20, 1016},
	{"int2", 21, 1005},         {"int4", 23, 1007},    {"text", 25, 1009},    {"oid", 26, 1028},        {"json", 114, 199},
	{"xml", 142, 143},          {"cidr", 650, 651},    {"float4", 700, 1021}, {"float8", 701, 1022},    {"macaddr", 829, 1040},
	{"inet", 869, 1041},        {"bpchar", 1042, 1014}, {"varchar", 1043, 1015}, {"date", 1082, 1182},  {"time", 1083, 1183},
	{"timestamp", 1114, 1115},  {"timestamptz", 1184, 1185}, {"interval", 1186, 1187}, {"timetz", 1266, 1270}, {"bit", 1560, 1561},
	{"varbit", 1562, 1563},     {"numeric", 1700, 1231}, {"uuid", 2950, 2951}, {"jsonb", 3802, 3807},
};

/* 0: not listed. The type's length or precision does not matter: parameters carry none. */
static uint32_t
value_type(json_t *type)
{
	json_t *names = json_object_get(type, "names");
	size_t n = json_array_size(names);
	const char *name = n > 0 ? command_string(json_array_get(names, n - 1)) : NULL;
	const char *schema = n > 1 ? command_string(json_array_get(names, 0)) : "pg_catalog";
	bool array = json_array_size(json_object_get(type, "arrayBounds")) > 0;
	if (!name || n > 2 || !schema || strcmp(schema, "pg_catalog") != 0 || json_object_get(type, "setof") || json_object_get(type, "pct_type"))
		return 0;
	for (size_t i = 0; i < BASE_COUNT(value_types); i++)
		if (strcmp(name, value_types[i].name) == 0)
			return array ? value_types[i].array : value_types[i].oid;
	return 0;
}

/* "PREPARE (type x)"; x is the client's: printable ASCII only. */
static void
value_type_refused(struct command_build *b, json_t *type)
{
	json_t *names = json_object_get(type, "names");
	size_t n = json_array_size(names);
	const char *name = n > 0 ? command_string(json_array_get(names, n - 1)) : NULL;
	char words[sizeof(b->c->words)], quoted[sizeof(b->c->words) - 16];
	(void)snprintf(words, sizeof(words), "PREPARE (type %s)",
	               base_text_quote(quoted, sizeof(quoted), base_span_str(name ? name : "?"), sizeof(quoted)));
	command_other(b, words);
}

void
command_types(struct command_build *b, json_t *types)
{
	size_t n = json_array_size(types);
	b->c->types = base_arena_get(b->arena, (n + 1) * sizeof(*b->c->types));
	if (!b->c->types) {
		b->err = GH_E_LIMIT;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		json_t *type = json_object_get(json_array_get(types, i), "TypeName");
		b->c->types[i] = value_type(type);
		if (b->c->types[i] == 0) {
			value_type_refused(b, type);
			return;
		}
	}
	b->c->ntypes = n;
}

void
command_args(struct command_build *b, json_t *params)
{
	size_t n = json_array_size(params);
	b->c->args = base_arena_get(b->arena, (n + 1) * sizeof(*b->c->args));
	if (!b->c->args) {
		b->err = GH_E_LIMIT;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct sql_argument *arg = &b->c->args[i];
		switch (command_const(b, json_array_get(params, i), &arg->text)) {
		case COMMAND_NULL: arg->kind = SQL_ARG_NULL; break;
		case COMMAND_VALUE: arg->kind = SQL_ARG_VALUE; break;
		case COMMAND_COMPLEX: arg->kind = SQL_ARG_COMPLEX; break;
		}
		if (arg->kind != SQL_ARG_VALUE)
			arg->text = base_span("", 0);
	}
	b->c->nargs = n;
}
