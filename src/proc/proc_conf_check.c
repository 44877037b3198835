/* proc_conf_check: whether the settings make sense together, so that a mistake is told at start with its name and not later by a
 * role that cannot work. Pure: looks at no file and no network.
 */
#include "proc_conf_int.h"

#include <stdlib.h>

#include "base_buf.h"
#include "base_mem.h"
#include "base_text.h"
#include "proc_addr.h"

#define LISTEN_MAX 16u
#define RUN_DIR_NAMES 32u /* room for the names of sockets in run_dir */

static int
check_listen(const struct proc_conf *conf, struct base_fail *fail)
{
	struct proc_addr addr;
	int rc;

	if (conf->listen.count == 0 && *conf->listen_socket == '\0') {
		rc = base_fail_set(fail, GH_E_PARSE, "nothing to listen on");
		base_fail_hint(fail, "set listen, listen_socket or both");
		return rc;
	}
	if (conf->listen.count > LISTEN_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "listen: more than %u addresses", LISTEN_MAX);
	for (size_t i = 0; i < conf->listen.count; i++) {
		rc = proc_addr_parse(conf->listen.item[i], &addr, fail);
		if (rc < 0) {
			base_fail_where(fail, "listen");
			return rc;
		}
		for (size_t j = 0; j < i; j++)
			if (strcmp(conf->listen.item[i], conf->listen.item[j]) == 0)
				return base_fail_set(fail, GH_E_PARSE, "listen: %s is there twice", conf->listen.item[i]);
	}
	if (*conf->listen_socket != '\0') {
		rc = proc_addr_unix(conf->listen_socket, &addr, fail);
		if (rc < 0) {
			base_fail_where(fail, "listen_socket");
			return rc;
		}
	}
	return GH_OK;
}

/* Metrics have no log-in: whoever reaches them reads them, so they are offered to this machine only. "metrics" is text, not a path,
 * because it may be host:port; a relative path (it has a '/') is completed here like every other path. */
static int
check_metrics(struct proc_conf *conf, struct base_fail *fail)
{
	struct proc_addr addr;
	int rc;

	if (*conf->metrics == '\0')
		return GH_OK;
	if (strchr(conf->metrics, '/') != NULL) {
		if (conf->metrics[0] != '/') {
			struct base_buf b;

			base_buf_init(&b, 1u << 16);
			base_buf_str(&b, conf->dir);
			base_buf_u8(&b, '/');
			base_buf_str(&b, conf->metrics);
			free(conf->metrics);
			conf->metrics = base_mem_str(base_buf_span(&b));
			base_buf_done(&b);
		}
		rc = proc_addr_unix(conf->metrics, &addr, fail);
	} else {
		rc = proc_addr_parse(conf->metrics, &addr, fail);
		if (rc == GH_OK && !proc_addr_is_loopback(&addr)) {
			rc = base_fail_set(fail, GH_E_DENIED, "%s is not a loopback address", conf->metrics);
			base_fail_hint(fail, "metrics have no log-in: use 127.0.0.1:port, [::1]:port or the path of a Unix socket");
		}
	}
	if (rc < 0)
		base_fail_where(fail, "metrics");
	return rc;
}

static int
check_pair(const char *cert_name, const char *cert, const char *key_name, const char *key, struct base_fail *fail)
{
	if (*cert != '\0' && *key == '\0')
		return base_fail_set(fail, GH_E_PARSE, "%s is set, so %s must be", cert_name, key_name);
	if (*cert == '\0' && *key != '\0')
		return base_fail_set(fail, GH_E_PARSE, "%s is set, so %s must be", key_name, cert_name);
	return GH_OK;
}

static int
check_tls(const struct proc_conf *conf, struct base_fail *fail)
{
	int rc = check_pair("tls_cert", conf->tls_cert, "tls_key", conf->tls_key, fail);

	if (rc == GH_OK)
		rc = check_pair("server_cert", conf->server_cert, "server_key", conf->server_key, fail);
	if (rc < 0)
		return rc;
	if (conf->tls == PROC_TLS_REQUIRE && *conf->tls_cert == '\0')
		return base_fail_set(fail, GH_E_PARSE, "tls = require needs tls_cert and tls_key");
	if (*conf->tls_client_ca != '\0' && (conf->tls == PROC_TLS_OFF || *conf->tls_cert == '\0'))
		return base_fail_set(fail, GH_E_PARSE, "tls_client_ca needs TLS: tls, tls_cert and tls_key");
	if (*conf->cert_map != '\0' && *conf->tls_client_ca == '\0')
		return base_fail_set(fail, GH_E_PARSE, "cert_map needs tls_client_ca");
	return GH_OK;
}

/* Times for which "never" is no sensible meaning of 0. */
static int
check_times(const struct proc_conf *conf, struct base_fail *fail)
{
	const struct {
		const char *name;
		uint64_t us, least;
		const char *least_text;
	} times[] = {
		{"server_connect_timeout", conf->server_connect_timeout, 10000, "10ms"},
		{"login_timeout", conf->login_timeout, 10000, "10ms"},
		{"ddl_check", conf->ddl_check, 100000, "100ms"},
		{"ledger_checkpoint", conf->ledger_checkpoint, 10000, "10ms"},
		{"shutdown_timeout", conf->shutdown_timeout, 10000, "10ms"},
	};

	for (size_t i = 0; i < BASE_COUNT(times); i++)
		if (times[i].us < times[i].least)
			return base_fail_set(fail, GH_E_LIMIT, "%s must be at least %s", times[i].name, times[i].least_text);
	return GH_OK;
}

int
proc_conf_check(struct proc_conf *conf, struct base_fail *fail)
{
	int rc;

	if ((rc = check_listen(conf, fail)) < 0 || (rc = check_metrics(conf, fail)) < 0 || (rc = check_tls(conf, fail)) < 0 ||
	    (rc = check_times(conf, fail)) < 0)
		return rc;
	if (*conf->node == '\0')
		return base_fail_set(fail, GH_E_PARSE, "node must not be empty");
	if (*conf->run_dir == '\0')
		return base_fail_set(fail, GH_E_PARSE, "run_dir must not be empty");
	if (*conf->server_host == '\0')
		return base_fail_set(fail, GH_E_PARSE, "server_host must not be empty");
	if (strlen(conf->run_dir) > PROC_ADDR_PATH_MAX - RUN_DIR_NAMES)
		return base_fail_set(fail, GH_E_LIMIT, "run_dir: %zu bytes are too many for the sockets in it, at most %u are possible",
		    strlen(conf->run_dir), PROC_ADDR_PATH_MAX - RUN_DIR_NAMES);
	if (*conf->ledger == '\0' || *conf->ledger_key == '\0' || *conf->mark_keys == '\0')
		return base_fail_set(fail, GH_E_PARSE, "ledger, ledger_key and mark_keys must not be empty");
	return GH_OK;
}
