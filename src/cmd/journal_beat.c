// SPDX-License-Identifier: Apache-2.0
// Heartbeats, and what is found out about ourselves at each.
#include "cmd/journal_beat.h"

#include "base/install.h"
#include "base/say.h"
#include "cage/cage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NS_IN_SECOND 1000000000ull

// A run that is over sooner is not worth a look into all processes.
enum { FIRST_LOOK_SECONDS = 10 };

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * NS_IN_SECOND + (uint64_t)now.tv_nsec;
}

static void write_down(struct ov_journal_beat *beat, const char *text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    if (beat->keeper == NULL || beat->status != OV_OK) {
        return;
    }
    ov_buf_add_text(&body, "what ");
    ov_entry_text_add(&body, ov_span_text(text));
    ov_buf_add_u8(&body, '\n');
    beat->status = ov_buf_status(&body);
    if (beat->status == OV_OK) {
        beat->status = ov_keeper_add(beat->keeper, OV_ENTRY_FINDING, ov_buf_span(&body));
        beat->has_written = true;
    }
}

static void take_finding(void *arg, enum ov_watch_kind kind, const char *text) {
    struct ov_journal_beat *beat = arg;
    bool is_own = kind != OV_WATCH_FANOTIFY;
    beat->own_count += is_own;
    ov_say_error("self-watch", text,
                 is_own ? "unless this was an update of Overt, find out who did it"
                        : "whoever it is sees files being opened");
    write_down(beat, text);
}

// ---- life ---------------------------------------------------------------------------------------

void ov_journal_beat_open(struct ov_keeper *keeper, struct ov_journal_beat *ret_beat) {
    static const enum ov_part parts[] = {OV_PART_WORKER, OV_PART_SERVER, OV_PART_FETCHER};
    enum { COUNT = sizeof parts / sizeof parts[0] };
    static char paths[COUNT][PATH_MAX];
    const char *programs[COUNT];
    uint64_t interval_ns = ov_keeper_heartbeat_seconds() * NS_IN_SECOND;
    uint64_t first_ns = FIRST_LOOK_SECONDS * NS_IN_SECOND;
    size_t count = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        char path[PATH_MAX];
        if (ov_install_find(parts[i], path, sizeof path) == OV_OK &&
            realpath(path, paths[count]) != NULL) {
            programs[count] = paths[count];
            count++;
        }
    }
    *ret_beat = (struct ov_journal_beat){.keeper = keeper, .began_ns = now_ns()};
    ret_beat->due_ns = ret_beat->began_ns + interval_ns;
    ret_beat->first_look_ns =
        ret_beat->began_ns + (first_ns < interval_ns / 2 ? first_ns : interval_ns / 2);
    const struct ov_selfwatch_request request = {
        .procfs = "/proc",
        .pid = getpid(),
        .programs = programs,
        .program_count = count,
        .has_started = ov_cage_has_spawned,
        .arg = ret_beat,
        .on_finding = take_finding,
    };
    (void)!ov_selfwatch_new(&request, &ret_beat->watch);
}

void ov_journal_beat_close(struct ov_journal_beat *beat) {
    ov_selfwatch_free(beat->watch);
    beat->watch = NULL;
}

// ---- beats --------------------------------------------------------------------------------------

bool ov_journal_beat_is_due(const struct ov_journal_beat *beat) {
    return beat->due_ns != 0 && now_ns() >= (beat->has_looked ? beat->due_ns : beat->first_look_ns);
}

// Looks, and adds lines on what could not be looked at.
static void look(struct ov_journal_beat *beat, struct ov_buf *lines) {
    struct ov_watch_unseen unseen = {0};
    beat->has_looked = true;
    if (beat->watch == NULL || ov_selfwatch_look(beat->watch, &unseen) != OV_OK) {
        ov_buf_add_text(lines, "unseen processes -\n");
        return;
    }
    const struct {
        const char *word;
        unsigned count;
    } counts[] = {{"programs", unseen.programs},
                  {"descriptors", unseen.descriptors},
                  {"listeners", unseen.listeners}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].count > 0) {
            ov_buf_printf(lines, "unseen %s %u\n", counts[i].word, counts[i].count);
        }
    }
}

// What was found is to be on disk before anything else is asked.
static enum ov_status settle(struct ov_journal_beat *beat) {
    bool has_written = beat->has_written;
    beat->has_written = false;
    TRY(beat->status);
    return has_written ? ov_keeper_sync(beat->keeper) : OV_OK;
}

enum ov_status ov_journal_beat(struct ov_journal_beat *beat) {
    OV_CLEANUP(ov_buf_release) struct ov_buf lines = {0};
    uint64_t interval_ns = ov_keeper_heartbeat_seconds() * NS_IN_SECOND;
    look(beat, &lines);
    TRY(settle(beat));
    if (now_ns() < beat->due_ns) {
        return OV_OK; // that was the first look
    }
    beat->due_ns = now_ns() + interval_ns;
    TRY(ov_buf_status(&lines));
    return beat->keeper != NULL ? ov_keeper_beat(beat->keeper, ov_buf_span(&lines)) : OV_OK;
}

enum ov_status ov_journal_beat_last(struct ov_journal_beat *beat) {
    OV_CLEANUP(ov_buf_release) struct ov_buf lines = {0};
    if (beat->has_looked) {
        look(beat, &lines);
    } else if (beat->watch != NULL) {
        ov_selfwatch_glance(beat->watch);
    }
    beat->due_ns = 0; // no more of them
    return settle(beat);
}
