// SPDX-License-Identifier: Apache-2.0
// overt status: the table of processes, and what this kernel really takes from each of them.
#include "base/json.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/scan_rules.h"
#include "cmd/status_journal.h"
#include "cmd/status_manifest.h"
#include "role/roles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { COLUMNS = 100 };
#define CALLS_INDENT "           "

static const char help[] =
    "Usage: overt status [--json]\n"
    "\n"
    "Shows every process that Overt runs: what it may hear and say, what it can reach, and\n"
    "which layers of confinement this kernel gives it. The layers are not looked up but tried:\n"
    "a child is caged like the real process and attempts what it must not be able to do. Beside\n"
    "that stands what /proc says of such a child, seen from the outside, and the system calls\n"
    "that its filter allows. Where the kernel gives more than the table declares, or takes less\n"
    "than it should, that is a difference.\n"
    "\n"
    "Options:\n"
    "  --json       one JSON object; the `manifest` of each role says what is declared, what the\n"
    "               kernel says, and the differences\n"
    "\n"
    "Exit codes: 0 every layer holds and all is as declared, 1 there are differences, 2 an error.\n"
    "\n"
    "Example:\n"
    "  overt status\n";

struct status {
    struct ov_probe probes[OV_ROLE_COUNT];
    struct ov_buf differences[OV_ROLE_COUNT]; // lines
    unsigned difference_count;
    bool has_rules;
    struct ov_scan_image image;
    struct ov_journal_place journal;
};

static bool is_missing(const struct status *status, enum ov_role_id role, unsigned layer) {
    return (ov_role_get(role)->layers & OV_CAGE(layer)) != 0 &&
           (status->probes[role].cage.enforced & OV_CAGE(layer)) == 0;
}

static void release_status(struct status *status) {
    for (unsigned role = 0; role < OV_ROLE_COUNT; role++) {
        ov_buf_release(&status->differences[role]);
    }
    ov_scan_image_close(&status->image);
}

static enum ov_status collect(struct status *status) {
    static const struct ov_scan_arguments defaults = {0};
    for (unsigned role = 0; role < OV_ROLE_COUNT; role++) {
        struct ov_probe *probe = &status->probes[role];
        if (ov_role_get(role)->layers == 0) { // this process is one
            probe->has_seen = ov_seen_look(getpid(), &probe->seen) == OV_OK;
        } else {
            TRY(ov_status_probe(role, probe));
        }
        status->difference_count += ov_manifest_compare(role, probe, &status->differences[role]);
        TRY(ov_buf_status(&status->differences[role]));
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf load = {0}; // for a journal
    status->has_rules = ov_scan_rules_open(&defaults, &status->image, &load) == OV_OK;
    ov_journal_place_read(&status->journal);
    return OV_OK;
}

// ---- text -------------------------------------------------------------------------------------

static void print_messages(const char *title, uint32_t messages) {
    (void)printf("  %-9s", title);
    for (unsigned bit = 0; bit < OV_SAYS_COUNT; bit++) {
        if ((messages & (1u << bit)) != 0) {
            (void)printf(" %s", ov_role_message_name(bit));
        }
    }
    (void)puts(messages == 0 ? " nothing" : "");
}

static void print_layers(const struct status *status, enum ov_role_id role) {
    const struct ov_cage_report *cage = &status->probes[role].cage;
    for (unsigned layer = 0; layer < OV_LAYER_COUNT; layer++) {
        bool is_here = (cage->enforced & OV_CAGE(layer)) != 0;
        if ((ov_role_get(role)->layers & OV_CAGE(layer)) == 0) {
            (void)printf("    %-13s left out: its work needs what this would take\n",
                         ov_cage_layer_name(layer));
            continue;
        }
        (void)printf("    %-13s %-8s %s", ov_cage_layer_name(layer),
                     is_here ? "enforced" : "MISSING", ov_cage_layer_meaning(layer));
        if (!is_here) {
            (void)printf(" (%s)", strerror(cage->refusals[layer]));
        }
        (void)putchar('\n');
    }
    for (unsigned i = 0; i < OV_TRIALS; i++) {
        const struct ov_trial *trial = &status->probes[role].trials[i];
        (void)printf("    tried to %s: %s\n", trial->name, ov_trial_text(trial->result));
    }
}

// Adds the name of a call, once, to words in lines of a width that can be read.
static void add_call(void *arg, const struct ov_cage_rule *rule) {
    struct ov_buf *words = arg;
    char word[64];
    (void)snprintf(word, sizeof word, " %s ", rule->call);
    bool is_there = memmem(words->data, words->size, word, strlen(word)) != NULL;
    if (rule->error == 0 && !is_there) {
        ov_buf_add_text(words, word);
    }
}

static void print_calls(enum ov_role_id id) {
    OV_CLEANUP(ov_buf_release) struct ov_buf words = {0};
    struct ov_cage_spec spec = ov_role_cage(id);
    int column = (int)strlen(CALLS_INDENT);
    char *rest = NULL;
    ov_buf_add_u8(&words, ' ');
    ov_cage_rules_each(&spec, add_call, &words);
    ov_buf_add_u8(&words, '\0');
    (void)printf("  calls    ");
    for (char *word = words.has_failed ? NULL : strtok_r((char *)words.data, " ", &rest);
         word != NULL; word = strtok_r(NULL, " ", &rest)) {
        int size = (int)strlen(word) + 1;
        if (column + size > COLUMNS) {
            (void)printf("\n" CALLS_INDENT);
            column = (int)strlen(CALLS_INDENT);
        }
        (void)printf(" %s", word);
        column += size;
    }
}

static void print_seen(const struct status *status, enum ov_role_id id) {
    const struct ov_probe *probe = &status->probes[id];
    const struct ov_seen_status *seen = &probe->seen.status;
    print_calls(id);
    (void)printf("\n  kernel    uid %u, capabilities %llx (bound %llx), no-new-privs %u, seccomp %u"
                 " (filters %u)\n",
                 seen->uids[1], (unsigned long long)seen->effective,
                 (unsigned long long)seen->bounding, seen->no_new_privs, seen->seccomp,
                 seen->seccomp_filters);
    if (probe->seen.has_inside) {
        (void)printf("            descriptors open %zu, paths in its root %zu\n",
                     probe->seen.descriptor_count, probe->seen.path_count);
    } else {
        (void)puts("            its descriptors, namespaces and root are shown to root alone");
    }
}

static void print_differences(const struct ov_buf *lines) {
    struct ov_span rest = ov_buf_span(lines);
    (void)puts(rest.size == 0 ? "  manifest  as declared" : "  manifest  DIFFERENCES");
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t)(end - rest.data) + 1;
        (void)printf("    %.*s", (int)size, (const char *)rest.data);
        rest = ov_span_from(rest, size);
    }
}

