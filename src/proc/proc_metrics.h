/* proc_metrics: the metrics role: GET /metrics in Prometheus text, on the listening socket that the supervisor opened (loopback or
 * Unix; other addresses are refused when the configuration is read). Reads the shared counters and nothing else.
 */
#ifndef PROC_METRICS_H
#define PROC_METRICS_H

#include "proc_supervisor.h"

int proc_metrics_run(const struct proc_context *ctx); /* see struct proc_role */

#endif
