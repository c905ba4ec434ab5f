// SPDX-License-Identifier: Apache-2.0
// The best window of a part: few bytes that must be there and rarely are.
#include "rules/emit_state.h"

#include "rules/grams.h"

enum {
    LINE_BYTES = 4096, // of a part that is looked at for windows
    GRAM6_WINDOW = 9,  // six bytes at any of four places
    GRAM3_WINDOW = 4,  // three bytes at either of two places
    TAIL_WINDOW = 8,
    GRAM3_SHARE = 6, // how many looks at a fourth byte cost as much as one look at an entry
    RUN_SHARE = 4,   // one in so many bytes stands in a run of its own kind
};

// A gram window above these is left to the next class, where it has one. Per byte of data.
static const double GRAM6_COMMON = 3e-6, GRAM3_COMMON = 2e-4;

// The least chance that bytes at a fixed place are there, divided by how many are looked at: at
// absolute offsets many rules ask for the magic of their target, which is always there.
static const double MAGIC_CHANCE = 0.5, PLACE_CHANCE = 0.005;

// What a window of the class costs besides its own frequency: short strides cost more.
static const double GRAM3_PRICE = 2e-7, TAIL_PRICE = 4e-6;

// A stretch of a part in which every byte has a fixed distance from the next.
struct line {
    uint32_t count;
    uint32_t back_min, back_max; // from the part's start to the first byte
    uint8_t value[LINE_BYTES], mask[LINE_BYTES];
    const struct ov_elem *sets[LINE_BYTES]; // the choice of single bytes that stands there, or NULL
};

// ---- lines -------------------------------------------------------------------------------------

static void add_byte(struct line *line, uint8_t value, uint8_t mask) {
    if (line->count < LINE_BYTES) {
        line->value[line->count] = value;
        line->mask[line->count] = mask;
        line->sets[line->count++] = NULL;
    }
}

// The one length of all alternatives, or 0 when they differ.
static uint32_t fixed_length(const struct ov_elem *elem) {
    uint32_t common = 0;
    for (uint32_t i = 0; i < elem->alt_count; i++) {
        uint32_t length = 0;
        for (uint32_t k = 0; k < elem->alts[i].count; k++) {
            const struct ov_elem *inner = &elem->alts[i].elems[k];
            if (inner->kind != OV_ELEM_BYTES) {
                return 0;
            }
            length += inner->size;
        }
        if (length == 0 || (i > 0 && length != common)) {
            return 0;
        }
        common = length;
    }
    return common;
}

// One byte that holds for all alternatives of a fixed length, as far as masks can say it.
static void add_alternatives(struct line *line, const struct ov_elem *elem, uint32_t length) {
    for (uint32_t at = 0; at < length; at++) {
        uint8_t mask = elem->is_negated ? 0 : 0xff, value = 0;
        for (uint32_t i = 0; i < elem->alt_count && mask != 0; i++) {
            uint32_t skip = at, k = 0;
            while (skip >= elem->alts[i].elems[k].size) {
                skip -= elem->alts[i].elems[k++].size;
            }
            const struct ov_elem *inner = &elem->alts[i].elems[k];
            value = i == 0 ? inner->value[skip] : value;
            mask &= inner->mask[skip] & (uint8_t) ~(value ^ inner->value[skip]);
        }
        add_byte(line, value & mask, mask);
        if (length == 1 && line->count > 0) {
            line->sets[line->count - 1] = elem;
        }
    }
}

// Where the lines of a part begin and end is decided by its elements of variable length.
struct lines {
    const struct ov_elem *elems;
    uint32_t count, next;
    uint32_t back_min, back_max;
};

// The next line of the part; false at its end.
static bool next_line(struct lines *lines, struct line *ret_line) {
    ret_line->count = 0;
    ret_line->back_min = lines->back_min;
    ret_line->back_max = lines->back_max;
    while (lines->next < lines->count) {
        const struct ov_elem *elem = &lines->elems[lines->next++];
        if (elem->kind == OV_ELEM_BYTES) {
            for (uint32_t i = 0; i < elem->size; i++) {
                add_byte(ret_line, elem->value[i], elem->mask[i]);
            }
        } else if (elem->kind == OV_ELEM_ALT && fixed_length(elem) > 0) {
            add_alternatives(ret_line, elem, fixed_length(elem));
        } else if (elem->kind == OV_ELEM_CLASS && elem->is_edge) {
            continue;
        } else if (elem->kind == OV_ELEM_CLASS &&
                   (elem->class != OV_CLASS_LINE || elem->is_negated)) {
            add_byte(ret_line, 0, 0);
        } else {
            // Variable length: what follows stands at one of several distances, and every start
            // that they allow is tried. A line that was cut says nothing about what follows it.
            struct ov_emit_length length = ov_emit_measure(elem);
            lines->next = ret_line->count < LINE_BYTES ? lines->next : lines->count;
            lines->back_min = ret_line->back_min + ret_line->count + (uint32_t)length.min;
            lines->back_max = ret_line->back_max + ret_line->count + (uint32_t)length.max;
            return true;
        }
    }
    return ret_line->count > 0;
}

