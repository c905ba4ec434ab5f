// SPDX-License-Identifier: Apache-2.0
// Finds the rules of a scan.
#include "cmd/scan_rules.h"

#include "base/install.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/journal_load.h"
#include "cmd/rules_feeds.h"
#include "cmd/scan_output.h"
#include "cmd/scan_verify.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_image(const char *path) {
    size_t size = strlen(path);
    return size > 4 && strcmp(path + size - 4, ".ovi") == 0;
}

// What the journal says instead: the body of an entry `refuse`.
static enum ov_status refuse(struct ov_buf *entry, const char *path, const char *why,
                             enum ov_status status) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL && slash[1] != 0 ? slash + 1 : path;
    ov_buf_reset(entry);
    ov_refuse_add(entry, ov_span_text(name), ov_span_text(why), (const char *const[]){path, NULL});
    return status;
}

static enum ov_status open_image(const char *path, struct ov_scan_image *ret_image,
                                 struct ov_buf *entry) {
    char reason[OV_SCAN_REASON_BYTES];
    struct ov_scan_image image = {.fd = -1};
    enum ov_status status = ov_scan_image_open(path, &image, reason);
    status = status == OV_OK ? ov_scan_image_verify(&image, reason) : status;
    if (status != OV_OK) {
        ov_say_error(path, reason, "overt rules build makes an image of rule files");
        ov_scan_image_close(&image);
        return refuse(entry, path, reason, status);
    }
    *ret_image = image;
    return OV_OK;
}

// The newest of the images that were put into the folder by hand.
static enum ov_status find_image(const char *rules, char *ret_path, size_t size) {
    DIR *list = opendir(rules);
    time_t newest = 0;
    if (list == NULL) {
        return OV_END;
    }
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        struct stat info;
        if (is_image(entry->d_name) && fstatat(dirfd(list), entry->d_name, &info, 0) == 0 &&
            info.st_mtime > newest) {
            newest = info.st_mtime;
            (void)snprintf(ret_path, size, "%s/%s", rules, entry->d_name);
        }
    }
    (void)closedir(list);
    return newest != 0 ? OV_OK : OV_END;
}

static void say_age(const struct ov_scan_arguments *args, const struct ov_feeds_session *session) {
    for (size_t i = 0; i < session->active.feed_count && !args->is_quiet; i++) {
        const struct ov_active_feed *feed = &session->active.feeds[i];
        bool is_stale = false;
        uint64_t days = ov_feeds_age_days(feed, session->now, &is_stale);
        if (is_stale) {
            (void)fprintf(stderr, "overt: the rules of %s are %llu days old (overt rules update)\n",
                          feed->name.text, (unsigned long long)days);
        }
        if (feed->is_withdrawn) {
            (void)fprintf(stderr,
                          "overt: the release of %s that is active was withdrawn (overt "
                          "rules update)\n",
                          feed->name.text);
        }
    }
}

struct found {
    char path[PATH_MAX + OV_ACTIVE_NAME_BYTES];
    const struct ov_active *active; // what it was compiled from; NULL: put there by hand
};

// The image that was compiled from the active sets; where no feed is installed, one put there by
// hand. OV_END when there is none; else the error was printed.
static enum ov_status find_installed(const struct ov_scan_arguments *args, struct found *found) {
    static struct ov_feeds_session session;
    struct ov_feeds_options options = {.is_quiet = true};
    TRY(ov_feeds_open(&options, false, &session));
    bool has_image = session.active.image[0] != 0;
    (void)snprintf(found->path, sizeof found->path, "%s/%s", session.path, session.active.image);
    found->active = has_image ? &session.active : NULL;
    say_age(args, &session);
    ov_feeds_close(&session);
    return has_image ? OV_OK : find_image(session.path, found->path, sizeof found->path);
}

static enum ov_status open_given(const char *path, struct ov_scan_image *ret_image,
                                 struct ov_buf *load) {
    TRY(open_image(path, ret_image, load));
    ov_load_add_given(load, &ret_image->names);
    return OV_OK;
}

