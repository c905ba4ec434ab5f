// SPDX-License-Identifier: Apache-2.0
// overt rules add and remove: a feed is believed from now on, or no more.
#include "base/fd.h"
#include "base/say.h"
#include "cmd/rules_feeds.h"
#include "feed/mirror.h"
#include "feed/stage.h"

#include <errno.h>
#include <stdio.h>

// ---- what the administrator gave ----------------------------------------------------------------

static enum ov_status read_text(const char *path, struct ov_buf *ret_text) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    enum ov_status status = ov_file_map_open(path, &map);
    if (status == OV_OK) {
        ov_buf_add(ret_text, map.bytes.data, map.bytes.size);
        status = ov_buf_status(ret_text);
    }
    if (status != OV_OK) {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    }
    return status;
}

// overt.trust beside the policy, unless another was named.
static void find_trust(const struct ov_feeds_options *options, char *ret_path, size_t size) {
    const char *slash = strrchr(options->policy, '/');
    int folder = slash != NULL ? (int)(slash - options->policy) + 1 : 0;
    (void)snprintf(ret_path, size, "%.*sovert.trust", folder, options->policy);
    if (options->trust != NULL) {
        (void)snprintf(ret_path, size, "%s", options->trust);
    }
}

static void say_line(const char *path, const struct ov_policy_error *error) {
    char what[PATH_MAX + 32];
    (void)snprintf(what, sizeof what, "%s:%zu", path, error->line);
    ov_say_error(what, error->why, NULL);
}

static enum ov_status read_trust(const struct ov_feeds_options *options, struct ov_feed *feed) {
    static struct ov_policy policy;
    static struct ov_trust trust;
    struct ov_policy_error error = {0};
    char path[PATH_MAX];
    find_trust(options, path, sizeof path);
    TRY(read_text(options->policy, &feed->policy));
    TRY(read_text(path, &feed->trust));
    if (ov_policy_read(ov_buf_span(&feed->policy), &policy, &error) != OV_OK) {
        say_line(options->policy, &error);
        return OV_DAMAGED;
    }
    if (ov_trust_read(ov_buf_span(&feed->trust), &trust, &error) != OV_OK) {
        say_line(path, &error);
        return OV_DAMAGED;
    }
    if (policy.quorum == OV_QUORUM_NONE) {
        ov_say_error(options->policy,
                     "asks for no witness: whoever runs the log can show you "
                     "another one than everybody else",
                     "have it witnessed");
    }
    feed->name = trust.feed;
    return OV_OK;
}

static enum ov_status read_feed(const struct ov_feeds_options *options, struct ov_feed *feed) {
    TRY(ov_feeds_read_source(options->arguments[0], feed->source));
    if (options->policy != NULL) {
        TRY(read_trust(options, feed));
    } else {
        feed->kind = OV_FEED_CLAMAV;
        (void)snprintf(feed->name.text, sizeof feed->name.text, "clamav");
    }
    if (options->name != NULL &&
        ov_feed_name_read(ov_span_text(options->name), &feed->name) != OV_OK) {
        ov_say_error(options->name, "a feed's name has a-z, 0-9 and '-' alone, 64 at most", NULL);
        return OV_INVALID;
    }
    if (strcmp(feed->name.text, OV_FEED_LOCAL) == 0) {
        ov_say_error(feed->name.text, "this name is that of local rules", "give one with --name");
        return OV_INVALID;
    }
    return OV_OK;
}

// ---- add ----------------------------------------------------------------------------------------

static int add(struct ov_feeds_session *session, struct ov_feed *feed) {
    static struct ov_refresh_result result;
    const char *name = feed->name.text;
    if (session->active.feed_count == OV_ACTIVE_FEEDS_MAX) {
        ov_say_error(name, "32 feeds are installed already", "overt rules remove NAME");
        return OV_EXIT_ERROR;
    }
    struct ov_active_feed *entry = &session->active.feeds[session->active.feed_count];
    *entry = (struct ov_active_feed){.kind = feed->kind, .name = feed->name};
    if (ov_feed_save(session->folder, feed) != OV_OK) {
        ov_say_error(session->path, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    struct ov_refresh_request request = ov_feeds_request(session, feed);
    enum ov_status status = feed->kind == OV_FEED_LOG ? ov_feed_refresh(&request, entry, &result)
                                                      : ov_mirror_refresh(&request, entry, &result);
    if (status != OV_OK) {
        ov_feed_remove(session->folder, name);
        return ov_feeds_say_refusal(session, name, status, result.reason);
    }
    session->active.feed_count++;
    if (ov_feeds_install(session, &session->active) != OV_OK) {
        ov_feed_remove(session->folder, name);
        return OV_EXIT_ERROR;
    }
    ov_feeds_say_set(session, entry, "added", &result);
    return OV_EXIT_NOTHING;
}

int ov_rules_add(int argc, char **argv) {
    static struct ov_feeds_session session;
    struct ov_feeds_options options;
    OV_CLEANUP(ov_feed_release) struct ov_feed feed = {.kind = OV_FEED_LOG};
    int code = ov_feeds_read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    if (options.argument_count != 1) {
        ov_say_error("rules add", "name one URL or folder", "overt rules add URL --policy FILE");
        return OV_EXIT_ERROR;
    }
    if (read_feed(&options, &feed) != OV_OK || ov_feeds_open(&options, true, &session) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (ov_active_find(&session.active, feed.name.text) != NULL) {
        ov_say_error(feed.name.text, "a feed of this name is installed", "give another: --name");
        code = OV_EXIT_ERROR;
    } else {
        code = add(&session, &feed);
    }
    ov_feeds_close(&session);
    return code;
}

// ---- remove -------------------------------------------------------------------------------------

static int remove_feed(struct ov_feeds_session *session, const char *name) {
    static struct ov_active next;
    struct ov_active_feed *entry = ov_active_find(&session->active, name);
    if (entry == NULL) {
        ov_say_error(name, "no feed of this name is installed", "overt rules list");
        return OV_EXIT_ERROR;
    }
    next = session->active;
    size_t index = (size_t)(entry - session->active.feeds);
    next.feed_count--;
    memmove(&next.feeds[index], &next.feeds[index + 1],
            (next.feed_count - index) * sizeof next.feeds[0]);
    if (ov_feeds_install(session, &next) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    ov_feed_remove(session->folder, name);
    if (!session->options->is_quiet) {
        (void)printf("%s: removed\n", name);
    }
    return OV_EXIT_NOTHING;
}

int ov_rules_remove(int argc, char **argv) {
    static struct ov_feeds_session session;
    struct ov_feeds_options options;
    int code = ov_feeds_read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    if (options.argument_count != 1) {
        ov_say_error("rules remove", "name one feed", "overt rules list shows them");
        return OV_EXIT_ERROR;
    }
    if (ov_feeds_open(&options, true, &session) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    code = remove_feed(&session, options.arguments[0]);
    ov_feeds_close(&session);
    return code;
}
