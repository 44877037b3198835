/* base_log: the diagnostic log (never the audit record). One line an event, to standard error: text or JSON. No personal data:
 * no literals, no values of rows; user and address only where an operator needs them. Thread-safe: one write(2) a line.
 * Only gate, keeper, proc and cli log; everything below returns errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base_defs.h"
#include <stdbool.h>

enum base_log_level { BASE_LOG_DEBUG, BASE_LOG_INFO, BASE_LOG_WARN, BASE_LOG_ERROR };

void base_log_setup(bool json, enum base_log_level least, const char *role); /* role: "supervisor", "gate", ... (static string) */
/* Key/value pairs follow fmt's own arguments through the text; keep messages in PostgreSQL's style. */
void base_log(enum base_log_level level, const char *fmt, ...) BASE_PRINTF(2, 3);
#define base_log_debug(...) base_log(BASE_LOG_DEBUG, __VA_ARGS__)
#define base_log_info(...) base_log(BASE_LOG_INFO, __VA_ARGS__)
#define base_log_warn(...) base_log(BASE_LOG_WARN, __VA_ARGS__)
#define base_log_error(...) base_log(BASE_LOG_ERROR, __VA_ARGS__)

#endif
