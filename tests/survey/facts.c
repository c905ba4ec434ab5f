// SPDX-License-Identifier: Apache-2.0
// Prints what a survey tells of files: each as "KIND:PATH" on the command line; the facts as lines.
#include "base/fd.h"
#include "role/survey_job.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static void show_text(struct ov_span text, char end) {
    (void)fwrite(text.data, 1, text.size, stdout);
    (void)putchar(end);
}

static void show_fact(void *arg, size_t source, const struct ov_survey_fact *fact) {
    (void)arg;
    (void)printf("%zu\t%s\t%c\t", source, ov_survey_kind_name(fact->kind),
                 fact->is_residue ? 'r' : '-');
    show_text(fact->value, '\t');
    show_text(fact->detail, '\t');
    show_text(fact->place, '\n');
}

static void show_problem(void *arg, size_t source, const char *why) {
    (void)arg;
    (void)printf("%zu\tproblem\t-\t%s\t\t\n", source, why);
}

int main(int count, char **words) {
    struct ov_survey_item *items = calloc((size_t)count, sizeof *items);
    char reason[OV_SURVEY_REASON_BYTES];
    struct ov_survey_request request = {.items = items,
                                        .count = (size_t)count - 1,
                                        .on_fact = show_fact,
                                        .on_problem = show_problem};
    for (int i = 1; i < count && items != NULL; i++) {
        struct ov_span path = {0};
        struct ov_survey_item *item = &items[i - 1];
        item->kind = ov_survey_source_of(ov_span_text(words[i]), &path);
        item->path = (const char *)path.data;
        item->fd = path.size > 0 ? open(item->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
        if (item->fd < 0) {
            perror(words[i]);
            return 2;
        }
    }
    enum ov_status status = items != NULL ? ov_survey_run(&request, reason) : OV_MEMORY;
    if (status != OV_OK) {
        (void)fprintf(stderr, "%s: %s\n", ov_status_text(status), reason);
    }
    free(items);
    return status == OV_OK ? 0 : 1;
}
