/* proc_conf_int: what proc_conf.c and proc_conf_check.c share. */
#ifndef PROC_CONF_INT_H
#define PROC_CONF_INT_H

#include "proc_conf.h"

/* What no single setting can say: addresses, settings that need each other. May complete conf->metrics (see there). */
BASE_CHECK int proc_conf_check(struct proc_conf *conf, struct base_fail *fail);

#endif
