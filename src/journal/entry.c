// SPDX-License-Identifier: Apache-2.0
// Entries: read by a table of lines, written.
#include "journal/entry.h"

#include "base/hex.h"
#include "ledger/key.h"

enum { NS_DIGITS = 9, LINES_MAX = 8 };
#define NS_IN_SECOND 1000000000ull

// ---- what each type has -------------------------------------------------------------------------

enum value {
    VALUE_NUMBER,
    VALUE_NUMBER_OR_NONE,
    VALUE_TEXT, // a word of printable characters
    VALUE_HASH, // 44 characters of base64
    VALUE_HASH_OR_NONE,
    VALUE_HEX, // 64 digits
    VALUE_HEX_OR_NONE,
    VALUE_SIGNATURE, // base64 of 64 bytes
    VALUE_KEY,       // a vkey
    VALUE_TEXT_HEX,  // a word, and 64 digits
    VALUE_TEXT_TEXT, // two words
    VALUE_LAYERS,    // hexadecimal without leading zeros, or "-"
    VALUE_END,       // how a process ended
    VALUE_FILE,
    VALUE_FOUND,
};

struct line {
    const char *keyword;
    enum value value;
    bool is_repeated; // any number of them, none included
};

struct form {
    const char *name;
    struct line lines[LINES_MAX];
};

static const struct form forms[OV_ENTRY_TYPES] = {
    [OV_ENTRY_START] = {"start",
                        {{"command", VALUE_TEXT, false},
                         {"user", VALUE_NUMBER, false},
                         {"version", VALUE_TEXT, false},
                         {"program", VALUE_TEXT_HEX, true},
                         {"role", VALUE_TEXT_TEXT, true}}},
    [OV_ENTRY_STOP] = {"stop",
                       {{"exit", VALUE_NUMBER, false},
                        {"files", VALUE_NUMBER, false},
                        {"found", VALUE_NUMBER, false},
                        {"errors", VALUE_NUMBER, false},
                        {"limited", VALUE_NUMBER, false},
                        {"read", VALUE_NUMBER, false},
                        {"sent", VALUE_NUMBER_OR_NONE, false}}},
    [OV_ENTRY_HEARTBEAT] = {"heartbeat",
                            {{"runs", VALUE_NUMBER, false}, {"unseen", VALUE_TEXT_TEXT, true}}},
    [OV_ENTRY_EPOCH] = {"epoch",
                        {{"number", VALUE_NUMBER, false},
                         {"key", VALUE_KEY, false},
                         {"root", VALUE_HASH, false},
                         {"by", VALUE_SIGNATURE, false}}},
    [OV_ENTRY_LOAD] = {"load", {{"image", VALUE_HEX, false}, {"set", VALUE_TEXT_TEXT, true}}},
    [OV_ENTRY_REFUSE] = {"refuse", {{"set", VALUE_TEXT, false}, {"why", VALUE_TEXT, false}}},
    [OV_ENTRY_SCAN] = {"scan", {{"paths", VALUE_NUMBER, false}, {"path", VALUE_HASH, true}}},
    [OV_ENTRY_FILES] = {"files",
                        {{"count", VALUE_NUMBER, false},
                         {"file", VALUE_FILE, true},
                         {"found", VALUE_FOUND, true}}},
    [OV_ENTRY_SENT] = {"sent",
                       {{"role", VALUE_TEXT, false},
                        {"peer", VALUE_TEXT, false},
                        {"bytes", VALUE_NUMBER, false},
                        {"received", VALUE_NUMBER, false}}},
    [OV_ENTRY_ACTION] = {"action",
                         {{"word", VALUE_TEXT, false},
                          {"file", VALUE_HASH, false},
                          {"sha256", VALUE_HEX_OR_NONE, false},
                          {"result", VALUE_TEXT, false}}},
    [OV_ENTRY_CRASH] = {"crash",
                        {{"role", VALUE_TEXT, false},
                         {"file", VALUE_HASH_OR_NONE, false},
                         {"why", VALUE_TEXT, false}}},
    [OV_ENTRY_RECOVER] = {"recover",
                          {{"lost", VALUE_NUMBER, false}, {"from", VALUE_NUMBER, false}}},
    [OV_ENTRY_FINDING] = {"finding", {{"what", VALUE_TEXT, false}}},
    [OV_ENTRY_EXPORT] = {"export",
                         {{"from", VALUE_NUMBER, false},
                          {"to", VALUE_NUMBER, false},
                          {"records", VALUE_NUMBER, false},
                          {"manifest", VALUE_HEX_OR_NONE, false},
                          {"watch", VALUE_HEX, true}}},
    [OV_ENTRY_ROLE] = {"role",
                       {{"role", VALUE_TEXT, false},
                        {"pid", VALUE_NUMBER, false},
                        {"program", VALUE_HEX_OR_NONE, false},
                        {"layers", VALUE_LAYERS, false}}},
    [OV_ENTRY_GONE] = {"gone",
                       {{"role", VALUE_TEXT, false},
                        {"pid", VALUE_NUMBER, false},
                        {"how", VALUE_END, false}}},
    [OV_ENTRY_REMOVED] = {"removed", {{"from", VALUE_NUMBER, false}, {"to", VALUE_NUMBER, false}}},
    [OV_ENTRY_ROTATE] = {"rotate",
                         {{"set", VALUE_TEXT, false},
                          {"version", VALUE_NUMBER, false},
                          {"entry", VALUE_NUMBER, false},
                          {"trust", VALUE_HEX, false},
                          {"policy", VALUE_HEX, false}}},
};

