// SPDX-License-Identifier: Apache-2.0
// The requests for leaves and for changes, and their ends in words.
#include "role/leaves_job.h"

#include "role/rules_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_BYTES = 100 };

struct run {
    void *arg;
    void (*on_text)(void *arg, struct ov_span text);
    struct ov_source *items; // borrowed paths
    size_t count;
    char why[WHY_BYTES]; // what the builder says is wrong with a source
};

// ---- sources ----------------------------------------------------------------------------------

// Where in the path the name begins; NULL when the path does not lie in the folder.
static const char *find_name(const char *path, const char *prefix) {
    size_t size = strlen(prefix);
    while (size > 0 && prefix[size - 1] == '/') {
        size--;
    }
    if (strncmp(path, prefix, size) != 0 || path[size] != '/') {
        return NULL;
    }
    size += strspn(&path[size], "/");
    return path[size] != '\0' ? &path[size] : NULL;
}

static enum ov_status add_sources(struct run *run, const struct ov_sources *sources,
                                  const char *prefix, bool is_new,
                                  char ret_reason[OV_LEAVES_REASON_BYTES]) {
    for (size_t i = 0; i < sources->count; i++) {
        struct ov_source source = sources->items[i];
        source.is_member = false; // every file counts
        source.is_new = is_new;
        bool is_inside = prefix != NULL && source.kind != OV_WIRE_SOURCE_BUNDLE;
        if (is_inside) {
            source.name = find_name(source.path, prefix);
        }
        if (is_inside && source.name == NULL) {
            (void)snprintf(ret_reason, OV_LEAVES_REASON_BYTES, "%.120s: not in %.100s", source.path,
                           prefix);
            return OV_INVALID;
        }
        run->items[run->count++] = source;
    }
    return OV_OK;
}

// Room for the sources of both lists; the caller frees it.
static enum ov_status make_room(struct run *run, size_t count,
                                char ret_reason[OV_LEAVES_REASON_BYTES]) {
    run->items = calloc(count + 1, sizeof *run->items);
    if (run->items == NULL) {
        (void)snprintf(ret_reason, OV_LEAVES_REASON_BYTES, "%s", ov_status_text(OV_MEMORY));
        return OV_MEMORY;
    }
    return OV_OK;
}

// ---- the builder ------------------------------------------------------------------------------

static void take_text(void *arg, struct ov_span text) {
    const struct run *run = arg;
    if (run->on_text != NULL) {
        run->on_text(run->arg, text);
    }
}

// Of a process that may be hijacked: nothing of it reaches a terminal but printable ASCII.
static void take_problem(void *arg, struct ov_span line) {
    struct run *run = arg;
    size_t size = line.size < WHY_BYTES ? line.size : WHY_BYTES - 1;
    for (size_t i = 0; i < size; i++) {
        bool is_plain = line.data[i] >= 0x20 && line.data[i] < 0x7f;
        run->why[i] = is_plain ? (char)line.data[i] : '?';
    }
    run->why[size] = '\0';
}

static enum ov_status explain(const struct run *run, const struct ov_rules_result *result,
                              char ret_reason[OV_LEAVES_REASON_BYTES]) {
    const char *path = result->source < run->count ? run->items[result->source].path : "rules";
    const char *why = ov_status_text(result->status);
    if (result->end == OV_RULES_START || result->end == OV_RULES_DIED) {
        why = result->reason;
    } else if (run->why[0] != '\0') {
        why = run->why;
    } else if (result->status == OV_SYSTEM) {
        why = strerror(result->error);
    } else if (result->status == OV_UNSUPPORTED) {
        why = "no regular file";
    }
    (void)snprintf(ret_reason, OV_LEAVES_REASON_BYTES, "%.150s: %.100s", path, why);
    return result->status;
}

static enum ov_status ask(struct run *run, const struct ov_wire_request *words,
                          struct ov_rules_result *ret_result,
                          char ret_reason[OV_LEAVES_REASON_BYTES]) {
    struct ov_sources sources = {.items = run->items, .count = run->count};
    struct ov_rules_request request = {
        .words = *words,
        .sources = &sources,
        .image = -1,
        .arg = run,
        .on_text = take_text,
        .on_problem = take_problem,
    };
    ov_rules_run(&request, ret_result);
    if (ret_result->end == OV_RULES_DONE && words->word == OV_WIRE_WORD_LEAVES &&
        !ret_result->has_root) {
        ret_result->end = OV_RULES_DIED;
        ret_result->status = OV_PEER;
        (void)snprintf(ret_result->reason, sizeof ret_result->reason,
                       "the caged process that reads rules gave no root");
    }
    return ret_result->end == OV_RULES_DONE ? OV_OK : explain(run, ret_result, ret_reason);
}

// ---- the two ----------------------------------------------------------------------------------

static enum ov_status ask_for_leaves(struct run *run, const struct ov_leaves_request *request,
                                     struct ov_rules_result *ret_result,
                                     char ret_reason[OV_LEAVES_REASON_BYTES]) {
    struct ov_wire_request words = {.word = OV_WIRE_WORD_LEAVES,
                                    .with_leaves = request->on_text != NULL && !request->with_texts,
                                    .with_texts = request->on_text != NULL && request->with_texts};
    TRY(add_sources(run, request->sources, request->prefix, false, ret_reason));
    return ask(run, &words, ret_result, ret_reason);
}

enum ov_status ov_leaves_run(const struct ov_leaves_request *request, uint64_t *ret_count,
                             struct ov_tree_hash *ret_root,
                             char ret_reason[OV_LEAVES_REASON_BYTES]) {
    struct run run = {.arg = request->arg, .on_text = request->on_text};
    struct ov_rules_result result = {0};
    TRY(make_room(&run, request->sources->count, ret_reason));
    enum ov_status status = ask_for_leaves(&run, request, &result, ret_reason);
    free(run.items);
    TRY(status);
    *ret_count = result.rule_count;
    memcpy(ret_root->bytes, result.root, sizeof ret_root->bytes);
    return OV_OK;
}

static enum ov_status ask_for_changes(struct run *run, const struct ov_changes_request *request,
                                      struct ov_rules_result *ret_result,
                                      char ret_reason[OV_LEAVES_REASON_BYTES]) {
    struct ov_wire_request words = {.word = OV_WIRE_WORD_DIFF,
                                    .is_json = request->is_json,
                                    .with_summary = request->with_summary};
    TRY(add_sources(run, request->old_sources, request->old_prefix, false, ret_reason));
    TRY(add_sources(run, request->new_sources, request->new_prefix, true, ret_reason));
    return ask(run, &words, ret_result, ret_reason);
}

enum ov_status ov_changes_run(const struct ov_changes_request *request, uint64_t *ret_added_count,
                              uint64_t *ret_removed_count,
                              char ret_reason[OV_LEAVES_REASON_BYTES]) {
    struct run run = {.arg = request->arg, .on_text = request->on_text};
    struct ov_rules_result result = {0};
    TRY(make_room(&run, request->old_sources->count + request->new_sources->count, ret_reason));
    enum ov_status status = ask_for_changes(&run, request, &result, ret_reason);
    free(run.items);
    TRY(status);
    *ret_added_count = result.rule_count;
    *ret_removed_count = result.skip_count;
    return OV_OK;
}
