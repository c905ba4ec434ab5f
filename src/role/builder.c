// SPDX-License-Identifier: Apache-2.0
// The builder's life: takes a request and its sources, cages itself, reads them, and writes a
// report and maybe an image, with nothing else in reach.
#include "role/builder.h"

#include "base/buf.h"
#include "base/fd.h"
#include "catalog/folder.h"
#include "format/codec/zstd_frame.h"
#include "format/codec/zstd_pack.h"
#include "role/feed_words.h"
#include "role/roles.h"
#include "role/survey_word.h"
#include "rules/report.h"
#include "rules/rule_tree.h"
#include "wire/channel.h"
#include "wire/rules.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct source {
    char *path;
    struct ov_file_map map;
    bool has_bytes;
    bool is_member;
    bool is_new;
    enum ov_wire_source_kind kind;
    int error; // errno when it could not be opened, 0 when it is no regular file
};

struct builder {
    struct ov_wire_request request;
    char rule[OV_WIRE_RULE_NAME_BYTES]; // what request.rule points to
    struct source *sources;
    struct ov_buf out;
    struct ov_buf image;
    struct ov_report report;
    struct ov_wire_report end;
};

// ---- before the cage --------------------------------------------------------------------------

static enum ov_status receive(void *buffer, size_t room, struct ov_span *ret_message, int *ret_fd,
                              size_t *descriptors) {
    size_t size = 0;
    TRY(ov_channel_receive_descriptors(OV_BUILDER_CHANNEL, buffer, room, &size, ret_fd,
                                       descriptors));
    *ret_message = ov_span_make(buffer, size);
    return OV_OK;
}

static enum ov_status receive_request(struct builder *builder) {
    static uint8_t message[64 + OV_WIRE_RULE_NAME_BYTES];
    struct ov_span bytes;
    size_t descriptors = 0;
    TRY(receive(message, sizeof message, &bytes, NULL, &descriptors));
    TRY(ov_wire_request_decode(bytes, &builder->request));
    struct ov_span rule = builder->request.rule;
    if (rule.size > 0) {
        memcpy(builder->rule, rule.data, rule.size);
    }
    builder->request.rule = ov_span_make(builder->rule, rule.size);
    builder->sources = calloc((size_t)builder->request.source_count + 1, sizeof *builder->sources);
    return builder->sources != NULL ? OV_OK : OV_MEMORY;
}

// Mapping looks at no byte; one that cannot be mapped is told as unreadable.
static enum ov_status receive_source(struct source *source) {
    uint8_t message[64 + OV_WIRE_PATH_BYTES];
    struct ov_wire_source words;
    struct ov_span bytes;
    OV_AUTO_FD fd = -1;
    size_t descriptors = 1;
    TRY(receive(message, sizeof message, &bytes, &fd, &descriptors));
    TRY(ov_wire_source_decode(bytes, &words));
    if (words.has_bytes != (descriptors == 1)) {
        return OV_PEER;
    }
    source->is_member = words.is_member;
    source->is_new = words.is_new;
    source->kind = words.kind;
    source->error = (int)words.error;
    source->path = strndup((const char *)words.path.data, words.path.size);
    if (words.has_bytes) {
        source->has_bytes = ov_file_map_open_fd(fd, &source->map) == OV_OK;
        source->error = source->has_bytes ? 0 : errno;
    }
    return source->path != NULL ? OV_OK : OV_MEMORY;
}

static enum ov_status receive_all(struct builder *builder) {
    TRY(receive_request(builder));
    for (uint32_t i = 0; i < builder->request.source_count; i++) {
        TRY(receive_source(&builder->sources[i]));
    }
    return OV_OK;
}

