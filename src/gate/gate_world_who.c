/* gate_world_who: the part of the world that is about who asks and when: applications' key sets, approved statements, sealed one-time passwords, time zones.
 * Input: trusted files (size-limited). Runs on the control thread, at start and at reload.
 */
#include "gate_world_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base_file.h"
#include "base_mem.h"

/* ---- key sets ---- */

/* Changes when one of the files is written again or replaced. A missing file counts as changed. */
static uint64_t
stamp(const struct gate_world *w, const struct policy_file *policy)
{
	uint64_t sum = 1;

	for (size_t i = 0; i < policy->napplications; i++) {
		char *path = policy_file_beside(base_span_str(w->conf->policy), policy->applications[i].keys);
		struct stat st = {0};
		if (stat(path, &st) == 0)
			sum = sum * 1000003u + (uint64_t)st.st_ino * 31 + (uint64_t)st.st_mtim.tv_sec * 1000000007u + (uint64_t)st.st_mtim.tv_nsec + (uint64_t)st.st_size;
		free(path);
	}
	return sum;
}

static int
load_keys(struct gate_world *w, const struct policy_file *policy, struct base_fail *fail)
{
	int rc = GH_OK;

	w->jwks_stamp = stamp(w, policy); /* before reading: a change meanwhile is seen at the next look */
	w->jwks = base_mem_new(policy->napplications + 1, sizeof(struct ident_jwks *));
	for (size_t i = 0; i < policy->napplications && rc == GH_OK; i++) {
		char *path = policy_file_beside(base_span_str(w->conf->policy), policy->applications[i].keys);
		struct base_buf b;
		base_buf_init(&b, IDENT_JWKS_MAX);
		rc = base_file_read(AT_FDCWD, path, &b, fail);
		if (rc == GH_OK)
			rc = ident_jwks_parse(base_buf_span(&b), path, &w->jwks[i], fail);
		if (rc == GH_OK)
			w->njwks = i + 1;
		base_buf_done(&b);
		free(path);
	}
	return rc;
}

bool
gate_world_keys_changed(const struct gate_world *w)
{
	return w->njwks > 0 && stamp(w, policy_map_file(w->map)) != w->jwks_stamp;
}

/* ---- approved statements, one-time passwords ---- */

static int
load_approved(struct gate_world *w, const struct policy_file *policy, struct base_fail *fail)
{
	struct base_buf b;

	if (policy->approved.n == 0)
		return GH_OK;
	char *path = policy_file_beside(base_span_str(w->conf->policy), policy->approved);
	base_buf_init(&b, POLICY_APPROVED_SIZE_MAX);
	int rc = base_file_read(AT_FDCWD, path, &b, fail);
	if (rc == GH_OK)
		rc = policy_approved_parse(base_buf_span(&b), path, &w->approved, fail);
	base_buf_done(&b);
	free(path);
	return rc;
}

static int
load_otp(struct gate_world *w, struct base_fail *fail)
{
	uint8_t key[IDENT_OTP_KEY];
	struct base_buf text, secret;

	if (!w->conf->otp || !w->conf->otp[0])
		return GH_OK;
	base_buf_init(&text, 64u << 20);
	base_buf_init(&secret, 4096);
	int rc = base_file_read_secret(AT_FDCWD, w->conf->otp, &text, fail);
	if (rc == GH_E_MISSING) { /* nobody was enrolled yet */
		rc = GH_OK;
	} else if (rc == GH_OK && (rc = base_file_read_secret(AT_FDCWD, w->conf->otp_key, &secret, fail)) == GH_OK) {
		rc = ident_otp_key_parse(base_buf_span(&secret), w->conf->otp_key, key, fail);
		if (rc == GH_OK)
			rc = ident_otp_parse(base_buf_span(&text), w->conf->otp, key, &w->otp, fail);
		base_secret_wipe(key, sizeof(key));
	}
	base_secret_wipe(secret.mem, secret.cap);
	base_buf_done(&secret);
	base_buf_done(&text);
	return rc;
}

/* ---- time zones ---- */

static int
add_zone(struct gate_world *w, struct base_span name, struct base_fail *fail)
{
	for (size_t i = 1; i < w->nzones; i++)
		if (base_span_eq(base_zone_name(w->zones[i]), name))
			return GH_OK;
	int rc = base_zone_open(name, &w->zones[w->nzones], fail);
	w->nzones += rc == GH_OK;
	return rc;
}

static int
load_zones(struct gate_world *w, const struct policy_file *policy, struct base_fail *fail)
{
	w->zones = base_mem_new(policy->ngroups + 2, sizeof(struct base_zone *));
	int rc = base_zone_open(policy->zone.n > 0 ? policy->zone : base_span_str("UTC"), &w->zones[0], fail);
	if (rc < 0)
		return rc;
	w->nzones = 1;
	for (size_t i = 0; i < policy->ngroups && rc == GH_OK; i++)
		if (policy->groups[i].only.zone.n > 0)
			rc = add_zone(w, policy->groups[i].only.zone, fail);
	return rc;
}

bool
gate_world_local(void *world, struct base_span zone, uint64_t wall_us, struct policy_local *l_r)
{
	const struct gate_world *w = world;
	const struct base_zone *z = zone.n == 0 && w->nzones > 0 ? w->zones[0] : NULL;
	struct base_zone_time t;

	for (size_t i = 1; i < w->nzones && !z; i++)
		if (base_span_eq(base_zone_name(w->zones[i]), zone))
			z = w->zones[i];
	if (!z)
		return false;
	base_zone_local(z, wall_us, &t);
	l_r->weekday = t.weekday;
	l_r->minute = t.hour * 60 + t.minute;
	(void)snprintf(l_r->date, sizeof(l_r->date), "%04u-%02u-%02u", (unsigned)t.year % 10000, t.month % 100, t.day % 100);
	return true;
}

/* ---- all of it ---- */

int
gate_world_load_people(struct gate_world *w, const struct policy_file *policy, struct base_fail *fail)
{
	int rc = load_zones(w, policy, fail);

	if (rc == GH_OK)
		rc = load_keys(w, policy, fail);
	if (rc == GH_OK)
		rc = load_approved(w, policy, fail);
	return rc == GH_OK ? load_otp(w, fail) : rc;
}

void
gate_world_done_people(struct gate_world *w)
{
	for (size_t i = 0; i < w->njwks; i++)
		ident_jwks_unref(&w->jwks[i]);
	free(w->jwks);
	for (size_t i = 0; i < w->nzones; i++)
		base_zone_close(&w->zones[i]);
	free(w->zones);
	policy_approved_unref(&w->approved);
	ident_otp_unref(&w->otp);
}