// ---- windows -----------------------------------------------------------------------------------

static bool is_literal(const struct line *line, uint32_t at) {
    return ov_folds_to_one(line->value[at], line->mask[at]);
}

// Whether `size` bytes from `at` on are literal up to case.
static bool are_literal(const struct line *line, uint32_t at, uint32_t size) {
    if (size > line->count || at > line->count - size) {
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        if (!is_literal(line, at + i)) {
            return false;
        }
    }
    return true;
}

static bool is_run(const struct line *line, uint32_t at, uint32_t size) {
    for (uint32_t i = 1; i < size; i++) {
        if (line->value[at + i] != line->value[at]) {
            return false;
        }
    }
    return true;
}

// Copies what stands around the window at `at`, for the inline check and the tables.
static void fill_window(const struct line *line, uint32_t at, uint32_t part_at,
                        struct ov_window *window) {
    window->part_at = part_at;
    window->back_min = line->back_min + at;
    window->back_max = line->back_max + at;
    memset(window->value, 0, sizeof window->value);
    memset(window->mask, 0, sizeof window->mask);
    memset(window->before_value, 0, sizeof window->before_value);
    memset(window->before_mask, 0, sizeof window->before_mask);
    memset(window->sets, 0, sizeof window->sets);
    for (uint32_t i = 0; i < TAIL_WINDOW && at + i < line->count; i++) {
        window->sets[i] = line->sets[at + i];
    }
    for (uint32_t i = 0; i < sizeof window->value && at + i < line->count; i++) {
        window->value[i] = line->value[at + i];
        window->mask[i] = line->mask[at + i];
    }
    for (uint32_t i = 1; i <= sizeof window->before_value && i <= at; i++) {
        window->before_value[8 - i] = line->value[at - i];
        window->before_mask[8 - i] = line->mask[at - i];
    }
}

static double measure_gram6(const struct line *line, uint32_t at) {
    double sum = 0;
    for (uint32_t shift = 0; shift < 4; shift++) {
        const uint8_t *gram = line->value + at + shift;
        double six = ov_gram6_frequency(gram);
        double four = ov_gram4_frequency(gram), last = ov_gram4_frequency(gram + 2);
        double least = four < last ? four : last;
        sum += six < least ? six : least;
    }
    return sum / 4;
}

// A gram of three that stands costs a look at the fourth byte; a window that does costs more.
static double measure_gram3(const struct line *line, uint32_t at) {
    const uint8_t *window = line->value + at;
    double grams = (ov_gram3_frequency(window) + ov_gram3_frequency(window + 1)) / 2;
    return ov_gram4_frequency(window) + grams / GRAM3_SHARE;
}

// How often any byte of the set stands.
static double measure_set(const struct ov_elem *set) {
    double sum = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        sum += ov_emit_set_has(set, (uint8_t)byte) ? ov_byte_frequency((uint8_t)byte) : 0;
    }
    return sum;
}

// Bytes taken as independent, or the rarest gram of four inside, whichever is less; a run of one
// byte is as common as the byte.
static double measure_tail(const struct line *line, uint32_t at) {
    double product = 1, rarest = 1;
    bool is_run = true;
    for (uint32_t i = 0; i < TAIL_WINDOW && at + i < line->count; i++) {
        uint8_t mask = line->mask[at + i];
        bool is_same = is_literal(line, at + i) && line->value[at + i] == line->value[at];
        is_run = is_run && (is_same || mask == 0);
        double one = is_literal(line, at + i) ? ov_byte_frequency(line->value[at + i])
                                              : 1.0 / (1 << __builtin_popcount(mask));
        one = line->sets[at + i] != NULL ? measure_set(line->sets[at + i]) : one;
        product *= one * 3 < 1 ? one * 3 : 1; // neighbours are not independent
        if (i + 4 <= TAIL_WINDOW && are_literal(line, at + i, 4)) {
            double gram = ov_gram4_frequency(line->value + at + i);
            rarest = gram < rarest ? gram : rarest;
        }
    }
    if (is_run) {
        return ov_byte_frequency(line->value[at]) / RUN_SHARE;
    }
    return product < rarest ? product : rarest;
}

