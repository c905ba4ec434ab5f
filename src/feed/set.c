// SPDX-License-Identifier: Apache-2.0
// Sets on disk: laid down, checked, listed.
#include "feed/set.h"

#include "base/durable.h"
#include "base/fd.h"
#include "ledger/bundle.h"
#include "role/leaves_job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct ov_set_path ov_set_path_of(const char *rules_path, const char *feed, const char *set,
                                  const char *rest) {
    struct ov_set_path path;
    (void)snprintf(path.text, sizeof path.text, "%s/feeds/%s/%s%s%s", rules_path, feed, set,
                   rest[0] != 0 ? "/" : "", rest);
    return path;
}

static enum ov_status fail(const struct ov_set *set, enum ov_status status, const char *what) {
    const char *why = status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
    (void)snprintf(set->reason, OV_FEED_REASON_BYTES, "%s: %s", what, why);
    return status;
}

// ---- laying down --------------------------------------------------------------------------------

// The files of a bundle, durably. Each is whole before the set has its name.
static enum ov_status write_files(const struct ov_set *set, int folder, struct ov_span bytes) {
    struct ov_bundle bundle = ov_bundle_init(bytes);
    struct ov_bundle_file file;
    enum ov_status status = ov_bundle_next(&bundle, &file);
    for (; status == OV_OK; status = ov_bundle_next(&bundle, &file)) {
        char path[OV_BUNDLE_NAME_BYTES + 16];
        (void)snprintf(path, sizeof path, OV_SET_FILES "/%s", file.name);
        status = ov_durable_write(folder, path, file.bytes, 0644);
        if (status != OV_OK) {
            return fail(set, status, file.name);
        }
    }
    return status == OV_END ? OV_OK : fail(set, status, OV_SET_BUNDLE);
}

// Gives the nameless file its name.
static enum ov_status name_bundle(const struct ov_set *set, int folder, int bundle) {
    char from[64];
    (void)snprintf(from, sizeof from, "/proc/self/fd/%d", bundle);
    bool is_named = fchmod(bundle, 0644) == 0 && fsync(bundle) == 0 &&
                    linkat(AT_FDCWD, from, folder, OV_SET_BUNDLE, AT_SYMLINK_FOLLOW) == 0;
    return is_named ? OV_OK : fail(set, OV_SYSTEM, OV_SET_BUNDLE);
}

static enum ov_status fill(const struct ov_set *set, int folder, int bundle, struct ov_span proof) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    enum ov_status status = ov_file_map_open_fd(bundle, &map);
    if (status != OV_OK) {
        return fail(set, status, OV_SET_BUNDLE);
    }
    TRY(write_files(set, folder, map.bytes));
    TRY(name_bundle(set, folder, bundle));
    status = ov_durable_write(folder, OV_SET_PROOF, proof, 0644);
    return status == OV_OK ? OV_OK : fail(set, status, OV_SET_PROOF);
}

enum ov_status ov_set_make(const struct ov_set *set, int bundle, struct ov_span proof) {
    struct ov_feed_path place = ov_feed_path_of(set->feed, set->name);
    struct ov_feed_path fresh = ov_feed_path_of(set->feed, "fresh");
    char inside[sizeof fresh.text + 8];
    ov_feed_remove_tree(set->rules_folder, fresh.text);
    (void)snprintf(inside, sizeof inside, "%s/x", fresh.text);
    if (ov_durable_folders(set->rules_folder, inside, 0755) != OV_OK) {
        return fail(set, OV_SYSTEM, fresh.text);
    }
    OV_AUTO_FD folder = openat(set->rules_folder, fresh.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return fail(set, OV_SYSTEM, fresh.text);
    }
    TRY(fill(set, folder, bundle, proof));
    ov_feed_remove_tree(set->rules_folder, place.text);
    enum ov_status status = ov_durable_rename(set->rules_folder, fresh.text, place.text);
    return status == OV_OK ? OV_OK : fail(set, status, place.text);
}

// ---- listing ------------------------------------------------------------------------------------

static enum ov_status add_folder(struct ov_sources *sources, const char *path, const char *label,
                                 unsigned depth);

