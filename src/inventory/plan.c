// SPDX-License-Identifier: Apache-2.0
// Plans: what may stand in one, and what is the same.
#include "inventory/plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 256 << 20, TARGETS_STEP = 8, PATH_BYTES_MAX = 4000, NAME_BYTES_MAX = 255 };

void ov_plan_init(struct ov_plan *ret_plan) {
    *ret_plan = (struct ov_plan){.root = "/", .machine = ""};
    ov_arena_init(&ret_plan->arena, ARENA_BYTES);
}

void ov_plan_release(struct ov_plan *plan) {
    ov_arena_release(&plan->arena);
}

// ---- building -----------------------------------------------------------------------------------

static const char *copy(struct ov_plan *plan, const char *text) {
    return ov_arena_text(&plan->arena, ov_span_text(text != NULL ? text : ""));
}

struct ov_plan_step *ov_plan_add_step(struct ov_plan *plan, enum ov_step_kind kind,
                                      const struct ov_product *product) {
    struct ov_plan_step *step = ov_arena_alloc(&plan->arena, sizeof *step);
    if (step == NULL) {
        return NULL;
    }
    step->kind = kind;
    step->product = product;
    struct ov_plan_step **end = &plan->steps;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = step;
    plan->step_count++;
    return step;
}

// A list of texts that grows by steps.
static bool add_text(struct ov_plan *plan, const char ***items, size_t *count, const char *text) {
    if (*count % TARGETS_STEP == 0) {
        const char **grown =
            ov_arena_array(&plan->arena, *count + TARGETS_STEP, sizeof(const char *));
        if (grown == NULL) {
            return false;
        }
        if (*count > 0) {
            memcpy(grown, *items, *count * sizeof(const char *));
        }
        *items = grown;
    }
    const char *copied = copy(plan, text);
    if (copied == NULL) {
        return false;
    }
    (*items)[(*count)++] = copied;
    return true;
}

bool ov_plan_add_target(struct ov_plan *plan, struct ov_plan_step *step, const char *target) {
    return add_text(plan, &step->targets, &step->target_count, target);
}

bool ov_plan_add_ban(struct ov_plan *plan, const char *word) {
    return add_text(plan, &plan->bans, &plan->ban_count, word);
}

