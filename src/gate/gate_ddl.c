/* gate_ddl: see gate_ddl.h.
 *
 * Input: the server's answers through libpq (checked by what reads them), a checked policy file.
 * Why fingerprints: NOTIFY from an event trigger would need an object of ours in the database, and would miss what happens while the connection is
 * down. A fingerprint before and after reading shows that all rows are of one catalogue. Disadvantage: a change is seen up to ddl_check
 * later; what is in a statement's own tree is seen at once, because the server analyses anew and says so, so this is about what is
 * not in a tree: bodies of trusted functions, columns that are new.
 */
#include "gate_ddl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_log.h"
#include "base_mem.h"
#include "gate_catalog.h"
#include "gate_judge.h"
#include "gate_objects.h"

#define TRIES 3 /* while somebody's migration runs */

struct gate_ddl {
	char print[GATE_OBJECTS_PRINT]; /* of the catalogue that the map in use was made of */
	char snapshot[GATE_OBJECTS_SNAPSHOT]; /* before print was last found to hold; empty: not known */
	int server;                     /* its version: another one is another reader of trees */
	struct gate_names *names;       /* own */
	char told[512];                 /* the last difference that was logged */
};

static int
golden(const struct proc_conf *conf, struct policy_map *questions_of, struct base_fail *fail)
{
	struct gate_judge *j = NULL;
	int rc = gate_judge_open(conf, &j, fail);

	if (rc == GH_OK)
		rc = gate_judge_golden(j, fail);
	if (rc == GH_OK && questions_of)
		rc = gate_judge_questions(j, questions_of, fail);
	gate_judge_close(&j);
	return rc;
}

/* One whole reading; *again_r: the catalogue was changed meanwhile. */
static int
bind_once(struct gate_ddl *d, PGconn *conn, const struct proc_conf *conf, const struct policy_file *policy, struct policy_map **map_r, bool *again_r,
          struct base_fail *fail)
{
	char after[GATE_OBJECTS_PRINT];
	struct policy_map *map = NULL;
	int rc;

	gate_names_free(&d->names);
	if ((rc = gate_objects_print(conn, d->print, fail)) == GH_OK && (rc = gate_catalog_bind_names(conn, policy, &d->names, &map, fail)) == GH_OK &&
	    (rc = gate_objects_give(conn, map, false, fail)) == GH_OK && (rc = golden(conf, map, fail)) == GH_OK)
		rc = gate_objects_print(conn, after, fail);
	*again_r = rc == GH_OK && strcmp(d->print, after) != 0;
	if (rc < 0 || *again_r)
		policy_map_unref(&map);
	*map_r = map;
	return rc;
}

int
gate_ddl_bind(PGconn *conn, const struct proc_conf *conf, const struct policy_file *policy, struct gate_ddl **ddl_r, struct policy_map **map_r, struct base_fail *fail)
{
	struct policy_map *map = NULL;
	bool again = true;
	int rc = GH_OK;

	if (!policy_file_enforces(policy)) {
		rc = gate_catalog_bind(conn, policy, map_r, fail);
		if (rc == GH_OK)
			*ddl_r = NULL;
		return rc;
	}
	struct gate_ddl *d = base_mem_new(1, sizeof(*d));
	d->server = PQserverVersion(conn);
	for (int i = 0; i < TRIES && again && rc == GH_OK; i++)
		rc = bind_once(d, conn, conf, policy, &map, &again, fail);
	if (rc == GH_OK && again)
		rc = base_fail_set(fail, GH_E_TIMEOUT, "the catalogue was changed each time while it was read");
	if (rc < 0) {
		gate_ddl_free(&d);
		return rc;
	}
	*ddl_r = d;
	*map_r = map;
	return GH_OK;
}

