// SPDX-License-Identifier: Apache-2.0
// The manifest of a role: the row of the table, what /proc says of a process of it, and the
// comparison of both.
#include "cmd/status_manifest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// ---- differences ------------------------------------------------------------------------------

struct comparison {
    const struct ov_role *role;
    enum ov_role_id id;
    const struct ov_probe *probe;
    struct ov_buf *lines;
    unsigned count;
};

__attribute__((format(printf, 2, 3))) static void note(struct comparison *comparison,
                                                       const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ov_buf_printf(comparison->lines, "%s\n", text);
    comparison->count++;
}

// Declared, and the process says that it stands: only then is it worth looking whether it does.
static bool is_up(const struct comparison *comparison, enum ov_cage_layer layer) {
    return (comparison->role->layers & comparison->probe->cage.enforced & OV_CAGE(layer)) != 0;
}

static void compare_layers(struct comparison *comparison) {
    const struct ov_cage_report *cage = &comparison->probe->cage;
    for (unsigned layer = 0; layer < OV_LAYER_COUNT; layer++) {
        if ((comparison->role->layers & OV_CAGE(layer)) != 0 && !is_up(comparison, layer)) {
            note(comparison, "layer %s: missing: %s", ov_cage_layer_name(layer),
                 strerror(cage->refusals[layer]));
        }
    }
}

static void compare_trials(struct comparison *comparison) {
    for (unsigned i = 0; i < OV_TRIALS; i++) {
        const struct ov_trial *trial = &comparison->probe->trials[i];
        if (trial->result == OV_TRIAL_DONE) {
            note(comparison, "tried to %s: it was possible", trial->name);
        }
    }
    for (unsigned i = 0; i < OV_LANDLOCK_TRIALS && is_up(comparison, OV_LAYER_LANDLOCK); i++) {
        const struct ov_trial *trial = &comparison->probe->landlock[i];
        if (trial->result == OV_TRIAL_DONE || trial->result == OV_TRIAL_UNKNOWN) {
            note(comparison, "landlock: tried to %s: %s", trial->name,
                 trial->result == OV_TRIAL_DONE ? "it was possible" : "not tried");
        }
    }
}

static void compare_identity(struct comparison *comparison) {
    const struct ov_seen_status *status = &comparison->probe->seen.status;
    // Whom an ordinary user's process runs as is seen from inside its user namespace alone.
    for (unsigned i = 0; i < 4 && geteuid() == 0 && is_up(comparison, OV_LAYER_USER); i++) {
        if (status->uids[i] == 0 || status->gids[i] == 0) {
            note(comparison, "user: it is root (%u:%u)", status->uids[i], status->gids[i]);
            break;
        }
    }
    if (geteuid() == 0 && is_up(comparison, OV_LAYER_USER) && status->group_count != 0) {
        note(comparison, "user: it has %u more groups", status->group_count);
    }
    uint64_t held = status->effective | status->permitted | status->inheritable | status->ambient;
    if (is_up(comparison, OV_LAYER_CAPABILITIES) && held != 0) {
        note(comparison, "capabilities: it has %016llx", (unsigned long long)held);
    }
    // To give these up takes a right that an ordinary user has in a user namespace alone.
    bool can_give_up = geteuid() == 0 || is_up(comparison, OV_LAYER_PIDS);
    if (is_up(comparison, OV_LAYER_CAPABILITIES) && can_give_up && status->bounding != 0) {
        note(comparison, "capabilities: it could get %016llx",
             (unsigned long long)status->bounding);
    }
}

// We may stand under a filter ourselves: there is one more than ours, or the kernel does not count.
static void compare_filter(struct comparison *comparison, const struct ov_seen_status *ours) {
    const struct ov_seen_status *status = &comparison->probe->seen.status;
    if (is_up(comparison, OV_LAYER_PRIVILEGES) && status->no_new_privs != 1) {
        note(comparison, "no-new-privs: %u", status->no_new_privs);
    }
    if (is_up(comparison, OV_LAYER_SECCOMP) &&
        (status->seccomp != 2 ||
         (status->seccomp_filters != 0 && status->seccomp_filters != ours->seccomp_filters + 1))) {
        note(comparison, "seccomp: mode %u, %u filters", status->seccomp, status->seccomp_filters);
    }
    if (status->threads != 1) {
        note(comparison, "threads: %u", status->threads);
    }
}

static void compare_namespaces(struct comparison *comparison) {
    for (unsigned i = 0; i < OV_SEEN_NAMESPACES; i++) {
        enum ov_cage_layer layer = ov_seen_namespace_layer(i);
        if (layer != OV_LAYER_COUNT && is_up(comparison, layer) &&
            !comparison->probe->seen.is_apart[i]) {
            note(comparison, "%s: its %s namespace is ours", ov_cage_layer_name(layer),
                 ov_seen_namespace_name(i));
        }
    }
}

