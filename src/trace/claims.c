// SPDX-License-Identifier: Apache-2.0
// Claims from the sums of a model; what was not observed from its gaps and from what was not asked
// for.
#include "trace/claims.h"

#include "trace/phrase.h"

enum { BITS_A_BYTE = 8 };

// Grows with the arena's blessing: a page of claims is small.
struct claims {
    const struct ov_trace_model *model;
    struct ov_arena *arena;
    struct ov_trace_claim *items;
    size_t count, room;
    bool has_failed;
};

static const char *const claim_words[] = {"READ", "KEPT", "SENT", "CAPACITY", "NOT-OBSERVED"};
static const char *const force_words[] = {"exact", "at-most", "seen", "none"};

const char *ov_trace_claim_word(enum ov_trace_claim_kind kind) {
    return claim_words[kind];
}

const char *ov_trace_force_word(enum ov_trace_force force) {
    return force_words[force];
}

const char *const ov_trace_blind_spots[] = {
    "What the bytes mean. Bytes are counted, not understood: one bit can hide in the size, the "
    "time "
    "or the order of messages that look alike.",
    "Another process that does the work: a helper, a timer or a service that was there before can "
    "read files that are no canaries and send them, and that is not put down to the product.",
    "The past: what the product read, kept in memory or sent before the recording began.",
    "The future: a product that waits longer than the recording, or for its next update.",
    "A product that behaves while it is watched. Root can see that a recorder runs.",
    "A word that it looks for and that was in no file it was given.",
    "Shared memory, pipes and files by which a busy machine carries bytes on; they are counted "
    "where "
    "they are written, and not where they go from there.",
    "Whoever is root outside of the envelope, or takes the kernel over, can change what is seen.",
    "Content that is sent through a library of encryption has its size alone here.",
    NULL};

// ---- helpers ------------------------------------------------------------------------------------

// Puts a claim behind the others; its sentence is what was written to `text`, which is emptied.
static void add_claim(struct claims *claims, struct ov_trace_claim claim, struct ov_buf *text) {
    if (claims->count == claims->room) {
        size_t room = claims->room == 0 ? 64 : claims->room * 2;
        struct ov_trace_claim *items = ov_arena_array(claims->arena, room, sizeof *items);
        if (items == NULL) {
            claims->has_failed = true;
            return;
        }
        if (claims->count > 0) {
            memcpy(items, claims->items, claims->count * sizeof *items);
        }
        claims->items = items;
        claims->room = room;
    }
    claim.text = ov_arena_text(claims->arena, ov_buf_span(text));
    claims->has_failed |= claim.text == NULL || ov_buf_status(text) != OV_OK;
    claims->items[claims->count++] = claim;
    ov_buf_reset(text);
}

// What is said of a number: `best` when nothing is missing.
static enum ov_trace_force force_of(const struct claims *claims, enum ov_trace_force best) {
    return claims->model->is_complete ? best : OV_TRACE_FORCE_SEEN;
}

static void begin_sentence(struct ov_buf *text, enum ov_trace_force force) {
    ov_buf_add_text(text, force == OV_TRACE_FORCE_AT_MOST ? "at most "
                          : force == OV_TRACE_FORCE_SEEN  ? "seen so far: "
                                                          : "");
}

// ---- read ---------------------------------------------------------------------------------------

// What was read again, or by several processes, counts once.
static uint64_t sum_content(const struct ov_trace_model *model,
                            const struct ov_trace_places *places) {
    uint64_t sum = 0;
    for (size_t i = 0; i < model->file_count; i++) {
        if (places->places[i] != OV_TRACE_PLACE_OTHER) {
            uint64_t more = ov_trace_content_bytes(&model->files[i]);
            sum = more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
        }
    }
    return sum;
}

static void claim_files(struct claims *claims, const struct ov_trace_places *places,
                        struct ov_buf *text) {
    const struct ov_trace_totals *totals = &claims->model->totals;
    struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_READ,
                                   .force = force_of(claims, OV_TRACE_FORCE_AT_MOST),
                                   .what = "files",
                                   .bytes = sum_content(claims->model, places),
                                   .count = totals->read_files};
    begin_sentence(text, claim.force);
    ov_trace_add_bytes(text, claim.bytes);
    ov_buf_add_text(text, " of the content of ");
    ov_trace_add_count(text, claim.count, "file");
    ov_buf_add_text(text, "; with what was read again ");
    ov_trace_add_bytes(text, totals->read_bytes);
    add_claim(claims, claim, text);
}