const char *ov_entry_type_name(enum ov_entry_type type) {
    return forms[type].name;
}

bool ov_entry_run_is_none(const struct ov_entry_run *run) {
    static const struct ov_entry_run none;
    return memcmp(run->bytes, none.bytes, sizeof none.bytes) == 0;
}

// ---- values -------------------------------------------------------------------------------------

static enum ov_status check_text(struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return OV_DAMAGED;
        }
    }
    return text.size > 0 ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_hex(struct ov_span text, uint8_t *ret_bytes, size_t size) {
    for (size_t i = 0; i < text.size; i++) { // one spelling
        if (text.data[i] >= 'A' && text.data[i] <= 'F') {
            return OV_DAMAGED;
        }
    }
    return ov_hex_read(text, ret_bytes, size);
}

static enum ov_status check_hex(struct ov_span text) {
    uint8_t bytes[OV_SHA256_BYTES];
    return read_hex(text, bytes, sizeof bytes);
}

static enum ov_status check_hash(struct ov_span text) {
    struct ov_tree_hash hash;
    return ov_tree_hash_read(text, &hash);
}

static enum ov_status check_key(struct ov_span text) {
    struct ov_key key;
    return ov_key_read(text, &key) == OV_OK ? OV_OK : OV_DAMAGED;
}

static enum ov_status check_signature(struct ov_span text) {
    uint8_t bytes[OV_SIGNATURE_BYTES];
    size_t size = 0;
    enum ov_status status = ov_base64_read(text, bytes, sizeof bytes, &size);
    return status == OV_OK && size == sizeof bytes ? OV_OK : OV_DAMAGED;
}

static enum ov_status check_found(struct ov_span words) {
    struct ov_span word;
    for (unsigned i = 0; i < 4; i++) {
        TRY(ov_word_take(&words, &word));
        TRY(check_text(word));
    }
    return words.size == 0 ? OV_OK : OV_DAMAGED;
}

static enum ov_status check_two(struct ov_span words, bool is_hex) {
    struct ov_span first;
    TRY(ov_word_take(&words, &first));
    TRY(check_text(first));
    return is_hex ? check_hex(words) : check_text(words);
}

static enum ov_status check_layers(struct ov_span text) {
    bool is_good = text.size > 0 && text.size <= 8 && (text.data[0] != '0' || text.size == 1);
    for (size_t i = 0; i < text.size; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        is_good = is_good && (is_digit || (text.data[i] >= 'a' && text.data[i] <= 'f'));
    }
    return is_good || ov_span_is_text(text, "-") ? OV_OK : OV_DAMAGED;
}

static enum ov_status check_end(struct ov_span words) {
    struct ov_span how;
    uint64_t number;
    if (ov_span_is_text(words, "unknown")) {
        return OV_OK;
    }
    TRY(ov_word_take(&words, &how));
    bool is_known = ov_span_is_text(how, "exit") || ov_span_is_text(how, "signal");
    return is_known ? ov_number_read(words, &number) : OV_DAMAGED;
}

