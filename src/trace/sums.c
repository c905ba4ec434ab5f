// SPDX-License-Identifier: Apache-2.0
// What a model has when all records are there: fates of files, reaches of sockets, sums.
#include "trace/builder.h"

enum { FAMILY_UNIX = 1, FAMILY_INET = 2, FAMILY_INET6 = 10, FAMILY_NETLINK = 16, FAMILY_ALG = 38 };

static struct ov_trace_model_process *process_at(const struct ov_trace_builder *builder,
                                                 size_t at) {
    return ov_trace_array_at(&builder->processes, at);
}

static struct ov_trace_model_file *file_at(const struct ov_trace_builder *builder, size_t at) {
    return ov_trace_array_at(&builder->files, at);
}

static struct ov_trace_model_socket *socket_at(const struct ov_trace_builder *builder, size_t at) {
    return ov_trace_array_at(&builder->sockets, at);
}

static void add(uint64_t *sum, uint64_t more) {
    *sum = ov_trace_sum(*sum, more);
}

// ---- files --------------------------------------------------------------------------------------

// File systems whose files are a way to speak with the kernel, and keep nothing.
bool ov_trace_filesystem_is_kernels(struct ov_span filesystem) {
    static const char *const names[] = {
        "proc",      "sysfs", "cgroup",   "cgroup2",     "debugfs",  "tracefs", "securityfs",
        "selinuxfs", "bpf",   "configfs", "binfmt_misc", "efivarfs", "nsfs"};
    bool is_one = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        is_one |= ov_span_is_text(filesystem, names[i]);
    }
    return is_one;
}

// Overlays hand on to the files beneath them, which have the pages.
bool ov_trace_filesystem_has_pages(struct ov_span filesystem) {
    static const char *const names[] = {"tmpfs",   "devtmpfs", "hugetlbfs", "overlay", "fuse",
                                        "fuseblk", "virtiofs", "9p",        "nfs",     "nfs4",
                                        "cifs",    "smb3",     "ceph",      "zfs"};
    bool has_none = ov_trace_filesystem_is_kernels(filesystem);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        has_none |= ov_span_is_text(filesystem, names[i]);
    }
    return !has_none;
}

bool ov_trace_path_is_under(struct ov_span path, struct ov_span folder) {
    while (folder.size > 1 && folder.data[folder.size - 1] == '/') {
        folder = ov_span_part(folder, 0, folder.size - 1);
    }
    struct ov_span rest = ov_span_from(path, folder.size);
    if (folder.size == 0 || !ov_span_is_equal(ov_span_part(path, 0, folder.size), folder)) {
        return false;
    }
    return rest.size == 0 || rest.data[0] == '/' || ov_span_is_text(folder, "/");
}

static bool is_under_any(struct ov_span path, const struct ov_trace_list *folders) {
    bool is_under = false;
    for (size_t i = 0; i < folders->item_count; i++) {
        is_under |= ov_trace_path_is_under(path, folders->items[i]);
    }
    return is_under;
}

static enum ov_trace_fate fate_of(const struct ov_trace_builder *builder,
                                  const struct ov_trace_model_file *file) {
    if (file->written_bytes == 0) {
        return OV_TRACE_FATE_NONE;
    }
    if (ov_trace_filesystem_is_kernels(file->filesystem)) {
        return OV_TRACE_FATE_KERNEL;
    }
    if (file->kind != OV_TRACE_KIND_FILE) {
        return OV_TRACE_FATE_PASSED;
    }
    return is_under_any(file->path, &builder->model.begin.own) ? OV_TRACE_FATE_OWN
                                                               : OV_TRACE_FATE_KEPT;
}

static void add_use(const struct ov_trace_builder *builder, const struct ov_trace_model_use *use) {
    struct ov_trace_model_file *file = file_at(builder, use->file);
    struct ov_trace_model_process *process = process_at(builder, use->process);
    const struct ov_trace_file *last = &use->last;
    file->use_count++;
    process->file_count++;
    add(&process->read_bytes, use->read_bytes);
    add(&process->written_bytes, use->written_bytes);
    if (!process->is_watched) {
        return;
    }
    bool is_first = file->last_ns == 0;
    file->first_ns = is_first || last->first_ns < file->first_ns ? last->first_ns : file->first_ns;
    file->last_ns = last->last_ns > file->last_ns ? last->last_ns : file->last_ns;
    file->routes |= last->routes;
    add(&file->open_count, last->open_count);
    add(&file->covered_bytes, use->covered_bytes);
    add(&file->read_bytes, use->read_bytes);
    add(&file->written_bytes, use->written_bytes);
    ov_trace_coverage_join(file->coverage, &file->scale, last->coverage, last->scale);
}