static void claim_outside(struct claims *claims, const struct ov_trace_places *places,
                          struct ov_buf *text) {
    const struct ov_trace_model *model = claims->model;
    struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_READ,
                                   .force = force_of(claims, OV_TRACE_FORCE_AT_MOST),
                                   .what = "outside"};
    if (model->begin.scope.count == 0) {
        return;
    }
    for (size_t i = 0; i < model->file_count; i++) {
        bool is_one = places->places[i] == OV_TRACE_PLACE_OUTSIDE && model->files[i].read_bytes > 0;
        claim.count += is_one ? 1 : 0;
        claim.bytes += is_one ? ov_trace_content_bytes(&model->files[i]) : 0;
    }
    begin_sentence(text, claim.force);
    ov_trace_add_bytes(text, claim.bytes);
    ov_buf_add_text(text, " of ");
    ov_trace_add_count(text, claim.count, "file");
    ov_buf_add_text(text,
                    " outside of what it was asked to look at, the system's and its own files "
                    "not counted");
    add_claim(claims, claim, text);
}

static void claim_others(struct claims *claims, struct ov_buf *text) {
    struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_READ,
                                   .force = force_of(claims, OV_TRACE_FORCE_AT_MOST),
                                   .what = "others",
                                   .bytes = claims->model->totals.other_read_bytes};
    begin_sentence(text, claim.force);
    ov_trace_add_bytes(text, claim.bytes);
    ov_buf_add_text(text, " from pipes, terminals, devices, memory and files of the kernel");
    add_claim(claims, claim, text);
}

// ---- kept ---------------------------------------------------------------------------------------

static void claim_written(struct claims *claims, struct ov_buf *text) {
    static const struct {
        enum ov_trace_fate fate;
        const char *what, *words;
    } fates[] = {
        {OV_TRACE_FATE_KEPT, "files", " written, to be there later or for a while"},
        {OV_TRACE_FATE_OWN, "own", " written under folders that were named as the product's own"},
        {OV_TRACE_FATE_PASSED, "passed",
         " written: pipes, terminals, devices, memory; what took them may keep or send them"},
        {OV_TRACE_FATE_KERNEL, "kernel", " of the kernel written (proc, sysfs and the like)"},
    };
    for (size_t i = 0; i < sizeof fates / sizeof *fates; i++) {
        const struct ov_trace_totals *totals = &claims->model->totals;
        struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_KEPT,
                                       .force = force_of(claims, OV_TRACE_FORCE_AT_MOST),
                                       .what = fates[i].what,
                                       .bytes = totals->fate_bytes[fates[i].fate],
                                       .count = totals->fate_files[fates[i].fate]};
        if (claim.count == 0 && fates[i].fate != OV_TRACE_FATE_KEPT) {
            continue;
        }
        if (claim.count == 0) {
            claim.force = force_of(claims, OV_TRACE_FORCE_EXACT);
        }
        begin_sentence(text, claim.force);
        ov_trace_add_bytes(text, claim.bytes);
        ov_buf_add_text(text, ", ");
        ov_trace_add_count(text, claim.count, i == 2 ? "place" : "file");
        ov_buf_add_text(text, fates[i].words);
        add_claim(claims, claim, text);
    }
}

// ---- sent ---------------------------------------------------------------------------------------

