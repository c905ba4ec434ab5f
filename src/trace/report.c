// SPDX-License-Identifier: Apache-2.0
// Puts together what the reports show, in the order in which it matters.
#include "trace/report.h"

#include <stdlib.h>

static uint64_t add(uint64_t sum, uint64_t more) {
    return more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
}

// ---- order --------------------------------------------------------------------------------------

struct ranked {
    uint64_t first, second; // the larger, the earlier
    size_t at;
};

static int compare_ranked(const void *first, const void *second) {
    const struct ranked *a = first;
    const struct ranked *b = second;
    if (a->first != b->first) {
        return a->first > b->first ? -1 : 1;
    }
    if (a->second != b->second) {
        return a->second > b->second ? -1 : 1;
    }
    return a->at < b->at ? -1 : a->at > b->at;
}

static enum ov_status sort_files(const struct ov_trace_model *model, struct ov_arena *arena,
                                 struct ov_trace_report *report) {
    struct ranked *ranked = ov_arena_array(arena, model->file_count + 1, sizeof *ranked);
    size_t *by_read = ov_arena_array(arena, model->file_count + 1, sizeof *by_read);
    size_t *by_kept = ov_arena_array(arena, model->file_count + 1, sizeof *by_kept);
    if (ranked == NULL || by_read == NULL || by_kept == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < model->file_count; i++) {
        const struct ov_trace_model_file *file = &model->files[i];
        ranked[i] = (struct ranked){.first = file->read_bytes, .second = file->size_bytes, .at = i};
    }
    qsort(ranked, model->file_count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < model->file_count; i++) {
        by_read[i] = ranked[i].at;
    }
    for (size_t i = 0; i < model->file_count; i++) {
        const struct ov_trace_model_file *file = &model->files[i];
        if (file->fate == OV_TRACE_FATE_KEPT) {
            ranked[report->kept_count++] = (struct ranked){.first = file->written_bytes, .at = i};
        }
    }
    qsort(ranked, report->kept_count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < report->kept_count; i++) {
        by_kept[i] = ranked[i].at;
    }
    report->by_read = by_read;
    report->by_kept = by_kept;
    return OV_OK;
}

// ---- groups -------------------------------------------------------------------------------------

static int compare_spans(struct ov_span a, struct ov_span b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

static int compare_names(const void *first, const void *second) {
    const struct ov_trace_group *a = first;
    const struct ov_trace_group *b = second;
    return compare_spans(a->name, b->name);
}

static int compare_groups(const void *first, const void *second) {
    const struct ov_trace_group *a = first;
    const struct ov_trace_group *b = second;
    if (a->read_bytes != b->read_bytes) {
        return a->read_bytes > b->read_bytes ? -1 : 1;
    }
    return compare_names(first, second);
}

static struct ov_trace_group group_of(const struct ov_trace_model_file *file, struct ov_span name) {
    return (struct ov_trace_group){.name = name,
                                   .file_count = 1,
                                   .content_bytes = ov_trace_content_bytes(file),
                                   .read_bytes = file->read_bytes,
                                   .kept_bytes =
                                       file->fate == OV_TRACE_FATE_KEPT ? file->written_bytes : 0};
}

static void join_group(struct ov_trace_group *group, const struct ov_trace_group *other) {
    group->file_count += other->file_count;
    group->content_bytes = add(group->content_bytes, other->content_bytes);
    group->read_bytes = add(group->read_bytes, other->read_bytes);
    group->kept_bytes = add(group->kept_bytes, other->kept_bytes);
}

// Joins those of one name, and puts the most read first.
static size_t join_groups(struct ov_trace_group *groups, size_t count) {
    size_t kept = 0;
    qsort(groups, count, sizeof *groups, compare_names);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && ov_span_is_equal(groups[kept - 1].name, groups[i].name)) {
            join_group(&groups[kept - 1], &groups[i]);
        } else {
            groups[kept++] = groups[i];
        }
    }
    qsort(groups, kept, sizeof *groups, compare_groups);
    return kept;
}

// Whether a file is told by its type and folder.
static bool is_told(enum ov_trace_place place) {
    return ov_trace_place_is_users(place) || place == OV_TRACE_PLACE_COPY;
}

