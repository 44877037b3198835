/* gate_registry: cancel keys. The gate gives out keys of its own; a CancelRequest that matches one is answered by a CancelRequest
 * with the backend's own key to the server. Shared by the workers.
 */
#ifndef GATE_REGISTRY_H
#define GATE_REGISTRY_H

#include "base_span.h"

#define GATE_CANCEL_KEY_LONG 32u /* protocol 3.2 */
#define GATE_CANCEL_KEY_SHORT 4u /* protocol 3.0 */

struct gate_registry;
struct gate_backend_key { uint32_t pid; uint8_t key[256]; size_t key_len; };

struct gate_registry *gate_registry_new(void);
void gate_registry_free(struct gate_registry **r);
/* Draws a process id (unique among living sessions, positive) and a random key of key_len bytes for this backend. */
void gate_registry_add(struct gate_registry *r, const struct gate_backend_key *backend, size_t key_len, uint32_t *pid_r, uint8_t *key_r);
void gate_registry_remove(struct gate_registry *r, uint32_t pid);
/* Constant-time comparison of equal lengths; false: no such session or wrong key. */
BASE_CHECK bool gate_registry_find(struct gate_registry *r, uint32_t pid, struct base_span key, struct gate_backend_key *backend_r);

#endif
