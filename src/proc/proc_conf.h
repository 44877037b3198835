/* proc_conf: gatehouse.conf: `name = value` lines, '#' comments, values bare or "quoted". Strict: unknown names are errors with a
 * suggestion, each name at most once, "file:line: ...". Relative paths are made absolute against the file's folder. Settings that
 * need each other, addresses and required settings are checked too ("file: ...").
 */
#ifndef PROC_CONF_H
#define PROC_CONF_H

#include "base_buf.h"
#include "base_fail.h"
#include "base_span.h"

struct proc_list { size_t count; char **item; };

/* Enum values by name: PROC_CONF_tls_off = 0, ... are not generated; the words' index counts. */
enum proc_tls { PROC_TLS_OFF, PROC_TLS_ALLOW, PROC_TLS_REQUIRE };
enum proc_server_tls { PROC_SERVER_TLS_OFF, PROC_SERVER_TLS_REQUIRE, PROC_SERVER_TLS_VERIFY_CA, PROC_SERVER_TLS_VERIFY_FULL };
enum proc_durability { PROC_DURABILITY_FLUSH, PROC_DURABILITY_WRITE };

struct proc_conf {
	char *file; /* absolute path of the file read */
	char *dir;
#define PROC_TEXT(name, def, help) char *name;
#define PROC_PATH(name, def, help) char *name;
#define PROC_LIST(name, def, help) struct proc_list name;
#define PROC_NUM(name, def, lo, hi, help) uint64_t name;
#define PROC_SIZE(name, def, lo, hi, help) uint64_t name;
#define PROC_TIME(name, def, help) uint64_t name; /* microseconds */
#define PROC_ENUM(name, def, words, help) unsigned name;
#include "proc_conf.def"
#undef PROC_TEXT
#undef PROC_PATH
#undef PROC_LIST
#undef PROC_NUM
#undef PROC_SIZE
#undef PROC_TIME
#undef PROC_ENUM
};
/* Pure part: text of the file; path for messages and relative paths (a relative path leaves them relative). */
BASE_CHECK int proc_conf_parse(struct base_span text, const char *path, struct proc_conf **conf_r, struct base_fail *fail);
BASE_CHECK int proc_conf_load(const char *path, struct proc_conf **conf_r, struct base_fail *fail);
void proc_conf_free(struct proc_conf **c);
/* Every setting as a commented line with its default, after a comment line with its help and range. */
void proc_conf_print(struct base_buf *out);

#endif
