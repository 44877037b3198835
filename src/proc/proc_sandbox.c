/* proc_sandbox: no_new_privs, Landlock (raw system calls: glibc has no wrappers), seccomp (libseccomp).
 * Input trust: our own configuration. What it defends against is the role itself, once a peer has taken it over.
 * Never: loosens anything; works as root and as anybody else.
 *
 * The seccomp filter is a list of what is refused, not of what is allowed: libpq, OpenSSL, the resolver and libc change the calls they
 * make with every release, and a gate that dies after an upgrade of libc would be taken out of the way. The price: a call
 * that is new in the kernel is allowed until it is listed here.
 */
#include "proc_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base_log.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#endif

/* ---- Landlock. The kernel's header may be older than the kernel, so its numbers stand here (they are ABI). */

#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_DIR (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_CHAR (UINT64_C(1) << 6)
#define FS_MAKE_DIR (UINT64_C(1) << 7)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_MAKE_SOCK (UINT64_C(1) << 9)
#define FS_MAKE_FIFO (UINT64_C(1) << 10)
#define FS_MAKE_BLOCK (UINT64_C(1) << 11)
#define FS_MAKE_SYM (UINT64_C(1) << 12)
#define FS_REFER (UINT64_C(1) << 13)    /* since ABI 2; before, always refused */
#define FS_TRUNCATE (UINT64_C(1) << 14) /* since ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* since ABI 5 */
#define FS_READS (FS_READ_FILE | FS_READ_DIR)
#define FS_ALL ((UINT64_C(1) << 16) - 1)
#define NET_ALL UINT64_C(3)    /* bind and connect of TCP, since ABI 4 */
#define SCOPED_ALL UINT64_C(3) /* abstract Unix sockets and signals to the outside, since ABI 6 */
#define RULE_PATH_BENEATH 1
#define CREATE_VERSION 1u

struct ruleset_attr { /* struct landlock_ruleset_attr; older ABIs know a shorter one */
	uint64_t handled_access_fs, handled_access_net, scoped;
};
struct path_attr { /* struct landlock_path_beneath_attr */
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed)); /* as the kernel has it: no peer's bytes are read through it */

static uint64_t
fs_known(long abi)
{
	uint64_t known = FS_REFER - 1;

	if (abi >= 2)
		known |= FS_REFER;
	if (abi >= 3)
		known |= FS_TRUNCATE;
	if (abi >= 5)
		known |= FS_IOCTL_DEV;
	return known;
}

static int
allow_below(int ruleset, const char *path, uint64_t access, struct base_fail *fail)
{
	struct path_attr rule = {.allowed_access = access};
	int rc = GH_OK;

	rule.parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return base_fail_errno(fail, errno, "sandbox: cannot open %s", path);
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
		rc = base_fail_errno(fail, errno, "sandbox: landlock_add_rule for %s", path);
	(void)close(rule.parent_fd); /* a descriptor of a path: nothing can be lost */
	return rc;
}

static int
enter_landlock(enum proc_sandbox_profile profile, const struct proc_conf *conf, struct base_fail *fail)
{
	const uint64_t below = FS_WRITE_FILE | FS_READS | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK | FS_REFER |
	    FS_TRUNCATE;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	struct ruleset_attr attr = {0};
	uint64_t handled;
	int ruleset, rc = GH_OK;

	if (profile == PROC_SANDBOX_GATE)
		return GH_OK;
	if (abi < 1) {
		base_log_warn("this kernel has no Landlock (%s): the role is not confined to its folders", abi < 0 ? strerror(errno) : "version 0");
		return GH_OK;
	}
	handled = FS_ALL & fs_known(abi);
	if (profile == PROC_SANDBOX_KEEPER)
		handled &= ~FS_READS;
	attr.handled_access_fs = handled;
	attr.handled_access_net = abi >= 4 ? NET_ALL : 0;
	attr.scoped = abi >= 6 ? SCOPED_ALL : 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, abi >= 6 ? sizeof(attr) : abi >= 4 ? (size_t)16 : (size_t)8, 0);
	if (ruleset < 0)
		return base_fail_errno(fail, errno, "sandbox: landlock_create_ruleset");
	if (profile == PROC_SANDBOX_KEEPER) {
		rc = allow_below(ruleset, conf->ledger, below & handled, fail);
		if (rc == GH_OK)
			rc = allow_below(ruleset, conf->run_dir, below & handled, fail);
	}
	if (rc == GH_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		rc = base_fail_errno(fail, errno, "sandbox: landlock_restrict_self");
	(void)close(ruleset); /* the domain holds without it */
	return rc;
}

/* ---- seccomp */

/* Refused to all roles. */
static const int refused[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise), SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(perf_event_open), SCMP_SYS(bpf), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), /* would go around this filter */
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount),
	SCMP_SYS(mount_setattr), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(quotactl), SCMP_SYS(acct), SCMP_SYS(reboot),
	SCMP_SYS(add_key), SCMP_SYS(keyctl), SCMP_SYS(request_key),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(personality), SCMP_SYS(syslog), SCMP_SYS(vhangup),
	SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(lookup_dcookie), SCMP_SYS(fanotify_init), SCMP_SYS(mknod), SCMP_SYS(mknodat),
};

static int
add_rules(scmp_filter_ctx filter, enum proc_sandbox_profile profile)
{
	const uint32_t deny = SCMP_ACT_ERRNO(EPERM);
	int rc;

	for (size_t i = 0; i < BASE_COUNT(refused); i++) {
		rc = seccomp_rule_add(filter, deny, refused[i], 0);
		if (rc < 0 && rc != -EDOM) /* a call that this architecture does not have */
			return rc;
	}
	rc = seccomp_rule_add(filter, deny, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCSTI));
	if (rc == 0 && profile == PROC_SANDBOX_KEEPER)
		rc = seccomp_rule_add(filter, deny, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
	if (rc == 0 && profile == PROC_SANDBOX_METRICS)
		rc = seccomp_rule_add(filter, deny, SCMP_SYS(socket), 0);
	return rc;
}

static int
enter_seccomp(enum proc_sandbox_profile profile, struct base_fail *fail)
{
	scmp_filter_ctx filter;
	int rc;

#ifdef UNDER_SANITIZER
	/* The leak checker traces its own process at exit and the symbolizer is a program: both are refused below. */
	base_log_debug("sanitizer build: no seccomp filter");
	return GH_OK;
#endif
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL) {
		base_log_warn("this kernel has no seccomp: system calls are not filtered");
		return GH_OK;
	}
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (filter == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "sandbox: seccomp_init");
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* threads that a library started already are held too */
	if (rc == 0)
		rc = add_rules(filter, profile);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc == 0 ? GH_OK : base_fail_errno(fail, -rc, "sandbox: seccomp filter");
}

int
proc_sandbox_enter(enum proc_sandbox_profile profile, const struct proc_conf *conf, struct base_fail *fail)
{
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return base_fail_errno(fail, errno, "sandbox: no_new_privs");
	rc = enter_landlock(profile, conf, fail);
	if (rc == GH_OK)
		rc = enter_seccomp(profile, fail);
	return rc;
}
