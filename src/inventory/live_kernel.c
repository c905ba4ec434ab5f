// SPDX-License-Identifier: Apache-2.0
// The kernel's modules, and the rules of its audit.
#include "inventory/live_state.h"

#include "base/audit_rules.h"
#include "base/cursor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct ov_span cut_word(struct ov_span *rest) {
    size_t size = ov_span_find(*rest, 0, ' ');
    struct ov_span word = ov_span_part(*rest, 0, size);
    *rest = ov_span_from(*rest, size + 1);
    return word;
}

// "NAME SIZE USERS NEEDED-BY STATE ADDRESS (TAINTS)"; of the latter O: not of the kernel's own
// source, E: not signed, P: not free (proc_modules(5), tainted-kernels.rst).
static void look_at_module(struct ov_live *live, struct ov_span line) {
    char name[128], taints[16] = "", detail[64];
    struct ov_span rest = line;
    struct ov_span word = cut_word(&rest);
    (void)snprintf(name, sizeof name, "%.*s", (int)word.size, (const char *)word.data);
    size_t open = ov_span_find(line, 0, '(');
    if (open < line.size) {
        struct ov_span text = ov_span_from(line, open + 1);
        (void)snprintf(taints, sizeof taints, "%.*s", (int)ov_span_find(text, 0, ')'),
                       (const char *)text.data);
    }
    bool is_foreign = strchr(taints, 'O') != NULL || strchr(taints, 'P') != NULL;
    (void)snprintf(detail, sizeof detail, "loaded%s%s",
                   is_foreign ? ", from outside of the kernel's source" : "",
                   strchr(taints, 'E') != NULL ? ", not signed" : "");
    size_t count = ov_inventory_see(
        live->inventory,
        &(struct ov_sight){.kind = OV_INDICATOR_MODULE, .value = name, .detail = detail});
    if (count > 0) {
        ov_inventory_allow(
            live->inventory,
            &(struct ov_allowed){
                .kind = OV_INDICATOR_MODULE, .value = name, .power = OV_POWER_KERNEL, .place = ""},
            name);
    } else if (is_foreign) { // drivers are so, too: told, and no finding
        const struct ov_holder holder = {.what = (char *)(uintptr_t) "kernel module",
                                         .who = name,
                                         .detail = detail,
                                         .package = (char *)(uintptr_t) "",
                                         .is_expected = true};
        ov_inventory_add_holder(live->inventory, &holder);
    }
}

void ov_live_list_modules(struct ov_live *live) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    size_t count = 0;
    if (ov_procfs_read(live->procfs, "modules", &text) != OV_OK) {
        if (errno != ENOENT) { // a kernel without modules has no such list
            ov_inventory_add_problem(live->inventory, "/proc/modules", strerror(errno), NULL);
        }
        return;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&text));
    while (ov_cursor_left(&cursor) > 0) {
        look_at_module(live, ov_cursor_until(&cursor, '\n'));
        count++;
    }
    char method[64];
    (void)snprintf(method, sizeof method, "loaded kernel modules: %zu", count);
    ov_inventory_add_method(live->inventory, method);
}

// ---- audit --------------------------------------------------------------------------------------

// The value of "-F exe=PATH", "-F path=PATH" or "-F dir=PATH".
static bool find_path(struct ov_span rule, char ret_path[PATH_MAX]) {
    static const char *const keys[] = {"exe=", "path=", "dir="};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct ov_span key = ov_span_text(keys[i]);
        size_t at = ov_span_search(rule, 0, key);
        if (at < rule.size) {
            struct ov_span rest = ov_span_from(rule, at + key.size);
            (void)snprintf(ret_path, PATH_MAX, "%.*s", (int)ov_span_find(rest, 0, ' '),
                           (const char *)rest.data);
            return true;
        }
    }
    return false;
}

// "-a never,exit ..." keeps what it is about out of the log, and so does any rule of the list
// `exclude`, whatever its action (audit_filter(), kernel/audit.c).
static bool hides(const char *rule) {
    static const char never[] = "-a never,", list[] = ",exclude";
    size_t begin = strcspn(rule, ",");
    return strncmp(rule, never, sizeof never - 1) == 0 ||
           strncmp(rule + begin, list, sizeof list - 1) == 0;
}

// Distributions leave out what would fill the log: kinds of records. Rules about a program, a
// process or a user leave out what these do.
static bool is_about_somebody(const char *rule) {
    static const char *const fields[] = {
        " exe=", " pid=", " ppid=", " uid=", " euid=", " gid=", " egid=", " subj_"};
    bool is_about = false;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        is_about |= strstr(rule, fields[i]) != NULL;
    }
    return is_about;
}

static enum ov_status look_at_rule(void *arg, struct ov_span rule) {
    struct ov_live *live = arg;
    char text[1024], path[PATH_MAX];
    (void)snprintf(text, sizeof text, "%.*s", (int)rule.size, (const char *)rule.data);
    const struct ov_product *owner = NULL;
    if (find_path(rule, path)) {
        (void)ov_inventory_see(
            live->inventory,
            &(struct ov_sight){.kind = OV_INDICATOR_AUDIT, .value = path, .detail = text});
        owner = ov_inventory_owner(path);
    }
    if (!hides(text)) {
        return OV_OK;
    }
    if (owner != NULL) {
        char detail[sizeof text + 32];
        (void)snprintf(detail, sizeof detail, "hidden from it by %s", text);
        ov_inventory_add_power(live->inventory, owner, OV_POWER_AUDIT, detail, "");
        return OV_OK;
    }
    const struct ov_holder holder = {.what = (char *)(uintptr_t) "audit rule that hides",
                                     .who = text,
                                     .detail = (char *)(uintptr_t) "in the kernel now",
                                     .package = (char *)(uintptr_t) "",
                                     .is_expected = !is_about_somebody(text)};
    ov_inventory_add_holder(live->inventory, &holder);
    return OV_OK;
}

void ov_live_list_audit(struct ov_live *live) {
    enum ov_status status = ov_audit_rules_each(live, look_at_rule);
    bool is_absent = status == OV_SYSTEM && (errno == EPROTONOSUPPORT || errno == ECONNREFUSED);
    if (status == OV_OK) {
        ov_inventory_add_method(live->inventory, "the kernel's audit rules");
    } else if (!is_absent) {
        ov_inventory_add_problem(live->inventory, "the kernel's audit rules",
                                 status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                                 NULL);
    }
}