static enum ov_status check_value(enum value value, struct ov_span text) {
    struct ov_entry_file file;
    uint64_t number;
    switch (value) {
    case VALUE_NUMBER:
        return ov_number_read(text, &number);
    case VALUE_NUMBER_OR_NONE:
        return ov_span_is_text(text, "-") ? OV_OK : ov_number_read(text, &number);
    case VALUE_TEXT:
        return check_text(text);
    case VALUE_HASH:
        return check_hash(text);
    case VALUE_HASH_OR_NONE:
        return ov_span_is_text(text, "-") ? OV_OK : check_hash(text);
    case VALUE_HEX:
        return check_hex(text);
    case VALUE_HEX_OR_NONE:
        return ov_span_is_text(text, "-") ? OV_OK : check_hex(text);
    case VALUE_KEY:
        return check_key(text);
    case VALUE_SIGNATURE:
        return check_signature(text);
    case VALUE_TEXT_HEX:
        return check_two(text, true);
    case VALUE_TEXT_TEXT:
        return check_two(text, false);
    case VALUE_LAYERS:
        return check_layers(text);
    case VALUE_END:
        return check_end(text);
    case VALUE_FILE:
        return ov_entry_file_read(text, &file);
    case VALUE_FOUND:
        return check_found(text);
    }
    return OV_DAMAGED;
}

// ---- bodies -------------------------------------------------------------------------------------

// `file` lines, each with its `found` lines behind it; as many as `count` says.
static enum ov_status check_files(struct ov_cursor *cursor) {
    struct ov_span line;
    struct ov_span value;
    uint64_t count = 0;
    uint64_t seen = 0;
    TRY(ov_line_read(cursor, &line) == OV_OK ? OV_OK : OV_DAMAGED);
    TRY(ov_line_take(line, "count", &value));
    TRY(ov_number_read(value, &count));
    enum ov_status status = ov_line_read(cursor, &line);
    for (; status == OV_OK; status = ov_line_read(cursor, &line)) {
        bool is_file = ov_line_take(line, "file", &value) == OV_OK;
        if (is_file) {
            TRY(check_value(VALUE_FILE, value));
            seen++;
        } else {
            TRY(seen > 0 ? ov_line_take(line, "found", &value) : OV_DAMAGED);
            TRY(check_value(VALUE_FOUND, value));
        }
    }
    return status == OV_END && seen == count && count > 0 ? OV_OK : OV_DAMAGED;
}

static enum ov_status check_lines(const struct form *form, struct ov_cursor *cursor) {
    struct ov_span line;
    enum ov_status status = ov_line_read(cursor, &line);
    for (size_t i = 0; i < LINES_MAX && form->lines[i].keyword != NULL; i++) {
        const struct line *expected = &form->lines[i];
        struct ov_span value;
        bool is_there = false;
        while (status == OV_OK && ov_line_take(line, expected->keyword, &value) == OV_OK &&
               (expected->is_repeated || !is_there)) {
            TRY(check_value(expected->value, value));
            is_there = true;
            status = ov_line_read(cursor, &line);
        }
        if (!is_there && !expected->is_repeated) {
            return OV_DAMAGED;
        }
    }
    return status == OV_END ? OV_OK : OV_DAMAGED;
}

static enum ov_status check_body(const struct ov_entry *entry) {
    struct ov_cursor cursor = ov_cursor_init(entry->body);
    return entry->type == OV_ENTRY_FILES ? check_files(&cursor)
                                         : check_lines(&forms[entry->type], &cursor);
}

enum ov_status ov_entry_value(struct ov_span body, const char *keyword, size_t index,
                              struct ov_span *ret_value) {
    struct ov_cursor cursor = ov_cursor_init(body);
    struct ov_span line;
    struct ov_span value;
    while (ov_line_read(&cursor, &line) == OV_OK) {
        if (ov_line_take(line, keyword, &value) == OV_OK && index-- == 0) {
            *ret_value = value;
            return OV_OK;
        }
    }
    return OV_END;
}

// ---- heads --------------------------------------------------------------------------------------

