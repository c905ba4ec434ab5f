// SPDX-License-Identifier: Apache-2.0
// Requests on databases, and their ends in words.
#include "role/database_job.h"

#include "role/rules_job.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct job {
    struct ov_sources sources;
    char *reason;
};

static enum ov_status fail(struct job *job, const char *path, enum ov_status status,
                           const char *why) {
    (void)snprintf(job->reason, OV_DATABASE_REASON_BYTES, "%.300s: %s", path, why);
    return status;
}

static enum ov_status add_source(struct job *job, const char *path, enum ov_wire_source_kind kind) {
    size_t before = job->sources.count;
    enum ov_status status = ov_sources_add(&job->sources, path);
    if (status != OV_OK) {
        return fail(job, path, status,
                    status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
    }
    if (job->sources.count != before + 1 || job->sources.items[before].is_member) {
        return fail(job, path, OV_INVALID, "a folder");
    }
    job->sources.items[before].kind = kind;
    return OV_OK;
}

// As clamscan: of a folder of certificates, what ends in .pem or .crt.
static int is_certificate(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && (strcmp(dot, ".pem") == 0 || strcmp(dot, ".crt") == 0);
}

static enum ov_status add_certificate(struct job *job, const char *folder, const char *name) {
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (size < 0 || (size_t)size >= sizeof path) {
        return fail(job, folder, OV_INVALID, "its path is too long");
    }
    return add_source(job, path, OV_WIRE_SOURCE_CERTIFICATE);
}

// A file, or a folder; one without certificates is a mistake, and not a wish to go without.
static enum ov_status add_certificates(struct job *job, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return fail(job, path, OV_SYSTEM, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        return add_source(job, path, OV_WIRE_SOURCE_CERTIFICATE);
    }
    struct dirent **names = NULL;
    int count = scandir(path, &names, is_certificate, alphasort);
    if (count < 0) {
        return fail(job, path, OV_SYSTEM, strerror(errno));
    }
    enum ov_status status =
        count > 0 ? OV_OK : fail(job, path, OV_INVALID, "no file of certificates (.pem, .crt)");
    for (int i = 0; i < count; i++) {
        status = status == OV_OK ? add_certificate(job, path, names[i]->d_name) : status;
        free(names[i]);
    }
    free(names);
    return status;
}

static enum ov_status add_file(struct job *job, const struct ov_database_file *file) {
    TRY(add_source(job, file->path, OV_WIRE_SOURCE_MAIN));
    return file->sign != NULL ? add_source(job, file->sign, OV_WIRE_SOURCE_SIGN) : OV_OK;
}

static enum ov_status collect(struct job *job, const struct ov_database_patch *patch,
                              const struct ov_database_policy *policy) {
    TRY(add_file(job, &patch->old));
    for (size_t i = 0; i < patch->cdiff_count; i++) {
        TRY(add_file(job, &patch->cdiffs[i]));
    }
    return policy->certificates != NULL ? add_certificates(job, policy->certificates) : OV_OK;
}

static const char *find_path(const struct job *job, size_t source) {
    return source < job->sources.count ? job->sources.items[source].path
                                       : job->sources.items[0].path;
}

static enum ov_status explain_refusal(const struct job *job,
                                      const struct ov_database_report *report) {
    const char *why = ov_database_refusal_text(report->refusal);
    const char *path = find_path(job, report->source);
    if (report->line > 0) {
        (void)snprintf(job->reason, OV_DATABASE_REASON_BYTES, "%.300s: line %u of its script: %s",
                       path, report->line, why);
    } else {
        (void)snprintf(job->reason, OV_DATABASE_REASON_BYTES, "%.300s: %s", path, why);
    }
    return OV_DAMAGED;
}

static enum ov_status explain(const struct job *job, const struct ov_rules_result *result) {
    const char *why = ov_status_text(result->status);
    if (result->end == OV_RULES_START || result->end == OV_RULES_DIED) {
        why = result->reason;
    } else if (result->status == OV_SYSTEM) {
        why = strerror(result->error);
    }
    (void)snprintf(job->reason, OV_DATABASE_REASON_BYTES, "%.300s: %s",
                   find_path(job, result->source), why);
    return result->status != OV_DAMAGED ? result->status : OV_PEER;
}

// A builder tells what it accepts, and what it refuses, in a report that goes with its end.
static enum ov_status run(const struct job *job, const struct ov_rules_request *request,
                          struct ov_database_report *ret_report) {
    struct ov_rules_result result;
    ov_rules_run(request, &result);
    const struct ov_database_report *report = &result.database;
    bool is_accepted = result.has_database && report->refusal == OV_DATABASE_ACCEPTED;
    if (result.end == OV_RULES_DONE && is_accepted) {
        *ret_report = *report;
        return OV_OK;
    }
    if (result.end == OV_RULES_BUILDING && result.status == OV_DAMAGED && result.has_database &&
        !is_accepted) {
        *ret_report = *report;
        return explain_refusal(job, report);
    }
    if (result.end == OV_RULES_DONE || result.status == OV_OK) {
        (void)snprintf(job->reason, OV_DATABASE_REASON_BYTES,
                       "%.300s: the caged process that verifies it broke the protocol",
                       find_path(job, 0));
        return OV_PEER;
    }
    return explain(job, &result);
}

static enum ov_status work(enum ov_wire_word word, const struct ov_database_patch *patch,
                           const struct ov_database_policy *policy,
                           struct ov_database_report *ret_report,
                           char ret_reason[OV_DATABASE_REASON_BYTES]) {
    struct job job = {0};
    job.reason = ret_reason;
    enum ov_status status = collect(&job, patch, policy);
    if (status == OV_OK) {
        struct ov_rules_request request = {
            .words = {.word = word, .is_sign_demanded = policy->is_sign_demanded},
            .sources = &job.sources,
            .image = patch->out,
        };
        status = run(&job, &request, ret_report);
    }
    ov_sources_release(&job.sources);
    return status;
}

enum ov_status ov_database_verify(const struct ov_database_file *file,
                                  const struct ov_database_policy *policy,
                                  struct ov_database_report *ret_report,
                                  char ret_reason[OV_DATABASE_REASON_BYTES]) {
    struct ov_database_patch alone = {.old = *file, .out = -1};
    return work(OV_WIRE_WORD_VERIFY, &alone, policy, ret_report, ret_reason);
}

enum ov_status ov_database_patch(const struct ov_database_patch *patch,
                                 const struct ov_database_policy *policy,
                                 struct ov_database_report *ret_report,
                                 char ret_reason[OV_DATABASE_REASON_BYTES]) {
    return work(OV_WIRE_WORD_PATCH, patch, policy, ret_report, ret_reason);
}