/* What the log says of a change. Told once, not at every later change. */
static void
tell(struct gate_ddl *d, const struct policy_map *map, const char *changed)
{
	const char *lost = policy_objects_lost(policy_map_objects(map));
	char now[sizeof(d->told)];

	(void)snprintf(now, sizeof(now), "%s%s%s", changed, changed[0] && lost ? "; " : "", lost ? lost : "");
	if (now[0] && strcmp(now, d->told) != 0)
		base_log_error("the catalogue no longer agrees with the policy: %s. The policy stays with the tables and columns that it was bound to; check, and reload", now);
	else if (now[0] == '\0')
		base_log_info("the catalogue was changed: the policy is bound to it anew");
	memcpy(d->told, now, sizeof(now));
}

static int
look_once(struct gate_ddl *d, PGconn *conn, const struct policy_map *map, struct policy_map **map_r, char *print, bool *again_r, struct base_fail *fail)
{
	char after[GATE_OBJECTS_PRINT], changed[400] = "";
	struct policy_map *new = NULL;
	int rc;

	if ((rc = gate_catalog_bind_held(conn, policy_map_file(map), d->names, &new, changed, sizeof(changed), fail)) == GH_OK &&
	    (rc = gate_objects_give(conn, new, true, fail)) == GH_OK)
		rc = gate_objects_print(conn, after, fail);
	*again_r = rc == GH_OK && strcmp(print, after) != 0;
	if (rc == GH_OK && !*again_r) {
		policy_map_take_answers(new, map);
		tell(d, new, changed);
	} else {
		policy_map_unref(&new);
		if (rc == GH_OK)
			memcpy(print, after, GATE_OBJECTS_PRINT);
	}
	*map_r = new;
	return rc;
}

int
gate_ddl_look(struct gate_ddl *d, PGconn *conn, const struct proc_conf *conf, const struct policy_map *map, struct policy_map **map_r, struct base_fail *fail)
{
	char print[GATE_OBJECTS_PRINT], snapshot[GATE_OBJECTS_SNAPSHOT];
	struct policy_map *new = NULL;
	bool again = true;
	int rc = gate_objects_snapshot(conn, snapshot, fail);

	if (rc == GH_OK && snapshot[0] && strcmp(snapshot, d->snapshot) == 0) {
		*map_r = NULL;
		return GH_OK;
	}
	if (rc == GH_OK)
		rc = gate_objects_print(conn, print, fail);
	if (rc == GH_OK && PQserverVersion(conn) != d->server) {
		rc = golden(conf, NULL, fail);
		if (rc == GH_OK)
			d->server = PQserverVersion(conn);
	}
	if (rc < 0)
		return rc;
	if (strcmp(print, d->print) == 0) {
		memcpy(d->snapshot, snapshot, sizeof(snapshot));
		*map_r = NULL;
		return GH_OK;
	}
	/* A change that waits for a session's transaction has everybody behind it wait for its lock, and the session may be waiting for us. */
	PQclear(PQexec(conn, "SET lock_timeout = '250ms'"));
	for (int i = 0; i < TRIES && again && rc == GH_OK; i++)
		rc = look_once(d, conn, map, &new, print, &again, fail);
	PQclear(PQexec(conn, "SET lock_timeout = 0"));
	if (rc == GH_OK && again)
		rc = base_fail_set(fail, GH_E_TIMEOUT, "the catalogue was changed each time while it was read");
	if (rc < 0)
		return rc;
	memcpy(d->print, print, sizeof(print));
	*map_r = new;
	return GH_OK;
}

int
gate_ddl_changed(const struct gate_ddl *d, PGconn *conn, bool *changed_r, struct base_fail *fail)
{
	char print[GATE_OBJECTS_PRINT], snapshot[GATE_OBJECTS_SNAPSHOT];
	int rc = gate_objects_snapshot(conn, snapshot, fail);

	if (rc < 0)
		return rc;
	*changed_r = false;
	if (snapshot[0] && strcmp(snapshot, d->snapshot) == 0)
		return GH_OK;
	rc = gate_objects_print(conn, print, fail);
	if (rc == GH_OK)
		*changed_r = strcmp(print, d->print) != 0;
	return rc;
}

void
gate_ddl_free(struct gate_ddl **dp)
{
	struct gate_ddl *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	gate_names_free(&d->names);
	free(d);
}
