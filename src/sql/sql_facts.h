/* sql_facts: what a text says before any name is resolved: statements, their class, the relations they name, and
 * `column = constant` equalities at the AND level of WHERE and JOIN ON. From libpg_query's JSON tree. Pure, thread-safe.
 * These facts serve the record of `observe`; they are never the judge of what may leave (SQL-RULES 7.1).
 * Call on a thread with at least 32 MiB of stack.
 */
#ifndef SQL_FACTS_H
#define SQL_FACTS_H

#include "sql_scan.h"

enum sql_class {
	SQL_SELECT, SQL_INSERT, SQL_UPDATE, SQL_DELETE, SQL_MERGE,
	SQL_COPY_TO,        /* COPY table [(columns)] TO STDOUT */
	SQL_COPY_QUERY_TO,  /* COPY (query) TO STDOUT: relations and equalities are the query's */
	SQL_COPY_FROM,      /* COPY table FROM STDIN */
	SQL_PREPARE, SQL_EXECUTE, SQL_DEALLOCATE,  /* name set; PREPARE: relations and equalities are the inner statement's, params allowed */
	SQL_DECLARE, SQL_FETCH, SQL_CLOSE,         /* name set; DECLARE: the inner query's facts. MOVE counts as FETCH. CLOSE ALL, DEALLOCATE ALL: name empty */
	SQL_EXPLAIN,        /* the inner statement's facts; analyze says whether it runs */
	SQL_TRANSACTION, SQL_SET, SQL_SHOW,
	SQL_CREATE_AS,      /* CREATE TABLE AS, SELECT INTO: reads relations */
	SQL_CALL_DO,        /* CALL, DO: unknown code runs */
	SQL_OTHER           /* COPY to or from a file or program of the server too */
};

struct sql_relation { struct base_span schema, name; /* schema.n == 0: not given; folded as the server folds */
	bool written; /* target of INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY FROM or INTO */ };

struct sql_equality {
	size_t relation;       /* index into relations, or SIZE_MAX when a bare column could belong to several */
	struct base_span column;
	bool is_param;         /* value is $number, else literal `number` (index into sql_scan.literal of the same text) */
	uint32_t number;       /* params from 1; literals from 0. The literal's own text is the value: -5 is no literal */
};
#define SQL_RELATIONS_MAX 4096u  /* more relations, equalities or functions in one text: GH_E_LIMIT */
#define SQL_EQUALITIES_MAX 4096u
#define SQL_FUNCTIONS_MAX 16384u

struct sql_statement {
	enum sql_class class;
	bool analyze;                       /* EXPLAIN ANALYZE */
	struct base_span name;              /* prepared statement or cursor */
	struct sql_relation *relations; size_t nrelations;   /* everywhere in the statement (sub-selects, CTEs), CTE names left out */
	struct sql_equality *equalities; size_t nequalities; /* each requires the row to have this value: AND level only, outermost query level or a
	                                                        plain sub-select in FROM/single-reference CTE thereof */
	struct base_span *functions; size_t nfunctions;      /* names of functions called, unqualified part, folded, each once */
	/* EXECUTE: arguments, each a literal index or SIZE_MAX when not a plain literal */
	size_t *args; size_t nargs;
	/* COPY: */
	struct base_span *columns; size_t ncolumns;          /* column list; none = all */
	enum { SQL_COPY_TEXT, SQL_COPY_CSV, SQL_COPY_BINARY } format;
	char delimiter, quote, escape;                       /* defaults filled in by format */
	struct base_span null_text;                          /* "\\N" or "" by default */
	bool header;
	/* byte range of this statement in the text that the facts were made from (white space in front included, ';' not) */
	uint32_t at, len;
};

struct sql_facts {
	struct sql_statement *statement; size_t count;
	bool exact;   /* facts depend on the literals (COPY and EXPLAIN options; at and len of several statements): do not share them between
	                 texts of the same normalised form */
};
/* Immutable and reference-counted (atomic): a cache may share it. scan is sql_scan_text's result for the same text.
 * GH_E_PARSE: the grammar refuses it; GH_E_LIMIT: nested deeper than about 1,000 operators, or one of the limits above. */
BASE_CHECK int sql_facts_new(struct base_span text, const struct sql_scan *scan, struct sql_facts **facts_r, struct base_fail *fail);
void sql_facts_ref(struct sql_facts *f);
void sql_facts_unref(struct sql_facts **f);

#endif
