// SPDX-License-Identifier: Apache-2.0
// overt rules verify: that what is installed is what was published, from what was kept; no network.
#include "base/digest.h"
#include "base/fd.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/say.h"
#include "cmd/rules_feeds.h"
#include "feed/mirror.h"

#include <errno.h>
#include <stdio.h>

struct line {
    const char *name;
    const char *result; // "verified", "mismatch", "local"
    const char *text;
};

static void print(const struct ov_feeds_session *session, const struct line *line) {
    if (session->options->is_json) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_json json;
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
        ov_json_text(&json, "set", line->name);
        ov_json_text(&json, "result", line->result);
        ov_json_text(&json, "text", line->text);
        ov_json_object_end(&json);
        (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
    } else {
        (void)printf("%s: %s: %s\n", line->name, line->result, line->text);
    }
}

static int verify_feed(struct ov_feeds_session *session, const struct ov_active_feed *entry) {
    static struct ov_refresh_result result;
    OV_CLEANUP(ov_feed_release) struct ov_feed feed = {0};
    char text[OV_FEED_REASON_BYTES];
    result = (struct ov_refresh_result){0};
    enum ov_status status = ov_feed_load(session->folder, entry->name.text, &feed);
    if (status == OV_OK) {
        struct ov_refresh_request request = ov_feeds_request(session, &feed);
        status = feed.kind == OV_FEED_LOG ? ov_feed_verify(&request, entry, &result)
                                          : ov_mirror_verify(&request, entry, &result);
    } else {
        (void)snprintf(result.reason, sizeof result.reason, "its files: %s",
                       status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
    }
    ov_feeds_erase(session);
    if (status != OV_OK) {
        print(session, &(struct line){entry->name.text, "mismatch", result.reason});
        return status == OV_SYSTEM || status == OV_PEER ? OV_EXIT_ERROR : OV_EXIT_FOUND;
    }
    if (entry->kind == OV_FEED_LOG) {
        (void)snprintf(text, sizeof text,
                       "release %llu stands in %s at %llu; %llu rules are those that it names",
                       (unsigned long long)entry->state.seq, entry->state.origin,
                       (unsigned long long)entry->state.index,
                       (unsigned long long)entry->rule_count);
    } else {
        (void)snprintf(text, sizeof text, "%s", result.reason);
    }
    print(session, &(struct line){entry->name.text, "verified", text});
    return OV_EXIT_NOTHING;
}

// The name of the image is its digest.
static int verify_image(const struct ov_feeds_session *session) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    char path[PATH_MAX + OV_ACTIVE_NAME_BYTES];
    char digest[2 * OV_SHA256_BYTES + 1];
    uint8_t sha256[OV_SHA256_BYTES];
    if (session->active.image[0] == 0) {
        return OV_EXIT_NOTHING;
    }
    (void)snprintf(path, sizeof path, "%s/%s", session->path, session->active.image);
    enum ov_status status = ov_file_map_open(path, &map);
    ov_sha256(map.bytes, sha256);
    ov_hex_write(ov_span_make(sha256, sizeof sha256), digest);
    digest[32] = 0;
    bool is_right = status == OV_OK && strstr(session->active.image, digest) != NULL;
    print(session, &(struct line){"image", is_right ? "verified" : "mismatch",
                                  is_right ? "as it was compiled from these sets"
                                           : "not what was compiled (overt rules update "
                                             "--rebuild)"});
    return is_right ? OV_EXIT_NOTHING : OV_EXIT_FOUND;
}

static int verify_all(struct ov_feeds_session *session) {
    int code = OV_EXIT_NOTHING;
    size_t local_count = 0;
    for (size_t i = 0; i < session->active.feed_count; i++) {
        int one = verify_feed(session, &session->active.feeds[i]);
        code = one > code ? one : code;
    }
    if (ov_local_count(session->path, &local_count) == OV_OK && local_count > 0) {
        char text[96];
        (void)snprintf(text, sizeof text, "%zu files that stand in no log", local_count);
        print(session, &(struct line){OV_FEED_LOCAL, "local", text});
    }
    int image = verify_image(session);
    return image > code ? image : code;
}

int ov_rules_verify(int argc, char **argv) {
    static struct ov_feeds_session session;
    struct ov_feeds_options options;
    int code = ov_feeds_read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    enum ov_status status = ov_feeds_open(&options, false, &session);
    if (status != OV_OK) {
        if (status == OV_END) {
            ov_say_error("rules", "nothing is installed", "overt rules add URL --policy FILE");
        }
        return OV_EXIT_ERROR;
    }
    code = verify_all(&session);
    ov_feeds_close(&session);
    return code;
}