static enum ov_status group_files(const struct ov_trace_model *model, struct ov_arena *arena,
                                  struct ov_trace_report *report) {
    struct ov_trace_group *folders = ov_arena_array(arena, model->file_count + 1, sizeof *folders);
    struct ov_trace_group *types = ov_arena_array(arena, model->file_count + 1, sizeof *types);
    struct ov_trace_group *places = ov_arena_array(arena, model->file_count + 1, sizeof *places);
    size_t all_count = 0;
    size_t count = 0;
    TRY(folders != NULL && types != NULL && places != NULL ? OV_OK : OV_MEMORY);
    for (size_t i = 0; i < model->file_count; i++) {
        const struct ov_trace_model_file *file = &model->files[i];
        enum ov_trace_place place = report->places->places[i];
        if ((file->read_bytes == 0 && file->fate != OV_TRACE_FATE_KEPT) ||
            place == OV_TRACE_PLACE_OTHER) {
            continue;
        }
        places[all_count++] = group_of(file, ov_span_text(ov_trace_place_word(place)));
        if (is_told(place)) {
            const char *type = ov_trace_content_word(report->places->contents[i]);
            types[count] = group_of(file, ov_span_text(type));
            folders[count++] = group_of(file, ov_trace_folder_of(&model->begin, file->path));
        }
    }
    report->place_group_count = join_groups(places, all_count);
    report->type_count = join_groups(types, count);
    report->folder_count = join_groups(folders, count);
    report->place_groups = places;
    report->types = types;
    report->folders = folders;
    return OV_OK;
}

// ---- destinations -------------------------------------------------------------------------------

static int compare_remotes(const void *first, const void *second) {
    const struct ov_trace_destination *a = first;
    const struct ov_trace_destination *b = second;
    return a->reach != b->reach ? (int)a->reach - (int)b->reach
                                : compare_spans(a->remote, b->remote);
}

// The network before the machine, the most sent first.
static int compare_destinations(const void *first, const void *second) {
    const struct ov_trace_destination *a = first;
    const struct ov_trace_destination *b = second;
    if (a->reach != b->reach) {
        return a->reach > b->reach ? -1 : 1;
    }
    if (a->sent_bytes != b->sent_bytes) {
        return a->sent_bytes > b->sent_bytes ? -1 : 1;
    }
    return compare_spans(a->remote, b->remote);
}

static void join_destination(struct ov_trace_destination *to,
                             const struct ov_trace_destination *from) {
    to->socket_count += from->socket_count;
    to->first_ns = from->first_ns < to->first_ns ? from->first_ns : to->first_ns;
    to->last_ns = from->last_ns > to->last_ns ? from->last_ns : to->last_ns;
    to->sent_bytes = add(to->sent_bytes, from->sent_bytes);
    to->received_bytes = add(to->received_bytes, from->received_bytes);
}

static enum ov_status list_destinations(const struct ov_trace_model *model, struct ov_arena *arena,
                                        struct ov_trace_report *report) {
    struct ov_trace_destination *all = ov_arena_array(arena, model->socket_count + 1, sizeof *all);
    size_t count = 0;
    size_t kept = 0;
    TRY(all != NULL ? OV_OK : OV_MEMORY);
    for (size_t i = 0; i < model->socket_count; i++) {
        const struct ov_trace_model_socket *socket = &model->sockets[i];
        const struct ov_trace_socket *last = &socket->last;
        if (model->processes[socket->process].is_watched) {
            all[count++] = (struct ov_trace_destination){.remote = last->remote,
                                                         .reach = socket->reach,
                                                         .socket_count = 1,
                                                         .first_ns = last->first_ns,
                                                         .last_ns = last->last_ns,
                                                         .sent_bytes = last->sent_bytes,
                                                         .received_bytes = last->received_bytes};
        }
    }
    qsort(all, count, sizeof *all, compare_remotes);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare_remotes(&all[kept - 1], &all[i]) == 0) {
            join_destination(&all[kept - 1], &all[i]);
        } else {
            all[kept++] = all[i];
        }
    }
    qsort(all, kept, sizeof *all, compare_destinations);
    report->destinations = all;
    report->destination_count = kept;
    return OV_OK;
}

enum ov_status ov_trace_report_build(const struct ov_trace_model *model, struct ov_arena *arena,
                                     struct ov_trace_report *ret_report) {
    struct ov_trace_report report = {.model = model};
    struct ov_trace_places *places = ov_arena_alloc(arena, sizeof *places);
    TRY(places != NULL ? OV_OK : OV_MEMORY);
    TRY(ov_trace_places_build(model, arena, places));
    report.places = places;
    TRY(sort_files(model, arena, &report));
    TRY(group_files(model, arena, &report));
    TRY(list_destinations(model, arena, &report));
    TRY(ov_trace_claims_build(model, places, arena, &report.claims, &report.claim_count));
    TRY(ov_trace_findings_build(model, places, report.by_read, arena, &report.findings,
                                &report.finding_count));
    *ret_report = report;
    return OV_OK;
}
