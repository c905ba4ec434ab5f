// SPDX-License-Identifier: Apache-2.0
// overt rules build: compiles rules into an image.
#include "cmd/rules_common.h"

#include "base/fd.h"
#include "base/say.h"
#include "rules/emit.h"
#include "rules/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROFILE_ROWS = 20, IMAGE_MODE = 0644 };

// ---- progress -------------------------------------------------------------------------------

struct progress {
    bool is_shown;
    unsigned percent;
};

static void show_progress(void *arg, const char *stage, unsigned percent) {
    struct progress *progress = arg;
    if (progress->is_shown && percent != progress->percent) {
        progress->percent = percent;
        (void)fprintf(stderr, "\r\033[K%s %u %%", stage, percent);
        (void)fflush(stderr);
    }
}

static void end_progress(const struct progress *progress) {
    if (progress->is_shown && progress->percent != UINT_MAX) {
        (void)fputs("\r\033[K", stderr);
    }
}

// ---- the file -------------------------------------------------------------------------------

// Writes beside the place and renames, so that a reader sees the old image or the new one whole.
static enum ov_status write_image(const char *path, struct ov_span bytes) {
    char beside[PATH_MAX];
    int size = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    if (size < 0 || (size_t)size >= sizeof beside) {
        errno = ENAMETOOLONG;
        return OV_SYSTEM;
    }
    OV_AUTO_FD fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    enum ov_status status = ov_fd_write_all(fd, bytes);
    if (status == OV_OK &&
        (fchmod(fd, IMAGE_MODE) != 0 || fsync(fd) != 0 || rename(beside, path) != 0)) {
        status = OV_SYSTEM;
    }
    if (status != OV_OK) {
        int error = errno;
        (void)unlink(beside);
        errno = error;
    }
    return status;
}

// ---- the profile ----------------------------------------------------------------------------

static const char *cost_text(enum ov_cost_kind kind) {
    switch (kind) {
    case OV_COST_WINDOW:
        return "its rarest bytes are common";
    case OV_COST_TAIL:
        return "it has no rare bytes to search for";
    case OV_COST_ALWAYS:
        return "it is evaluated for every file of its target";
    case OV_COST_HASHES:
        return "its size is not given, so every file must be hashed";
    }
    return "unknown";
}

static void print_costs(const struct ov_ruleset *set, const struct ov_build_report *report) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    for (size_t i = 0; i < report->cost_count && i < PROFILE_ROWS; i++) {
        const struct ov_rule_cost *cost = &report->costs[i];
        bool is_hash = cost->kind == OV_COST_HASHES;
        struct ov_span name = is_hash ? ov_rules_hash_name(set, &set->hashes[cost->rule])
                                      : set->rules[cost->rule].name;
        ov_buf_printf(&out, "%10.3g  ", cost->frequency);
        ov_text_add_printable(&out, name);
        ov_buf_printf(&out, ": %s\n", cost_text(cost->kind));
    }
    ov_rules_flush(&out, true);
}

static size_t count_problems(const struct ov_ruleset *set, bool is_strict) {
    size_t count = 0;
    for (size_t i = 0; i < set->problem_count; i++) {
        count += is_strict || !set->problems[i].is_skip ? 1 : 0;
    }
    return count;
}

static enum ov_status build(const struct ov_rules_options *options, const struct ov_ruleset *set,
                            struct ov_buf *image, struct ov_build_report *ret_report) {
    struct progress progress = {
        .is_shown = !options->is_quiet && getenv("NO_COLOR") == NULL && isatty(STDERR_FILENO) == 1,
        .percent = UINT_MAX,
    };
    struct ov_build_options build_options = {
        .progress = show_progress,
        .progress_arg = &progress,
        .with_costs = options->with_profile,
    };
    enum ov_status status = ov_image_build(set, &build_options, image, ret_report);
    end_progress(&progress);
    return status;
}

static void print_summary(const struct ov_rules_options *options, const struct ov_ruleset *set,
                          const struct ov_buf *image) {
    size_t problems = count_problems(set, false);
    if (problems > 0) {
        (void)fprintf(stderr,
                      "overt: %zu rules cannot be read and are left out (overt rules check "
                      "names them)\n",
                      problems);
    }
    if (!options->is_quiet) {
        (void)fprintf(stderr, "%s: %zu rules, %.1f MB\n", options->output,
                      set->rule_count + set->hash_count, (double)image->size / 1e6);
    }
}

int ov_rules_build(const struct ov_rules_options *options) {
    if (options->output == NULL) {
        ov_say_error("rules build", "no place for the image", "-o IMAGE.ovi");
        return OV_EXIT_ERROR;
    }
    OV_CLEANUP(ov_rules_free) struct ov_ruleset *set = NULL;
    if (ov_rules_load(options, options->arguments, options->argument_count, &set) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (options->is_strict && count_problems(set, true) > 0) {
        ov_say_error("rules build", "some rules cannot be read", "overt rules check names them");
        return OV_EXIT_FOUND;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf image = {0};
    OV_CLEANUP(ov_build_report_release) struct ov_build_report report = {0};
    enum ov_status status = build(options, set, &image, &report);
    if (status != OV_OK) {
        ov_say_error(options->output, "the image could not be built", ov_status_text(status));
        return OV_EXIT_ERROR;
    }
    if (write_image(options->output, ov_buf_span(&image)) != OV_OK) {
        ov_say_error(options->output, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    if (options->with_profile) {
        print_costs(set, &report);
    }
    print_summary(options, set, &image);
    return OV_EXIT_NOTHING;
}
