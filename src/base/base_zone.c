/* base_zone: see base_zone.h. Input: a zone's name out of a policy, read as if hostile, because a path is made of it; the zone's file is trusted, as libc
 * trusts it. Never writes, never looks at TZ, never reads anything outside the zoneinfo folder, and nothing once a zone is open.
 *
 * Why the name is checked here and the file is looked at first: GLib takes more for a zone than names of the database ("+02:00", POSIX rules such as
 * "EST5EDT,M3.2.0,M11.1.0", absolute paths), and a rule that says "Europe/Berlni" must not become some other time. Names of the database begin each part with
 * a capital letter; what does not ("posix/", "right/" with leap seconds, "localtime", "leapseconds") is not a zone for a policy.
 *
 * From 2038 on GLib reads the rule at the file's end, and reads it wrongly for the one zone whose winter is written as negative summer (Europe/Dublin).
 */
#include "base_zone.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base_mem.h"
#include "base_text.h"

#define NAME_MAX_BYTES 64u /* the longest of the database has 32 */
#define SECOND_US UINT64_C(1000000)
#define LAST_S INT64_C(253402300799) /* the end of the year 9999 */

struct base_zone {
	GTimeZone *tz; /* own */
	char *name;    /* own */
	size_t length;
};

static bool
name_ok(struct base_span name)
{
	bool begins = true; /* a part of the path */

	if (name.n == 0 || name.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool upper = c >= 'A' && c <= 'Z';

		if (begins ? !upper : !(upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' || c == '/'))
			return false;
		begins = c == '/';
	}
	return !begins;
}

/* Is there a compiled zone of this name, without leap seconds? The head of such a file (RFC 8536, 3.1): "TZif", version, 15 zero bytes, then numbers of
 * four bytes, the third of which counts leap seconds. */
static bool
file_ok(const char *name)
{
	const char *folder = getenv("TZDIR"); /* as GLib, which opens it next */
	char path[512];
	uint8_t head[44];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder ? folder : "/usr/share/zoneinfo", name) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a link is normal here: many names are links */
	if (fd < 0)
		return false;
	do
		n = read(fd, head, sizeof(head));
	while (n < 0 && errno == EINTR);
	(void)close(fd); /* read only */
	return n == (ssize_t)sizeof(head) && memcmp(head, "TZif", 4) == 0 && memcmp(head + 28, "\0\0\0\0", 4) == 0;
}

int
base_zone_open(struct base_span name, struct base_zone **z_r, struct base_fail *fail)
{
	char quoted[128];
	char *text = NULL;
	GTimeZone *tz = NULL;

	if (name_ok(name)) {
		text = base_mem_str(name);
		if (strcmp(text, "UTC") == 0)
			tz = g_time_zone_new_utc(); /* there without any file */
		else if (file_ok(text))
			tz = g_time_zone_new_identifier(text);
	}
	if (tz == NULL) {
		free(text);
		(void)base_fail_set(fail, GH_E_MISSING, "there is no time zone \"%s\"", base_text_quote(quoted, sizeof(quoted), name, NAME_MAX_BYTES));
		base_fail_hint(fail, "time zones are named as below /usr/share/zoneinfo (Debian package tzdata), for example Europe/Berlin");
		return GH_E_MISSING;
	}
	*z_r = base_mem_new(1, sizeof(**z_r));
	(*z_r)->tz = tz;
	(*z_r)->name = text;
	(*z_r)->length = name.n;
	return GH_OK;
}

void
base_zone_close(struct base_zone **z)
{
	if (*z == NULL)
		return;
	g_time_zone_unref((*z)->tz);
	free((*z)->name);
	free(*z);
	*z = NULL;
}

struct base_span
base_zone_name(const struct base_zone *z)
{
	return base_span(z->name, z->length);
}

void
base_zone_local(const struct base_zone *z, uint64_t wall_us, struct base_zone_time *t_r)
{
	int64_t utc = wall_us / SECOND_US > (uint64_t)LAST_S ? LAST_S : (int64_t)(wall_us / SECOND_US);
	/* A moment of universal time is in exactly one interval, so this cannot fail. */
	int interval = g_time_zone_find_interval(z->tz, G_TIME_TYPE_UNIVERSAL, utc);
	int offset = g_time_zone_get_offset(z->tz, interval);
	time_t local = (time_t)(utc + offset); /* counted as if it were UTC; may be of 1969 or of the year 10000: gmtime knows both */
	struct tm tm = {0};

	(void)gmtime_r(&local, &tm); /* fails for years that no int holds */
	t_r->year = tm.tm_year + 1900;
	t_r->month = (unsigned)tm.tm_mon + 1;
	t_r->day = (unsigned)tm.tm_mday;
	t_r->hour = (unsigned)tm.tm_hour;
	t_r->minute = (unsigned)tm.tm_min;
	t_r->second = (unsigned)tm.tm_sec;
	t_r->weekday = ((unsigned)tm.tm_wday + 6) % 7; /* tm_wday counts from Sunday */
	t_r->offset_s = offset;
	t_r->summer = g_time_zone_is_dst(z->tz, interval);
}
