// SPDX-License-Identifier: Apache-2.0
// Pieces of sentences.
#include "trace/phrase.h"

#include "base/printable.h"

#include <inttypes.h>
#include <stdio.h>

enum { DIGITS_MAX = 24, THOUSAND = 1000 };
#define SECOND_NS 1000000000u

void ov_trace_add_number(struct ov_buf *out, uint64_t number) {
    char digits[DIGITS_MAX];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            ov_buf_add_u8(out, ',');
        }
        ov_buf_add_u8(out, (uint8_t)digits[i]);
    }
}

void ov_trace_add_size(struct ov_buf *out, uint64_t bytes) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    unsigned unit = 0;
    double value = (double)bytes;
    if (bytes < THOUSAND) {
        ov_trace_add_count(out, bytes, "byte");
        return;
    }
    while (value >= THOUSAND && unit + 1 < sizeof units / sizeof *units) {
        value /= THOUSAND;
        unit++;
    }
    ov_buf_printf(out, "%.1f %s", value, units[unit]);
}

void ov_trace_add_bytes(struct ov_buf *out, uint64_t bytes) {
    ov_trace_add_size(out, bytes);
    if (bytes >= THOUSAND) {
        ov_buf_add_text(out, " (");
        ov_trace_add_number(out, bytes);
        ov_buf_add_text(out, " bytes)");
    }
}

void ov_trace_add_count(struct ov_buf *out, uint64_t number, const char *noun) {
    ov_trace_add_number(out, number);
    ov_buf_printf(out, " %s%s", noun, number == 1 ? "" : "s");
}

// By hand: the library's ways look for the machine's time zone first, and a cage has no files.
// Days since 1970 to a date of the calendar, by eras of 400 years that begin in March.
void ov_trace_add_time(struct ov_buf *out, uint64_t time_ns) {
    uint64_t seconds = time_ns / SECOND_NS;
    uint64_t days = seconds / 86400 + 719468; // since 0000-03-01
    uint64_t era = days / 146097;
    uint64_t of_era = days % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t part = (5 * of_year + 2) / 153; // months since March
    uint64_t day = of_year - (153 * part + 2) / 5 + 1;
    uint64_t month = part < 10 ? part + 3 : part - 9;
    year += era * 400 + (month <= 2 ? 1 : 0);
    ov_buf_printf(out, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year, (unsigned)month,
                  (unsigned)day, (unsigned)(seconds / 3600 % 24), (unsigned)(seconds / 60 % 60),
                  (unsigned)(seconds % 60));
}

void ov_trace_add_moment(struct ov_buf *out, const struct ov_trace_begin *begin, uint64_t at_ns) {
    uint64_t since_ns = at_ns > begin->mono_ns ? at_ns - begin->mono_ns : 0;
    ov_buf_printf(out, "+%" PRIu64 ".%03u s", since_ns / SECOND_NS,
                  (unsigned)(since_ns % SECOND_NS / 1000000u));
}

void ov_trace_add_name(struct ov_buf *out, struct ov_span name, const char *none) {
    if (name.size == 0) {
        ov_buf_add_text(out, none);
    } else {
        ov_printable_add(out, name);
    }
}
