// SPDX-License-Identifier: Apache-2.0
// Splits files into the texts of their rules.
#include "rules/rule_text.h"

#include "base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

enum {
    NAME_BYTES_MAX = 4095,
    DIGEST_TEXT_BYTES = 128,
    MADE_BYTES_MAX = 64 << 20, // 4,096 members of a name of 4 KiB each, and then some
};

// ---- kinds ------------------------------------------------------------------------------------

// Fixed with the format: docs/formats/release.md. One more ending is another format.
static const char *const line_endings[] = {
    "hdb", "hsb", "hdu", "hsu", "mdb", "msb", "mdu", "msu", "imp",  "fp",
    "sfp", "ndb", "ndu", "sdb", "db",  "ldb", "ldu", "ign", "ign2", "cdb",
    "zmd", "rmd", "ftm", "idb", "crb", "pdb", "wdb", "gdb", "pwdb", "cfg",
};
static const char *const container_endings[] = {"cvd", "cld", "cud"};
static const char *const yara_endings[] = {"yar", "yara"};

static bool has_ending(struct ov_span ending, const char *const *endings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ending.size == strlen(endings[i]) &&
            strncasecmp((const char *)ending.data, endings[i], ending.size) == 0) {
            return true;
        }
    }
    return false;
}

// What follows the last dot of the last part of the path; without data when there is none.
static struct ov_span find_ending(struct ov_span name) {
    for (size_t at = name.size; at > 0 && name.data[at - 1] != '/'; at--) {
        if (name.data[at - 1] == '.') {
            return ov_span_from(name, at);
        }
    }
    return (struct ov_span){0};
}

enum ov_rule_text_kind ov_rule_text_kind_of(struct ov_span name) {
    struct ov_span ending = find_ending(name);
    if (has_ending(ending, line_endings, sizeof line_endings / sizeof *line_endings)) {
        return OV_RULE_TEXT_LINES;
    }
    if (has_ending(ending, container_endings,
                   sizeof container_endings / sizeof *container_endings)) {
        return OV_RULE_TEXT_CONTAINER;
    }
    bool is_yara = has_ending(ending, yara_endings, sizeof yara_endings / sizeof *yara_endings);
    return is_yara ? OV_RULE_TEXT_YARA : OV_RULE_TEXT_DIGEST;
}

// A name ends where its leaf's LF stands, and that of a file where the "!" before a member stands.
static bool is_name(struct ov_span name) {
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < 0x20 || name.data[i] == 0x7f || name.data[i] == '!') {
            return false;
        }
    }
    return name.size > 0 && name.size <= NAME_BYTES_MAX;
}

// ---- one file or member -----------------------------------------------------------------------

static void begin(struct ov_rule_texts *texts, struct ov_span name, struct ov_span bytes) {
    texts->member_name = name;
    texts->member_bytes = bytes;
    texts->kind = ov_rule_text_kind_of(name);
    texts->lines = (struct ov_lines){.bytes = bytes};
    ov_yara_text_init(bytes, &texts->yara);
    if (texts->kind == OV_RULE_TEXT_YARA && !ov_yara_text_is_whole(bytes)) {
        texts->kind = OV_RULE_TEXT_DIGEST;
    }
    texts->is_begun = true;
}

static enum ov_status refuse(struct ov_rule_texts *texts, enum ov_status status, const char *why) {
    texts->why = why;
    return status;
}

// The name of a member behind that of its container.
static enum ov_status begin_member(struct ov_rule_texts *texts) {
    struct ov_clamav_member member;
    enum ov_status status = ov_clamav_archive_next(&texts->archive, &member);
    if (status != OV_OK) {
        return refuse(texts, status, texts->archive.why);
    }
    if (!is_name(member.name)) {
        return refuse(texts, OV_DAMAGED, "a member has a name that no rule file has");
    }
    size_t size = texts->name.size + 1 + member.name.size;
    uint8_t *name = ov_arena_alloc(&texts->made, size);
    if (name == NULL) {
        return OV_MEMORY;
    }
    memcpy(name, texts->name.data, texts->name.size);
    name[texts->name.size] = '!';
    memcpy(&name[texts->name.size + 1], member.name.data, member.name.size);
    begin(texts, ov_span_make(name, size), member.bytes);
    return OV_OK;
}