// Gives the layers that are up.
static uint32_t enter_cage(const struct builder *builder) {
    struct ov_cage_spec spec = ov_role_cage(OV_ROLE_BUILDER);
    struct ov_cage_report report;
    bool has_image = ov_wire_word_has_image(builder->request.word);
    (void)signal(SIGPIPE, SIG_IGN); // the broker is gone: every write fails, and we end
    if (!has_image) {
        spec.outputs[1] = -1;
        spec.descriptors_below = OV_BUILDER_IMAGE;
    }
    for (uint32_t i = 0; i < builder->request.source_count; i++) {
        spec.mapped_bytes += builder->sources[i].map.bytes.size;
    }
    ov_cage_enter(&spec, &report);
    return report.enforced;
}

// ---- words ------------------------------------------------------------------------------------

// A message is one write on the channel: the cage allows nothing else on it.
static void say(struct builder *builder, const struct ov_wire_report *report) {
    ov_wire_report_encode(report, &builder->out);
    struct ov_span message = ov_buf_span(&builder->out);
    if (ov_buf_status(&builder->out) != OV_OK ||
        write(OV_BUILDER_CHANNEL, message.data, message.size) != (ssize_t)message.size) {
        _exit(1); // nobody listens any more
    }
}

static void say_stage(void *arg, const char *stage, unsigned percent) {
    say(arg, &(struct ov_wire_report){
                 .kind = OV_WIRE_REPORT_STAGE,
                 .number = percent <= 100 ? percent : 100,
                 .text = ov_span_part(ov_span_text(stage), 0, OV_WIRE_STAGE_BYTES)});
}

static void say_reading(struct builder *builder, uint32_t source) {
    say(builder, &(struct ov_wire_report){.kind = OV_WIRE_REPORT_READING, .number = source});
}

static void say_problem(struct builder *builder, const struct ov_ruleset *set,
                        const struct ov_rule_problem *problem) {
    char line[OV_WIRE_LINE_BYTES];
    const char *path = set->files[problem->place.file].path;
    int size =
        problem->place.line > 0
            ? snprintf(line, sizeof line, "%s:%u: %s", path, problem->place.line, problem->reason)
            : snprintf(line, sizeof line, "%s: %s", path, problem->reason);
    size_t used = size < 0 ? 0 : (size_t)size;
    used = used < sizeof line ? used : sizeof line - 1;
    if (used > 0) {
        say(builder, &(struct ov_wire_report){.kind = OV_WIRE_REPORT_PROBLEM,
                                              .text = ov_span_make(line, used)});
    }
}

// The longest part that fits a message and does not cut a character in two.
static size_t cut_text(struct ov_span text) {
    size_t size = text.size < OV_WIRE_TEXT_BYTES ? text.size : OV_WIRE_TEXT_BYTES;
    for (unsigned back = 0; size < text.size && back < 3; back++) {
        if ((text.data[size - back] & 0xc0) != 0x80) {
            return size - back;
        }
    }
    return size;
}

static void say_text(void *arg, struct ov_span text) {
    while (text.size > 0) {
        size_t size = cut_text(text);
        say(arg, &(struct ov_wire_report){.kind = OV_WIRE_REPORT_TEXT,
                                          .text = ov_span_part(text, 0, size)});
        text = ov_span_part(text, size, text.size);
    }
}

// ---- reading ----------------------------------------------------------------------------------

// The other container of the same database in the same folder, or NULL.
static const struct source *find_twin(const struct builder *builder, const struct source *source) {
    const char *ending = ov_rule_file_twin(source->path);
    size_t size = strlen(source->path);
    for (uint32_t i = 0; ending != NULL && i < builder->request.source_count; i++) {
        const struct source *other = &builder->sources[i];
        if (other->is_member && strlen(other->path) == size &&
            strncmp(other->path, source->path, size - 3) == 0 &&
            strcmp(other->path + size - 3, ending) == 0) {
            return other;
        }
    }
    return NULL;
}

static bool is_superseded(const struct builder *builder, const struct source *source) {
    const struct source *twin = source->is_member ? find_twin(builder, source) : NULL;
    return twin != NULL &&
           ov_rule_file_is_superseded(source->path, source->map.bytes, twin->map.bytes);
}

