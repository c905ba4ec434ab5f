// SPDX-License-Identifier: Apache-2.0
// Puts the layers up, in the order in which they do not hinder one another.
#include "cage/cage.h"
#include "cage/layers.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct {
    const char *name;
    const char *meaning;
} layer_texts[OV_LAYER_COUNT] = {
    [OV_LAYER_USER] = {"user", "a user id or user namespace of its own"},
    [OV_LAYER_PIDS] = {"pids", "sees and signals no other process"},
    [OV_LAYER_MOUNTS] = {"mounts", "a root directory with the role's own paths alone"},
    [OV_LAYER_NET] = {"net", "a network namespace without any way out"},
    [OV_LAYER_IPC] = {"ipc", "no shared memory or queues of the host"},
    [OV_LAYER_UTS] = {"uts", "cannot rename the host"},
    [OV_LAYER_CGROUP] = {"cgroup", "does not see the host's cgroups"},
    [OV_LAYER_CAPABILITIES] = {"capabilities", "none, and none to be had"},
    [OV_LAYER_PRIVILEGES] = {"no-new-privs", "no program can give it rights"},
    [OV_LAYER_UNDUMPABLE] = {"undumpable", "no core file; its memory is not shown to other users"},
    [OV_LAYER_LIMITS] =
        {"limits", "memory capped; no processes made, few descriptors, no files but the role's"},
    [OV_LAYER_DESCRIPTORS] = {"descriptors", "only the role's own are open"},
    [OV_LAYER_LANDLOCK] = {"landlock", "no path, TCP port or signal out but the role's own"},
    [OV_LAYER_SECCOMP] = {"seccomp", "a short list of system calls; any other kills"},
};

const char *ov_cage_layer_name(enum ov_cage_layer layer) {
    return (unsigned)layer < OV_LAYER_COUNT ? layer_texts[layer].name : "unknown";
}

const char *ov_cage_layer_meaning(enum ov_cage_layer layer) {
    return (unsigned)layer < OV_LAYER_COUNT ? layer_texts[layer].meaning : "";
}

static bool is_asked(const struct ov_cage_spec *spec, enum ov_cage_layer layer) {
    return (spec->layers & OV_CAGE(layer)) != 0;
}

static void note(struct ov_cage_report *report, enum ov_cage_layer layer, int error) {
    if (error == 0) {
        report->enforced |= OV_CAGE(layer);
    } else {
        report->enforced &= ~OV_CAGE(layer);
        report->refusals[layer] = (uint8_t)(error < 255 ? error : 255);
    }
}

// prctl with one argument, as 0 or an errno.
static int set_process_flag(int option, unsigned long value) {
    return prctl(option, value, 0, 0, 0) == 0 ? 0 : errno;
}

static void change_identity(const struct ov_cage_spec *spec, struct ov_cage_report *report) {
    if (is_asked(spec, OV_LAYER_MOUNTS)) {
        note(report, OV_LAYER_MOUNTS, ov_cage_root(spec));
    }
    // Before the change of user, which takes the right to do this.
    int bound = is_asked(spec, OV_LAYER_CAPABILITIES) ? ov_cage_bound_capabilities() : 0;
    if (is_asked(spec, OV_LAYER_USER)) {
        note(report, OV_LAYER_USER, ov_cage_change_user(spec));
    }
    if (is_asked(spec, OV_LAYER_CAPABILITIES)) {
        int dropped = ov_cage_drop_capabilities();
        note(report, OV_LAYER_CAPABILITIES, bound != 0 ? bound : dropped);
    }
    // Death with the parent is asked for last: a change of user id forgets it.
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

void ov_cage_enter(const struct ov_cage_spec *spec, struct ov_cage_report *ret_report) {
    struct ov_cage_report report = {0};
    if (is_asked(spec, OV_LAYER_DESCRIPTORS)) {
        note(&report, OV_LAYER_DESCRIPTORS, ov_cage_close_descriptors(spec->descriptors_below));
    }
    ov_cage_namespaces(spec->layers & OV_CAGE_NAMESPACES, &report);
    change_identity(spec, &report);
    if (is_asked(spec, OV_LAYER_PRIVILEGES)) {
        note(&report, OV_LAYER_PRIVILEGES, set_process_flag(PR_SET_NO_NEW_PRIVS, 1));
    }
    if (is_asked(spec, OV_LAYER_LANDLOCK)) {
        note(&report, OV_LAYER_LANDLOCK, ov_cage_landlock(spec));
    }
    if (is_asked(spec, OV_LAYER_UNDUMPABLE)) {
        note(&report, OV_LAYER_UNDUMPABLE, set_process_flag(PR_SET_DUMPABLE, 0));
    }
    if (is_asked(spec, OV_LAYER_LIMITS)) {
        note(&report, OV_LAYER_LIMITS, ov_cage_limits(spec));
    }
    if (is_asked(spec, OV_LAYER_SECCOMP)) {
        note(&report, OV_LAYER_SECCOMP, ov_cage_seccomp(spec));
    }
    *ret_report = report;
}
