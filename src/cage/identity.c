// SPDX-License-Identifier: Apache-2.0
// Who the process is: a user of its own, without capabilities.
#include "cage/layers.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The first of the user ids that no system hands out (above the container ranges that systemd
// documents, below 2^31), so that a worker shares its id with nobody, not even with "nobody". Which
// of them is chance: the numbers of processes are no help, since in a namespace of its own each
// is 1.
enum { FIRST_USER = 1879048192, USER_SPREAD = 4194304, NOBODY = 65534 };

static uid_t pick_user(void) {
    uint32_t chance = 0;
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != sizeof chance) {
        chance = (uint32_t)getpid();
    }
    return (uid_t)FIRST_USER + (uid_t)(chance % USER_SPREAD);
}

static bool take_user(uid_t id) {
    return setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
}

// The owner of a folder that is to be written to and stays its owner's; 0 when there is none.
static uid_t find_owner(const struct ov_cage_spec *spec) {
    struct stat info;
    for (size_t i = 0; i < spec->path_count; i++) {
        const struct ov_cage_path *path = &spec->paths[i];
        if (path->path == NULL && path->is_writable && !path->is_handed_over &&
            fstat(path->fd, &info) == 0) {
            return info.st_uid;
        }
    }
    return 0;
}

static void hand_over(const struct ov_cage_spec *spec, uid_t id) {
    for (size_t i = 0; i < spec->path_count; i++) {
        if (spec->paths[i].path == NULL && spec->paths[i].is_handed_over) {
            // In our own user namespace it is ours already, and this changes nothing; and where it
            // fails otherwise, so does the first file that is made.
            (void)!fchown(spec->paths[i].fd, id, id);
        }
    }
}

int ov_cage_change_user(const struct ov_cage_spec *spec) {
    if (geteuid() != 0) {
        return EPERM;
    }
    (void)setgroups(0, NULL);
    uid_t owner = find_owner(spec);
    uid_t own = owner != 0 ? owner : pick_user();
    hand_over(spec, own);
    if (take_user(own)) {
        return 0;
    }
    hand_over(spec, NOBODY);
    // In our own user namespace no second id exists (EINVAL), and user 0 is an ordinary user
    // outside.
    return take_user(NOBODY) || errno == EINVAL ? 0 : errno;
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