static enum ov_status read_source(struct builder *builder, const struct source *source,
                                  struct ov_ruleset *set) {
    if (is_superseded(builder, source)) {
        return OV_OK;
    }
    if (source->has_bytes) {
        return ov_ruleset_load_bytes(set, source->path, source->map.bytes, false);
    }
    if (!source->is_member) {
        builder->end.error = (uint32_t)source->error;
        return OV_SYSTEM;
    }
    return ov_ruleset_load_unreadable(
        set, source->path, source->error != 0 ? strerror(source->error) : "no regular file");
}

static enum ov_status read_all(struct builder *builder, struct ov_ruleset *set) {
    bool is_scan = builder->request.word == OV_WIRE_WORD_SCAN;
    uint32_t unknown = 0;
    for (uint32_t i = 0; i < builder->request.source_count; i++) {
        say_reading(builder, i);
        enum ov_status status = read_source(builder, &builder->sources[i], set);
        if (is_scan && status == OV_UNSUPPORTED) {
            unknown++;
            continue;
        }
        if (status != OV_OK) {
            builder->end.number = OV_WIRE_END_READING;
            return status;
        }
    }
    bool has_none = is_scan && unknown == builder->request.source_count;
    return has_none ? OV_UNSUPPORTED : OV_OK;
}

// ---- the words of a request -------------------------------------------------------------------

static enum ov_status put_image(void *arg, struct ov_span bytes) {
    struct builder *builder = arg;
    enum ov_status status = ov_fd_write_all(OV_BUILDER_IMAGE, bytes);
    builder->end.error = status == OV_SYSTEM ? (uint32_t)errno : 0;
    return status;
}

static enum ov_status build(struct builder *builder, const struct ov_ruleset *set) {
    OV_CLEANUP(ov_build_report_release) struct ov_build_report costs = {0};
    struct ov_build_options options = {
        .progress = say_stage, .progress_arg = builder, .with_costs = builder->request.with_costs};
    TRY(ov_image_build(set, &options, &builder->image, &costs));
    if (builder->request.with_costs) {
        ov_report_costs(&builder->report, set, &costs);
    }
    return put_image(builder, ov_buf_span(&builder->image));
}

static enum ov_status build_for_scan(struct builder *builder, const struct ov_ruleset *set) {
    for (size_t i = 0; i < set->problem_count; i++) {
        if (!set->problems[i].is_skip) {
            say_problem(builder, set, &set->problems[i]);
        }
    }
    return set->rule_count + set->hash_count + set->link_count > 0 ? build(builder, set) : OV_END;
}

static enum ov_status answer(struct builder *builder, const struct ov_ruleset *set) {
    struct ov_report *report = &builder->report;
    switch (builder->request.word) {
    case OV_WIRE_WORD_SCAN:
        return build_for_scan(builder, set);
    case OV_WIRE_WORD_BUILD:
        // Told by the counts.
        return builder->request.is_strict && set->problem_count > 0 ? OV_OK : build(builder, set);
    case OV_WIRE_WORD_CHECK:
        ov_report_check(report, set);
        break;
    case OV_WIRE_WORD_LIST:
        ov_report_list(report, set);
        break;
    case OV_WIRE_WORD_SHOW:
        builder->end.shown_count = ov_report_show(report, set, builder->request.rule);
        break;
    default:
        return OV_INVALID;
    }
    return ov_buf_status(&report->out);
}

static void count(struct builder *builder, const struct ov_ruleset *set) {
    size_t faults;
    size_t skips;
    ov_report_count(set, &faults, &skips);
    builder->end.rule_count = set->rule_count + set->hash_count;
    builder->end.fault_count = faults;
    builder->end.skip_count = skips;
}

// ---- rule feeds -------------------------------------------------------------------------------

// Every source is there, as its bytes are all that these words work on.
static enum ov_status demand_bytes(struct builder *builder) {
    for (uint32_t i = 0; i < builder->request.source_count; i++) {
        const struct source *source = &builder->sources[i];
        if (!source->has_bytes) {
            say_reading(builder, i);
            builder->end.number = OV_WIRE_END_READING;
            builder->end.error = (uint32_t)source->error;
            return source->error != 0 ? OV_SYSTEM : OV_UNSUPPORTED;
        }
    }
    return OV_OK;
}

