// SPDX-License-Identifier: Apache-2.0
// What a monitor tells: findings and errors, as lines or as JSON.
#include "cmd/log_monitor.h"

#include "base/printable.h"
#include "base/say.h"

#include <stdarg.h>
#include <stdio.h>

void ov_monitor_begin(const struct ov_monitor *monitor, const char *event,
                      struct ov_monitor_event *ret_event) {
    ov_buf_init(&ret_event->out);
    if (monitor->options.is_json) {
        ov_json_init(&ret_event->json, &ret_event->out);
        ov_json_object(&ret_event->json, NULL);
        ov_json_text(&ret_event->json, "event", event);
    }
}

// As they come: whoever reads a pipe is not to wait for the end of a round.
void ov_monitor_tell(const struct ov_monitor *monitor, struct ov_monitor_event *event) {
    if (monitor->options.is_json) {
        ov_json_object_end(&event->json);
    }
    ov_buf_add_u8(&event->out, '\n');
    (void)ov_log_print(&event->out);
    ov_buf_release(&event->out);
}

static void tell_three(const struct ov_monitor *monitor, const char *event, const char *kind,
                       const char *what, const char *why) {
    struct ov_monitor_event told;
    ov_monitor_begin(monitor, event, &told);
    if (monitor->options.is_json) {
        if (kind != NULL) {
            ov_json_text(&told.json, "kind", kind);
        }
        ov_json_text(&told.json, "what", what);
        ov_json_text(&told.json, "why", why);
    } else {
        ov_buf_printf(&told.out, "FINDING: %s: ", kind);
        ov_printable_add(&told.out, ov_span_text(what));
        ov_buf_add_text(&told.out, ": ");
        ov_printable_add(&told.out, ov_span_text(why));
    }
    ov_monitor_tell(monitor, &told);
}

void ov_monitor_find(struct ov_monitor *monitor, const char *kind, const char *what,
                     const char *format, ...) {
    char why[OV_MONITOR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    monitor->finding_count++;
    tell_three(monitor, "finding", kind, what, why);
}

void ov_monitor_fail(struct ov_monitor *monitor, const char *what, const char *why) {
    monitor->error_count++;
    if (monitor->options.is_json) {
        tell_three(monitor, "error", NULL, what, why);
    }
    (void)fflush(stdout);
    ov_say_error(what, why, NULL);
}

size_t ov_monitor_source_count(const struct ov_monitor *monitor) {
    return 1 + monitor->policy->witness_count + (monitor->trust != NULL);
}

const char *ov_monitor_source_name(const struct ov_monitor *monitor, size_t number) {
    static char name[OV_MONITOR_TEXT_BYTES];
    if (number == 0) {
        return "the log";
    }
    if (number > monitor->policy->witness_count) {
        (void)snprintf(name, sizeof name, "feed %s", monitor->trust->feed.text);
        return name;
    }
    struct ov_span word = monitor->policy->witnesses[number - 1].name;
    (void)snprintf(name, sizeof name, "witness %.*s", (int)word.size, (const char *)word.data);
    return name;
}
