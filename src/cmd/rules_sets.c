// SPDX-License-Identifier: Apache-2.0
// overt rules list without sources: what is installed, and on whose word.
#include "base/json.h"
#include "base/say.h"
#include "cmd/rules_feeds.h"
#include "feed/mirror.h"

#include <inttypes.h>
#include <stdio.h>

static void print_feed(const struct ov_feeds_session *session, const struct ov_active_feed *feed,
                       const char *source) {
    bool is_stale = false;
    uint64_t days = ov_feeds_age_days(feed, session->now, &is_stale);
    if (feed->kind == OV_FEED_LOG) {
        (void)printf("%s: %" PRIu64 " rules, release %" PRIu64 ", %" PRIu64 " days old%s%s\n"
                     "    public: entry %" PRIu64 " of %" PRIu64 " in %s, %" PRIu64
                     " witnesses\n    from %s\n",
                     feed->name.text, feed->rule_count, feed->state.seq, days,
                     is_stale ? " - STALE" : "", feed->is_withdrawn ? " - WITHDRAWN" : "",
                     feed->state.index, feed->state.head.size, feed->state.origin,
                     feed->witness_count, source);
    } else {
        (void)printf("%s: updated %" PRIu64 " days ago\n    in no log: %s\n    from %s\n",
                     feed->name.text, days, OV_MIRROR_WEAKNESS, source);
    }
}

static void print_json(const struct ov_feeds_session *session, const struct ov_active_feed *feed,
                       const char *source) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    bool is_stale = false;
    uint64_t days = ov_feeds_age_days(feed, session->now, &is_stale);
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "set", feed->name.text);
    ov_json_text(&json, "kind", feed->kind == OV_FEED_LOG ? "public" : "clamav");
    ov_json_text(&json, "source", source);
    ov_json_uint(&json, "age_days", days);
    ov_json_bool(&json, "stale", is_stale);
    if (feed->kind == OV_FEED_LOG) {
        ov_json_uint(&json, "rules", feed->rule_count);
        ov_json_uint(&json, "seq", feed->state.seq);
        ov_json_text(&json, "origin", feed->state.origin);
        ov_json_uint(&json, "index", feed->state.index);
        ov_json_uint(&json, "log_size", feed->state.head.size);
        ov_json_uint(&json, "witnesses", feed->witness_count);
        ov_json_bool(&json, "withdrawn", feed->is_withdrawn);
    } else {
        ov_json_text(&json, "weakness", OV_MIRROR_WEAKNESS);
    }
    ov_json_object_end(&json);
    (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
}

static void print_local(const struct ov_feeds_session *session, bool is_json) {
    size_t count = 0;
    if (ov_local_count(session->path, &count) != OV_OK || count == 0) {
        return;
    }
    if (is_json) {
        (void)printf("{\"set\":\"" OV_FEED_LOCAL "\",\"kind\":\"local\",\"files\":%zu}\n", count);
    } else {
        (void)printf(OV_FEED_LOCAL ": %zu files in %s, in no log\n", count, session->path);
    }
}

static void print_starter(bool is_json) {
    (void)fputs(is_json ? "{\"set\":\"starter\",\"kind\":\"built-in\"}\n"
                        : "starter: the built-in rules; no set is installed\n",
                stdout);
}

int ov_rules_sets(bool is_json) {
    static struct ov_feeds_session session;
    struct ov_feeds_options options = {.is_json = is_json};
    enum ov_status status = ov_feeds_open(&options, false, &session);
    size_t local_count = 0;
    if (status == OV_END) {
        print_starter(is_json);
        return OV_EXIT_NOTHING;
    }
    if (status != OV_OK) {
        return OV_EXIT_ERROR;
    }
    for (size_t i = 0; i < session.active.feed_count; i++) {
        const struct ov_active_feed *entry = &session.active.feeds[i];
        OV_CLEANUP(ov_feed_release) struct ov_feed feed = {0};
        status = ov_feed_load(session.folder, entry->name.text, &feed);
        const char *source = status == OV_OK ? feed.source : "a source that cannot be read";
        (is_json ? print_json : print_feed)(&session, entry, source);
    }
    print_local(&session, is_json);
    if (session.active.feed_count == 0 && ov_local_count(session.path, &local_count) == OV_OK &&
        local_count == 0) {
        print_starter(is_json);
    }
    ov_feeds_close(&session);
    return OV_EXIT_NOTHING;
}
