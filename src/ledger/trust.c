// SPDX-License-Identifier: Apache-2.0
// Release keys and their threshold.
#include "ledger/trust.h"

#include "ledger/note.h"

// ---- reading ------------------------------------------------------------------------------------

struct reader {
    struct ov_cursor cursor;
    struct ov_trust trust;
    size_t line;
    const char *why;
};

static enum ov_status refuse(struct reader *reader, const char *why) {
    reader->why = why;
    return OV_DAMAGED;
}

// The next line that says something. OV_END at the end.
static enum ov_status next_line(struct reader *reader, struct ov_span *ret_line) {
    enum ov_status status;
    do {
        reader->line++;
        status = ov_line_read(&reader->cursor, ret_line);
    } while (status == OV_OK && (ret_line->size == 0 || ret_line->data[0] == '#'));
    return status == OV_DAMAGED ? refuse(reader, "the last line does not end") : status;
}

static enum ov_status take(struct reader *reader, const char *keyword, const char *why,
                           struct ov_span *ret_value) {
    struct ov_span line;
    enum ov_status status = next_line(reader, &line);
    if (status == OV_DAMAGED) {
        return status;
    }
    status = status == OV_OK ? ov_line_take(line, keyword, ret_value) : OV_DAMAGED;
    return status == OV_OK ? OV_OK : refuse(reader, why);
}

static enum ov_status take_number(struct reader *reader, const char *keyword, const char *why,
                                  uint64_t *ret_number) {
    struct ov_span value;
    TRY(take(reader, keyword, why, &value));
    return ov_number_read(value, ret_number) == OV_OK ? OV_OK : refuse(reader, why);
}

static enum ov_status add_key(struct reader *reader, struct ov_span vkey) {
    struct ov_trust *trust = &reader->trust;
    struct ov_key key;
    if (ov_key_read(vkey, &key) != OV_OK || key.type != OV_KEY_NOTE) {
        return refuse(reader, "no vkey of a release key (type 0x01)");
    }
    for (size_t i = 0; i < trust->key_count; i++) {
        if (ov_key_is_same_material(&trust->keys[i], &key)) {
            return refuse(reader, "the same key twice");
        }
    }
    if (trust->key_count == OV_TRUST_KEYS_MAX) {
        return refuse(reader, "more than 16 release keys");
    }
    trust->keys[trust->key_count++] = key;
    return OV_OK;
}

// The lines `release VKEY`, and the line `threshold K` that ends them.
static enum ov_status read_keys(struct reader *reader) {
    static const char why[] = "expected: release VKEY, or threshold K";
    struct ov_span line;
    struct ov_span value;
    uint64_t threshold = 0;
    for (;;) {
        enum ov_status status = next_line(reader, &line);
        if (status != OV_OK) {
            return status == OV_END ? refuse(reader, why) : status;
        }
        if (ov_line_take(line, "release", &value) != OV_OK) {
            break;
        }
        TRY(add_key(reader, value));
    }
    if (ov_line_take(line, "threshold", &value) != OV_OK ||
        ov_number_read(value, &threshold) != OV_OK) {
        return refuse(reader, why);
    }
    if (threshold == 0 || threshold > reader->trust.key_count) {
        return refuse(reader, "the threshold must be 1 to the number of release keys");
    }
    reader->trust.threshold = (unsigned)threshold;
    return OV_OK;
}

static enum ov_status read_all(struct reader *reader) {
    struct ov_trust *trust = &reader->trust;
    struct ov_span line;
    struct ov_span feed;
    if (next_line(reader, &line) != OV_OK || !ov_span_is_text(line, "overt-trust/v1")) {
        return refuse(reader, "the first line is not overt-trust/v1");
    }
    TRY(take(reader, "feed", "expected: feed NAME", &feed));
    if (ov_feed_name_read(feed, &trust->feed) != OV_OK) {
        return refuse(reader, "a feed's name has a-z, 0-9 and '-' alone, 64 at most");
    }
    TRY(take_number(reader, "version", "expected: version N", &trust->version));
    TRY(read_keys(reader));
    TRY(take_number(reader, "warn-age-days", "expected: warn-age-days N", &trust->warn_age_days));
    TRY(take_number(reader, "max-age-days", "expected: max-age-days N", &trust->max_age_days));
    enum ov_status status = next_line(reader, &line);
    return status == OV_OK ? refuse(reader, "nothing may follow") : status;
}

enum ov_status ov_trust_read(struct ov_span text, struct ov_trust *ret_trust,
                             struct ov_policy_error *ret_error) {
    struct reader reader = {.cursor = ov_cursor_init(text)};
    enum ov_status status = text.size <= OV_TRUST_BYTES_MAX
                                ? read_all(&reader)
                                : refuse(&reader, "larger than a trust file may be");
    if (status != OV_END) {
        *ret_error = (struct ov_policy_error){.line = reader.line, .why = reader.why};
        return OV_DAMAGED;
    }
    *ret_trust = reader.trust;
    return OV_OK;
}

void ov_trust_add(struct ov_buf *buf, const struct ov_trust *trust) {
    ov_buf_printf(buf, "overt-trust/v1\nfeed %s\nversion %llu\n", trust->feed.text,
                  (unsigned long long)trust->version);
    for (size_t i = 0; i < trust->key_count; i++) {
        ov_buf_add_text(buf, "release ");
        (void)!ov_key_add(buf, &trust->keys[i]); // of type 0x01: has a vkey
        ov_buf_add_u8(buf, '\n');
    }
    ov_buf_printf(buf, "threshold %u\nwarn-age-days %llu\nmax-age-days %llu\n", trust->threshold,
                  (unsigned long long)trust->warn_age_days,
                  (unsigned long long)trust->max_age_days);
}

// ---- checking -----------------------------------------------------------------------------------

enum ov_status ov_trust_check(const struct ov_trust *trust, struct ov_span entry,
                              struct ov_span *ret_text, const char **ret_why) {
    struct ov_note note;
    struct ov_note_found found[OV_TRUST_KEYS_MAX];
    unsigned signed_count = 0;
    if (ov_leaf_is_large(entry) || ov_note_read(entry, &note) != OV_OK) {
        *ret_why = "the entry is no signed note, or too large";
        return OV_DAMAGED;
    }
    if (ov_note_verify(&note, trust->keys, trust->key_count, found) != OV_OK) {
        *ret_why = "no release key that is trusted has signed it, or a signature is false";
        return OV_DENIED;
    }
    for (size_t i = 0; i < trust->key_count; i++) {
        signed_count += found[i].has_signed;
    }
    if (signed_count < trust->threshold) {
        *ret_why = "fewer release keys have signed it than the threshold asks for";
        return OV_DENIED;
    }
    *ret_text = note.text;
    return OV_OK;
}
