/* gate_world_int: the two files of the world. */
#ifndef GATE_WORLD_INT_H
#define GATE_WORLD_INT_H

#include "gate_world.h"

/* ---- gate_world_who.c: key sets of applications, approved statements, one-time passwords, time zones ---- */
BASE_CHECK int gate_world_load_people(struct gate_world *w, const struct policy_file *policy, struct base_fail *fail);
void gate_world_done_people(struct gate_world *w);

#endif
