/* gate_registry: cancel keys of living sessions. Input: hostile keys. */
#include "gate_registry.h"

#include <pthread.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_map.h"
#include "base_mem.h"

struct gate_registry {
	pthread_mutex_t lock;
	struct base_map *map; /* pid -> struct row */
};
struct row { uint8_t key[GATE_CANCEL_KEY_LONG]; size_t key_len; struct gate_backend_key backend; };

struct gate_registry *
gate_registry_new(void)
{
	struct gate_registry *r = base_mem_new(1, sizeof(*r));
	(void)pthread_mutex_init(&r->lock, NULL); /* cannot fail with default attributes */
	r->map = base_map_new(0, free);
	return r;
}

void
gate_registry_free(struct gate_registry **rp)
{
	struct gate_registry *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	base_map_free(&r->map);
	(void)pthread_mutex_destroy(&r->lock); /* nobody else is left */
	free(r);
}

void
gate_registry_add(struct gate_registry *r, const struct gate_backend_key *backend, size_t key_len, uint32_t *pid_r, uint8_t *key_r)
{
	struct row *row = base_mem_new(1, sizeof(*row));
	uint32_t pid;

	base_crypt_random(row->key, key_len);
	row->key_len = key_len;
	row->backend = *backend;
	memcpy(key_r, row->key, key_len);
	(void)pthread_mutex_lock(&r->lock);
	do {
		base_crypt_random(&pid, sizeof(pid));
		pid &= INT32_MAX;
	} while (pid == 0 || base_map_get(r->map, base_span(&pid, sizeof(pid))));
	if (base_map_put(r->map, base_span(&pid, sizeof(pid)), row) < 0)
		free(row); /* out of memory: this session's statements cannot be cancelled */
	(void)pthread_mutex_unlock(&r->lock);
	*pid_r = pid;
}

void
gate_registry_remove(struct gate_registry *r, uint32_t pid)
{
	(void)pthread_mutex_lock(&r->lock);
	(void)base_map_remove(r->map, base_span(&pid, sizeof(pid)));
	(void)pthread_mutex_unlock(&r->lock);
}

bool
gate_registry_find(struct gate_registry *r, uint32_t pid, struct base_span key, struct gate_backend_key *backend_r)
{
	bool ok = false;

	(void)pthread_mutex_lock(&r->lock);
	struct row *row = base_map_get(r->map, base_span(&pid, sizeof(pid)));
	if (row && key.n == row->key_len && base_secret_eq(key.p, row->key, row->key_len)) {
		*backend_r = row->backend;
		ok = true;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return ok;
}
