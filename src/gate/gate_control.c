/* gate_control: the control thread. Input: the database server's answers through libpq (checked), trusted files.
 * It never touches a client's connection; a slow control connection delays log-ins and reloads, nothing else.
 */
#include "gate_control.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base_log.h"
#include "base_map.h"
#include "base_mem.h"
#include "base_time.h"
#include "gate_ddl.h"
#include "gate_limit.h"

#define UNSURE_US 100000u
#define MISSED_LOOKS 3 /* after so many, nobody knows what the catalogue is like */

struct gate_control {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* guards everything down to the line */
	pthread_cond_t wake;
	struct gate_ask *first, **last;
	size_t waiting;
	struct gate_look *looks;  /* wanted */
	bool stop, reload, unsure; /* unsure: what the keeper left open is to be looked for */
	struct base_map *cache; /* user -> struct cached */
	uint64_t cache_us;
	/* ---- read by all, written by the control thread */
	atomic_uint_fast64_t seen_us;  /* when the catalogue was last seen to be as the world has it; 0 = it is known not to be */
	atomic_uint_fast64_t every_us; /* ddl_check; 0 = nobody is enforced */
	/* ---- control thread only */
	PGconn *conn;
	struct proc_conf *conf; /* borrow: the current world's */
	struct gate_world *world; /* shared */
	char conf_path[4096];
	uint64_t version;
	struct gate_ddl *ddl; /* own; NULL: nobody is enforced */
	uint64_t look_us;     /* when to look at the catalogue again */
	bool blind;           /* the last look failed, and that is logged */
	uint64_t unsure_us;   /* when to look for it again */
	void (*world_made)(void *ctx, struct gate_world *w);
	bool (*find_out)(void *ctx, struct gate_world *w);
	void *ctx;
};

struct cached { unsigned result; struct wire_scram_verifier verifier; uint64_t at_us; };

static void
cached_free(void *value)
{
	base_secret_wipe(value, sizeof(struct cached));
	free(value);
}

struct gate_control *
gate_control_new(void (*world_made)(void *ctx, struct gate_world *w), bool (*unsure)(void *ctx, struct gate_world *w), void *ctx)
{
	struct gate_control *c = base_mem_new(1, sizeof(*c));

	(void)pthread_mutex_init(&c->lock, NULL); /* cannot fail with default attributes */
	pthread_condattr_t monotonic;
	(void)pthread_condattr_init(&monotonic); /* the same for these */
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	c->last = &c->first;
	c->cache = base_map_new(GATE_VERIFIERS, cached_free);
	c->world_made = world_made;
	c->find_out = unsure;
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

/* From files. What is in force stays until all of it is there. */
static int
make_world(struct gate_control *c, struct proc_conf *conf, struct gate_world **world_r, struct base_fail *fail)
{
	struct gate_world *w = NULL;
	struct policy_file *policy = NULL;
	struct policy_map *map = NULL;
	struct gate_ddl *ddl = NULL;

	int rc = gate_world_load(conf, c->version + 1, &w, &policy, fail); /* conf is the world's from here on, also on failure */
	if (rc < 0)
		return rc;
	uint64_t now = base_time_mono_us();
	rc = connect_control(c, conf, fail);
	if (rc == GH_OK)
		rc = gate_ddl_bind(c->conn, conf, policy, &ddl, &map, fail);
	if (rc == GH_OK)
		rc = gate_world_bind(w, map, fail);
	policy_file_free(&policy);
	if (rc < 0) {
		gate_ddl_free(&ddl);
		gate_world_unref(&w);
		return rc;
	}
	gate_ddl_free(&c->ddl);
	c->ddl = ddl;
	c->blind = false;
	c->look_us = now + w->conf->ddl_check;
	atomic_store(&c->seen_us, now);
	atomic_store(&c->every_us, ddl ? w->conf->ddl_check : 0);
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
		base_log_error("reload failed, the settings and policy in force stay: %s%s%s", fail.text, fail.hint[0] ? "; " : "", fail.hint);
		return;
	}
	adopt(c, w);
	base_log_info("reloaded: policy %s, people %s", policy_map_hash(w->map), w->people ? policy_people_hash(w->people) : "none");
	c->world_made(c->ctx, w);
	gate_control_unsure(c); /* gate_remember_again */
}

