// SPDX-License-Identifier: Apache-2.0
// overt rules build: compiles rules into an image.
#include "cmd/rules_common.h"

#include "base/fd.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGE_MODE = 0644 };

// ---- progress -------------------------------------------------------------------------------

struct progress {
    bool is_shown;
    bool is_drawn;
    unsigned percent;
};

static void show_progress(void *arg, struct ov_span stage, unsigned percent) {
    struct progress *progress = arg;
    if (progress->is_shown && (!progress->is_drawn || percent != progress->percent)) {
        progress->percent = percent;
        progress->is_drawn = true;
        (void)fprintf(stderr, "\r\033[K%.*s %u %%", (int)stage.size, (const char *)stage.data,
                      percent);
        (void)fflush(stderr);
    }
}

static void end_progress(void *arg) {
    struct progress *progress = arg;
    if (progress->is_drawn) {
        (void)fputs("\r\033[K", stderr);
        progress->is_drawn = false;
    }
}

// ---- the file -------------------------------------------------------------------------------

static enum ov_status copy_image(int image, int fd, uint64_t *ret_bytes) {
    struct stat info;
    off_t at = 0;
    if (fstat(image, &info) != 0) {
        return OV_SYSTEM;
    }
    while (at < info.st_size) {
        ssize_t count = sendfile(fd, image, &at, (size_t)(info.st_size - at));
        if (count == 0 || (count < 0 && errno != EINTR)) {
            return OV_SYSTEM;
        }
    }
    *ret_bytes = (uint64_t)info.st_size;
    return OV_OK;
}

// Writes beside the place and renames, so that a reader sees the old image or the new one whole.
static enum ov_status write_image(const char *path, int image, uint64_t *ret_bytes) {
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
    enum ov_status status = copy_image(image, fd, ret_bytes);
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

// ---- the word ---------------------------------------------------------------------------------

static void print_summary(const struct ov_rules_options *options,
                          const struct ov_rules_result *result, uint64_t image_bytes) {
    if (result->fault_count > 0) {
        (void)fprintf(stderr,
                      "overt: %" PRIu64 " rules cannot be read and are left out (overt rules check "
                      "names them)\n",
                      result->fault_count);
    }
    if (!options->is_quiet) {
        (void)fprintf(stderr, "%s: %" PRIu64 " rules, %.1f MB\n", options->output,
                      result->rule_count, (double)image_bytes / 1e6);
    }
}

static enum ov_status build(const struct ov_rules_options *options, int image,
                            struct ov_rules_result *ret_result) {
    struct progress progress = {
        .is_shown = !options->is_quiet && getenv("NO_COLOR") == NULL && isatty(STDERR_FILENO) == 1,
    };
    struct ov_rules_work work = {
        .options = options,
        .words = {.word = OV_WIRE_WORD_BUILD, .with_costs = options->with_profile},
        .image = image,
        .arg = &progress,
        .on_stage = show_progress,
        .on_end = end_progress,
    };
    return ov_rules_work(&work, options->arguments, options->argument_count, ret_result);
}

int ov_rules_build(const struct ov_rules_options *options) {
    struct ov_rules_result result;
    uint64_t bytes = 0;
    if (options->output == NULL) {
        ov_say_error("rules build", "no place for the image", "-o IMAGE.ovi");
        return OV_EXIT_ERROR;
    }
    OV_AUTO_FD image = memfd_create("overt-image", MFD_CLOEXEC);
    if (image < 0) {
        ov_say_error(options->output, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    if (build(options, image, &result) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (options->is_strict && result.fault_count + result.skip_count > 0) {
        ov_say_error("rules build", "some rules cannot be read", "overt rules check names them");
        return OV_EXIT_FOUND;
    }
    if (write_image(options->output, image, &bytes) != OV_OK) {
        ov_say_error(options->output, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    print_summary(options, &result, bytes);
    return OV_EXIT_NOTHING;
}
