// SPDX-License-Identifier: Apache-2.0
// Empties the kernel's maps without losing what is counted meanwhile.
//
// The kernel counts in one of two generations: two halves of the slots of files, two maps of names
// and of sockets. When the other is made current, the system call returns only when no program is
// left that still holds the old one (an RCU grace period, as for each update of a map of maps);
// then it is read and emptied by nobody but us.
#include "watch/recorder_state.h"

#include "watch/plaintext.h"

#include "watch/watch.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
    BATCH = 4096, // entries that are taken with one call
    MINOR_BITS = 20,
    MINOR_MASK = (1 << MINOR_BITS) - 1,
    MODE_TYPE = 0170000,
};

struct ov_trace_inode ov_record_inode(const struct watch_inode *inode) {
    return (struct ov_trace_inode){
        .device = inode->device, .inode = inode->inode, .generation = inode->generation};
}

// ---- batches ------------------------------------------------------------------------------------

struct batch {
    int map;
    size_t key_bytes, value_bytes;
    enum ov_status (*take)(struct ov_recorder *recorder, const void *key, const void *value);
};

static enum ov_status hand_on(struct ov_recorder *recorder, const struct batch *batch,
                              const uint8_t *keys, const uint8_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        TRY(batch->take(recorder, keys + i * batch->key_bytes, values + i * batch->value_bytes));
    }
    return OV_OK;
}

// Takes all entries out of a map, in the map's own order.
static enum ov_status take_all(struct ov_recorder *recorder, const struct batch *batch) {
    uint32_t place[2] = {0}; // where the kernel has come to; opaque
    bool has_place = false;
    uint32_t room = BATCH;
    uint8_t *keys = NULL;
    uint8_t *values = NULL;
    enum ov_status status = OV_OK;
    for (bool has_more = true; has_more && status == OV_OK;) {
        if (keys == NULL) {
            keys = calloc(room, batch->key_bytes);
            values = calloc(room, batch->value_bytes);
        }
        uint32_t count = room;
        void *from = has_place ? place : NULL;
        if (keys == NULL || values == NULL) {
            status = OV_MEMORY;
            break;
        }
        int error =
            bpf_map_lookup_and_delete_batch(batch->map, from, place, keys, values, &count, NULL);
        if (error == -ENOSPC) { // more in one bucket of the kernel's table than we have room for
            free(keys);
            free(values);
            keys = values = NULL;
            room *= 2;
            continue;
        }
        has_more = error == 0;
        has_place = true;
        if (error != 0 && error != -ENOENT) {
            errno = -error;
            status = OV_SYSTEM;
        } else {
            status = hand_on(recorder, batch, keys, values, count);
        }
    }
    free(keys);
    free(values);
    return status;
}

// ---- names --------------------------------------------------------------------------------------

static enum ov_trace_kind kind_of(const struct watch_name *name, bool has_place) {
    switch (name->mode & MODE_TYPE) {
    case S_IFREG:
        return has_place || (strcmp(name->filesystem, "tmpfs") != 0 &&
                             strcmp(name->filesystem, "hugetlbfs") != 0)
                   ? OV_TRACE_KIND_FILE
                   : OV_TRACE_KIND_MEMORY;
    case S_IFDIR:
        return OV_TRACE_KIND_FOLDER;
    case S_IFIFO:
        return OV_TRACE_KIND_PIPE;
    case S_IFCHR:
        return strcmp(name->filesystem, "devpts") == 0 ? OV_TRACE_KIND_TERMINAL
                                                       : OV_TRACE_KIND_DEVICE;
    case S_IFBLK:
        return OV_TRACE_KIND_DEVICE;
    default:
        return OV_TRACE_KIND_OTHER;
    }
}

// The parts of a path come from its end; a part without its end is not there.
static void turn_around(const struct watch_name *name, struct ov_buf *path) {
    size_t used = name->used < sizeof name->path ? name->used : sizeof name->path;
    size_t end = used;
    if (name->is_cut != 0) {
        ov_buf_add_text(path, "/...");
    }
    while (end > 0) {
        size_t start = end - 1; // of the 0 behind the part
        while (start > 0 && name->path[start - 1] != 0) {
            start--;
        }
        ov_buf_add_u8(path, '/');
        ov_buf_add(path, &name->path[start], end - 1 - start);
        end = start;
    }
    if (path->size == 0) {
        ov_buf_add_u8(path, '/');
    }
}

