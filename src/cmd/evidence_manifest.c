// SPDX-License-Identifier: Apache-2.0
// What each process may do on this machine, as text: the part `manifest` of a file of evidence.
#include "cmd/evidence_export.h"
#include "cmd/status_manifest.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

// A text of others: what is not printable ASCII becomes '?'.
static void add_line(struct ov_buf *buf, const char *keyword, struct ov_span text) {
    ov_buf_printf(buf, "%s ", keyword);
    for (size_t i = 0; i < text.size; i++) {
        bool is_printable = text.data[i] >= ' ' && text.data[i] <= '~';
        ov_buf_add_u8(buf, is_printable ? text.data[i] : '?');
    }
    ov_buf_add_text(buf, text.size > 0 ? "\n" : "-\n");
}

static void add_layers(struct ov_buf *buf, const char *keyword, uint32_t layers) {
    ov_buf_add_text(buf, keyword);
    for (unsigned layer = 0; layer < OV_LAYER_COUNT; layer++) {
        if ((layers & OV_CAGE(layer)) != 0) {
            ov_buf_printf(buf, " %s", ov_cage_layer_name(layer));
        }
    }
    ov_buf_add_text(buf, layers == 0 ? " -\n" : "\n");
}

// The name of a call, once.
static void add_call(void *arg, const struct ov_cage_rule *rule) {
    struct ov_buf *names = arg;
    char word[64];
    (void)snprintf(word, sizeof word, " %s ", rule->call);
    struct ov_span all = ov_buf_span(names);
    bool is_there = all.size > 0 && memmem(all.data, all.size, word, strlen(word)) != NULL;
    if (rule->error == 0 && !is_there) {
        ov_buf_printf(names, "%s ", rule->call);
    }
}

static void add_calls(struct ov_buf *buf, enum ov_role_id id) {
    OV_CLEANUP(ov_buf_release) struct ov_buf names = {0};
    struct ov_cage_spec spec = ov_role_cage(id);
    ov_buf_add_u8(&names, ' ');
    ov_cage_rules_each(&spec, add_call, &names);
    buf->has_failed = buf->has_failed || names.has_failed;
    struct ov_span all = ov_buf_span(&names);
    bool is_caged = ov_role_get(id)->layers != 0;
    add_line(buf, "calls",
             is_caged ? ov_span_part(all, 1, all.size > 1 ? all.size - 2 : 0)
                      : ov_span_text("any"));
}

static void add_sockets(struct ov_buf *buf, uint32_t sockets) {
    ov_buf_add_text(buf, "sockets");
    for (unsigned bit = 0; bit < OV_SOCKETS_COUNT; bit++) {
        if ((sockets & (1u << bit)) != 0) {
            ov_buf_printf(buf, " %s", ov_role_socket_name(bit));
        }
    }
    ov_buf_add_text(buf, sockets == 0 ? " -\n" : "\n");
}

static enum ov_status add_role(struct ov_buf *buf, enum ov_role_id id) {
    OV_CLEANUP(ov_buf_release) struct ov_buf differences = {0};
    static struct ov_probe probe;
    const struct ov_role *role = ov_role_get(id);
    probe = (struct ov_probe){0};
    if (role->layers == 0) { // this process is one
        probe.has_seen = ov_seen_look(getpid(), &probe.seen) == OV_OK;
    } else {
        TRY(ov_status_probe(id, &probe));
    }
    (void)ov_manifest_compare(id, &probe, &differences);
    add_line(buf, "role", ov_span_text(role->name));
    add_line(buf, "program", ov_span_text(role->program));
    add_layers(buf, "declared", role->layers);
    add_layers(buf, "enforced", role->layers & probe.cage.enforced);
    add_calls(buf, id);
    add_sockets(buf, role->sockets);
    struct ov_cursor lines = ov_cursor_init(ov_buf_span(&differences));
    struct ov_span line;
    while (ov_line_read(&lines, &line) == OV_OK) {
        add_line(buf, "difference", line);
    }
    return ov_buf_status(&differences);
}

enum ov_status ov_evidence_manifest(struct ov_buf *ret_manifest) {
    struct utsname system;
    TRY(uname(&system) == 0 ? OV_OK : OV_SYSTEM);
    (void)fflush(NULL);
    ov_buf_add_text(ret_manifest, "overt-manifest/v1\n");
    add_line(ret_manifest, "kernel", ov_span_text(system.release));
    for (unsigned id = 0; id < OV_ROLE_COUNT; id++) {
        TRY(add_role(ret_manifest, (enum ov_role_id)id));
    }
    return ov_buf_status(ret_manifest);
}