struct ov_plan_entry *ov_plan_add_entry(struct ov_plan *plan, struct ov_plan_step *step,
                                        const struct ov_plan_entry *entry) {
    struct ov_plan_entry *made = ov_arena_alloc(&plan->arena, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    *made = *entry;
    made->next = NULL;
    made->previous = step->last;
    made->path = copy(plan, entry->path);
    made->sha256 = copy(plan, entry->sha256);
    if (made->path == NULL || made->sha256 == NULL) {
        return NULL;
    }
    if (step->entries == NULL) {
        step->entries = made;
    } else {
        step->last->next = made;
    }
    step->last = made;
    step->entry_count++;
    return made;
}

bool ov_plan_add_product(struct ov_plan *plan, const struct ov_plan_product *product) {
    struct ov_plan_product *made = ov_arena_alloc(&plan->arena, sizeof *made);
    if (made == NULL) {
        return false;
    }
    *made = *product;
    made->next = NULL;
    made->version = copy(plan, product->version);
    struct ov_plan_product **end = &plan->products;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = made;
    plan->product_count++;
    return made->version != NULL;
}

bool ov_plan_add_seen(struct ov_plan *plan, const struct ov_plan_seen *seen) {
    struct ov_plan_seen *made = ov_arena_alloc(&plan->arena, sizeof *made);
    if (made == NULL) {
        return false;
    }
    *made = *seen;
    made->next = NULL;
    made->matched = copy(plan, seen->matched);
    made->detail = copy(plan, seen->detail);
    made->place = copy(plan, seen->place);
    struct ov_plan_seen **end = &plan->seen;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = made;
    plan->seen_count++;
    return made->matched != NULL && made->detail != NULL && made->place != NULL;
}

// ---- what may stand in a plan -------------------------------------------------------------------

bool ov_plan_name_is_good(enum ov_step_kind kind, const char *name) {
    const char *others = kind == OV_STEP_STOP       ? "@:_.-\\"
                         : kind == OV_STEP_PACKAGES ? "+:_.-~"
                                                    : "_.-";
    size_t size = strlen(name);
    bool is_good = size > 0 && size <= NAME_BYTES_MAX &&
                   (isalnum((unsigned char)name[0]) != 0 || name[0] == '_');
    for (size_t i = 0; is_good && i < size; i++) {
        unsigned char byte = (unsigned char)name[i];
        is_good = byte < 0x80 && (isalnum(byte) != 0 || strchr(others, byte) != NULL);
    }
    return is_good;
}

// Folders that are no product's, whatever a table says.
static const char *const system_folders[] = {
    "/afs",
    "/bin",
    "/boot",
    "/data",
    "/dev",
    "/etc",
    "/export",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/lost+found",
    "/media",
    "/mnt",
    "/net",
    "/nix",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/snap",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
    "/etc/apt",
    "/etc/rc0.d",
    "/etc/rc1.d",
    "/etc/rc2.d",
    "/etc/rc3.d",
    "/etc/rc4.d",
    "/etc/rc5.d",
    "/etc/rc6.d",
    "/etc/rcS.d",
    "/etc/apt/sources.list.d",
    "/etc/apt/trusted.gpg.d",
    "/etc/apt/keyrings",
    "/etc/audit",
    "/etc/audit/rules.d",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/cron.monthly",
    "/etc/cron.weekly",
    "/etc/default",
    "/etc/init.d",
    "/etc/ld.so.conf.d",
    "/etc/logrotate.d",
    "/etc/opt",
    "/etc/pam.d",
    "/etc/profile.d",
    "/etc/rc.d",
    "/etc/selinux",
    "/etc/ssl",
    "/etc/ssl/certs",
    "/etc/sudoers.d",
    "/etc/sysconfig",
    "/etc/systemd",
    "/etc/systemd/system",
    "/etc/udev",
    "/etc/xdg",
    "/etc/yum.repos.d",
    "/lib/modules",
    "/lib/systemd",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib/modules",
    "/usr/lib/systemd",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/usr/src",
    "/var/cache",
    "/var/lib",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lock",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/run",
    "/var/spool",
    "/var/spool/cron",
    "/var/tmp",
    "/etc/xdg/autostart",
    "/usr/local/share",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
};

bool ov_plan_path_is_good(const char *path) {
    size_t size = strlen(path);
    if (size == 0 || size > PATH_BYTES_MAX || path[0] != '/' || path[size - 1] == '/') {
        return false;
    }
    for (const char *at = path; *at != 0;) {
        size_t length = strcspn(at + 1, "/");
        bool is_dots =
            (length == 1 && at[1] == '.') || (length == 2 && at[1] == '.' && at[2] == '.');
        if (length == 0 || is_dots) {
            return false;
        }
        at += 1 + length;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof system_folders / sizeof *system_folders; i++) {
        if (strcmp(system_folders[i], path) == 0) {
            return false;
        }
    }
    return true;
}

bool ov_plan_path_may_change(const char *path) {
    static const char *const folders[] = {"/var/", "/run/", "/tmp/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (strncmp(path, folders[i], strlen(folders[i])) == 0) {
            return true;
        }
    }
    return false;
}

// ---- words --------------------------------------------------------------------------------------

const char *ov_step_name(enum ov_step_kind kind) {
    static const char *const names[OV_STEP_KINDS] = {
        "stop",  "uninstall", "packages", "module", "remove", "user",
        "group", "selinux",   "reload",   "person", "reboot", "verify",
    };
    return kind < OV_STEP_KINDS ? names[kind] : "unknown";
}

const char *ov_step_title(enum ov_step_kind kind) {
    static const char *const titles[OV_STEP_KINDS] = {
        "stop a unit, and have it not start again",
        "run the vendor's own uninstaller",
        "remove packages with the package manager",
        "unload a kernel module",
        "remove what is left over",
        "remove a user",
        "remove a group",
        "remove an SELinux policy module",
        "tell systemd that units are gone",
        "for a person to decide or to do",
        "restart the machine",
        "look whether it is gone",
    };
    return kind < OV_STEP_KINDS ? titles[kind] : "unknown";
}

const char *ov_plan_tool_name(enum ov_plan_tool tool) {
    static const char *const names[OV_TOOL_KINDS] = {"none", "dpkg", "rpm", "rpm-sysimage", "apk"};
    return tool < OV_TOOL_KINDS ? names[tool] : "unknown";
}

