/* gate_control: the control thread. Input: the database server's answers through libpq (checked), trusted files.
 * It never touches a client's connection; a slow control connection delays log-ins and reloads, nothing else.
 */
#include "gate_control.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_log.h"
#include "base_map.h"
#include "base_mem.h"
#include "base_time.h"
#include "gate_catalog.h"
#include "gate_limit.h"

struct gate_control {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* guards everything down to the line */
	pthread_cond_t wake;
	struct gate_ask *first, **last;
	size_t waiting;
	bool stop, reload;
	struct base_map *cache; /* user -> struct cached */
	uint64_t cache_us;
	/* ---- control thread only */
	PGconn *conn;
	struct proc_conf *conf; /* borrow: the current world's */
	struct gate_world *world; /* shared */
	char conf_path[4096];
	uint64_t version;
	void (*world_made)(void *ctx, struct gate_world *w);
	void *ctx;
};

struct cached { int result; struct wire_scram_verifier verifier; uint64_t at_us; };

static void
cached_free(void *value)
{
	base_secret_wipe(value, sizeof(struct cached));
	free(value);
}

struct gate_control *
gate_control_new(void (*world_made)(void *ctx, struct gate_world *w), void *ctx)
{
	struct gate_control *c = base_mem_new(1, sizeof(*c));

	(void)pthread_mutex_init(&c->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_cond_init(&c->wake, NULL);  /* the same */
	c->last = &c->first;
	c->cache = base_map_new(GATE_VERIFIERS, cached_free);
	c->world_made = world_made;
	c->ctx = ctx;
	return c;
}

/* libpq reports notices to standard error by default: they are the server's text, not ours to print. */
static void
ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static int
connect_control(struct gate_control *c, const struct proc_conf *conf, struct base_fail *fail)
{
	if (c->conn && PQstatus(c->conn) == CONNECTION_OK)
		return GH_OK;
	PQfinish(c->conn);
	char timeout[24];
	(void)snprintf(timeout, sizeof(timeout), "%u", (unsigned)((conf->server_connect_timeout + 999999) / 1000000));
	const char *const key[] = {"dbname", "fallback_application_name", "connect_timeout", "client_encoding", NULL};
	const char *const value[] = {conf->control, "gatehouse control", timeout, "UTF8", NULL};
	c->conn = PQconnectdbParams(key, value, 1);
	if (PQstatus(c->conn) != CONNECTION_OK) {
		int rc = base_fail_set(fail, GH_E_IO, "control connection: %s", PQerrorMessage(c->conn));
		for (char *p = fail ? fail->text : NULL; p && *p; p++)
			if (*p == '\n')
				*p = p[1] ? ' ' : '\0';
		PQfinish(c->conn);
		c->conn = NULL;
		return rc;
	}
	(void)PQsetNoticeReceiver(c->conn, ignore_notice, NULL);
	PGresult *r = PQexec(c->conn, "SET search_path = ''; SET default_transaction_read_only = on; SET statement_timeout = '30s'");
	int rc = PQresultStatus(r) == PGRES_COMMAND_OK ? GH_OK : base_fail_set(fail, GH_E_IO, "control connection: %s", PQerrorMessage(c->conn));
	PQclear(r);
	if (rc == GH_OK && strcmp(PQdb(c->conn), conf->database) != 0)
		rc = base_fail_set(fail, GH_E_PARSE, "control connection is to database \"%s\", but database = \"%s\"", PQdb(c->conn), conf->database);
	return rc;
}

static int
make_world(struct gate_control *c, struct proc_conf *conf, struct gate_world **world_r, struct base_fail *fail)
{
	struct gate_world *w = NULL;
	struct policy_file *policy = NULL;
	struct policy_map *map = NULL;

	int rc = gate_world_load(conf, c->version + 1, &w, &policy, fail); /* conf is the world's from here on, also on failure */
	if (rc < 0)
		return rc;
	rc = connect_control(c, conf, fail);
	if (rc == GH_OK)
		rc = gate_catalog_bind(c->conn, policy, &map, fail);
	if (rc == GH_OK)
		rc = gate_world_bind(w, map, fail);
	policy_file_free(&policy);
	if (rc < 0) {
		gate_world_unref(&w);
		return rc;
	}
	c->version++;
	*world_r = w;
	return GH_OK;
}

static void
adopt(struct gate_control *c, struct gate_world *w)
{
	gate_world_unref(&c->world);
	c->world = w;
	c->conf = w->conf;
	gate_world_ref(w);
	(void)pthread_mutex_lock(&c->lock);
	c->cache_us = w->conf->auth_cache;
	base_map_clear(c->cache);
	(void)pthread_mutex_unlock(&c->lock);
}

int
gate_control_first(struct gate_control *c, struct proc_conf *conf, struct gate_world **world_r, struct base_fail *fail)
{
	struct gate_world *w = NULL;

	(void)snprintf(c->conf_path, sizeof(c->conf_path), "%s", conf->file);
	int rc = make_world(c, conf, &w, fail);
	if (rc < 0)
		return rc;
	adopt(c, w);
	*world_r = w; /* adopt took one reference of its own */
	return GH_OK;
}

static void
reload(struct gate_control *c)
{
	struct proc_conf *conf = NULL;
	struct gate_world *w = NULL;
	struct base_fail fail;

	int rc = proc_conf_load(c->conf_path, &conf, &fail);
	if (rc == GH_OK)
		rc = make_world(c, conf, &w, &fail);
	if (rc < 0) {
		base_log_error("reload failed, the settings and policy in force stay: %s", fail.text);
		return;
	}
	adopt(c, w);
	base_log_info("reloaded: policy %s, people %s", policy_map_hash(w->map), w->people ? policy_people_hash(w->people) : "none");
	c->world_made(c->ctx, w);
}

static void
run_auth_query(struct gate_control *c, struct gate_ask *ask)
{
	const char *const value[] = {ask->user};
	PGresult *r = PQexecParams(c->conn, c->conf->auth_query, 1, NULL, value, NULL, NULL, 0);
	struct base_fail fail;

	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQnfields(r) < 2) {
		ask->result = GATE_ASK_FAILED;
		(void)snprintf(ask->why, sizeof(ask->why), "auth_query failed: %s", PQresultStatus(r) == PGRES_TUPLES_OK ? "it must return user name and verifier" : PQerrorMessage(c->conn));
	} else if (PQntuples(r) != 1 || PQgetisnull(r, 0, 0) || PQgetisnull(r, 0, 1)) {
		ask->result = GATE_ASK_UNKNOWN;
	} else if (strcmp(PQgetvalue(r, 0, 0), ask->user) != 0) {
		ask->result = GATE_ASK_FAILED;
		(void)snprintf(ask->why, sizeof(ask->why), "auth_query returned another user");
	} else if (wire_scram_verifier_parse(base_span(PQgetvalue(r, 0, 1), (size_t)PQgetlength(r, 0, 1)), &ask->verifier, &fail) < 0) {
		ask->result = GATE_ASK_UNUSABLE;
		(void)snprintf(ask->why, sizeof(ask->why), "%s", fail.text);
	} else {
		ask->result = GATE_ASK_FOUND;
	}
	PQclear(r);
}

