// SPDX-License-Identifier: Apache-2.0
// Databases of a ClamAV mirror: fetched, verified, patched, laid down as a set.
#include "feed/mirror.h"

#include "base/durable.h"
#include "feed/set.h"
#include "feed/stage.h"
#include "role/database_job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DATABASES = 4,
    CDIFFS_AT_ONCE = 8,
    CDIFF_BYTES_MAX = 64 << 20,
    ROUNDS_MAX = 64, // of CDIFFS_AT_ONCE: more than a year of days
};
#define DATABASE_BYTES_MAX (1ull << 30)

static const char *const names[DATABASES] = {"main", "daily", "bytecode", "safebrowsing"};

struct mirror {
    const struct ov_refresh_request *request;
    struct ov_refresh_result *result;
    const struct ov_active_feed *entry; // as it was
    char set[OV_ACTIVE_NAME_BYTES];     // the new one
    struct ov_database_policy policy;
    bool has_changed;
    char words[OV_FEED_REASON_BYTES]; // what holds, of all databases so far
};

// ---- paths and words ----------------------------------------------------------------------------

static enum ov_status fail(struct mirror *mirror, enum ov_status status, const char *what) {
    const char *why = status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
    (void)snprintf(mirror->result->reason, sizeof mirror->result->reason, "%s: %s", what, why);
    return status;
}

// files/NAME.ENDING in a set of this feed, absolute.
static struct ov_set_path file_in(const struct mirror *mirror, const char *set, const char *name,
                                  const char *ending) {
    char rest[64];
    (void)snprintf(rest, sizeof rest, OV_SET_FILES "/%s.%s", name, ending);
    return ov_set_path_of(mirror->request->rules_path, mirror->entry->name.text, set, rest);
}

static enum ov_status verify(struct mirror *mirror, const char *path, const char *sign,
                             struct ov_database_report *ret_report) {
    struct ov_database_file file = {.path = path, .sign = sign};
    return ov_database_verify(&file, &mirror->policy, ret_report, mirror->result->reason);
}

static void note_words(struct mirror *mirror, const struct ov_database_report *report) {
    size_t size = strlen(mirror->words);
    (void)snprintf(mirror->words + size, sizeof mirror->words - size, "%s%s %" PRIu64 ": %s",
                   size > 0 ? "; " : "", report->name, report->version,
                   ov_database_trust_text(report));
}

// A mirror may not hand out one database for another.
static enum ov_status check_name(struct mirror *mirror, const char *name,
                                 const struct ov_database_report *report) {
    if (strcmp(report->name, name) == 0) {
        return OV_OK;
    }
    (void)snprintf(mirror->result->reason, sizeof mirror->result->reason,
                   "%s.cvd is the database %s under another name", name, report->name);
    return OV_DENIED;
}

// ---- fetching -----------------------------------------------------------------------------------

static enum ov_status bring(struct mirror *mirror, const struct ov_fetch_get *wants, size_t count,
                            struct ov_stage *ret_stage) {
    return ov_refresh_bring(mirror->request, wants, count, ret_stage, mirror->result);
}

// Writes what was fetched to its place in the new set.
static enum ov_status keep(struct mirror *mirror, int fd, const char *path) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    TRY(ov_file_map_open_fd(fd, &map));
    enum ov_status status = ov_durable_write(AT_FDCWD, path, map.bytes, 0644);
    return status == OV_OK ? OV_OK : fail(mirror, status, path);
}

// A database's own .sign file, whose name has its version; only where there are certificates.
static enum ov_status bring_sign(struct mirror *mirror, const struct ov_database_report *report,
                                 const char *name, char *ret_path, size_t size) {
    char want_path[128];
    struct ov_fetch_get want = {.path = want_path, .most_bytes = 1 << 20, .may_miss = true};
    struct ov_stage stage = {0};
    ret_path[0] = 0;
    if (mirror->policy.certificates == NULL) {
        return OV_OK;
    }
    (void)snprintf(want_path, sizeof want_path, "%s-%" PRIu64 ".cvd.sign", name, report->version);
    TRY(bring(mirror, &want, 1, &stage));
    enum ov_status status = OV_OK;
    if (stage.fds[0] >= 0) {
        (void)snprintf(ret_path, size, "/proc/self/fd/%d", stage.fds[0]);
        struct ov_set_path kept = ov_set_path_of(mirror->request->rules_path,
                                                 mirror->entry->name.text, mirror->set, want_path);
        status = keep(mirror, stage.fds[0], kept.text);
        (void)snprintf(ret_path, size, "%s", kept.text);
    }
    ov_stage_close(&stage);
    return status;
}