static void claim_sent(struct claims *claims, struct ov_buf *text) {
    static const struct {
        enum ov_trace_reach reach;
        const char *what, *words;
    } reaches[] = {
        {OV_TRACE_REACH_NETWORK, "network", " to the network"},
        {OV_TRACE_REACH_MACHINE, "machine", " to others on this machine"},
        {OV_TRACE_REACH_INSIDE, "inside", " between its own processes"},
        {OV_TRACE_REACH_KERNEL, "kernel", " to the kernel"},
    };
    for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
        const struct ov_trace_totals *totals = &claims->model->totals;
        struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_SENT,
                                       .force = force_of(claims, OV_TRACE_FORCE_EXACT),
                                       .what = reaches[i].what,
                                       .bytes = totals->reach_sent_bytes[reaches[i].reach],
                                       .count = totals->reach_sockets[reaches[i].reach]};
        if (claim.count == 0 && i > 1) {
            continue;
        }
        begin_sentence(text, claim.force);
        ov_trace_add_bytes(text, claim.bytes);
        ov_buf_add_text(text, reaches[i].words);
        ov_buf_add_text(text, " by ");
        ov_trace_add_count(text, claim.count, "socket");
        ov_buf_add_text(text, "; received ");
        ov_trace_add_bytes(text, totals->reach_received_bytes[reaches[i].reach]);
        add_claim(claims, claim, text);
    }
}

static void claim_frames(struct claims *claims, struct ov_buf *text) {
    const struct ov_trace_model *model = claims->model;
    struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_SENT,
                                   .force = force_of(claims, OV_TRACE_FORCE_EXACT),
                                   .what = "frames",
                                   .bytes = model->totals.net_sent_bytes,
                                   .count = model->net_count};
    if (model->net_count == 0 && !model->has_capture) {
        return;
    }
    begin_sentence(text, claim.force);
    ov_trace_add_bytes(text, claim.bytes);
    ov_buf_add_text(text, " in whole frames on the wire of the envelope, headers counted");
    add_claim(claims, claim, text);
}

static bool is_plaintext(const struct ov_trace_sensor *sensor) {
    return ov_span_has_prefix(sensor->name, "plaintext");
}

static void claim_plaintext(struct claims *claims, struct ov_buf *text) {
    const struct ov_trace_model *model = claims->model;
    struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_SENT,
                                   .force = OV_TRACE_FORCE_SEEN,
                                   .what = "plaintext",
                                   .bytes = model->totals.plaintext_bytes,
                                   .count = model->plaintext_count};
    bool is_on = false;
    for (size_t i = 0; i < model->sensor_count; i++) {
        is_on |= is_plaintext(&model->sensors[i]) && model->sensors[i].state == OV_TRACE_STATE_ON;
    }
    if (!is_on && model->plaintext_count == 0) {
        return;
    }
    begin_sentence(text, claim.force);
    ov_trace_add_bytes(text, claim.bytes);
    ov_buf_add_text(text, " given to libraries of TLS before they encrypted it; their content is "
                          "in no trace");
    add_claim(claims, claim, text);
}

// What sockets counted, or what the wire did where that is more.
static uint64_t count_left(const struct ov_trace_totals *totals) {
    uint64_t machine = totals->reach_sent_bytes[OV_TRACE_REACH_MACHINE];
    uint64_t network = totals->reach_sent_bytes[OV_TRACE_REACH_NETWORK];
    uint64_t most = network > totals->net_sent_bytes ? network : totals->net_sent_bytes;
    return most > UINT64_MAX - machine ? UINT64_MAX : machine + most;
}

static void claim_capacity(struct claims *claims, struct ov_buf *text) {
    uint64_t bytes = count_left(&claims->model->totals);
    struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_CAPACITY,
                                   .force = OV_TRACE_FORCE_AT_MOST,
                                   .what = "left",
                                   .bytes = bytes,
                                   .bits = bytes > UINT64_MAX / BITS_A_BYTE ? UINT64_MAX
                                                                            : bytes * BITS_A_BYTE};
    if (!claims->model->is_complete) {
        claim.force = OV_TRACE_FORCE_NONE;
        claim.bytes = claim.bits = 0;
        ov_buf_add_text(text, "no bound can be given: the trace is incomplete");
    } else {
        ov_buf_add_text(text, "at most ");
        ov_trace_add_count(text, claim.bits, "bit");
        ov_buf_add_text(
            text, bytes == 0 ? " can have left by sockets: none was given a byte to send"
                             : " can have left by sockets, 8 for each byte sent, whatever they "
                               "say and however they are encrypted; when and to where they "
                               "went can carry a few more");
    }
    add_claim(claims, claim, text);
}

// ---- not observed -------------------------------------------------------------------------------

