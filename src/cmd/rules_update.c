// SPDX-License-Identifier: Apache-2.0
// overt rules update: each feed's newest release, if it may be loaded.
#include "base/say.h"
#include "cmd/rules_feeds.h"
#include "feed/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct update {
    struct ov_feeds_session *session;
    int code;
    bool has_new_set;
    struct ov_refresh_result results[OV_ACTIVE_FEEDS_MAX];
    bool is_done[OV_ACTIVE_FEEDS_MAX];
};

static bool is_asked_for(const struct ov_feeds_options *options, const char *name) {
    for (int i = 0; i < options->argument_count; i++) {
        if (strcmp(options->arguments[i], name) == 0) {
            return true;
        }
    }
    return options->argument_count == 0;
}

static enum ov_status refresh(struct update *update, struct ov_active_feed *entry,
                              struct ov_refresh_result *result) {
    struct ov_feeds_session *session = update->session;
    OV_CLEANUP(ov_feed_release) struct ov_feed feed = {0};
    enum ov_status status = ov_feed_load(session->folder, entry->name.text, &feed);
    if (status != OV_OK) {
        (void)snprintf(result->reason, sizeof result->reason,
                       "its source, policy or trust file: %s",
                       status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
        return status;
    }
    struct ov_refresh_request request = ov_feeds_request(session, &feed);
    return feed.kind == OV_FEED_LOG ? ov_feed_refresh(&request, entry, result)
                                    : ov_mirror_refresh(&request, entry, result);
}

static void update_one(struct update *update, size_t index) {
    struct ov_active_feed *entry = &update->session->active.feeds[index];
    struct ov_refresh_result *result = &update->results[index];
    enum ov_status status = refresh(update, entry, result);
    update->is_done[index] = status == OV_OK;
    if (status != OV_OK) {
        update->code =
            ov_feeds_say_refusal(update->session, entry->name.text, status, result->reason);
    }
    update->has_new_set |= status == OV_OK && result->has_set;
}

// Whether local rules were changed since the image was compiled, or it is gone.
static bool is_image_old(const struct ov_feeds_session *session) {
    OV_CLEANUP(ov_sources_release) struct ov_sources files = {0};
    struct stat image;
    struct stat file;
    if (session->active.image[0] == 0 ||
        fstatat(session->folder, session->active.image, &image, 0) != 0) {
        return true;
    }
    bool is_old = false;
    enum ov_status status = ov_sources_add(&files, session->path);
    for (size_t i = 0; status == OV_OK && i < files.count; i++) {
        is_old |= stat(files.items[i].path, &file) == 0 && file.st_mtime >= image.st_mtime;
    }
    return is_old;
}

static int commit(struct update *update) {
    struct ov_feeds_session *session = update->session;
    bool must_build = update->has_new_set || session->options->is_rebuild || is_image_old(session);
    enum ov_status status = must_build ? ov_feeds_install(session, &session->active)
                                       : ov_active_save(session->folder, &session->active);
    if (status != OV_OK) {
        if (!must_build) {
            ov_say_error(session->path, strerror(errno), NULL);
        }
        return OV_EXIT_ERROR;
    }
    for (size_t i = 0; i < session->active.feed_count; i++) {
        if (update->is_done[i]) {
            const struct ov_refresh_result *result = &update->results[i];
            ov_feeds_say_set(session, &session->active.feeds[i],
                             result->has_set ? "updated" : "up to date", result);
        }
    }
    return update->code;
}

static int check_names(const struct ov_feeds_session *session) {
    static struct ov_active active;
    active = session->active;
    for (int i = 0; i < session->options->argument_count; i++) {
        const char *name = session->options->arguments[i];
        if (ov_active_find(&active, name) == NULL) {
            ov_say_error(name, "no feed of this name is installed", "overt rules list");
            return OV_EXIT_ERROR;
        }
    }
    if (session->options->from != NULL && active.feed_count != 1 &&
        session->options->argument_count != 1) {
        ov_say_error("--from", "several feeds are installed", "name the one that is meant");
        return OV_EXIT_ERROR;
    }
    return OV_EXIT_NOTHING;
}

static int update_all(struct ov_feeds_session *session) {
    static struct update update;
    int code = check_names(session);
    if (code != OV_EXIT_NOTHING) {
        return code;
    }
    update = (struct update){.session = session, .code = OV_EXIT_NOTHING};
    for (size_t i = 0; i < session->active.feed_count; i++) {
        if (is_asked_for(session->options, session->active.feeds[i].name.text)) {
            update_one(&update, i);
        }
    }
    return commit(&update);
}

int ov_rules_update(int argc, char **argv) {
    static struct ov_feeds_session session;
    static char from[OV_FEED_SOURCE_BYTES];
    struct ov_feeds_options options;
    int code = ov_feeds_read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    if (options.from != NULL) {
        if (ov_feeds_read_source(options.from, from) != OV_OK) {
            return OV_EXIT_ERROR;
        }
        options.from = from;
    }
    if (ov_feeds_open(&options, true, &session) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (session.active.feed_count == 0 && !options.is_rebuild) {
        ov_say_error("rules", "no feed is installed", "overt rules add URL --policy FILE");
        code = OV_EXIT_ERROR;
    } else {
        code = update_all(&session);
    }
    ov_feeds_close(&session);
    return code;
}
