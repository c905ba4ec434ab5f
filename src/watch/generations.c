// SPDX-License-Identifier: Apache-2.0
// Empties the kernel's maps without losing what is counted meanwhile.
//
// The kernel counts in one of two generations: two halves of the slots of files and of the names,
// two maps of sockets. When the other is made current, the system call returns only when no program
// is left that still holds the old one (an RCU grace period, as for each update of a map of maps);
// then it is read and emptied by nobody but us.
#include "watch/recorder_state.h"

#include "watch/watch.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 }; // sockets that are taken with one call

// ---- names --------------------------------------------------------------------------------------

static enum ov_status take_names(struct ov_recorder *recorder, uint32_t half) {
    const char *names = recorder->names_of[half].bytes;
    volatile __u64 *used = &recorder->object->bss->used_names[half];
    size_t last = recorder->object->rodata->name_bytes - sizeof(struct watch_name);
    for (size_t at = 0; at < *used && at <= last;) {
        const struct watch_name *name = (const void *)(names + at);
        TRY(ov_recorder_take_name(recorder, name));
        at += watch_name_bytes(name->used);
    }
    *used = 0;
    return OV_OK;
}

// ---- files --------------------------------------------------------------------------------------

static enum ov_status take_slot(struct ov_recorder *recorder, const struct watch_slot *slot) {
    struct ov_trace_file record;
    struct ov_total *total = ov_table_get(&recorder->totals, &slot->key);
    if (total == NULL) {
        return OV_MEMORY;
    }
    ov_total_add(total, &slot->file);
    ov_total_record(total, &record);
    return recorder->is_trial ? OV_OK : ov_trace_write_file(recorder->trace, &record);
}

// Takes all that is counted in a half, and makes it free again.
static enum ov_status take_slots(struct ov_recorder *recorder, uint32_t half) {
    struct watch_slot *slots = recorder->slots + half * recorder->slot_count;
    size_t count = recorder->object->bss->used_slots[half];
    count = count < recorder->slot_count ? count : recorder->slot_count;
    for (size_t i = 0; i < count; i++) {
        TRY(take_slot(recorder, &slots[i]));
    }
    memset(slots, 0, count * sizeof *slots);
    recorder->object->bss->used_slots[half] = 0;
    return OV_OK;
}

// ---- sockets ------------------------------------------------------------------------------------

static bool has_remote(const struct watch_socket *socket) {
    return socket->remote_port != 0 || socket->remote_length != 0 || socket->peer != 0 ||
           socket->peer_cookie != 0;
}

// What is known of the other end is not forgotten when it has gone.
static void add_socket(struct watch_socket *sum, const struct watch_socket *more) {
    const struct watch_socket before = *sum;
    if (!has_remote(&before) || has_remote(more)) {
        *sum = *more;
    }
    sum->first_ns = before.first_ns != 0 ? before.first_ns : more->first_ns;
    sum->last_ns = more->last_ns;
    sum->sends = before.sends + more->sends;
    sum->sent_bytes = before.sent_bytes + more->sent_bytes;
    sum->receives = before.receives + more->receives;
    sum->received_bytes = before.received_bytes + more->received_bytes;
}

static enum ov_status take_socket(struct ov_recorder *recorder, const struct watch_socket_key *key,
                                  const struct watch_socket *value) {
    struct ov_known_socket *known = ov_table_get(&recorder->sockets, key);
    OV_CLEANUP(ov_buf_release) struct ov_buf local = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf remote = {0};
    if (known == NULL) {
        return OV_MEMORY;
    }
    if (known->key.remote.is_there != 0 && known->flow == 0) {
        known->flow = ++recorder->flow_count;
    }
    add_socket(&known->sum, value);
    const struct watch_socket *sum = &known->sum;
    ov_address_add(sum, false, &local);
    ov_address_add(sum, true, &remote);
    TRY(ov_buf_status(&local));
    TRY(ov_buf_status(&remote));
    struct ov_trace_socket record = {
        .process = {.pid = known->key.pid, .start_ns = known->key.start_ns},
        .cookie = known->key.cookie,
        .flow = known->flow,
        .family = sum->family,
        .type = sum->type,
        .protocol = sum->protocol,
        .local = ov_buf_span(&local),
        .remote = ov_buf_span(&remote),
        .peer = {.pid = sum->peer},
        .peer_cookie = sum->peer_cookie,
        .first_ns = sum->first_ns,
        .last_ns = sum->last_ns,
        .send_count = sum->sends,
        .sent_bytes = sum->sent_bytes,
        .receive_count = sum->receives,
        .received_bytes = sum->received_bytes,
    };
    return recorder->is_trial ? OV_OK : ov_trace_write_socket(recorder->trace, &record);
}

// Takes all sockets out of a map, in the map's own order.
static enum ov_status take_sockets(struct ov_recorder *recorder, int map) {
    uint32_t place[2] = {0}; // where the kernel has come to; opaque
    uint32_t room = BATCH;
    struct watch_socket_key *keys = NULL;
    struct watch_socket *values = NULL;
    enum ov_status status = OV_OK;
    void *from = NULL;
    for (bool has_more = true; has_more && status == OV_OK;) {
        if (keys == NULL) {
            keys = calloc(room, sizeof *keys);
            values = calloc(room, sizeof *values);
        }
        uint32_t count = room;
        if (keys == NULL || values == NULL) {
            status = OV_MEMORY;
            break;
        }
        int error = bpf_map_lookup_and_delete_batch(map, from, place, keys, values, &count, NULL);
        if (error == -ENOSPC) { // more in one bucket of the kernel's table than we have room for
            free(keys);
            free(values);
            keys = NULL;
            values = NULL;
            room *= 2;
            continue;
        }
        has_more = error == 0;
        from = place;
        if (error != 0 && error != -ENOENT) {
            errno = -error;
            status = OV_SYSTEM;
            break;
        }
        for (uint32_t i = 0; i < count && status == OV_OK; i++) {
            status = take_socket(recorder, &keys[i], &values[i]);
        }
    }
    free(keys);
    free(values);
    return status;
}

// ---- generations --------------------------------------------------------------------------------

static enum ov_status make_current(const struct bpf_map *of_maps, const struct bpf_map *map) {
    uint32_t zero = 0;
    int fd = bpf_map__fd(map);
    int error = bpf_map_update_elem(bpf_map__fd(of_maps), &zero, &fd, BPF_ANY);
    errno = -error;
    return error == 0 ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_recorder_take_generation(struct ov_recorder *recorder) {
    struct watch_bpf *object = recorder->object;
    uint32_t old = recorder->generation & 1;
    bool is_second = old == 1;
    __atomic_store_n(&object->bss->generation, ++recorder->generation, __ATOMIC_SEQ_CST);
    TRY(make_current(object->maps.sockets,
                     is_second ? object->maps.sockets_0 : object->maps.sockets_1));
    TRY(take_names(recorder, old));
    TRY(take_slots(recorder, old));
    return take_sockets(recorder,
                        bpf_map__fd(is_second ? object->maps.sockets_1 : object->maps.sockets_0));
}
