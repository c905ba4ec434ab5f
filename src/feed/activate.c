// SPDX-License-Identifier: Apache-2.0
// Compiles what is active, and commits it.
#include "feed/activate.h"

#include "base/durable.h"
#include "base/fd.h"
#include "base/hex.h"
#include "feed/set.h"
#include "role/rules_job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_PREFIX "installed-"
#define IMAGE_SUFFIX ".ovi"
#define IMAGE_FRESH  "fresh-image"

enum { IMAGE_ID_BYTES = 16 };

// ---- sources ------------------------------------------------------------------------------------

static enum ov_status add_local(const char *rules_path, struct ov_sources *sources) {
    OV_CLEANUP(ov_sources_release) struct ov_sources files = {0};
    TRY(ov_sources_add(&files, rules_path));
    for (size_t i = 0; i < files.count; i++) {
        char label[PATH_MAX];
        const char *slash = strrchr(files.items[i].path, '/');
        (void)snprintf(label, sizeof label, OV_FEED_LOCAL ":%s",
                       slash != NULL ? slash + 1 : files.items[i].path);
        TRY(ov_sources_add_labelled(sources, files.items[i].path, label));
    }
    return OV_OK;
}

enum ov_status ov_local_count(const char *rules_path, size_t *ret_count) {
    OV_CLEANUP(ov_sources_release) struct ov_sources files = {0};
    TRY(ov_sources_add(&files, rules_path));
    *ret_count = files.count;
    return OV_OK;
}

enum ov_status ov_active_add_sources(const char *rules_path, const struct ov_active *active,
                                     struct ov_sources *sources) {
    for (size_t i = 0; i < active->feed_count; i++) {
        const struct ov_active_feed *feed = &active->feeds[i];
        TRY(ov_set_add_sources(rules_path, feed->name.text, feed->set, sources));
    }
    return add_local(rules_path, sources);
}

// ---- the image ----------------------------------------------------------------------------------

static enum ov_status fail(struct ov_activation *activation, enum ov_status status,
                           const char *what, const char *why) {
    (void)snprintf(activation->reason, sizeof activation->reason, "%s: %s", what, why);
    return status;
}

static void ignore_text(void *arg, struct ov_span text) {
    (void)arg;
    (void)text;
}

static void tell_stage(void *arg, struct ov_span stage, unsigned percent) {
    const struct ov_activation *activation = arg;
    if (activation->on_stage != NULL) {
        activation->on_stage(activation->arg, stage, percent);
    }
}

static enum ov_status explain(struct ov_activation *activation, const struct ov_sources *sources,
                              const struct ov_rules_result *result) {
    const char *source =
        result->source < sources->count ? sources->items[result->source].path : "the rules";
    bool has_words = result->end == OV_RULES_START || result->end == OV_RULES_DIED;
    const char *why = result->status == OV_SYSTEM ? strerror(result->error)
                      : result->status == OV_END  ? "no rule in it could be read"
                                                  : ov_status_text(result->status);
    return fail(activation, result->status, source, has_words ? result->reason : why);
}

static enum ov_status build(struct ov_activation *activation, const struct ov_sources *sources,
                            int image) {
    struct ov_rules_request request = {
        .words = {.word = OV_WIRE_WORD_SCAN, .with_pua = activation->with_pua},
        .sources = sources,
        .image = image,
        .arg = activation,
        .on_text = ignore_text,
        .on_problem = ignore_text,
        .on_stage = tell_stage,
    };
    struct ov_rules_result result;
    ov_rules_run(&request, &result);
    activation->rule_count = result.rule_count;
    activation->problem_count = result.fault_count;
    return result.end == OV_RULES_DONE ? OV_OK : explain(activation, sources, &result);
}