static enum ov_status add_entry(struct ov_sources *sources, const char *path, const char *label,
                                unsigned depth) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        return OV_SYSTEM;
    }
    return S_ISDIR(info.st_mode) ? add_folder(sources, path, label, depth + 1)
                                 : ov_sources_add_labelled(sources, path, label);
}

static int is_no_dot(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum ov_status add_folder(struct ov_sources *sources, const char *path, const char *label,
                                 unsigned depth) {
    struct dirent **entries = NULL;
    int count = depth < OV_BUNDLE_NAME_BYTES ? scandir(path, &entries, is_no_dot, by_name) : -1;
    enum ov_status status = count >= 0 ? OV_OK : OV_SYSTEM;
    for (int i = 0; i < count; i++) {
        char inner[PATH_MAX];
        char inner_label[PATH_MAX];
        const char *name = entries[i]->d_name;
        const char *slash = label[strlen(label) - 1] == ':' ? "" : "/";
        (void)snprintf(inner, sizeof inner, "%s/%s", path, name);
        (void)snprintf(inner_label, sizeof inner_label, "%s%s%s", label, slash, name);
        status = status == OV_OK ? add_entry(sources, inner, inner_label, depth) : status;
        free(entries[i]);
    }
    free(entries);
    return status;
}

enum ov_status ov_set_add_sources(const char *rules_path, const char *feed, const char *set,
                                  struct ov_sources *sources) {
    struct ov_set_path path = ov_set_path_of(rules_path, feed, set, OV_SET_FILES);
    char label[OV_FEED_BYTES + 2];
    (void)snprintf(label, sizeof label, "%s:", feed);
    return add_folder(sources, path.text, label, 0);
}

// ---- checking -----------------------------------------------------------------------------------

enum ov_status ov_set_check_files(const struct ov_set *set, struct ov_span bytes) {
    OV_CLEANUP(ov_sources_release) struct ov_sources sources = {0};
    struct ov_bundle bundle = ov_bundle_init(bytes);
    struct ov_bundle_file file;
    size_t count = 0;
    enum ov_status status = ov_bundle_next(&bundle, &file);
    for (; status == OV_OK; status = ov_bundle_next(&bundle, &file), count++) {
        OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
        char rest[OV_BUNDLE_NAME_BYTES + 16];
        (void)snprintf(rest, sizeof rest, OV_SET_FILES "/%s", file.name);
        struct ov_set_path path = ov_set_path_of(set->rules_path, set->feed, set->name, rest);
        if (ov_file_map_open(path.text, &map) != OV_OK ||
            !ov_span_is_equal(map.bytes, file.bytes)) {
            (void)snprintf(set->reason, OV_FEED_REASON_BYTES,
                           "%s is missing, or is not that of the release any more", path.text);
            return OV_DENIED;
        }
    }
    TRY(ov_set_add_sources(set->rules_path, set->feed, set->name, &sources));
    if (status != OV_END || sources.count != count) {
        (void)snprintf(set->reason, OV_FEED_REASON_BYTES,
                       "there are files beside those of the release");
        return OV_DENIED;
    }
    return OV_OK;
}

enum ov_status ov_set_check_rules(const struct ov_set *set, const struct ov_release *release) {
    OV_CLEANUP(ov_sources_release) struct ov_sources sources = {0};
    struct ov_set_path prefix = ov_set_path_of(set->rules_path, set->feed, set->name, OV_SET_FILES);
    struct ov_leaves_request request = {.sources = &sources, .prefix = prefix.text};
    struct ov_tree_hash root;
    uint64_t count = 0;
    char why[OV_LEAVES_REASON_BYTES];
    enum ov_status status = ov_set_add_sources(set->rules_path, set->feed, set->name, &sources);
    if (status != OV_OK) {
        return fail(set, status, prefix.text);
    }
    status = ov_leaves_run(&request, &count, &root, why);
    if (status != OV_OK) {
        (void)snprintf(set->reason, OV_FEED_REASON_BYTES, "the release's rules: %s", why);
        return status;
    }
    if (count != release->rule_count || !ov_tree_hash_is_equal(&root, &release->rule_root)) {
        (void)snprintf(set->reason, OV_FEED_REASON_BYTES,
                       "the files have %llu rules that are not the %llu that the release names",
                       (unsigned long long)count, (unsigned long long)release->rule_count);
        return OV_DENIED;
    }
    return OV_OK;
}
