// SPDX-License-Identifier: Apache-2.0
// Lines and progress for people. The JSON twin is in scan_json.c.
#include "cmd/scan_output.h"

#include "base/budget.h"
#include "base/printable.h"
#include "cmd/scan_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAW_NS = 200000000 };

bool ov_scan_has_progress(const struct ov_scan_arguments *args) {
    return !args->is_quiet && isatty(STDERR_FILENO) == 1 && getenv("NO_COLOR") == NULL;
}

void ov_scan_output_init(const struct ov_scan_arguments *args, const struct ov_scan_image *image,
                         struct ov_scan_output *ret_output) {
    *ret_output = (struct ov_scan_output){
        .args = args,
        .image = image,
        .started_ns = ov_clock_ns(),
        .drawn_ns = ov_clock_ns(),
        .has_progress = ov_scan_has_progress(args),
    };
}

void ov_scan_output_release(struct ov_scan_output *output) {
    ov_buf_release(&output->line);
}

// ---- results ----------------------------------------------------------------------------------

static void count_result(struct ov_scan_totals *totals, const struct ov_scan_result *result) {
    totals->files += result->kind != OV_RESULT_SKIPPED;
    totals->bytes += result->bytes;
    totals->found += result->kind == OV_RESULT_FOUND;
    totals->errors += result->kind == OV_RESULT_ERROR;
    totals->limited += result->kind == OV_RESULT_LIMITED;
    totals->skipped += result->kind == OV_RESULT_SKIPPED;
    totals->unchanged += result->kind == OV_RESULT_UNCHANGED;
}

static void add_line(struct ov_buf *line, struct ov_span path, const char *text) {
    ov_printable_add(line, path);
    ov_buf_printf(line, ": %s\n", text);
}

static void add_found(struct ov_scan_output *output, const struct ov_scan_result *result,
                      const char *moved_to) {
    struct ov_buf *line = &output->line;
    for (uint32_t i = 0; i < result->detection_count; i++) {
        if (i > 0 && result->detections[i - 1].rule == result->detections[i].rule) {
            continue; // in another part of the file; --json tells where
        }
        char name[OV_NAME_TEXT_BYTES];
        (void)ov_rule_names_get(&output->image->names, result->detections[i].rule, name);
        ov_printable_add(line, result->path);
        ov_buf_add_text(line, ": ");
        ov_printable_add(line, ov_span_text(name));
        ov_buf_add_text(line, " FOUND\n");
    }
    if (moved_to != NULL) {
        ov_printable_add(line, result->path);
        ov_buf_printf(line, ": moved to '%s'\n", moved_to);
    }
}

static void add_text(struct ov_scan_output *output, const struct ov_scan_result *result,
                     const char *moved_to) {
    struct ov_buf *line = &output->line;
    bool is_verbose = output->args->is_verbose;
    switch (result->kind) {
    case OV_RESULT_FOUND:
        add_found(output, result, moved_to);
        break;
    case OV_RESULT_ERROR:
        ov_printable_add(line, result->path);
        ov_buf_printf(line, ": %s ERROR\n", result->reason);
        break;
    case OV_RESULT_LIMITED:
        ov_printable_add(line, result->path);
        ov_buf_printf(line, ": not fully scanned: %s LIMITED\n", result->reason);
        break;
    case OV_RESULT_SKIPPED:
        if (is_verbose) {
            add_line(line, result->path, result->reason);
        }
        break;
    default:
        if (is_verbose) {
            add_line(line, result->path, "OK");
        }
        break;
    }
}

static void erase_progress(struct ov_scan_output *output) {
    if (output->is_drawn) {
        (void)fputs("\r\033[K", stderr);
        output->is_drawn = false;
    }
}

void ov_scan_output_result(struct ov_scan_output *output, const struct ov_scan_result *result,
                           const char *moved_to) {
    count_result(&output->totals, result);
    ov_buf_reset(&output->line);
    if (output->args->is_json) {
        ov_scan_json_result(output, result, moved_to);
    } else {
        add_text(output, result, moved_to);
    }
    if (output->line.size > 0) {
        erase_progress(output);
        (void)fwrite(output->line.data, 1, output->line.size, stdout);
    }
}