// A file, and maybe one that it is packed against.
static enum ov_status demand_one_or_two(struct builder *builder) {
    uint32_t count = builder->request.source_count;
    return count < 1 || count > 2 ? OV_INVALID : demand_bytes(builder);
}

static enum ov_status pack(struct builder *builder) {
    TRY(demand_one_or_two(builder));
    struct ov_zstd_pack work = {
        .plain = builder->sources[0].map.bytes,
        .prefix = builder->request.source_count == 2 ? builder->sources[1].map.bytes
                                                     : (struct ov_span){0},
        .arg = builder,
        .put = put_image,
    };
    return ov_zstd_pack_make(&work);
}

static enum ov_status unpack(struct builder *builder) {
    uint32_t count = builder->request.source_count;
    TRY(demand_one_or_two(builder));
    struct ov_zstd_frame frame = {
        .packed = builder->sources[0].map.bytes,
        .prefix = count == 2 ? builder->sources[1].map.bytes : (struct ov_span){0},
        .most_bytes = builder->request.most_bytes,
        .arg = builder,
        .put = put_image,
    };
    return ov_zstd_frame_unpack(&frame);
}

// ---- releases of rules ------------------------------------------------------------------------

static void read_next(void *arg, uint32_t source) {
    say_reading(arg, source);
}

static enum ov_status list_sources(struct builder *builder, bool is_new,
                                   struct ov_rule_tree_work *work,
                                   struct ov_rule_source_list *list) {
    for (uint32_t i = 0; i < builder->request.source_count; i++) {
        const struct source *source = &builder->sources[i];
        struct ov_rule_source item = {
            .name = ov_span_text(source->path), .bytes = source->map.bytes, .number = i};
        if (source->is_new == is_new && source->kind == OV_WIRE_SOURCE_BUNDLE) {
            TRY(ov_rule_source_list_add_bundle(list, work, &item));
        } else if (source->is_new == is_new) {
            TRY(ov_rule_source_list_add(list, &item));
        }
    }
    return OV_OK;
}

// Says what is wrong with the source that was read last.
static enum ov_status end_release(struct builder *builder, const struct ov_rule_tree_work *work,
                                  enum ov_status status) {
    if (status != OV_OK && work->why != NULL) {
        builder->end.number = OV_WIRE_END_READING;
        say(builder, &(struct ov_wire_report){.kind = OV_WIRE_REPORT_PROBLEM,
                                              .text = ov_span_text(work->why)});
    }
    return status;
}

static enum ov_status make_tree(struct builder *builder, struct ov_rule_tree_work *work) {
    static struct ov_rule_source_list list;
    struct ov_tree_head head;
    TRY(list_sources(builder, false, work, &list));
    TRY(ov_rule_tree_make(work, list, &head));
    builder->end.rule_count = head.size;
    say(builder,
        &(struct ov_wire_report){.kind = OV_WIRE_REPORT_ROOT,
                                 .text = ov_span_make(head.root.bytes, sizeof head.root.bytes)});
    return OV_OK;
}

static enum ov_status compare_sets(struct builder *builder, struct ov_rule_tree_work *work) {
    static struct ov_rule_source_list old_list;
    static struct ov_rule_source_list new_list;
    struct ov_rule_changes changes;
    TRY(list_sources(builder, false, work, &old_list));
    TRY(list_sources(builder, true, work, &new_list));
    TRY(ov_rule_changes_report(work, old_list, new_list, &changes));
    builder->end.rule_count = changes.added_count;
    builder->end.skip_count = changes.removed_count;
    return OV_OK;
}