/* Was something in the catalogue changed? Then the world gets another map. What cannot be seen, or leaves no map, makes the gate refuse. */
static void
look(struct gate_control *c)
{
	struct policy_map *map = NULL;
	struct base_fail fail;
	uint64_t now = base_time_mono_us();

	c->look_us = now + c->conf->ddl_check;
	if (gate_world_keys_changed(c->world)) {
		base_log_info("the key set of an application was changed");
		reload(c); /* a failure is logged, and tried again at the next look */
		return;
	}
	int rc = connect_control(c, c->conf, &fail);
	if (rc == GH_OK)
		rc = gate_ddl_look(c->ddl, c->conn, c->conf, c->world->map, &map, &fail);
	if (rc < 0) {
		if (rc != GH_E_IO)
			atomic_store(&c->seen_us, 0); /* it was changed, and nothing that was decided before holds for sure */
		if (!c->blind)
			base_log_error("the catalogue cannot be followed, statements of enforced people will be refused: %s%s%s", fail.text, fail.hint[0] ? "; " : "", fail.hint);
		c->blind = true;
		return;
	}
	if (map) {
		struct gate_world *w = gate_world_again(c->world, ++c->version, map);
		adopt(c, w);
		c->world_made(c->ctx, w);
	}
	if (c->blind)
		base_log_info("the catalogue can be followed again");
	c->blind = false;
	atomic_store(&c->seen_us, now);
}

bool
gate_control_fresh(const struct gate_control *c)
{
	uint64_t every = atomic_load(&c->every_us), seen = atomic_load(&c->seen_us);

	return every == 0 || (seen != 0 && base_time_mono_us() - seen <= every * MISSED_LOOKS);
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
		*e = (struct cached){(unsigned)ask->result, ask->verifier, base_time_mono_us()};
		(void)pthread_mutex_lock(&c->lock);
		if (base_map_put(c->cache, base_span_str(ask->user), e) < 0)
			cached_free(e);
		(void)pthread_mutex_unlock(&c->lock);
	}
	base_loop_post(ask->loop, ask->done, ask);
}

/* One look serves all that wait. */
static void
answer_looks(struct gate_control *c, struct gate_look *all)
{
	struct gate_look *next;
	struct base_fail fail;
	bool changed = c->ddl == NULL;

	bool seen = c->ddl && connect_control(c, c->conf, &fail) == GH_OK && gate_ddl_changed(c->ddl, c->conn, &changed, &fail) == GH_OK && !changed;
	if (changed)
		c->look_us = 0; /* a whole look comes next; it may have to wait for a lock, those who ask here may not */
	for (; all; all = next) {
		next = all->next;
		all->seen = seen;
		base_loop_post(all->loop, all->done, all);
	}
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
		if (c->looks) {
			struct gate_look *all = c->looks;
			c->looks = NULL;
			(void)pthread_mutex_unlock(&c->lock);
			answer_looks(c, all);
			(void)pthread_mutex_lock(&c->lock);
			continue;
		}
		if (c->ddl && base_time_mono_us() >= c->look_us) { /* before log-ins: a crowd of these must not put it off */
			(void)pthread_mutex_unlock(&c->lock);
			look(c);
			(void)pthread_mutex_lock(&c->lock);
			continue;
		}
		if (c->unsure && base_time_mono_us() >= c->unsure_us) {
			c->unsure = false;
			(void)pthread_mutex_unlock(&c->lock);
			bool known = c->find_out(c->ctx, c->world);
			(void)pthread_mutex_lock(&c->lock);
			c->unsure = c->unsure || !known;
			c->unsure_us = base_time_mono_us() + UNSURE_US;
			continue;
		}
		struct gate_ask *ask = c->first;
		if (!ask) {
			uint64_t at = c->unsure && (!c->ddl || c->unsure_us < c->look_us) ? c->unsure_us : c->look_us;
			struct timespec until = {(time_t)(at / 1000000), (long)(at % 1000000) * 1000};
			(void)(c->ddl || c->unsure ? pthread_cond_timedwait(&c->wake, &c->lock, &until) : pthread_cond_wait(&c->wake, &c->lock)); /* the loop looks why */
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
	gate_ddl_free(&c->ddl);
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

void
gate_control_unsure(struct gate_control *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->unsure = true;
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
gate_control_look(struct gate_control *c, struct gate_look *look)
{
	(void)pthread_mutex_lock(&c->lock);
	look->next = c->looks;
	c->looks = look;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

void
gate_control_forget(struct gate_control *c, const char *user)
{
	(void)pthread_mutex_lock(&c->lock);
	(void)base_map_remove(c->cache, base_span_str(user));
	(void)pthread_mutex_unlock(&c->lock);
}
