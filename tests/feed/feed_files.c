// SPDX-License-Identifier: Apache-2.0
// Verifies databases and applies updates with keys of a test's own, outside of any cage.
//
//   feed-files verify KEYS DATABASE [SIGN PEM NOW]
//   feed-files patch KEYS OUT DATABASE CDIFF...
//   feed-files script FOLDER SCRIPT     runs it over the files there, as `sigtool --run-cdiff` does
//
// KEYS has three lines, of the header, the list, the updates: modulus and exponent in hex digits.
#include "base/fd.h"
#include "base/hex.h"
#include "rules/feed/patch.h"
#include "rules/feed/script.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES_MAX = 64, KEY_BYTES = 512 };

static const size_t MOST_BYTES = (size_t)64 << 20;

static void leave(const char *what) {
    perror(what);
    exit(2);
}

static struct ov_span map(const char *path) {
    struct ov_file_map file;
    if (ov_file_map_open(path, &file) != OV_OK) {
        leave(path);
    }
    return file.bytes;
}

static void write_file(const char *path, struct ov_span bytes) {
    OV_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || ov_fd_write_all(fd, bytes) != OV_OK) {
        leave(path);
    }
}

// ---- keys --------------------------------------------------------------------------------------

static struct ov_span read_hex(const char *digits, uint8_t room[KEY_BYTES]) {
    size_t size = strlen(digits) / 2;
    if (size > KEY_BYTES || ov_hex_read(ov_span_text(digits), room, size) != OV_OK) {
        leave("keys");
    }
    return ov_span_make(room, size);
}

static struct ov_feed_keys read_keys(const char *path) {
    static struct ov_rsa_key keys[OV_VENDOR_KEY_COUNT];
    static uint8_t bytes[OV_VENDOR_KEY_COUNT][2][KEY_BYTES];
    struct ov_feed_keys by_id;
    FILE *file = fopen(path, "re");
    for (unsigned i = 0; i < OV_VENDOR_KEY_COUNT; i++) {
        char modulus[2 * KEY_BYTES + 1], exponent[2 * KEY_BYTES + 1];
        if (file == NULL || fscanf(file, "%1024s %1024s", modulus, exponent) != 2) {
            leave(path);
        }
        keys[i].modulus = read_hex(modulus, bytes[i][0]);
        keys[i].exponent = read_hex(exponent, bytes[i][1]);
        by_id.by_id[i] = &keys[i];
    }
    (void)fclose(file);
    return by_id;
}

static struct ov_feed_policy make_policy(const char *keys) {
    return (struct ov_feed_policy){.keys = read_keys(keys), .most_bytes = MOST_BYTES};
}

static struct ov_feed_file make_file(const char *path) {
    return (struct ov_feed_file){.bytes = map(path), .is_local = strstr(path, ".cld") != NULL};
}

// ---- words -------------------------------------------------------------------------------------

static int tell(enum ov_status status, const struct ov_database_report *report) {
    if (status != OV_OK) {
        printf("%d %u %s\n", (int)report->refusal, report->line,
               status == OV_DAMAGED ? ov_database_refusal_text(report->refusal)
                                    : ov_status_text(status));
        return 1;
    }
    printf("%s %llu %llu %llu %llu %u %u %s\n", report->name, (unsigned long long)report->version,
           (unsigned long long)report->rule_count, (unsigned long long)report->level,
           (unsigned long long)report->time, report->member_count, report->checks, report->signer);
    return 0;
}

static int verify(int count, char **words) {
    struct ov_feed_policy policy = make_policy(words[0]);
    struct ov_feed_file file = make_file(words[1]);
    struct ov_feed_anchors *anchors = NULL;
    struct ov_database_report report = {0};
    struct ov_feed_database database = {0};
    if (count >= 5) {
        file.sign = map(words[2]);
        file.has_sign = true;
        if (ov_feed_anchors_add(map(words[3]), &anchors) != OV_OK) {
            leave(words[3]);
        }
        policy.anchors = anchors;
        policy.now = strtoll(words[4], NULL, 10);
    }
    enum ov_status status = ov_feed_file_verify(&file, &policy, &report, &database);
    ov_feed_database_release(&database);
    ov_feed_anchors_free(anchors);
    return tell(status, &report);
}

static int patch(int count, char **words) {
    struct ov_feed_policy policy = make_policy(words[0]);
    struct ov_feed_file files[FILES_MAX];
    struct ov_feed_patch patch = {.files = files};
    struct ov_database_report report = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    for (int i = 2; i < count && patch.file_count < FILES_MAX; i++) {
        files[patch.file_count++] = make_file(words[i]);
    }
    enum ov_status status = ov_feed_patch(&patch, &policy, &report, &out);
    if (status == OV_OK) {
        write_file(words[1], ov_buf_span(&out));
    } else {
        printf("%u ", patch.at);
    }
    return tell(status, &report);
}

static void add_member(struct ov_feed_members *members, const char *name) {
    struct ov_feed_member *member;
    if (ov_feed_members_add(members, ov_span_text(name), &member) != OV_OK) {
        leave(name);
    }
    member->bytes = map(name);
}

// Beside it a copy is made: the files that are mapped must not change.
static int script(char **words) {
    struct ov_feed_members members = {0};
    struct ov_script_end end = {0};
    struct ov_span text = map(words[1]);
    DIR *folder = opendir(words[0]);
    if (folder == NULL || chdir(words[0]) != 0) {
        leave(words[0]);
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            add_member(&members, entry->d_name);
        }
    }
    (void)closedir(folder);
    enum ov_status status = ov_script_run(text, MOST_BYTES, &members, &end);
    if (status != OV_OK) {
        printf("%d %u %s\n", (int)end.refusal, end.line, ov_database_refusal_text(end.refusal));
    }
    for (uint32_t i = 0; status == OV_OK && i < members.count; i++) {
        char path[OV_TAR_NAME_BYTES + 8];
        (void)snprintf(path, sizeof path, "%s,new", members.items[i].name);
        write_file(path, members.items[i].bytes);
    }
    ov_feed_members_release(&members);
    return status == OV_OK ? 0 : 1;
}

int main(int count, char **words) {
    if (count >= 4 && strcmp(words[1], "verify") == 0) {
        return verify(count - 2, words + 2);
    }
    if (count >= 6 && strcmp(words[1], "patch") == 0) {
        return patch(count - 2, words + 2);
    }
    if (count == 4 && strcmp(words[1], "script") == 0) {
        return script(words + 2);
    }
    return 2;
}