// That a database fetched again is no older than the one that is installed.
static enum ov_status check_version(struct mirror *mirror, const char *name,
                                    const struct ov_database_report *report) {
    static const char *const endings[] = {"cld", "cvd"};
    struct ov_database_report old;
    for (unsigned i = 0; i < 2 && mirror->entry->set[0] != 0; i++) {
        struct ov_set_path path = file_in(mirror, mirror->entry->set, name, endings[i]);
        if (access(path.text, R_OK) != 0) {
            continue;
        }
        TRY(verify(mirror, path.text, NULL, &old));
        if (report->version < old.version) {
            (void)snprintf(mirror->result->reason, sizeof mirror->result->reason,
                           "rollback: %s %" PRIu64 ", but %" PRIu64 " is active already", name,
                           report->version, old.version);
            return OV_DENIED;
        }
    }
    return OV_OK;
}

// The version comes first: the name of the .sign file has it.
static enum ov_status verify_whole(struct mirror *mirror, const char *name, const char *path) {
    struct ov_database_policy asked = mirror->policy;
    struct ov_database_report report;
    char sign[PATH_MAX];
    mirror->policy.is_sign_demanded = false;
    enum ov_status status = verify(mirror, path, NULL, &report);
    mirror->policy = asked;
    TRY(status);
    TRY(check_name(mirror, name, &report));
    TRY(check_version(mirror, name, &report));
    TRY(bring_sign(mirror, &report, name, sign, sizeof sign));
    if (sign[0] != 0 || asked.is_sign_demanded) {
        TRY(verify(mirror, path, sign[0] != 0 ? sign : NULL, &report));
    }
    note_words(mirror, &report);
    return OV_OK;
}

// Fetches a database whole. *ret_is_there is false when the mirror has none of that name.
static enum ov_status bring_whole(struct mirror *mirror, const char *name, bool *ret_is_there) {
    char want_path[64];
    struct ov_fetch_get want = {
        .path = want_path, .most_bytes = DATABASE_BYTES_MAX, .may_miss = true};
    struct ov_stage stage = {0};
    struct ov_set_path path = file_in(mirror, mirror->set, name, "cvd");
    (void)snprintf(want_path, sizeof want_path, "%s.cvd", name);
    TRY(bring(mirror, &want, 1, &stage));
    *ret_is_there = stage.fds[0] >= 0;
    enum ov_status status = *ret_is_there ? keep(mirror, stage.fds[0], path.text) : OV_OK;
    ov_stage_close(&stage);
    mirror->has_changed |= *ret_is_there;
    return status == OV_OK && *ret_is_there ? verify_whole(mirror, name, path.text) : status;
}

// ---- updates ------------------------------------------------------------------------------------

struct cdiffs {
    char paths[CDIFFS_AT_ONCE][96];
    char kept[CDIFFS_AT_ONCE][PATH_MAX];
    struct ov_database_file files[CDIFFS_AT_ONCE];
    size_t count; // that follow one another
};

static enum ov_status bring_cdiffs(struct mirror *mirror, const char *name, uint64_t version,
                                   struct cdiffs *cdiffs) {
    struct ov_fetch_get wants[CDIFFS_AT_ONCE];
    struct ov_stage stage = {0};
    cdiffs->count = 0;
    for (unsigned i = 0; i < CDIFFS_AT_ONCE; i++) {
        (void)snprintf(cdiffs->paths[i], sizeof cdiffs->paths[i], "%s-%" PRIu64 ".cdiff", name,
                       version + 1 + i);
        wants[i] = (struct ov_fetch_get){
            .path = cdiffs->paths[i], .most_bytes = CDIFF_BYTES_MAX, .may_miss = true};
    }
    TRY(bring(mirror, wants, CDIFFS_AT_ONCE, &stage));
    enum ov_status status = OV_OK;
    for (unsigned i = 0; status == OV_OK && i < CDIFFS_AT_ONCE && stage.fds[i] >= 0; i++) {
        struct ov_set_path path = ov_set_path_of(
            mirror->request->rules_path, mirror->entry->name.text, mirror->set, cdiffs->paths[i]);
        (void)snprintf(cdiffs->kept[i], sizeof cdiffs->kept[i], "%s", path.text);
        cdiffs->files[i] = (struct ov_database_file){.path = cdiffs->kept[i]};
        status = keep(mirror, stage.fds[i], path.text);
        cdiffs->count += status == OV_OK;
    }
    ov_stage_close(&stage);
    return status;
}

// Applies them to `old`, and puts what comes out at `place`.
static enum ov_status patch(struct mirror *mirror, const char *old, const struct cdiffs *cdiffs,
                            const char *place, struct ov_database_report *ret_report) {
    char fresh[PATH_MAX + 8];
    (void)snprintf(fresh, sizeof fresh, "%s.new", place);
    OV_AUTO_FD out = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (out < 0) {
        return fail(mirror, OV_SYSTEM, fresh);
    }
    struct ov_database_patch request = {
        .old = {.path = old}, .cdiffs = cdiffs->files, .cdiff_count = cdiffs->count, .out = out};
    enum ov_status status =
        ov_database_patch(&request, &mirror->policy, ret_report, mirror->result->reason);
    for (size_t i = 0; i < cdiffs->count; i++) {
        (void)unlink(cdiffs->kept[i]);
    }
    TRY(status);
    status = ov_durable_rename(AT_FDCWD, fresh, place);
    return status == OV_OK ? OV_OK : fail(mirror, status, place);
}

