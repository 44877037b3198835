/* fuzz_proc_conf: any text as gatehouse.conf. */
#include "proc_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail;

	if (proc_conf_parse(base_span(data, size), "/etc/gatehouse/gatehouse.conf", &conf, &fail) < 0 && fail.text[0] == '\0')
		__builtin_trap(); /* an error without a reason */
	proc_conf_free(&conf);
	return 0;
}