static void offer(const struct line *line, uint32_t at, uint32_t part_at, enum ov_window_kind kind,
                  double frequency, struct ov_window *window) {
    static const double prices[] = {
        [OV_WINDOW_GRAM6] = 0,
        [OV_WINDOW_GRAM3] = GRAM3_PRICE,
        [OV_WINDOW_TAIL] = TAIL_PRICE,
    };
    bool is_better = window->kind == OV_WINDOW_NONE ||
                     frequency + prices[kind] < window->frequency + prices[window->kind];
    // Within bounds the cheaper class wins, whatever the rarer window is.
    if (window->kind != OV_WINDOW_NONE && window->kind < kind) {
        double bound = window->kind == OV_WINDOW_GRAM6 ? GRAM6_COMMON : GRAM3_COMMON;
        is_better = is_better && window->frequency > bound;
    }
    if (is_better) {
        window->kind = kind;
        window->frequency = frequency;
        fill_window(line, at, part_at, window);
    }
}

static void offer_grams(const struct line *line, uint32_t part_at, struct ov_window *window) {
    for (uint32_t at = 0; at + GRAM6_WINDOW <= line->count; at++) {
        if (are_literal(line, at, GRAM6_WINDOW) && !is_run(line, at, GRAM6_WINDOW)) {
            offer(line, at, part_at, OV_WINDOW_GRAM6, measure_gram6(line, at), window);
        }
    }
    for (uint32_t at = 0; at + GRAM3_WINDOW <= line->count; at++) {
        if (are_literal(line, at, GRAM3_WINDOW) && !is_run(line, at, GRAM3_WINDOW)) {
            offer(line, at, part_at, OV_WINDOW_GRAM3, measure_gram3(line, at), window);
        }
    }
}

static void offer_tail(const struct line *line, uint32_t part_at, struct ov_window *window) {
    for (uint32_t at = 0; at < line->count; at++) {
        uint32_t known = 0;
        for (uint32_t i = at; i < line->count && i < at + TAIL_WINDOW; i++) {
            known += line->mask[i] != 0;
        }
        if (known > 0 && line->mask[at] != 0) {
            offer(line, at, part_at, OV_WINDOW_TAIL, measure_tail(line, at), window);
        }
    }
}

// At a fixed place few literal bytes are enough: they are looked up once for each object.
static bool offer_probe(const struct line *line, uint32_t part_at, double least,
                        struct ov_window *window) {
    double best = 2;
    for (uint32_t at = 0; at < line->count; at++) {
        uint32_t size = 0;
        double frequency = 1;
        while (size < 4 && are_literal(line, at + size, 1)) {
            double byte = ov_byte_frequency(line->value[at + size]) * 4;
            frequency *= byte < 1 ? byte : 1;
            size++;
        }
        if (size == 4) {
            frequency = ov_gram4_frequency(line->value + at) * 1000;
        }
        frequency = frequency < least / size ? least / size : frequency;
        if (size > 0 && frequency < best) {
            best = frequency;
            fill_window(line, at, part_at, window);
            window->kind = OV_WINDOW_PROBE;
            window->frequency = frequency < 1 ? frequency : 1;
            window->probe_delta = line->back_min + at;
            window->probe_bytes = size;
            window->back_min = window->back_max = 0;
        }
    }
    return window->kind == OV_WINDOW_PROBE;
}

// Rules begin with the magic of their target and go on anywhere: what is at the fixed place is
// there in each such object, and the rest would be searched for from end to end. A rare window in a
// later part says more.
static void replace_probe(const struct ov_elem *elems, uint32_t count, uint32_t part_at,
                          struct line *line, struct ov_window *window) {
    struct ov_window other = {.kind = OV_WINDOW_NONE};
    struct lines lines = {.elems = elems, .count = count};
    while (next_line(&lines, line) && lines.back_max <= UINT16_MAX - LINE_BYTES) {
        offer_grams(line, part_at, &other);
    }
    if (other.kind == OV_WINDOW_GRAM6 && other.frequency * OV_OBJECT_BYTES < window->frequency) {
        *window = other;
    }
}

void ov_emit_window(const struct ov_elem *elems, uint32_t count, uint32_t part_at,
                    const struct ov_offset *offset, bool is_first, struct ov_window *window) {
    static struct line line; // 40 KB; a build is single-threaded
    struct lines lines = {.elems = elems, .count = count};
    bool is_fixed = offset->shift == 0 && offset->kind != OV_OFFSET_ANY &&
                    offset->kind <= OV_OFFSET_LAST_SECTION;
    if (is_fixed && is_first && next_line(&lines, &line) &&
        offer_probe(&line, part_at,
                    offset->kind == OV_OFFSET_ABSOLUTE ? MAGIC_CHANCE : PLACE_CHANCE, window)) {
        return;
    }
    if (window->kind == OV_WINDOW_PROBE) {
        replace_probe(elems, count, part_at, &line, window);
        return;
    }
    lines = (struct lines){.elems = elems, .count = count};
    while (next_line(&lines, &line)) {
        offer_grams(&line, part_at, window);
        if (window->kind == OV_WINDOW_NONE || window->frequency > GRAM3_COMMON) {
            offer_tail(&line, part_at, window);
        }
        if (lines.back_max > UINT16_MAX - LINE_BYTES) {
            return;
        }
    }
}