// Whether that inode has this name here and now.
static enum ov_trace_presence look(const char *path, const struct watch_inode *key) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? OV_TRACE_GONE : OV_TRACE_UNKNOWN;
    }
    bool is_same = info.st_ino == key->inode && major(info.st_dev) == key->device >> MINOR_BITS &&
                   minor(info.st_dev) == (key->device & MINOR_MASK);
    return is_same ? OV_TRACE_THERE : OV_TRACE_UNKNOWN;
}

static const char *known_path(const struct ov_recorder *recorder,
                              const struct ov_known_name *name) {
    return (const char *)recorder->paths.data + name->at;
}

static enum ov_status take_name(struct ov_recorder *recorder, const void *key, const void *value) {
    const struct watch_name *told = value;
    OV_CLEANUP(ov_buf_release) struct ov_buf inner = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf path = {0};
    struct ov_known_name *name = ov_table_get(&recorder->names, key);
    if (name == NULL) {
        return OV_MEMORY;
    }
    turn_around(told, &inner);
    bool has_place =
        ov_places_add_path(&recorder->places, name->key.device, ov_buf_span(&inner), &path);
    TRY(ov_buf_status(&inner));
    TRY(ov_buf_status(&path));
    struct ov_span known = ov_span_part(ov_buf_span(&recorder->paths), name->at, name->size);
    if (name->size > 0 && ov_span_is_equal(known, ov_buf_span(&path)) &&
        name->size_bytes == told->size_bytes) {
        return OV_OK;
    }
    bool is_any = told->is_opened == 0; // of all names that it has
    if (is_any && name->is_opened &&
        look(known_path(recorder, name), &name->key) == OV_TRACE_THERE) {
        return OV_OK;
    }
    name->is_opened = !is_any;
    name->at = recorder->paths.size;
    name->size = path.size;
    name->size_bytes = told->size_bytes;
    ov_buf_add(&recorder->paths, path.data, path.size);
    ov_buf_add_u8(&recorder->paths, 0); // for lstat
    TRY(ov_buf_status(&recorder->paths));
    struct ov_trace_name record = {
        .inode = ov_record_inode(&name->key),
        .kind = kind_of(told, has_place),
        .presence = OV_TRACE_UNKNOWN,
        .size_bytes = told->size_bytes,
        .filesystem = ov_span_text(told->filesystem),
        .path = ov_buf_span(&path),
    };
    if (has_place && told->is_cut == 0) {
        record.presence = look(known_path(recorder, name), &name->key);
    }
    if (record.presence == OV_TRACE_THERE && recorder->plaintext != NULL && !recorder->is_trial) {
        TRY(ov_plaintext_consider(recorder->plaintext, known_path(recorder, name)));
    }
    return recorder->is_trial ? OV_OK : ov_trace_write_name(recorder->trace, &record);
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

static enum ov_status take_socket(struct ov_recorder *recorder, const void *key,
                                  const void *value) {
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
    TRY(make_current(object->maps.names, is_second ? object->maps.names_0 : object->maps.names_1));
    TRY(make_current(object->maps.sockets,
                     is_second ? object->maps.sockets_0 : object->maps.sockets_1));
    struct batch names = {
        .map = bpf_map__fd(is_second ? object->maps.names_1 : object->maps.names_0),
        .key_bytes = sizeof(struct watch_inode),
        .value_bytes = sizeof(struct watch_name),
        .take = take_name,
    };
    struct batch sockets = {
        .map = bpf_map__fd(is_second ? object->maps.sockets_1 : object->maps.sockets_0),
        .key_bytes = sizeof(struct watch_socket_key),
        .value_bytes = sizeof(struct watch_socket),
        .take = take_socket,
    };
    TRY(take_all(recorder, &names));
    TRY(take_slots(recorder, old));
    return take_all(recorder, &sockets);
}