// ---- progress ---------------------------------------------------------------------------------

// "1.2 GB", in decimal units.
static void format_bytes(uint64_t bytes, char *ret_text, size_t size) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    unsigned unit = 0;
    while (value >= 1000 && unit < 4) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(ret_text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void ov_scan_output_tick(struct ov_scan_output *output) {
    uint64_t now = ov_clock_ns();
    if (now - output->drawn_ns < DRAW_NS) {
        return;
    }
    output->drawn_ns = now;
    (void)fflush(stdout);
    if (!output->has_progress) {
        return;
    }
    char done[32];
    char rate[32];
    double seconds = (double)(now - output->started_ns) / 1e9;
    format_bytes(output->totals.bytes, done, sizeof done);
    format_bytes((uint64_t)((double)output->totals.bytes / seconds), rate, sizeof rate);
    (void)fprintf(stderr, "\r\033[K%llu files, %s, %s/s, %llu found",
                  (unsigned long long)output->totals.files, done, rate,
                  (unsigned long long)output->totals.found);
    (void)fflush(stderr);
    output->is_drawn = true;
}

// ---- summary ----------------------------------------------------------------------------------

static void print_count(const char *name, uint64_t count, bool is_always) {
    if (is_always || count > 0) {
        (void)fprintf(stderr, "%s: %llu\n", name, (unsigned long long)count);
    }
}

static void print_confinement(const struct ov_scan_outcome *outcome) {
    if (outcome->workers_started == 0) {
        return;
    }
    unsigned up = (unsigned)__builtin_popcount(outcome->enforced);
    (void)fprintf(stderr, "Confinement: %u of %d layers", up, OV_LAYER_COUNT);
    for (unsigned i = 0; i < OV_LAYER_COUNT; i++) {
        if ((outcome->enforced & OV_CAGE(i)) == 0) {
            (void)fprintf(stderr, "; no %s (%s)", ov_cage_layer_name(i),
                          strerror(outcome->refusals[i]));
        }
    }
    (void)fputc('\n', stderr);
}

static void print_summary(const struct ov_scan_output *output,
                          const struct ov_scan_outcome *outcome) {
    const struct ov_scan_totals *totals = &output->totals;
    char bytes[32];
    format_bytes(totals->bytes, bytes, sizeof bytes);
    (void)fputs("\n----------- SCAN SUMMARY -----------\n", stderr);
    (void)fprintf(stderr, "Rules: %u (%.19s)\n", output->image->names.count, output->image->id);
    print_count("Scanned files", totals->files, true);
    print_count("Infected files", totals->found, true);
    print_count("Not fully scanned", totals->limited, false);
    print_count("Unchanged since they were clean", totals->unchanged, false);
    print_count("Skipped (not regular files, or excluded)", totals->skipped, false);
    print_count("Total errors", totals->errors, false);
    if (output->journal_error != NULL) {
        (void)fputs("Journal: not closed\n", stderr);
    }
    print_count("Scanner processes replaced", outcome->workers_lost, false);
    (void)fprintf(stderr, "Data scanned: %s\n", bytes);
    (void)fprintf(stderr, "Time: %.3f sec\n", (double)(ov_clock_ns() - output->started_ns) / 1e9);
    print_confinement(outcome);
}

void ov_scan_output_summary(struct ov_scan_output *output, const struct ov_scan_outcome *outcome) {
    double seconds = (double)(ov_clock_ns() - output->started_ns) / 1e9;
    erase_progress(output);
    if (output->args->is_json) {
        ov_buf_reset(&output->line);
        ov_scan_json_summary(output, outcome, seconds);
        (void)fwrite(output->line.data, 1, output->line.size, stdout);
    }
    (void)fflush(stdout);
    if (!output->args->is_quiet && output->args->has_summary && !output->args->is_json) {
        print_summary(output, outcome);
    }
}
