// SPDX-License-Identifier: Apache-2.0
// The rules on time, by one walk along the steps of a model: what was read again after a pause, and
// what was sent soon after something was read.
#include "trace/finder.h"

#define SECOND_NS 1000000000u
enum { LOOK_BACK_STEPS = 512 }; // reads that one send is held against, however many there were

// Of a file.
struct reading {
    uint64_t last_ns;     // of its last read; 0: none yet
    uint64_t again_ns;    // when it was read after a pause
    uint64_t again_bytes; // of then
};

// Of a socket: what it sent after reads.
struct sending {
    uint64_t first_ns;
    uint64_t after_bytes;  // sent with something read before
    uint64_t read_bytes;   // that was read then: the most in one window
    uint64_t upload_ns;    // 0: none
    uint64_t upload_bytes; // sent in the window that compared best
    uint64_t upload_read_bytes;
    size_t file;        // the last one that was read before
    size_t upload_file; // the one that compares, or the last
};

struct walk {
    struct ov_trace_finder *finder;
    struct reading *readings;
    struct sending *sendings;
    size_t oldest;       // step: the first one within the window
    uint64_t read_bytes; // of the user's files, within the window
    uint64_t send_bytes; // to machine and network, within the window
    size_t last_file;    // that was read
};

static uint64_t threshold(enum ov_trace_rule_kind rule, unsigned at) {
    return ov_trace_threshold(rule, at);
}

static size_t file_of(const struct walk *walk, const struct ov_trace_step *step) {
    return walk->finder->model->uses[step->index].file;
}

static bool is_read(const struct walk *walk, const struct ov_trace_step *step) {
    const struct ov_trace_model *model = walk->finder->model;
    return step->kind == OV_TRACE_STEP_READ &&
           model->processes[model->uses[step->index].process].is_watched &&
           ov_trace_place_is_users(walk->finder->places->places[file_of(walk, step)]);
}

static bool is_send(const struct walk *walk, const struct ov_trace_step *step) {
    const struct ov_trace_model *model = walk->finder->model;
    if (step->kind != OV_TRACE_STEP_SEND) {
        return false;
    }
    const struct ov_trace_model_socket *socket = &model->sockets[step->index];
    return model->processes[socket->process].is_watched &&
           (socket->reach == OV_TRACE_REACH_NETWORK || socket->reach == OV_TRACE_REACH_MACHINE);
}

// ---- the walk -----------------------------------------------------------------------------------

static void take_read(struct walk *walk, const struct ov_trace_step *step) {
    size_t file = file_of(walk, step);
    struct reading *reading = &walk->readings[file];
    uint64_t pause_ns = threshold(OV_TRACE_RULE_AGAIN, 0) * SECOND_NS;
    if (reading->last_ns > 0 && step->at_ns - reading->last_ns >= pause_ns) {
        reading->again_ns = reading->again_ns == 0 ? step->at_ns : reading->again_ns;
        reading->again_bytes += step->bytes;
    }
    reading->last_ns = step->at_ns;
    walk->read_bytes += step->bytes;
    walk->last_file = file;
}

// Takes what is too long ago out of the sums.
static void move_window(struct walk *walk, uint64_t now_ns) {
    const struct ov_trace_model *model = walk->finder->model;
    uint64_t window_ns = threshold(OV_TRACE_RULE_UPLOAD, 0) * SECOND_NS;
    while (now_ns - model->steps[walk->oldest].at_ns > window_ns) {
        const struct ov_trace_step *step = &model->steps[walk->oldest++];
        walk->read_bytes -= is_read(walk, step) ? step->bytes : 0;
        walk->send_bytes -= is_send(walk, step) ? step->bytes : 0;
    }
}

// Whether `sent` bytes are about those of one file.
static bool is_as_large(uint64_t sent, uint64_t file_bytes) {
    uint64_t more = file_bytes / threshold(OV_TRACE_RULE_UPLOAD, 2) + 1024; // headers
    return file_bytes >= threshold(OV_TRACE_RULE_UPLOAD, 3) && sent >= file_bytes &&
           sent - file_bytes <= more;
}

// A file of the window of which as much was read as was sent; the nearest before `at`.
static size_t find_equal(const struct walk *walk, size_t at, uint64_t sent) {
    const struct ov_trace_model *model = walk->finder->model;
    size_t looked = 0;
    for (size_t i = at; i > walk->oldest && looked < LOOK_BACK_STEPS; i--, looked++) {
        const struct ov_trace_step *step = &model->steps[i - 1];
        if (is_read(walk, step) && is_as_large(sent, step->bytes)) {
            return file_of(walk, step);
        }
    }
    return OV_TRACE_NONE;
}

