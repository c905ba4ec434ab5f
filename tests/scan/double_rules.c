// SPDX-License-Identifier: Apache-2.0
// A rule reader for tests around the real one: rule files tell it what to do. Linked with the real
// builder (src/role/builder.c), it shows what broker and cage do when a builder behaves badly.
//
// A source that begins with "OVERT-TEST " and a word and a newline asks for what the word says; any
// other one is read as usual.
#include "double.h"

#include "base/buf.h"
#include "role/roles.h"
#include "rules/tree.h"
#include "wire/rules.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// The linker puts the first in place of ov_ruleset_load_bytes, and calls that the second.
enum ov_status __wrap_ov_ruleset_load_bytes(struct ov_ruleset *set, const char *name, // NOLINT
                                            struct ov_span bytes, bool is_official);
enum ov_status __real_ov_ruleset_load_bytes(struct ov_ruleset *set, const char *name, // NOLINT
                                            struct ov_span bytes, bool is_official);

static const char marker[] = "OVERT-TEST ";

// ---- what the broker is told ------------------------------------------------------------------

static void say(const void *data, size_t size) {
    (void)!write(OV_BUILDER_CHANNEL, data, size);
}

static void say_report(const struct ov_wire_report *report) {
    struct ov_buf out = {0};
    ov_wire_report_encode(report, &out);
    say(out.data, out.size);
    ov_buf_release(&out);
}

static void say_long(void) {
    static char message[OV_WIRE_RULES_MESSAGE_MAX * 2];
    say(message, sizeof message);
}

static void say_escape(void) {
    static const char text[] = "\x1b]0;owned\x07 \xc2\x9b"
                               "2J \x9b"
                               "2J \x7f\r\n";
    say_report(&(struct ov_wire_report){.kind = OV_WIRE_REPORT_TEXT,
                                        .text = ov_span_make(text, sizeof text - 1)});
}

static void say_wrong_source(void) {
    say_report(&(struct ov_wire_report){.kind = OV_WIRE_REPORT_READING, .number = 1u << 30});
}

// ---- forbidden acts of a builder alone: true when it was possible -----------------------------

static bool receive(void) {
    char room[8];
    struct iovec part = {room, sizeof room};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    return recvmsg(OV_BUILDER_CHANNEL, &header, MSG_DONTWAIT) >= 0;
}

static bool protect_source(struct ov_span bytes) {
    return mprotect((void *)(uintptr_t)bytes.data, 4096, PROT_READ | PROT_WRITE) == 0;
}

static bool write_source(struct ov_span bytes) {
    *(volatile uint8_t *)(uintptr_t)bytes.data = 'x';
    return true;
}

static bool try_word(const char *word, struct ov_span bytes) {
    if (strcmp(word, "crash") == 0) {
        __builtin_trap();
    } else if (strcmp(word, "hang") == 0) {
        hang(FOREVER_MS);
    } else if (strcmp(word, "leave") == 0) {
        _exit(0);
    } else if (strcmp(word, "say-garbage") == 0) {
        say("garbage!", 8);
    } else if (strcmp(word, "say-long") == 0) {
        say_long();
    } else if (strcmp(word, "say-escape") == 0) {
        say_escape();
    } else if (strcmp(word, "say-wrong-source") == 0) {
        say_wrong_source();
    } else if (strcmp(word, "receive") == 0) {
        return receive();
    } else if (strcmp(word, "protect-source") == 0) {
        return protect_source(bytes);
    } else if (strcmp(word, "write-source") == 0) {
        return write_source(bytes);
    } else {
        return try_act(word, bytes);
    }
    return false;
}

enum ov_status __wrap_ov_ruleset_load_bytes(struct ov_ruleset *set, const char *name, // NOLINT
                                            struct ov_span bytes, bool is_official) {
    static const char problem[] = "possible\n"; // which no rule file may contain
    char word[32] = "";
    struct ov_span rest = ov_span_part(bytes, sizeof marker - 1, bytes.size);
    size_t size = ov_span_find(rest, 0, '\n');
    if (!ov_span_has_prefix(bytes, marker) || size >= sizeof word) {
        return __real_ov_ruleset_load_bytes(set, name, bytes, is_official);
    }
    memcpy(word, rest.data, size);
    struct ov_span text = ov_span_make(problem, try_word(word, bytes) ? sizeof problem - 1 : 0);
    return __real_ov_ruleset_load_bytes(set, name, text, is_official);
}