// A path of the row as it is seen in the role's own root directory.
static void name_place(const struct ov_cage_path *path, size_t index,
                       char ret_place[OV_SEEN_TEXT_BYTES]) {
    if (path->path != NULL) {
        (void)snprintf(ret_place, OV_SEEN_TEXT_BYTES, "%s", path->path);
    } else {
        (void)snprintf(ret_place, OV_SEEN_TEXT_BYTES, "/folder%zu", index);
    }
}

static bool is_declared_path(const struct ov_role *role, const char *seen) {
    for (size_t i = 0; i < role->path_count; i++) {
        char place[OV_SEEN_TEXT_BYTES];
        name_place(&role->paths[i], i, place);
        if (strcmp(place, seen) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_paths(struct comparison *comparison) {
    const struct ov_seen *seen = &comparison->probe->seen;
    if (!is_up(comparison, OV_LAYER_MOUNTS)) {
        return;
    }
    if (seen->has_our_root) {
        note(comparison, "mounts: its root directory is ours");
    }
    for (size_t i = 0; i < seen->path_count; i++) {
        if (!is_declared_path(comparison->role, seen->paths[i])) {
            note(comparison, "mounts: %s is in its root directory", seen->paths[i]);
        }
    }
}

static void compare_descriptors(struct comparison *comparison) {
    const struct ov_seen *seen = &comparison->probe->seen;
    int declared = ov_role_descriptor_count(comparison->id);
    for (size_t i = 0; i < seen->descriptor_count && is_up(comparison, OV_LAYER_DESCRIPTORS); i++) {
        const struct ov_seen_descriptor *one = &seen->descriptors[i];
        if (one->number >= declared) {
            note(comparison, "descriptors: %d is open (%s)", one->number, one->target);
        } else if ((comparison->role->descriptors[one->number].kinds & one->kind) == 0) {
            note(comparison, "descriptors: %d is something else (%s)", one->number, one->target);
        }
    }
    if (seen->has_more) {
        note(comparison, "descriptors or paths: more than can be told");
    }
}

unsigned ov_manifest_compare(enum ov_role_id role, const struct ov_probe *probe,
                             struct ov_buf *lines) {
    struct comparison comparison = {
        .role = ov_role_get(role), .id = role, .probe = probe, .lines = lines};
    struct ov_seen ours = {0};
    if (comparison.role->layers == 0) {
        return 0; // nothing is taken from it
    }
    compare_layers(&comparison);
    compare_trials(&comparison);
    if (!probe->has_seen || ov_seen_look(getpid(), &ours) != OV_OK) {
        note(&comparison, "it could not be looked at");
        return comparison.count;
    }
    compare_identity(&comparison);
    compare_filter(&comparison, &ours.status);
    if (probe->seen.has_inside) {
        compare_namespaces(&comparison);
        compare_paths(&comparison);
        compare_descriptors(&comparison);
    }
    return comparison.count;
}

// ---- declared ---------------------------------------------------------------------------------

static void add_bits(struct ov_json *json, const char *key, uint32_t bits,
                     const char *name(unsigned bit)) {
    ov_json_array(json, key);
    for (unsigned bit = 0; bit < 32; bit++) {
        if ((bits & (1u << bit)) != 0) {
            ov_json_text(json, NULL, name(bit));
        }
    }
    ov_json_array_end(json);
}

static const char *name_layer(unsigned bit) {
    return ov_cage_layer_name(bit);
}

static void add_rule(void *arg, const struct ov_cage_rule *rule) {
    struct ov_json *json = arg;
    ov_json_object(json, NULL);
    ov_json_text(json, "call", rule->call);
    ov_json_array(json, "where");
    for (size_t i = 0; i < rule->condition_count; i++) {
        ov_json_object(json, NULL);
        ov_json_uint(json, "argument", rule->conditions[i].argument);
        ov_json_uint(json, "mask", rule->conditions[i].mask);
        ov_json_uint(json, "value", rule->conditions[i].value);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
    if (rule->error != 0) {
        ov_json_text(json, "declined", strerrorname_np(rule->error));
    }
    ov_json_object_end(json);
}

static void add_declared_paths(struct ov_json *json, const struct ov_role *role) {
    ov_json_array(json, "paths");
    for (size_t i = 0; i < role->path_count; i++) {
        char place[OV_SEEN_TEXT_BYTES];
        name_place(&role->paths[i], i, place);
        ov_json_object(json, NULL);
        ov_json_text(json, "path", place);
        if (role->paths[i].path == NULL) {
            ov_json_int(json, "descriptor", role->paths[i].fd);
        }
        ov_json_bool(json, "write", role->paths[i].is_writable);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_declared(struct ov_json *json, enum ov_role_id id) {
    const struct ov_role *role = ov_role_get(id);
    struct ov_cage_spec spec = ov_role_cage(id);
    ov_json_object(json, "declared");
    add_bits(json, "layers", role->layers, name_layer);
    add_bits(json, "words", role->calls, ov_cage_word_name);
    add_bits(json, "sockets", role->sockets, ov_role_socket_name);
    if (role->layers == 0) { // it may make any call, and open what its user may
        ov_json_null(json, "calls");
        ov_json_null(json, "paths");
        ov_json_null(json, "descriptors");
        ov_json_object_end(json);
        return;
    }
    ov_json_array(json, "calls");
    ov_cage_rules_each(&spec, add_rule, json);
    ov_json_array_end(json);
    add_declared_paths(json, role);
    ov_json_array(json, "descriptors");
    for (int fd = 0; fd < ov_role_descriptor_count(id); fd++) {
        ov_json_object(json, NULL);
        ov_json_int(json, "number", fd);
        ov_json_text(json, "what", role->descriptors[fd].what);
        add_bits(json, "kinds", role->descriptors[fd].kinds, ov_role_kind_name);
        ov_json_bool(json, "optional", role->descriptors[fd].is_optional);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
    ov_json_object_end(json);
}

// ---- kernel -----------------------------------------------------------------------------------

static void add_ids(struct ov_json *json, const char *key, const unsigned ids[4]) {
    ov_json_array(json, key);
    for (unsigned i = 0; i < 4; i++) {
        ov_json_uint(json, NULL, ids[i]);
    }
    ov_json_array_end(json);
}

static void add_mask(struct ov_json *json, const char *key, uint64_t mask) {
    char text[24];
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)mask);
    ov_json_text(json, key, text);
}

static void add_status(struct ov_json *json, const struct ov_seen_status *status) {
    add_ids(json, "uid", status->uids);
    add_ids(json, "gid", status->gids);
    ov_json_uint(json, "groups", status->group_count);
    add_mask(json, "cap_effective", status->effective);
    add_mask(json, "cap_bounding", status->bounding);
    ov_json_uint(json, "no_new_privs", status->no_new_privs);
    ov_json_uint(json, "seccomp", status->seccomp);
    ov_json_uint(json, "seccomp_filters", status->seccomp_filters);
    ov_json_uint(json, "threads", status->threads);
}

static void add_inside(struct ov_json *json, const struct ov_seen *seen) {
    ov_json_object(json, "namespaces");
    for (unsigned i = 0; i < OV_SEEN_NAMESPACES; i++) {
        ov_json_text(json, ov_seen_namespace_name(i), seen->is_apart[i] ? "own" : "ours");
    }
    ov_json_object_end(json);
    ov_json_bool(json, "own_root", !seen->has_our_root);
    ov_json_array(json, "root");
    for (size_t i = 0; i < seen->path_count; i++) {
        ov_json_text(json, NULL, seen->paths[i]);
    }
    ov_json_array_end(json);
    ov_json_array(json, "descriptors");
    for (size_t i = 0; i < seen->descriptor_count; i++) {
        ov_json_object(json, NULL);
        ov_json_int(json, "number", seen->descriptors[i].number);
        ov_json_text(json, "target", seen->descriptors[i].target);
        add_bits(json, "kinds", seen->descriptors[i].kind, ov_role_kind_name);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_landlock(struct ov_json *json, const struct ov_probe *probe) {
    ov_json_object(json, "landlock");
    ov_json_int(json, "version", probe->landlock_version);
    for (unsigned i = 0; i < OV_LANDLOCK_TRIALS; i++) {
        ov_json_text(json, probe->landlock[i].name, ov_trial_text(probe->landlock[i].result));
    }
    ov_json_object_end(json);
}

static void add_kernel(struct ov_json *json, enum ov_role_id role, const struct ov_probe *probe) {
    bool is_caged = ov_role_get(role)->layers != 0;
    if (!probe->has_seen) {
        ov_json_null(json, "kernel");
        return;
    }
    ov_json_object(json, "kernel");
    add_bits(json, "layers", probe->cage.enforced, name_layer);
    add_status(json, &probe->seen.status);
    ov_json_bool(json, "looked_inside", is_caged && probe->seen.has_inside);
    if (is_caged && probe->seen.has_inside) {
        add_inside(json, &probe->seen);
    }
    if (is_caged) {
        add_landlock(json, probe);
    }
    ov_json_object_end(json);
}

void ov_manifest_add(struct ov_json *json, enum ov_role_id role, const struct ov_probe *probe,
                     const struct ov_buf *lines) {
    struct ov_span rest = ov_buf_span(lines);
    ov_json_object(json, "manifest");
    add_declared(json, role);
    add_kernel(json, role, probe);
    ov_json_array(json, "differences");
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
        ov_json_bytes(json, NULL, ov_span_part(rest, 0, size));
        rest = ov_span_from(rest, size + 1);
    }
    ov_json_array_end(json);
    ov_json_object_end(json);
}
