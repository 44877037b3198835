/* base_zone: time zones of the IANA database by name, through GLib's GTimeZone (reads /usr/share/zoneinfo when opened, never later). Thread-safe after opening.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base_fail.h"
#include "base_span.h"

struct base_zone;
BASE_CHECK int base_zone_open(struct base_span name, struct base_zone **z_r, struct base_fail *fail); /* "Europe/Berlin", "UTC"; GH_E_MISSING: no such zone */
void base_zone_close(struct base_zone **z);
struct base_span base_zone_name(const struct base_zone *z);
struct base_zone_time { int year; unsigned month, day, hour, minute, second; unsigned weekday; /* 0 Monday */ int offset_s; bool summer; };
void base_zone_local(const struct base_zone *z, uint64_t wall_us, struct base_zone_time *t_r);

#endif