const char *ov_plan_rpm_folder(enum ov_plan_tool tool) {
    return tool == OV_TOOL_RPM            ? "/var/lib/rpm"
           : tool == OV_TOOL_RPM_SYSIMAGE ? "/usr/lib/sysimage/rpm"
                                          : NULL;
}

static bool is_there(const struct ov_root *tree, const char *folder, const char *name) {
    OV_AUTO_FD fd = -1;
    struct stat info;
    char path[64];
    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    return ov_root_find(tree, path, true, &fd, &info) == OV_OK;
}

bool ov_plan_has_database(const struct ov_root *tree, enum ov_plan_tool tool) {
    const char *folder = ov_plan_rpm_folder(tool);
    if (folder != NULL) {
        return is_there(tree, folder, "/rpmdb.sqlite") || is_there(tree, folder, "/Packages.db") ||
               is_there(tree, folder, "/Packages");
    }
    return tool == OV_TOOL_DPKG  ? is_there(tree, "/var/lib/dpkg", "/status")
           : tool == OV_TOOL_APK ? is_there(tree, "/lib/apk/db", "/installed")
                                 : false;
}

// ---- comparison ---------------------------------------------------------------------------------

bool ov_plan_step_is_same(const struct ov_plan_step *a, const struct ov_plan_step *b) {
    bool is_same = a->kind == b->kind && a->tool == b->tool && a->product == b->product &&
                   a->target_count == b->target_count;
    for (size_t i = 0; is_same && i < a->target_count; i++) {
        is_same = strcmp(a->targets[i], b->targets[i]) == 0;
    }
    return is_same;
}

bool ov_plan_entry_is_same(const struct ov_plan_entry *planned, const struct ov_plan_entry *now) {
    if (planned->type != now->type) {
        return false;
    }
    if (planned->may_change || planned->type == 'd' || planned->type == 's') {
        return true;
    }
    return planned->size == now->size && planned->modified_ns == now->modified_ns &&
           strcmp(planned->sha256, now->sha256) == 0;
}

const struct ov_plan_entry *ov_plan_find_entry(const struct ov_plan_step *step, const char *path) {
    const struct ov_plan_entry *entry = step->entries;
    while (entry != NULL && strcmp(entry->path, path) != 0) {
        entry = entry->next;
    }
    return entry;
}

// ---- functions ----------------------------------------------------------------------------------

const char *ov_function_loss(unsigned bit) {
    static const char *const losses[OV_FUNCTION_COUNT] = {
        "files are not looked at when they are opened",
        "nobody can have files scanned by it",
        "processes are not watched, and not stopped for what they do",
        "the response team cannot look at this machine, or act on it, from afar",
        "its rules no longer filter traffic: what was closed by them is open",
        "web pages and mail are not filtered",
        "changes of the system's files are not told",
        "any program runs",
        "documents are not kept from leaving",
        "faults of what is installed are not told",
        "updates are not brought in by it",
        "settings and tasks from the management server no longer come",
        "traces of intruders are not looked for",
    };
    return bit < OV_FUNCTION_COUNT ? losses[bit] : "unknown";
}

const char *ov_function_replacement(unsigned bit) {
    static const char *const replacements[OV_FUNCTION_COUNT] = {
        "overt scan of the folders that take files in, on a timer; mount those noexec, nosuid",
        "overt scan",
        "the kernel's audit with rules for exec, Falco or osquery; overt watch for one program",
        "SSH with logged sessions, and journald or auditd sent to your own collector",
        "nftables or firewalld: put the same rules there before the product goes",
        "a filtering proxy or resolver, and the mail gateway's own scanner",
        "AIDE, or rpm -V and dpkg --verify, on a timer",
        "fapolicyd, or SELinux or AppArmor in enforcing mode",
        "permissions, encryption of folders, and rules at the gateway; overt watch shows who reads",
        "debsecan or dnf updateinfo, or a scanner of vulnerabilities of your own",
        "unattended-upgrades or dnf-automatic",
        "your configuration management",
        "rkhunter or chkrootkit from a trusted medium, and overt inventory",
    };
    return bit < OV_FUNCTION_COUNT ? replacements[bit] : "unknown";
}