static enum ov_status answer_release(struct builder *builder) {
    struct ov_rule_tree_work work = {.report = &builder->report,
                                     .with_list = builder->request.with_leaves,
                                     .with_texts = builder->request.with_texts,
                                     .arg = builder,
                                     .on_reading = read_next};
    TRY(demand_bytes(builder));
    bool is_tree = builder->request.word == OV_WIRE_WORD_LEAVES;
    return end_release(builder, &work, (is_tree ? make_tree : compare_sets)(builder, &work));
}

// Verifies, or updates into the image; the report is told in any case but lack of memory.
static enum ov_status work_on_feed(struct builder *builder) {
    TRY(demand_bytes(builder));
    uint32_t count = builder->request.source_count;
    struct ov_feed_source *sources = calloc((size_t)count + 1, sizeof *sources);
    if (sources == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct source *source = &builder->sources[i];
        sources[i] = (struct ov_feed_source){
            .path = source->path, .bytes = source->map.bytes, .kind = source->kind};
    }
    struct ov_wire_report report = {.kind = OV_WIRE_REPORT_DATABASE};
    enum ov_status status =
        ov_feed_work(&builder->request, sources, &report.database, &builder->image);
    free(sources);
    if (status != OV_OK && status != OV_DAMAGED) {
        return status;
    }
    say(builder, &report);
    TRY(status);
    return builder->request.word == OV_WIRE_WORD_PATCH
               ? put_image(builder, ov_buf_span(&builder->image))
               : OV_OK;
}

// ---- surveys ----------------------------------------------------------------------------------

static bool open_survey_source(void *arg, uint32_t number, struct ov_span *ret_label,
                               struct ov_span *ret_bytes) {
    const struct builder *builder = arg;
    const struct source *source = &builder->sources[number];
    say_reading(arg, number);
    *ret_label = ov_span_text(source->path);
    *ret_bytes = source->map.bytes;
    return source->has_bytes;
}

static enum ov_status survey(struct builder *builder) {
    struct ov_survey_work work = {.source_count = builder->request.source_count,
                                  .arg = builder,
                                  .open = open_survey_source,
                                  .send = say_text};
    return ov_survey_work(&work);
}

// ---- all words --------------------------------------------------------------------------------

static enum ov_status read_rules(struct builder *builder) {
    struct ov_ruleset_options options = {.with_pua = builder->request.with_pua};
    struct ov_ruleset *set;
    TRY(ov_ruleset_new(&options, &set));
    TRY(read_all(builder, set));
    count(builder, set);
    return answer(builder, set);
}

static enum ov_status run(struct builder *builder) {
    switch (builder->request.word) {
    case OV_WIRE_WORD_UNPACK:
        return unpack(builder);
    case OV_WIRE_WORD_PACK:
        return pack(builder);
    case OV_WIRE_WORD_LEAVES:
    case OV_WIRE_WORD_DIFF:
        return answer_release(builder);
    case OV_WIRE_WORD_VERIFY:
    case OV_WIRE_WORD_PATCH:
        return work_on_feed(builder);
    case OV_WIRE_WORD_SURVEY:
        return survey(builder);
    default:
        return read_rules(builder);
    }
}

int ov_builder_main(void) {
    static struct builder builder = {
        .end = {.kind = OV_WIRE_REPORT_DONE, .number = OV_WIRE_END_BUILDING}};
    if (receive_all(&builder) != OV_OK) {
        _exit(1);
    }
    uint32_t layers = enter_cage(&builder);
    say(&builder, &(struct ov_wire_report){.kind = OV_WIRE_REPORT_CAGED, .number = layers});
    builder.report = (struct ov_report){.is_json = builder.request.is_json,
                                        .with_summary = builder.request.with_summary,
                                        .arg = &builder,
                                        .send = say_text};
    builder.end.status = run(&builder);
    if (builder.end.status == OV_OK) {
        builder.end.number = OV_WIRE_END_DONE;
    }
    if (builder.end.status != OV_SYSTEM) {
        builder.end.error = 0;
    }
    say(&builder, &builder.end);
    // Straight out: nothing is to be flushed, and what was allocated goes with the process.
    _exit(0);
}