// The set before keeps its file; the new one has the same under a name of its own.
static enum ov_status carry_over(struct mirror *mirror, const char *old, const char *place) {
    enum ov_status status = ov_durable_folders(AT_FDCWD, place, 0755);
    if (status == OV_OK && link(old, place) != 0) {
        status = OV_SYSTEM;
    }
    return status == OV_OK ? OV_OK : fail(mirror, status, place);
}

static enum ov_status update_old(struct mirror *mirror, const char *name, const char *ending,
                                 const char *old) {
    static struct cdiffs cdiffs;
    struct ov_set_path place = file_in(mirror, mirror->set, name, ending);
    struct ov_set_path local = file_in(mirror, mirror->set, name, "cld");
    struct ov_database_report report;
    const char *from = old;
    TRY(verify(mirror, old, NULL, &report));
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        TRY(bring_cdiffs(mirror, name, report.version, &cdiffs));
        if (cdiffs.count == 0) {
            break;
        }
        TRY(patch(mirror, from, &cdiffs, local.text, &report));
        from = local.text;
        mirror->has_changed = true;
    }
    note_words(mirror, &report);
    return from == old ? carry_over(mirror, old, place.text) : OV_OK;
}

static enum ov_status bring_one(struct mirror *mirror, const char *name, bool *ret_is_there) {
    static const char *const endings[] = {"cld", "cvd"};
    *ret_is_there = true;
    for (unsigned i = 0; i < 2 && mirror->entry->set[0] != 0 && !mirror->request->is_full; i++) {
        struct ov_set_path old = file_in(mirror, mirror->entry->set, name, endings[i]);
        if (access(old.text, R_OK) == 0) {
            return update_old(mirror, name, endings[i], old.text);
        }
    }
    return bring_whole(mirror, name, ret_is_there);
}

// ---- the set ------------------------------------------------------------------------------------

static enum ov_status bring_all(struct mirror *mirror) {
    unsigned count = 0;
    for (unsigned i = 0; i < DATABASES; i++) {
        bool is_there = false;
        if (mirror->request->on_step != NULL) {
            mirror->request->on_step(mirror->request->arg, names[i]);
        }
        TRY(bring_one(mirror, names[i], &is_there));
        count += is_there;
    }
    if (count == 0) {
        (void)snprintf(mirror->result->reason, sizeof mirror->result->reason,
                       "no main.cvd, daily.cvd or bytecode.cvd is there: no ClamAV mirror; a "
                       "feed with a log needs --policy FILE");
        return OV_END;
    }
    return OV_OK;
}

static struct mirror make_mirror(const struct ov_refresh_request *request,
                                 const struct ov_active_feed *entry,
                                 struct ov_refresh_result *result) {
    struct mirror mirror = {
        .request = request,
        .result = result,
        .entry = entry,
        .policy = {.certificates = request->certificates},
    };
    *result = (struct ov_refresh_result){0};
    // Another name than the set before has, and than what a crash may have left.
    (void)snprintf(mirror.set, sizeof mirror.set, "%" PRIu64 "-%d", request->now, (int)getpid());
    return mirror;
}

enum ov_status ov_mirror_refresh(const struct ov_refresh_request *request,
                                 struct ov_active_feed *entry,
                                 struct ov_refresh_result *ret_result) {
    struct mirror mirror = make_mirror(request, entry, ret_result);
    struct ov_feed_path folder = ov_feed_path_of(entry->name.text, mirror.set);
    enum ov_status status = bring_all(&mirror);
    if (status != OV_OK || !mirror.has_changed) {
        ov_feed_remove_tree(request->rules_folder, folder.text);
        if (status != OV_OK) {
            return status;
        }
    }
    (void)snprintf(ret_result->reason, sizeof ret_result->reason, "%s", mirror.words);
    entry->updated = request->now;
    if (!mirror.has_changed) {
        return OV_OK;
    }
    ret_result->has_set = true;
    (void)snprintf(entry->set, sizeof entry->set, "%s", mirror.set);
    return OV_OK;
}

enum ov_status ov_mirror_verify(const struct ov_refresh_request *request,
                                const struct ov_active_feed *entry,
                                struct ov_refresh_result *ret_result) {
    static const char *const endings[] = {"cld", "cvd"};
    struct mirror mirror = make_mirror(request, entry, ret_result);
    for (unsigned i = 0; i < 2 * DATABASES; i++) {
        struct ov_database_report report;
        struct ov_set_path path = file_in(&mirror, entry->set, names[i / 2], endings[i % 2]);
        if (access(path.text, R_OK) != 0) {
            continue;
        }
        TRY(verify(&mirror, path.text, NULL, &report));
        TRY(check_name(&mirror, names[i / 2], &report));
        note_words(&mirror, &report);
    }
    (void)snprintf(ret_result->reason, sizeof ret_result->reason, "%s", mirror.words);
    return mirror.words[0] != 0 ? OV_OK : fail(&mirror, OV_END, "no database is left");
}