static enum ov_status open_default(const struct ov_scan_arguments *args,
                                   struct ov_scan_image *ret_image, struct ov_buf *load) {
    struct found found;
    enum ov_status status = find_installed(args, &found);
    if (status == OV_OK && found.active == NULL) {
        return open_given(found.path, ret_image, load);
    }
    if (status == OV_OK) {
        TRY(open_image(found.path, ret_image, load));
        ov_load_add_installed(load, &ret_image->names, found.active);
        return OV_OK;
    }
    if (status != OV_END) {
        return refuse(load, "/installed", ov_status_text(status), status);
    }
    status = ov_install_find(OV_PART_STARTER, found.path, sizeof found.path);
    if (status != OV_OK) {
        ov_say_error(found.path, "the built-in rules are missing", "give rules with --rules");
        return refuse(load, "starter", "missing", status);
    }
    TRY(open_image(found.path, ret_image, load));
    ov_load_add_built_in(load, &ret_image->names);
    return OV_OK;
}

// ---- sources ----------------------------------------------------------------------------------

enum { PROBLEMS_SHOWN = 3 };

struct notes {
    const struct ov_scan_arguments *args;
    uint64_t problem_count;
    bool has_progress;
    bool is_drawn;
};

static void erase_progress(struct notes *notes) {
    if (notes->is_drawn) {
        (void)fputs("\r\033[K", stderr);
        notes->is_drawn = false;
    }
}

static void note_problem(void *arg, struct ov_span line) {
    struct notes *notes = arg;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    if (notes->problem_count++ >= PROBLEMS_SHOWN || notes->args->is_quiet) {
        return;
    }
    ov_printable_add(&text, line);
    erase_progress(notes);
    (void)fprintf(stderr, "overt: rule not read: %.*s\n", (int)text.size, (const char *)text.data);
}

static void note_progress(void *arg, struct ov_span stage, unsigned percent) {
    struct notes *notes = arg;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    if (notes->has_progress) {
        ov_printable_add(&text, ov_span_part(stage, 0, 60));
        (void)fprintf(stderr, "\r\033[Krules: %.*s %u%%", (int)text.size, (const char *)text.data,
                      percent);
        notes->is_drawn = true;
    }
}

static enum ov_status build_image(const struct ov_scan_arguments *args,
                                  struct ov_scan_image *ret_image, struct ov_buf *load) {
    char reason[OV_SCAN_REASON_BYTES];
    struct notes notes = {.args = args, .has_progress = ov_scan_has_progress(args)};
    struct ov_build_request request = {
        .sources = args->rules,
        .source_count = args->rule_count,
        .with_pua = args->with_pua,
        .arg = &notes,
        .on_problem = note_problem,
        .on_progress = note_progress,
    };
    enum ov_status status = ov_scan_image_build(&request, ret_image, reason);
    erase_progress(&notes);
    if (notes.problem_count > 0 && !args->is_quiet) {
        (void)fprintf(stderr,
                      "overt: %llu rules could not be read (overt rules check names them all)\n",
                      (unsigned long long)notes.problem_count);
    }
    if (status != OV_OK) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        ov_printable_add(&text, ov_span_text(reason));
        ov_buf_add_u8(&text, '\0');
        ov_say_error(args->rules[0], text.has_failed ? "" : (const char *)text.data,
                     "overt rules check tells more");
        return refuse(load, args->rules[0], ov_status_text(status), status); // no path
    }
    return OV_OK;
}

enum ov_status ov_scan_rules_open(const struct ov_scan_arguments *args,
                                  struct ov_scan_image *ret_image, struct ov_buf *load) {
    if (args->rule_count == 0) {
        return open_default(args, ret_image, load);
    }
    if (args->rule_count == 1 && is_image(args->rules[0])) {
        return open_given(args->rules[0], ret_image, load);
    }
    for (size_t i = 0; i < args->rule_count; i++) {
        if (is_image(args->rules[i])) {
            ov_say_error(args->rules[i], "an image cannot be joined with other rules",
                         "give the sources that it was built from");
            return refuse(load, args->rules[i], "joined with other rules", OV_UNSUPPORTED);
        }
    }
    TRY(build_image(args, ret_image, load));
    ov_load_add_given(load, &ret_image->names);
    return OV_OK;
}