// What several processes covered is counted once.
static void finish_file(struct ov_trace_builder *builder, struct ov_trace_model_file *file) {
    struct ov_trace_totals *totals = &builder->model.totals;
    const struct ov_trace_begin *begin = &builder->model.begin;
    uint64_t joined =
        ov_trace_covered_bytes(file->coverage, file->scale, begin->page_bytes, file->largest_bytes);
    file->covered_bytes = joined < file->covered_bytes ? joined : file->covered_bytes;
    file->fate = fate_of(builder, file);
    file->is_in_scope = begin->scope.count == 0 || is_under_any(file->path, &begin->scope);
    add(&totals->open_count, file->open_count);
    totals->fate_files[file->fate] += file->written_bytes > 0 ? 1 : 0;
    totals->written_files += file->written_bytes > 0 ? 1 : 0;
    add(&totals->fate_bytes[file->fate], file->written_bytes);
    if (file->kind == OV_TRACE_KIND_FILE && !ov_trace_filesystem_is_kernels(file->filesystem)) {
        totals->read_files += file->read_bytes > 0 ? 1 : 0;
        add(&totals->covered_bytes, file->covered_bytes);
        add(&totals->read_bytes, file->read_bytes);
    } else {
        add(&totals->other_read_bytes, file->read_bytes);
    }
}

static void mark_canaries(const struct ov_trace_builder *builder) {
    const struct ov_trace_array *planted = &builder->stored[OV_TRACE_PLANTED];
    for (size_t i = 0; i < planted->count; i++) {
        const struct ov_trace_planted *one = ov_trace_array_at(planted, i);
        struct ov_trace_key key = ov_trace_key_of_numbers(OV_TRACE_KEY_FILE, one->inode.device,
                                                          one->inode.inode, one->inode.generation);
        size_t at = ov_trace_index_find(&builder->index, &key);
        if (at != OV_TRACE_NONE) {
            file_at(builder, at)->is_canary = true;
        }
    }
}

static void finish_files(struct ov_trace_builder *builder) {
    for (size_t i = 0; i < builder->uses.count; i++) {
        add_use(builder, ov_trace_array_at(&builder->uses, i));
    }
    mark_canaries(builder);
    for (size_t i = 0; i < builder->files.count; i++) {
        finish_file(builder, file_at(builder, i));
    }
}

// ---- sockets ------------------------------------------------------------------------------------

static bool is_watched(const struct ov_trace_builder *builder,
                       const struct ov_trace_model_socket *socket) {
    return process_at(builder, socket->process)->is_watched;
}

static bool is_known(const struct ov_trace_builder *builder, const struct ov_trace_key *key) {
    return ov_trace_index_find(&builder->index, key) != OV_TRACE_NONE;
}

// What the sockets of those who are watched are known by to their other ends.
static enum ov_status list_ends(struct ov_trace_builder *builder) {
    for (size_t i = 0; i < builder->sockets.count; i++) {
        const struct ov_trace_model_socket *socket = socket_at(builder, i);
        const struct ov_trace_socket *last = &socket->last;
        if (!is_watched(builder, socket)) {
            continue;
        }
        struct ov_trace_key key = ov_trace_key_of_numbers(OV_TRACE_KEY_COOKIE, last->cookie, 0, 0);
        if (last->flow == 0 || !is_known(builder, &key)) {
            TRY(ov_trace_index_set(&builder->index, &key, i));
        }
        if (last->local.size > 0 && last->remote.size > 0) {
            key = ov_trace_key_of_ends(last, false);
            TRY(ov_trace_index_set(&builder->index, &key, i));
        }
    }
    return OV_OK;
}

// Whether the other end is watched as well: the socket, or the process that it is known to be of.
static bool is_inside(const struct ov_trace_builder *builder,
                      const struct ov_trace_socket *socket) {
    struct ov_trace_key cookie =
        ov_trace_key_of_numbers(OV_TRACE_KEY_COOKIE, socket->peer_cookie, 0, 0);
    struct ov_trace_key ends = ov_trace_key_of_ends(socket, true);
    bool is_inet = socket->family == FAMILY_INET || socket->family == FAMILY_INET6;
    bool has_ends = is_inet && socket->local.size > 0 && socket->remote.size > 0;
    if ((socket->peer_cookie != 0 && is_known(builder, &cookie)) ||
        (has_ends && is_known(builder, &ends))) {
        return true;
    }
    size_t peer = socket->peer.pid != 0 ? ov_trace_builder_find_process(builder, &socket->peer)
                                        : OV_TRACE_NONE;
    return peer != OV_TRACE_NONE && process_at(builder, peer)->has_record &&
           process_at(builder, peer)->is_watched;
}

static bool is_loopback(struct ov_span address) {
    return ov_span_has_prefix(address, "127.") || ov_span_has_prefix(address, "[::1]") ||
           ov_span_has_prefix(address, "[::ffff:127.");
}