static void compare(struct walk *walk, size_t at, struct sending *sending) {
    const struct ov_trace_step *step = &walk->finder->model->steps[at];
    bool is_part = walk->send_bytes >= threshold(OV_TRACE_RULE_UPLOAD, 3) &&
                   walk->send_bytes >= walk->read_bytes / threshold(OV_TRACE_RULE_UPLOAD, 1);
    size_t equal = find_equal(walk, at, step->bytes);
    if (equal == OV_TRACE_NONE && walk->send_bytes > step->bytes) {
        equal = find_equal(walk, at, walk->send_bytes);
    }
    if (!is_part && equal == OV_TRACE_NONE) {
        return;
    }
    sending->upload_ns = sending->upload_ns == 0 ? step->at_ns : sending->upload_ns;
    sending->upload_bytes += step->bytes;
    sending->upload_file = equal != OV_TRACE_NONE ? equal : walk->last_file;
    sending->upload_read_bytes = walk->read_bytes > sending->upload_read_bytes
                                     ? walk->read_bytes
                                     : sending->upload_read_bytes;
}

static void take_send(struct walk *walk, size_t at) {
    const struct ov_trace_step *step = &walk->finder->model->steps[at];
    struct sending *sending = &walk->sendings[step->index];
    walk->send_bytes += step->bytes;
    if (walk->read_bytes == 0) {
        return;
    }
    sending->first_ns = sending->first_ns == 0 ? step->at_ns : sending->first_ns;
    sending->after_bytes += step->bytes;
    sending->read_bytes =
        walk->read_bytes > sending->read_bytes ? walk->read_bytes : sending->read_bytes;
    sending->file = walk->last_file;
    compare(walk, at, sending);
}

// ---- what came of it ----------------------------------------------------------------------------

static void tell_files(const struct walk *walk) {
    const struct ov_trace_model *model = walk->finder->model;
    for (size_t i = 0; i < model->file_count; i++) {
        size_t at = walk->finder->by_read[i];
        const struct reading *reading = &walk->readings[at];
        const struct ov_trace_model_file *file = &model->files[at];
        if (reading->again_bytes > 0 && file->read_bytes > ov_trace_content_bytes(file)) {
            struct ov_trace_item item = ov_trace_item_empty();
            item.file = at;
            item.at_ns = reading->again_ns;
            item.bytes = reading->again_bytes;
            item.other_bytes = ov_trace_content_bytes(file);
            ov_trace_finder_add(walk->finder, OV_TRACE_RULE_AGAIN, &item);
        }
    }
}

static void tell_sockets(const struct walk *walk) {
    const struct ov_trace_model *model = walk->finder->model;
    for (size_t i = 0; i < model->socket_count; i++) {
        const struct sending *sending = &walk->sendings[i];
        struct ov_trace_item item = ov_trace_item_empty();
        item.socket = i;
        item.name = model->sockets[i].last.remote;
        item.at_ns = sending->first_ns;
        if (sending->after_bytes >= threshold(OV_TRACE_RULE_SENT_AFTER_READ, 1) &&
            model->sockets[i].reach == OV_TRACE_REACH_NETWORK) {
            item.file = sending->file;
            item.bytes = sending->after_bytes;
            item.other_bytes = sending->read_bytes;
            ov_trace_finder_add(walk->finder, OV_TRACE_RULE_SENT_AFTER_READ, &item);
        }
        if (sending->upload_ns > 0) {
            item.file = sending->upload_file;
            item.at_ns = sending->upload_ns;
            item.bytes = sending->upload_bytes;
            item.other_bytes = sending->upload_read_bytes;
            ov_trace_finder_add(walk->finder, OV_TRACE_RULE_UPLOAD, &item);
        }
    }
}

static void find_one_way(const struct walk *walk) {
    const struct ov_trace_model *model = walk->finder->model;
    for (size_t i = 0; i < model->socket_count; i++) {
        const struct ov_trace_model_socket *socket = &model->sockets[i];
        const struct ov_trace_socket *last = &socket->last;
        uint64_t times = threshold(OV_TRACE_RULE_ONE_WAY, 1);
        if (socket->reach == OV_TRACE_REACH_NETWORK &&
            model->processes[socket->process].is_watched &&
            last->sent_bytes >= threshold(OV_TRACE_RULE_ONE_WAY, 0) &&
            last->sent_bytes / times > socket->answered_bytes) {
            struct ov_trace_item item = ov_trace_item_empty();
            item.socket = i;
            item.name = last->remote;
            item.at_ns = last->first_ns;
            item.bytes = last->sent_bytes;
            item.other_bytes = socket->answered_bytes;
            ov_trace_finder_add(walk->finder, OV_TRACE_RULE_ONE_WAY, &item);
        }
    }
}

enum ov_status ov_trace_find_in_time(struct ov_trace_finder *finder) {
    const struct ov_trace_model *model = finder->model;
    struct walk walk = {
        .finder = finder,
        .readings = ov_arena_array(finder->arena, model->file_count + 1, sizeof *walk.readings),
        .sendings = ov_arena_array(finder->arena, model->socket_count + 1, sizeof *walk.sendings),
        .last_file = OV_TRACE_NONE,
    };
    TRY(walk.readings != NULL && walk.sendings != NULL ? OV_OK : OV_MEMORY);
    for (size_t i = 0; i < model->step_count; i++) {
        move_window(&walk, model->steps[i].at_ns);
        if (is_read(&walk, &model->steps[i])) {
            take_read(&walk, &model->steps[i]);
        } else if (is_send(&walk, &model->steps[i])) {
            take_send(&walk, i);
        }
    }
    tell_files(&walk);
    tell_sockets(&walk);
    find_one_way(&walk);
    return OV_OK;
}