// Gives the nameless image the name that its content has.
static enum ov_status name_image(struct ov_activation *activation, int image,
                                 char ret_name[OV_ACTIVE_NAME_BYTES]) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    uint8_t sha256[OV_SHA256_BYTES];
    char id[2 * IMAGE_ID_BYTES + 1];
    char from[64];
    TRY(ov_file_map_open_fd(image, &map));
    ov_sha256(map.bytes, sha256);
    ov_hex_write(ov_span_make(sha256, IMAGE_ID_BYTES), id);
    (void)snprintf(ret_name, OV_ACTIVE_NAME_BYTES, IMAGE_PREFIX "%s" IMAGE_SUFFIX, id);
    (void)snprintf(from, sizeof from, "/proc/self/fd/%d", image);
    (void)unlinkat(activation->rules_folder, ret_name, 0); // one that is there may be damaged
    bool is_named =
        fchmod(image, 0644) == 0 && fsync(image) == 0 &&
        linkat(AT_FDCWD, from, activation->rules_folder, ret_name, AT_SYMLINK_FOLLOW) == 0 &&
        fsync(activation->rules_folder) == 0;
    return is_named ? OV_OK : OV_SYSTEM;
}

static enum ov_status make_image(struct ov_activation *activation, struct ov_active *active) {
    OV_CLEANUP(ov_sources_release) struct ov_sources sources = {0};
    enum ov_status status = ov_active_add_sources(activation->rules_path, active, &sources);
    if (status != OV_OK) {
        return fail(activation, status, "the installed rules", strerror(errno));
    }
    active->image[0] = 0;
    if (sources.count == 0) {
        return OV_OK; // the last feed was removed
    }
    OV_AUTO_FD image = open(activation->rules_path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    if (image < 0) {
        return fail(activation, OV_SYSTEM, activation->rules_path, strerror(errno));
    }
    status = build(activation, &sources, image);
    if (status == OV_END) {
        return OV_OK; // sets of what is not evaluated, such as bytecode: nothing to scan with
    }
    TRY(status);
    status = name_image(activation, image, active->image);
    return status == OV_OK ? OV_OK
                           : fail(activation, status, "the compiled rules", strerror(errno));
}

// ---- what is used no more -----------------------------------------------------------------------

static bool is_old_image(const struct ov_active *active, const char *name) {
    return strncmp(name, IMAGE_PREFIX, sizeof IMAGE_PREFIX - 1) == 0 &&
           strcmp(name, active->image) != 0;
}

static void remove_old_images(const struct ov_activation *activation,
                              const struct ov_active *active) {
    DIR *list = opendir(activation->rules_path);
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL;
         entry = readdir(list)) {
        if (is_old_image(active, entry->d_name)) {
            (void)unlinkat(activation->rules_folder, entry->d_name, 0);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
}

static void remove_old_sets(const struct ov_activation *activation,
                            const struct ov_active_feed *feed) {
    struct ov_set_path folder = ov_set_path_of(activation->rules_path, feed->name.text, "", "");
    DIR *list = opendir(folder.text);
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL;
         entry = readdir(list)) {
        bool is_folder = entry->d_type == DT_DIR && entry->d_name[0] != '.';
        if (is_folder && strcmp(entry->d_name, feed->set) != 0) {
            struct ov_feed_path path = ov_feed_path_of(feed->name.text, entry->d_name);
            ov_feed_remove_tree(activation->rules_folder, path.text);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
}

enum ov_status ov_active_install(struct ov_activation *activation, struct ov_active *active) {
    static struct ov_active next;
    next = *active;
    TRY(make_image(activation, &next));
    if (activation->on_ready != NULL && activation->on_ready(activation->arg, &next) != OV_OK) {
        return fail(activation, OV_SYSTEM, "the journal", "it cannot be written");
    }
    enum ov_status status = ov_active_save(activation->rules_folder, &next);
    if (status != OV_OK) {
        return fail(activation, status, "active", strerror(errno));
    }
    *active = next;
    remove_old_images(activation, active);
    for (size_t i = 0; i < active->feed_count; i++) {
        remove_old_sets(activation, &active->feeds[i]);
    }
    return OV_OK;
}