static enum ov_status take(struct ov_cursor *cursor, const char *keyword,
                           struct ov_span *ret_value) {
    struct ov_span line;
    TRY(ov_line_read(cursor, &line) == OV_OK ? OV_OK : OV_DAMAGED);
    return ov_line_take(line, keyword, ret_value);
}

static enum ov_status read_type(struct ov_cursor *cursor, enum ov_entry_type *ret_type) {
    struct ov_span name;
    TRY(take(cursor, "overt-journal/v1", &name));
    for (unsigned i = 0; i < OV_ENTRY_TYPES; i++) {
        if (ov_span_is_text(name, forms[i].name)) {
            *ret_type = (enum ov_entry_type)i;
            return OV_OK;
        }
    }
    return OV_DAMAGED;
}

static enum ov_status read_time(struct ov_cursor *cursor, uint64_t *ret_time_ns) {
    struct ov_span text;
    uint64_t seconds = 0;
    uint64_t ns = 0;
    TRY(take(cursor, "time", &text));
    size_t point = ov_span_find(text, 0, '.');
    struct ov_span part = ov_span_from(text, point + 1);
    TRY(ov_number_read(ov_span_part(text, 0, point), &seconds));
    if (part.size != NS_DIGITS || seconds > OV_NUMBER_MAX / NS_IN_SECOND - 1) {
        return OV_DAMAGED;
    }
    for (size_t i = 0; i < part.size; i++) {
        if (part.data[i] < '0' || part.data[i] > '9') {
            return OV_DAMAGED;
        }
        ns = ns * 10 + (uint64_t)(part.data[i] - '0');
    }
    *ret_time_ns = seconds * NS_IN_SECOND + ns;
    return OV_OK;
}

static enum ov_status read_mono(struct ov_cursor *cursor, struct ov_entry *entry) {
    struct ov_span rest;
    struct ov_span boot;
    TRY(take(cursor, "mono", &rest));
    TRY(ov_word_take(&rest, &boot));
    TRY(read_hex(boot, entry->boot, sizeof entry->boot));
    return ov_number_read(rest, &entry->mono_ns);
}

static enum ov_status read_run(struct ov_cursor *cursor, struct ov_entry_run *ret_run) {
    struct ov_span text;
    TRY(take(cursor, "run", &text));
    if (ov_span_is_text(text, "-")) {
        *ret_run = (struct ov_entry_run){0};
        return OV_OK;
    }
    TRY(read_hex(text, ret_run->bytes, sizeof ret_run->bytes));
    return ov_entry_run_is_none(ret_run) ? OV_DAMAGED : OV_OK;
}

enum ov_status ov_entry_read(struct ov_span bytes, struct ov_entry *ret_entry) {
    struct ov_cursor cursor = ov_cursor_init(bytes);
    struct ov_entry entry = {0};
    struct ov_span text;
    if (bytes.size > OV_JOURNAL_ENTRY_BYTES_MAX) {
        return OV_DAMAGED;
    }
    TRY(read_type(&cursor, &entry.type));
    TRY(take(&cursor, "seq", &text));
    TRY(ov_number_read(text, &entry.seq));
    TRY(read_time(&cursor, &entry.time_ns));
    TRY(read_mono(&cursor, &entry));
    TRY(read_run(&cursor, &entry.run));
    entry.body = ov_span_from(bytes, cursor.at);
    TRY(check_body(&entry));
    *ret_entry = entry;
    return OV_OK;
}

static void add_hex(struct ov_buf *buf, const uint8_t *bytes, size_t size) {
    char text[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(bytes, size), text);
    ov_buf_add(buf, text, 2 * size);
}

void ov_entry_add(struct ov_buf *buf, const struct ov_entry *entry) {
    ov_buf_printf(buf, "overt-journal/v1 %s\nseq %llu\ntime %llu.%09llu\nmono ",
                  forms[entry->type].name, (unsigned long long)entry->seq,
                  (unsigned long long)(entry->time_ns / NS_IN_SECOND),
                  (unsigned long long)(entry->time_ns % NS_IN_SECOND));
    add_hex(buf, entry->boot, sizeof entry->boot);
    ov_buf_printf(buf, " %llu\nrun ", (unsigned long long)entry->mono_ns);
    if (ov_entry_run_is_none(&entry->run)) {
        ov_buf_add_u8(buf, '-');
    } else {
        add_hex(buf, entry->run.bytes, sizeof entry->run.bytes);
    }
    ov_buf_add_u8(buf, '\n');
    ov_buf_add(buf, entry->body.data, entry->body.size);
}