static void print_role(const struct status *status, enum ov_role_id id) {
    const struct ov_role *role = ov_role_get(id);
    (void)printf("%s (%s)\n", role->name, role->program);
    (void)printf("  runs as   %s\n  reaches   %s\n  parses    %s\n", role->user, role->reaches,
                 role->parses);
    print_messages("hears", role->hears);
    print_messages("says", role->sends);
    if (role->layers == 0) {
        (void)puts("  cage      none: it parses no file's content\n");
        return;
    }
    (void)puts("  cage");
    print_layers(status, id);
    print_seen(status, id);
    print_differences(&status->differences[id]);
    (void)putchar('\n');
}

static void print_text(const struct status *status) {
    for (unsigned role = 0; role < OV_ROLE_COUNT; role++) {
        print_role(status, role);
    }
    if (status->has_rules) {
        (void)printf("rules: %u (%s)\n", status->image.names.count, status->image.id);
    }
    ov_journal_place_print(&status->journal);
}

// ---- JSON -------------------------------------------------------------------------------------

static void add_messages(struct ov_json *json, const char *key, uint32_t messages) {
    ov_json_array(json, key);
    for (unsigned bit = 0; bit < OV_SAYS_COUNT; bit++) {
        if ((messages & (1u << bit)) != 0) {
            ov_json_text(json, NULL, ov_role_message_name(bit));
        }
    }
    ov_json_array_end(json);
}

static void add_cage(struct ov_json *json, const struct status *status, enum ov_role_id role) {
    const struct ov_probe *probe = &status->probes[role];
    ov_json_array(json, "layers");
    for (unsigned layer = 0; layer < OV_LAYER_COUNT; layer++) {
        if ((ov_role_get(role)->layers & OV_CAGE(layer)) == 0) {
            continue;
        }
        ov_json_object(json, NULL);
        ov_json_text(json, "layer", ov_cage_layer_name(layer));
        ov_json_bool(json, "enforced", !is_missing(status, role, layer));
        if (is_missing(status, role, layer)) {
            ov_json_text(json, "why", strerror(probe->cage.refusals[layer]));
        }
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
    ov_json_object(json, "tried");
    for (unsigned i = 0; ov_role_get(role)->layers != 0 && i < OV_TRIALS; i++) {
        ov_json_text(json, probe->trials[i].name, ov_trial_text(probe->trials[i].result));
    }
    ov_json_object_end(json);
}

static void add_role(struct ov_json *json, const struct status *status, enum ov_role_id id) {
    const struct ov_role *role = ov_role_get(id);
    ov_json_object(json, NULL);
    ov_json_text(json, "name", role->name);
    ov_json_text(json, "program", role->program);
    ov_json_text(json, "user", role->user);
    ov_json_text(json, "reaches", role->reaches);
    ov_json_text(json, "parses", role->parses);
    ov_json_uint(json, "memory_bytes", role->memory_bytes);
    add_messages(json, "hears", role->hears);
    add_messages(json, "sends", role->sends);
    add_cage(json, status, id);
    ov_manifest_add(json, id, &status->probes[id], &status->differences[id]);
    ov_json_object_end(json);
}

static void print_json(const struct status *status) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    struct utsname system;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "kernel", uname(&system) == 0 ? system.release : "");
    ov_json_array(&json, "roles");
    for (unsigned role = 0; role < OV_ROLE_COUNT; role++) {
        add_role(&json, status, role);
    }
    ov_json_array_end(&json);
    if (status->has_rules) {
        ov_json_text(&json, "image", status->image.id);
        ov_json_uint(&json, "rules", status->image.names.count);
    } else {
        ov_json_null(&json, "image");
    }
    ov_journal_place_add(&json, &status->journal);
    ov_json_object_end(&json);
    ov_buf_add_u8(&out, '\n');
    (void)fwrite(out.data, 1, out.size, stdout);
}

static int run_status(int argc, char **argv) {
    OV_CLEANUP(release_status) struct status status = {.image.fd = -1};
    bool is_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !is_json) {
        ov_say_error(argv[1], "unknown option", "overt status --help lists them");
        return OV_EXIT_ERROR;
    }
    (void)fflush(NULL);
    if (collect(&status) != OV_OK) {
        ov_say_error("status", strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    if (is_json) {
        print_json(&status);
    } else {
        print_text(&status);
    }
    return status.difference_count > 0 ? OV_EXIT_FOUND : OV_EXIT_NOTHING;
}

const struct ov_command ov_command_status = {
    .name = "status",
    .summary = "what runs, and what this kernel confines it to",
    .run = run_status,
    .help = help,
};
