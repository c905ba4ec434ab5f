// SPDX-License-Identifier: Apache-2.0
// Feeds on disk: source, policy, trust.
#include "feed/feed.h"

#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING "rotation.pending" // the text of an entry overt-policy/v1, without signatures

enum { TREE_DEPTH_MAX = 32 };

void ov_feed_release(struct ov_feed *feed) {
    ov_buf_release(&feed->policy);
    ov_buf_release(&feed->trust);
}

struct ov_feed_path ov_feed_path_of(const char *name, const char *rest) {
    struct ov_feed_path path;
    (void)snprintf(path.text, sizeof path.text, "feeds/%s%s%s", name, rest[0] != 0 ? "/" : "",
                   rest);
    return path;
}

// ---- reading ------------------------------------------------------------------------------------

static enum ov_status read_file(int folder, const char *name, const char *file,
                                struct ov_buf *ret_text) {
    struct ov_feed_path path = ov_feed_path_of(name, file);
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(folder, path.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    TRY(map.bytes.size <= OV_POLICY_BYTES_MAX ? OV_OK : OV_DAMAGED);
    ov_buf_add(ret_text, map.bytes.data, map.bytes.size);
    return ov_buf_status(ret_text);
}

static enum ov_status read_source(struct ov_feed *feed, struct ov_span text) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_span line;
    if (ov_line_read(&cursor, &line) != OV_OK || ov_cursor_left(&cursor) > 0 || line.size == 0 ||
        line.size >= sizeof feed->source || ov_span_find(line, 0, 0) < line.size) {
        return OV_DAMAGED;
    }
    memcpy(feed->source, line.data, line.size);
    return OV_OK;
}

// Both texts of a rotation that was cut off, if there is one. OV_END: there is none.
static enum ov_status load_pending(int rules_folder, const char *name, struct ov_feed *feed) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_rotation rotation;
    TRY(read_file(rules_folder, name, PENDING, &text));
    TRY(ov_rotation_read(ov_buf_span(&text), &rotation));
    ov_rotation_add_file(&feed->policy, &rotation, "policy");
    ov_rotation_add_file(&feed->trust, &rotation, "trust");
    feed->is_pending = true;
    TRY(ov_buf_status(&feed->policy));
    return ov_buf_status(&feed->trust);
}

static enum ov_status load(int rules_folder, const char *name, struct ov_feed *feed) {
    OV_CLEANUP(ov_buf_release) struct ov_buf source = {0};
    TRY(ov_feed_name_read(ov_span_text(name), &feed->name) == OV_OK ? OV_OK : OV_END);
    TRY(read_file(rules_folder, name, "source", &source));
    TRY(read_source(feed, ov_buf_span(&source)));
    enum ov_status status = load_pending(rules_folder, name, feed);
    if (status != OV_END) {
        return status;
    }
    status = read_file(rules_folder, name, OV_FEED_POLICY, &feed->policy);
    if (status == OV_END) {
        feed->kind = OV_FEED_CLAMAV;
        return OV_OK;
    }
    TRY(status);
    status = read_file(rules_folder, name, OV_FEED_TRUST, &feed->trust);
    return status == OV_END ? OV_DAMAGED : status;
}

enum ov_status ov_feed_load(int rules_folder, const char *name, struct ov_feed *ret_feed) {
    struct ov_feed feed = {.kind = OV_FEED_LOG};
    enum ov_status status = load(rules_folder, name, &feed);
    if (status != OV_OK) {
        ov_feed_release(&feed);
        return status;
    }
    *ret_feed = feed;
    return OV_OK;
}

// ---- writing ------------------------------------------------------------------------------------

static enum ov_status write_file(int folder, const struct ov_feed *feed, const char *file,
                                 struct ov_span text) {
    struct ov_feed_path path = ov_feed_path_of(feed->name.text, file);
    return ov_durable_write(folder, path.text, text, 0644);
}

static enum ov_status write_texts(int rules_folder, const struct ov_feed *feed,
                                  struct ov_span policy, struct ov_span trust) {
    TRY(write_file(rules_folder, feed, OV_FEED_POLICY, policy));
    return write_file(rules_folder, feed, OV_FEED_TRUST, trust);
}

// Its removal need not last: what it says stands in the two files, and the next one replaces it.
static enum ov_status remove_pending(int rules_folder, const struct ov_feed *feed) {
    struct ov_feed_path path = ov_feed_path_of(feed->name.text, PENDING);
    ov_fault_point();
    return unlinkat(rules_folder, path.text, 0) == 0 || errno == ENOENT ? OV_OK : OV_SYSTEM;
}

