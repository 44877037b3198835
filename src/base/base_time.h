/* base_time: time in microseconds. Wall time is UTC since 1970; monotonic time has no meaning but differences. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base_buf.h"

uint64_t base_time_wall_us(void);
uint64_t base_time_mono_us(void);
/* "2026-11-22T16:07:54.123456Z": exactly 27 bytes and a NUL. Times past year 9999 are clamped. */
#define BASE_TIME_UTC_SIZE 28
const char *base_time_utc(uint64_t wall_us, char dst[BASE_TIME_UTC_SIZE]);
/* Strict inverse of base_time_utc; also accepts "2026-11-22" (midnight UTC), "2026-11-22T16:07Z", seconds with or
 * without fraction, and "+08:00"/"-05:30" in place of Z. */
BASE_CHECK int base_time_parse(struct base_span s, uint64_t *wall_us_r);
/* For people: local zone, "2026-11-22 16:07:54 +0000". */
#define BASE_TIME_LOCAL_SIZE 40
const char *base_time_local(uint64_t wall_us, char dst[BASE_TIME_LOCAL_SIZE]);
unsigned base_time_year_utc(uint64_t wall_us);

#endif