static enum ov_status make_digest(struct ov_rule_texts *texts, struct ov_span *ret_text) {
    uint8_t digest[OV_SHA256_BYTES];
    char text[DIGEST_TEXT_BYTES];
    size_t size = (size_t)snprintf(text, sizeof text, "sha256 ");
    ov_sha256(texts->member_bytes, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        size += (size_t)snprintf(&text[size], sizeof text - size, "%02x", digest[i]);
    }
    size += (size_t)snprintf(&text[size], sizeof text - size, " %zu", texts->member_bytes.size);
    char *kept = ov_arena_text(&texts->made, ov_span_make(text, size));
    if (kept == NULL) {
        return OV_MEMORY;
    }
    *ret_text = ov_span_make(kept, size);
    return OV_OK;
}

// The next rule of what was begun; OV_END when there is no more in it.
static enum ov_status read_rule(struct ov_rule_texts *texts, struct ov_rule_text *ret_text) {
    struct ov_rule_text text = {.name = texts->member_name, .line = 1};
    switch (texts->kind) {
    case OV_RULE_TEXT_LINES:
        if (!ov_lines_next(&texts->lines, &text.text)) {
            return OV_END;
        }
        text.line = texts->lines.number;
        break;
    case OV_RULE_TEXT_YARA:
        TRY(ov_yara_text_next(&texts->yara, &text.text, &text.line));
        break;
    default:
        TRY(make_digest(texts, &text.text));
        texts->is_begun = false; // that was all of it
        break;
    }
    *ret_text = text;
    return OV_OK;
}

// ---- life -------------------------------------------------------------------------------------

enum ov_status ov_rule_texts_open(struct ov_span name, struct ov_span bytes, size_t most_bytes,
                                  struct ov_rule_texts *ret_texts) {
    *ret_texts = (struct ov_rule_texts){.name = name};
    ov_arena_init(&ret_texts->made, MADE_BYTES_MAX);
    if (!is_name(name)) {
        return refuse(ret_texts, OV_INVALID,
                      "its name is not one for a file of a release: control characters and \"!\"");
    }
    if (ov_rule_text_kind_of(name) != OV_RULE_TEXT_CONTAINER) {
        begin(ret_texts, name, bytes);
        return OV_OK;
    }
    ret_texts->is_container = true;
    enum ov_status status = ov_clamav_archive_open(bytes, most_bytes, &ret_texts->archive);
    return status == OV_OK ? OV_OK : refuse(ret_texts, status, ret_texts->archive.why);
}

enum ov_status ov_rule_texts_next(struct ov_rule_texts *texts, struct ov_rule_text *ret_text) {
    for (;;) {
        if (texts->is_begun) {
            enum ov_status status = read_rule(texts, ret_text);
            if (status != OV_END) {
                return status;
            }
            texts->is_begun = false;
        }
        if (!texts->is_container) {
            return OV_END;
        }
        TRY(begin_member(texts));
    }
}

void ov_rule_texts_close(struct ov_rule_texts *texts) {
    ov_clamav_archive_close(&texts->archive);
    ov_arena_release(&texts->made);
    texts->is_begun = false;
}

enum ov_status ov_rule_text_hash(const struct ov_rule_text *text, struct ov_buf *entry,
                                 struct ov_tree_hash *ret_hash) {
    ov_buf_reset(entry);
    ov_buf_add(entry, text->name.data, text->name.size);
    ov_buf_add_u8(entry, '\n');
    ov_buf_add(entry, text->text.data, text->text.size);
    TRY(ov_buf_status(entry));
    ov_leaf_hash(ov_buf_span(entry), ret_hash);
    return OV_OK;
}
