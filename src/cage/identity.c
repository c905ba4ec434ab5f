// SPDX-License-Identifier: Apache-2.0
// Who the process is and what it sees of the file system: empty root, own user, no capabilities.
#include "cage/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The first of the user ids that no system hands out (above the container ranges that systemd
// documents, below 2^31), so that a worker shares its id with nobody, not even with "nobody".
enum { FIRST_USER = 1879048192, USER_SPREAD = 4194304, NOBODY = 65534 };

// An empty file system becomes the root, and the old one is let go.
static int pivot_to_empty(void) {
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0555") !=
            0 ||
        chdir("/tmp") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) {
        return errno;
    }
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return mount("none", "/", NULL, flags, NULL) == 0 ? 0 : errno;
}

// Without mount rights: into a directory that is removed first, where nothing can be made any more.
static int change_root_to_removed(void) {
    char path[] = "/tmp/overt-empty-XXXXXX";
    if (mkdtemp(path) == NULL) {
        return errno;
    }
    int error = chdir(path) == 0 ? 0 : errno;
    (void)rmdir(path);
    if (error == 0 && (chroot(".") != 0 || chdir("/") != 0)) {
        error = errno;
    }
    return error;
}

int ov_cage_empty_root(void) {
    int error = pivot_to_empty();
    if (error != 0 && change_root_to_removed() == 0) {
        error = 0;
    }
    return error;
}

static bool take_user(uid_t id) {
    return setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
}

int ov_cage_change_user(void) {
    if (geteuid() != 0) {
        return EPERM;
    }
    (void)setgroups(0, NULL);
    pid_t parent = getppid() != 0 ? getppid() : getpid();
    uid_t own = (uid_t)FIRST_USER + (uid_t)(parent % USER_SPREAD);
    // In our own user namespace no second id exists (EINVAL), and user 0 is an ordinary user
    // outside.
    return take_user(own) || take_user(NOBODY) || errno == EINVAL ? 0 : errno;
}

int ov_cage_bound_capabilities(void) {
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
            // EINVAL: past the last one that this kernel knows. An ordinary user may not do this
            // and has none to gain, with no_new_privs.
            return errno == EINVAL || geteuid() != 0 ? 0 : errno;
        }
    }
    return 0;
}

int ov_cage_drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}