static void
answer(struct gate_control *c, struct gate_ask *ask)
{
	struct base_fail fail;

	ask->result = GATE_ASK_FAILED;
	if (connect_control(c, c->conf, &fail) < 0) {
		(void)snprintf(ask->why, sizeof(ask->why), "%s", fail.text);
	} else {
		run_auth_query(c, ask);
		if (ask->result == GATE_ASK_FAILED && PQstatus(c->conn) != CONNECTION_OK && connect_control(c, c->conf, &fail) == GH_OK)
			run_auth_query(c, ask); /* the server was restarted: one more try on a new connection */
	}
	if (ask->result == GATE_ASK_FAILED)
		base_log_error("log-in cannot be checked: %s", ask->why);
	else {
		struct cached *e = base_mem_new(1, sizeof(*e));
		*e = (struct cached){(int)ask->result, ask->verifier, base_time_mono_us()};
		(void)pthread_mutex_lock(&c->lock);
		if (base_map_put(c->cache, base_span_str(ask->user), e) < 0)
			cached_free(e);
		(void)pthread_mutex_unlock(&c->lock);
	}
	base_loop_post(ask->loop, ask->done, ask);
}

static void *
control_main(void *arg)
{
	struct gate_control *c = arg;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		if (c->reload) {
			c->reload = false;
			(void)pthread_mutex_unlock(&c->lock);
			reload(c);
			(void)pthread_mutex_lock(&c->lock);
			continue;
		}
		struct gate_ask *ask = c->first;
		if (!ask) {
			(void)pthread_cond_wait(&c->wake, &c->lock);
			continue;
		}
		c->first = ask->next;
		if (!c->first)
			c->last = &c->first;
		c->waiting--;
		(void)pthread_mutex_unlock(&c->lock);
		answer(c, ask);
		(void)pthread_mutex_lock(&c->lock);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

void
gate_control_start(struct gate_control *c)
{
	c->running = pthread_create(&c->thread, NULL, control_main, c) == 0;
	if (!c->running)
		base_log_error("could not start the control thread");
}

void
gate_control_stop(struct gate_control **cp)
{
	struct gate_control *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
	if (c->running)
		(void)pthread_join(c->thread, NULL);
	PQfinish(c->conn);
	gate_world_unref(&c->world);
	base_map_free(&c->cache);
	(void)pthread_cond_destroy(&c->wake);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

void
gate_control_reload(struct gate_control *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->reload = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

bool
gate_control_ask(struct gate_control *c, struct gate_ask *ask)
{
	bool now = false;

	(void)pthread_mutex_lock(&c->lock);
	struct cached *e = base_map_get(c->cache, base_span_str(ask->user));
	if (e && base_time_mono_us() - e->at_us <= c->cache_us) {
		ask->result = e->result;
		ask->verifier = e->verifier;
		now = true;
	} else if (c->waiting >= GATE_ASKS_MAX) {
		ask->result = GATE_ASK_FAILED;
		(void)snprintf(ask->why, sizeof(ask->why), "too many log-ins wait for the control connection");
		now = true;
	} else {
		ask->next = NULL;
		*c->last = ask;
		c->last = &ask->next;
		c->waiting++;
		(void)pthread_cond_signal(&c->wake);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return now;
}

void
gate_control_forget(struct gate_control *c, const char *user)
{
	(void)pthread_mutex_lock(&c->lock);
	(void)base_map_remove(c->cache, base_span_str(user));
	(void)pthread_mutex_unlock(&c->lock);
}