// The source comes last: without it there is no feed.
enum ov_status ov_feed_save(int rules_folder, const struct ov_feed *feed) {
    char source[OV_FEED_SOURCE_BYTES + 1];
    TRY(remove_pending(rules_folder, feed));
    if (feed->kind == OV_FEED_LOG) {
        TRY(write_texts(rules_folder, feed, ov_buf_span(&feed->policy), ov_buf_span(&feed->trust)));
    }
    (void)snprintf(source, sizeof source, "%s\n", feed->source);
    return write_file(rules_folder, feed, "source", ov_span_text(source));
}

// ---- rotations ----------------------------------------------------------------------------------

enum ov_status ov_feed_settle(int rules_folder, struct ov_feed *feed) {
    if (!feed->is_pending) {
        return OV_OK;
    }
    TRY(write_texts(rules_folder, feed, ov_buf_span(&feed->policy), ov_buf_span(&feed->trust)));
    TRY(remove_pending(rules_folder, feed));
    feed->is_pending = false;
    return OV_OK;
}

// The set that is active was verified by the texts of then, and is verified again by them. Those of
// the first rotation since it was loaded stay; the trust file is the last of the two.
static enum ov_status keep_texts(int rules_folder, const struct ov_feed *feed, const char *set) {
    char rest[OV_ACTIVE_NAME_BYTES + 32];
    (void)snprintf(rest, sizeof rest, "%s/" OV_FEED_TRUST, set);
    struct ov_feed_path trust = ov_feed_path_of(feed->name.text, rest);
    if (set[0] == 0 || faccessat(rules_folder, trust.text, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        return OV_OK;
    }
    (void)snprintf(rest, sizeof rest, "%s/" OV_FEED_POLICY, set);
    TRY(write_file(rules_folder, feed, rest, ov_buf_span(&feed->policy)));
    return ov_durable_write(rules_folder, trust.text, ov_buf_span(&feed->trust), 0644);
}

static enum ov_status write_pending(int rules_folder, const struct ov_feed *feed,
                                    struct ov_span policy, struct ov_span trust) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_rotation rotation = {.feed = feed->name};
    TRY(ov_rotation_add(&text, &rotation, trust, policy));
    TRY(ov_buf_status(&text));
    return write_file(rules_folder, feed, PENDING, ov_buf_span(&text));
}

enum ov_status ov_feed_rotate(int rules_folder, struct ov_feed *feed, const char *set,
                              struct ov_span policy, struct ov_span trust) {
    TRY(keep_texts(rules_folder, feed, set));
    TRY(write_pending(rules_folder, feed, policy, trust)); // from here on it has happened
    ov_buf_reset(&feed->policy);
    ov_buf_reset(&feed->trust);
    ov_buf_add(&feed->policy, policy.data, policy.size);
    ov_buf_add(&feed->trust, trust.data, trust.size);
    feed->is_pending = true;
    TRY(ov_buf_status(&feed->policy));
    TRY(ov_buf_status(&feed->trust));
    return ov_feed_settle(rules_folder, feed);
}

// ---- removing -----------------------------------------------------------------------------------

static void remove_below(int folder, const char *path, unsigned depth) {
    OV_AUTO_FD fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd >= 0 && depth < TREE_DEPTH_MAX ? fdopendir(fd) : NULL;
    if (list == NULL) {
        (void)unlinkat(folder, path, 0);
        return;
    }
    int inner = fd;
    fd = -1; // closed with the list
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            remove_below(inner, entry->d_name, depth + 1);
        }
    }
    (void)closedir(list);
    (void)unlinkat(folder, path, AT_REMOVEDIR);
}

void ov_feed_remove_tree(int folder, const char *path) {
    remove_below(folder, path, 0);
}

void ov_feed_remove(int rules_folder, const char *name) {
    struct ov_feed_path path = ov_feed_path_of(name, "source");
    (void)unlinkat(rules_folder, path.text, 0); // first: no feed without it
    path = ov_feed_path_of(name, "");
    ov_feed_remove_tree(rules_folder, path.text);
}

// ---- the folder ---------------------------------------------------------------------------------

enum ov_status ov_rules_folder_open(const char *state, bool is_writer, int *ret_folder,
                                    int *ret_lock) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/rules/x", state);
    if (is_writer) {
        TRY(ov_durable_folders(AT_FDCWD, path, 0755));
    }
    (void)snprintf(path, sizeof path, "%s/rules", state);
    OV_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    OV_AUTO_FD lock = -1;
    if (folder < 0) {
        return OV_SYSTEM;
    }
    if (is_writer) {
        lock = openat(folder, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock < 0) {
            return OV_SYSTEM;
        }
        if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
            return errno == EWOULDBLOCK ? OV_PEER : OV_SYSTEM;
        }
    }
    *ret_folder = folder;
    *ret_lock = lock;
    folder = -1;
    lock = -1;
    return OV_OK;
}