static enum ov_trace_reach reach_of(const struct ov_trace_builder *builder,
                                    const struct ov_trace_socket *socket) {
    bool is_netlink = socket->family == FAMILY_NETLINK;
    if (socket->family == FAMILY_ALG ||
        (is_netlink &&
         (socket->remote.size == 0 || ov_span_is_text(socket->remote, "netlink:0")))) {
        return OV_TRACE_REACH_KERNEL;
    }
    if (is_inside(builder, socket)) {
        return OV_TRACE_REACH_INSIDE;
    }
    bool is_local = socket->family == FAMILY_UNIX || is_netlink || is_loopback(socket->remote);
    return is_local ? OV_TRACE_REACH_MACHINE : OV_TRACE_REACH_NETWORK;
}

// What is sent to several addresses is answered at one place.
static uint64_t answered_bytes(const struct ov_trace_builder *builder,
                               const struct ov_trace_socket *last) {
    struct ov_trace_key key = ov_trace_key_of_numbers(OV_TRACE_KEY_COOKIE, last->cookie, 0, 0);
    size_t first = last->flow != 0 ? ov_trace_index_find(&builder->index, &key) : OV_TRACE_NONE;
    return first != OV_TRACE_NONE ? socket_at(builder, first)->last.received_bytes
                                  : last->received_bytes;
}

static void finish_socket(struct ov_trace_builder *builder, struct ov_trace_model_socket *socket) {
    struct ov_trace_totals *totals = &builder->model.totals;
    struct ov_trace_model_process *process = process_at(builder, socket->process);
    const struct ov_trace_socket *last = &socket->last;
    socket->reach = reach_of(builder, last);
    socket->answered_bytes = answered_bytes(builder, last);
    add(&process->sent_bytes, last->sent_bytes);
    add(&process->received_bytes, last->received_bytes);
    if (process->is_watched) {
        totals->reach_sockets[socket->reach] += last->sent_bytes > 0 ? 1 : 0;
        add(&totals->reach_sent_bytes[socket->reach], last->sent_bytes);
        add(&totals->reach_received_bytes[socket->reach], last->received_bytes);
    }
}

static enum ov_status finish_sockets(struct ov_trace_builder *builder) {
    TRY(list_ends(builder));
    for (size_t i = 0; i < builder->sockets.count; i++) {
        finish_socket(builder, socket_at(builder, i));
    }
    return OV_OK;
}

// ---- totals -------------------------------------------------------------------------------------

static void count_processes(struct ov_trace_builder *builder) {
    struct ov_trace_totals *totals = &builder->model.totals;
    for (size_t i = 0; i < builder->processes.count; i++) {
        const struct ov_trace_model_process *process = process_at(builder, i);
        totals->process_count += process->is_watched ? 1 : 0;
        totals->ended_count += process->is_watched && process->has_ended ? 1 : 0;
    }
}

static void sum_records(struct ov_trace_builder *builder) {
    struct ov_trace_totals *totals = &builder->model.totals;
    for (size_t i = 0; i < builder->stored[OV_TRACE_NET].count; i++) {
        const struct ov_trace_net *net = ov_trace_array_at(&builder->stored[OV_TRACE_NET], i);
        add(&totals->net_sent_bytes, net->sent_bytes);
        add(&totals->net_received_bytes, net->received_bytes);
    }
    for (size_t i = 0; i < builder->stored[OV_TRACE_PLAINTEXT].count; i++) {
        const struct ov_trace_plaintext *plaintext =
            ov_trace_array_at(&builder->stored[OV_TRACE_PLAINTEXT], i);
        add(&totals->plaintext_bytes, plaintext->sent_bytes);
    }
    for (size_t i = 0; i < builder->stored[OV_TRACE_DENIED].count; i++) {
        const struct ov_trace_denied *denied =
            ov_trace_array_at(&builder->stored[OV_TRACE_DENIED], i);
        add(&totals->denied_count, denied->count);
    }
}

enum ov_status ov_trace_builder_finish(struct ov_trace_builder *builder) {
    struct ov_trace_totals *totals = &builder->model.totals;
    finish_files(builder);
    TRY(finish_sockets(builder));
    count_processes(builder);
    sum_records(builder);
    totals->sent_bytes = ov_trace_sum(totals->reach_sent_bytes[OV_TRACE_REACH_MACHINE],
                                      totals->reach_sent_bytes[OV_TRACE_REACH_NETWORK]);
    totals->received_bytes = ov_trace_sum(totals->reach_received_bytes[OV_TRACE_REACH_MACHINE],
                                          totals->reach_received_bytes[OV_TRACE_REACH_NETWORK]);
    totals->kept_bytes = totals->fate_bytes[OV_TRACE_FATE_KEPT];
    return OV_OK;
}