static void claim_blind(struct claims *claims, const char *what, bool is_gap, struct ov_buf *text) {
    struct ov_trace_claim claim = {.kind = OV_TRACE_CLAIM_NOT_OBSERVED,
                                   .force = OV_TRACE_FORCE_NONE,
                                   .what = what,
                                   .is_gap = is_gap};
    add_claim(claims, claim, text);
}

void ov_trace_gap_add_text(const struct ov_trace_model *model, const struct ov_trace_gap *gap,
                           struct ov_buf *out) {
    static const char *const texts[] = {
        [OV_TRACE_GAP_BAD] = "the trace is broken, and nothing of it is counted",
        [OV_TRACE_GAP_CUT] = "the recording has no end: it counts up to its last checkpoint",
        [OV_TRACE_GAP_END] = "the recording did not come to its end: ",
        [OV_TRACE_GAP_UNWRITTEN] = "records that had no room: ",
        [OV_TRACE_GAP_NO_LOSSES] = "no loss counter was kept, so nobody knows what was lost",
        [OV_TRACE_GAP_LOSS] = "lost: ",
        [OV_TRACE_GAP_NO_SENSORS] = "no sensor is named",
        [OV_TRACE_GAP_SENSOR] = "a sensor that is needed is not on: ",
        [OV_TRACE_GAP_NO_SELFTEST] = "the sensors were not tried beforehand",
        [OV_TRACE_GAP_SELFTEST] = "the self-test of a route did not pass: ",
        [OV_TRACE_GAP_LAYER] = "a layer of the envelope is missing: ",
        [OV_TRACE_GAP_FELL] = "counters that fell: ",
    };
    bool has_count = gap->kind == OV_TRACE_GAP_UNWRITTEN || gap->kind == OV_TRACE_GAP_LOSS ||
                     gap->kind == OV_TRACE_GAP_FELL;
    ov_buf_add_text(out, texts[gap->kind]);
    if (gap->kind == OV_TRACE_GAP_BAD && model->check.bad_why != NULL) {
        ov_buf_printf(out, ": record %llu: %s", (unsigned long long)model->check.bad_record,
                      model->check.bad_why);
    }
    if (has_count) {
        ov_trace_add_number(out, gap->count);
        ov_buf_add_text(out, gap->name.size > 0 ? " of " : "");
    }
    ov_trace_add_name(out, gap->name, "");
}

static void list_gaps(struct claims *claims, struct ov_buf *text) {
    static const char *const whats[] = {
        [OV_TRACE_GAP_BAD] = "trace",
        [OV_TRACE_GAP_CUT] = "end",
        [OV_TRACE_GAP_END] = "end",
        [OV_TRACE_GAP_UNWRITTEN] = "unwritten",
        [OV_TRACE_GAP_NO_LOSSES] = "loss",
        [OV_TRACE_GAP_LOSS] = "loss",
        [OV_TRACE_GAP_NO_SENSORS] = "sensor",
        [OV_TRACE_GAP_SENSOR] = "sensor",
        [OV_TRACE_GAP_NO_SELFTEST] = "selftest",
        [OV_TRACE_GAP_SELFTEST] = "selftest",
        [OV_TRACE_GAP_LAYER] = "layer",
        [OV_TRACE_GAP_FELL] = "counter",
    };
    for (size_t i = 0; i < claims->model->gap_count; i++) {
        const struct ov_trace_gap *gap = &claims->model->gaps[i];
        ov_trace_gap_add_text(claims->model, gap, text);
        claim_blind(claims, whats[gap->kind], true, text);
    }
}

static void list_sensors(struct claims *claims, struct ov_buf *text) {
    for (size_t i = 0; i < claims->model->sensor_count; i++) {
        const struct ov_trace_sensor *sensor = &claims->model->sensors[i];
        if (sensor->state != OV_TRACE_STATE_ON && !sensor->is_needed) {
            ov_buf_add_text(text, "a second sensor is not on: ");
            ov_trace_add_name(text, sensor->name, "?");
            ov_buf_add_text(text, sensor->why.size > 0 ? ": " : "");
            ov_trace_add_name(text, sensor->why, "");
            claim_blind(claims, "sensor", false, text);
        }
    }
}