// ---- files --------------------------------------------------------------------------------------

static const char *const verdicts[] = {"clean", "found", "error", "limited"};

static enum ov_status read_verdict(struct ov_span word, enum ov_entry_verdict *ret_verdict) {
    for (unsigned i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (ov_span_is_text(word, verdicts[i])) {
            *ret_verdict = (enum ov_entry_verdict)i;
            return OV_OK;
        }
    }
    return OV_DAMAGED;
}

enum ov_status ov_entry_file_read(struct ov_span words, struct ov_entry_file *ret_file) {
    struct ov_entry_file file = {0};
    uint64_t *const numbers[] = {&file.device, &file.inode, &file.size, &file.mtime_ns,
                                 &file.read_bytes};
    struct ov_span word;
    TRY(ov_word_take(&words, &word));
    TRY(ov_tree_hash_read(word, &file.commitment));
    TRY(ov_word_take(&words, &word));
    TRY(read_verdict(word, &file.verdict));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        TRY(ov_word_take(&words, &word));
        TRY(ov_number_read(word, numbers[i]));
    }
    file.has_sha256 = !ov_span_is_text(words, "-");
    if (file.has_sha256) {
        TRY(read_hex(words, file.sha256, sizeof file.sha256));
    }
    *ret_file = file;
    return OV_OK;
}

// Of a line `file` but its SHA-256: the words with their blanks, five numbers, the line's end.
enum { FILE_LINE_BYTES_MAX = 5 + OV_HASH_TEXT_BYTES + 9 + 5 * (1 + OV_NUMBER_DIGITS_MAX) + 4 };

// Without printf, and in one piece: there is one for every file of a scan.
void ov_entry_file_add(struct ov_buf *buf, const struct ov_entry_file *file) {
    const uint64_t numbers[] = {file->device, file->inode, file->size, file->mtime_ns,
                                file->read_bytes};
    const char *verdict = verdicts[file->verdict];
    char line[FILE_LINE_BYTES_MAX] = "file ";
    size_t at = 5;
    ov_tree_hash_write(&file->commitment, line + at);
    at += OV_HASH_TEXT_BYTES;
    line[at++] = ' ';
    memcpy(line + at, verdict, strlen(verdict));
    at += strlen(verdict);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        line[at++] = ' ';
        at += ov_number_write(numbers[i] <= OV_NUMBER_MAX ? numbers[i] : OV_NUMBER_MAX, line + at);
    }
    line[at++] = ' ';
    if (!file->has_sha256) {
        memcpy(line + at, "-\n", 2);
        ov_buf_add(buf, line, at + 2);
        return;
    }
    ov_buf_add(buf, line, at);
    add_hex(buf, file->sha256, sizeof file->sha256);
    ov_buf_add_u8(buf, '\n');
}

void ov_entry_epoch_message(struct ov_buf *buf, struct ov_span vkey, uint64_t seq,
                            const struct ov_tree_hash *root) {
    size_t name_size = ov_span_find(vkey, 0, '+'); // the name of the key is the log's origin
    ov_buf_add_text(buf, "overt-epoch/v1\n");
    ov_buf_add(buf, vkey.data, name_size);
    ov_buf_printf(buf, "\n%llu\n", (unsigned long long)seq);
    ov_tree_hash_add(buf, root);
    ov_buf_add_u8(buf, '\n');
    ov_buf_add(buf, vkey.data, vkey.size);
    ov_buf_add_u8(buf, '\n');
}

void ov_entry_text_add(struct ov_buf *buf, struct ov_span text) {
    static const char digits[] = "0123456789ABCDEF";
    if (text.size == 0) {
        ov_buf_add_u8(buf, '-');
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte > ' ' && byte <= '~' && byte != '%') {
            ov_buf_add_u8(buf, byte);
        } else {
            ov_buf_add_u8(buf, '%');
            ov_buf_add_u8(buf, (uint8_t)digits[byte >> 4]);
            ov_buf_add_u8(buf, (uint8_t)digits[byte & 15]);
        }
    }
}