// What is asked for, and sees but a part.
static void list_plaintext(struct claims *claims, struct ov_buf *text) {
    bool is_asked = false;
    for (size_t i = 0; i < claims->model->sensor_count; i++) {
        is_asked |= is_plaintext(&claims->model->sensors[i]);
    }
    if (is_asked) {
        ov_buf_add_text(text,
                        "bytes before their encryption are counted in libssl and libgnutls alone: "
                        "not in a program that has such a library in itself (Go, rustls, "
                        "BoringSSL), and not before a library outside of the usual folders was "
                        "found");
        claim_blind(claims, "plaintext", false, text);
    }
}

// Files whose reads one of the two views does not have, with their file systems.
static void list_call_files(struct claims *claims, struct ov_buf *text) {
    const struct ov_trace_model *model = claims->model;
    struct ov_span names[4] = {0};
    size_t name_count = 0;
    uint64_t count = 0;
    for (size_t i = 0; i < model->file_count; i++) {
        const struct ov_trace_model_file *file = &model->files[i];
        bool is_known = false;
        if (file->kind != OV_TRACE_KIND_FILE || file->read_bytes == 0 ||
            ov_trace_filesystem_has_pages(file->filesystem) ||
            ov_trace_filesystem_is_kernels(file->filesystem)) {
            continue;
        }
        for (size_t j = 0; j < name_count; j++) {
            is_known |= ov_span_is_equal(names[j], file->filesystem);
        }
        if (!is_known && name_count < sizeof names / sizeof *names) {
            names[name_count++] = file->filesystem;
        }
        count++;
    }
    if (count == 0) {
        return;
    }
    ov_trace_add_count(text, count, "file");
    ov_buf_add_text(text, " read by calls, of which no pages are told (");
    for (size_t i = 0; i < name_count; i++) {
        ov_buf_add_text(text, i > 0 ? ", " : "");
        ov_trace_add_name(text, names[i], "?");
    }
    ov_buf_add_text(text, "): there is no second view of these");
    claim_blind(claims, "pages", false, text);
}

static void list_absences(struct claims *claims, struct ov_buf *text) {
    const struct ov_trace_model *model = claims->model;
    if (!model->begin.has_envelope) {
        ov_buf_add_text(text, "there was no envelope: nothing was forbidden, and what goes around "
                              "the sensors (raw disks, memory of others) is not excluded");
        claim_blind(claims, "envelope", false, text);
    }
    if (model->begin.scope.count == 0) {
        ov_buf_add_text(text,
                        "nobody said what it was asked to look at (--scope), so no file can be "
                        "told as read beyond that");
        claim_blind(claims, "scope", false, text);
    }
    if (model->begin.target != OV_TRACE_OF_COMMAND) {
        ov_buf_add_text(text, "it ran before the recording began: ");
        ov_trace_add_number(text, model->prior_count);
        ov_buf_add_text(text,
                        " of the files that it held then are listed; what it did is not known");
        claim_blind(claims, "before", false, text);
    }
    uint64_t living = model->totals.process_count - model->totals.ended_count;
    if (living > 0) {
        ov_trace_add_number(text, living);
        ov_buf_add_text(text, living == 1 ? " process still ran when the recording ended"
                                          : " processes still ran when the recording ended");
        claim_blind(claims, "after", false, text);
    }
}

enum ov_status ov_trace_claims_build(const struct ov_trace_model *model,
                                     const struct ov_trace_places *places, struct ov_arena *arena,
                                     const struct ov_trace_claim **ret_claims, size_t *ret_count) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct claims claims = {.model = model, .arena = arena};
    if (model->has_begin) {
        claim_files(&claims, places, &text);
        claim_outside(&claims, places, &text);
        claim_others(&claims, &text);
        claim_written(&claims, &text);
        claim_sent(&claims, &text);
        claim_frames(&claims, &text);
        claim_plaintext(&claims, &text);
        claim_capacity(&claims, &text);
    }
    list_gaps(&claims, &text);
    if (model->has_begin) {
        list_sensors(&claims, &text);
        list_plaintext(&claims, &text);
        list_call_files(&claims, &text);
        list_absences(&claims, &text);
    }
    *ret_claims = claims.items;
    *ret_count = claims.count;
    return claims.has_failed ? OV_MEMORY : OV_OK;
}
