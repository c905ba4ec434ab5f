// SPDX-License-Identifier: Apache-2.0
// The best window of a part: few bytes that must be there and rarely are.
#include "rules/emit_state.h"

#include "rules/grams.h"

enum {
    LINE_BYTES = 4096, // of a part that is looked at for windows
    STRIDE = 4,
    FOURS_BEFORE = 3,  // a key of fours may begin so many bytes before the part
    FOURS_SPAN = 120,  // the keys of a window stand within so many bytes,
    FOURS_STEP = 60,   // of which every so many a stretch begins
    THREES_WINDOW = 4, // three bytes at either of two places
    TAIL_WINDOW = 8,
    FOUR_SHARE = 16, // how many grams of four that stand cost as much as one key of six
    THREE_SHARE = 6, // how many looks at a fourth byte cost as much as one look at an entry
    RUN_SHARE = 4,   // one in so many bytes stands in a run of its own kind
};

// A gram window above these is left to the next class, where it has one. Per byte of data.
#define SIXES_COMMON  3e-6
#define FOURS_COMMON  2e-4
#define THREES_COMMON 2e-4

// A run of one byte that is at least so common is no key.
static const double RUN_COMMON = 1e-5;

// The least chance that bytes at a fixed place are there, divided by how many are looked at: at
// absolute offsets many rules ask for the magic of their target, which is always there.
static const double MAGIC_CHANCE = 0.5, PLACE_CHANCE = 0.005;

// What a window of the class costs besides its own frequency: short strides cost more, and a key
// with a hole is 256 of them.
static const double HOLE_PRICE = 1e-6, THREES_PRICE = 2e-7, TAIL_PRICE = 4e-6;

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

// The eight bytes for the inline check: those in reach of the key that leave the fewest places to
// verify.
static void choose_check(const struct line *line, int32_t at, struct ov_window_gram *gram) {
    uint8_t value[24] = {0}, mask[24] = {0};
    for (int32_t i = 0; i < 24; i++) {
        int32_t from = at - 8 + i;
        if (from >= 0 && from < (int32_t)line->count) {
            value[i] = line->value[from];
            mask[i] = line->mask[from];
        }
    }
    int best = -1;
    uint32_t best_at = 8;
    for (uint32_t first = 0; first + 8 <= 24; first++) {
        int score = 0;
        for (uint32_t i = first; i < first + 8; i++) {
            bool is_in_key = i >= 8 && i < 8u + gram->size;
            score += __builtin_popcount(mask[i]) * (is_in_key ? 1 : 4);
        }
        if (score > best) {
            best = score;
            best_at = first;
        }
    }
    memcpy(&gram->value, value + best_at, 8);
    memcpy(&gram->mask, mask + best_at, 8);
    gram->value &= gram->mask;
    gram->delta = (int16_t)((int)best_at - 8);
}

// The key of `size` bytes at `at`, of a window that starts at `window_at`.
static struct ov_window_gram make_gram(const struct line *line, int32_t at, uint8_t size,
                                       uint8_t hole, uint32_t window_at) {
    struct ov_window_gram gram = {.size = size, .hole = hole};
    uint64_t key = 0;
    for (int32_t i = 0; i < size; i++) {
        if (i != hole || size != 4) {
            key |= (uint64_t)line->value[at + i] << 8 * i;
        }
    }
    key = ov_fold(key);
    memcpy(gram.bytes, &key, sizeof gram.bytes);
    gram.shift = (int8_t)(at - (int32_t)window_at);
    choose_check(line, at, &gram);
    return gram;
}

static void place_window(const struct line *line, uint32_t at, uint32_t part_at,
                         struct ov_window *window) {
    window->part_at = part_at;
    window->back_min = line->back_min + at;
    window->back_max = line->back_max + at;
    memset(window->value, 0, sizeof window->value);
    memset(window->mask, 0, sizeof window->mask);
    memset(window->sets, 0, sizeof window->sets);
    for (uint32_t i = 0; i < TAIL_WINDOW && at + i < line->count; i++) {
        window->sets[i] = line->sets[at + i];
        window->value[i] = line->value[at + i];
        window->mask[i] = line->mask[at + i];
    }
}

// ---- fours -------------------------------------------------------------------------------------

// A key that a window of fours may have.
struct choice {
    double cost; // how often it stands, and what it costs otherwise; below zero: there is none
    int32_t at;
    uint8_t size, hole;
};

// Bytes taken as independent, but for neighbours.
static double measure_hole(const struct line *line, int32_t at, uint8_t hole) {
    if (hole == 0 || hole == 3) {
        return ov_gram3_frequency(line->value + at + (hole == 0 ? 1 : 0));
    }
    double product = 1;
    for (int32_t i = 0; i < 4; i++) {
        double one = i != hole ? ov_byte_frequency(line->value[at + i]) * 3 : 1;
        product *= one < 1 ? one : 1;
    }
    return product;
}

// Common runs of one byte stand in runs: their keys are found again and again, more often than the
// table of frequencies can say.
static bool is_key_run(const struct line *line, const struct choice *choice) {
    if (choice->cost < RUN_COMMON) {
        return false;
    }
    unsigned first = choice->hole == 0 ? 1 : 0;
    for (unsigned i = first + 1; i < choice->size; i++) {
        if (i != choice->hole &&
            line->value[choice->at + (int32_t)i] != line->value[choice->at + (int32_t)first]) {
            return false;
        }
    }
    return true;
}

static struct choice measure_key(const struct line *line, int32_t at) {
    struct choice choice = {.cost = -1, .at = at, .size = 4, .hole = OV_NO_HOLE};
    unsigned holes = 0;
    for (int32_t i = 0; i < 4; i++) {
        bool is_inside = at + i >= 0 && at + i < (int32_t)line->count;
        if (!is_inside || !is_literal(line, (uint32_t)(at + i))) {
            choice.hole = (uint8_t)i;
            holes++;
        }
    }
    if (holes > 1) {
        return choice;
    }
    if (holes == 1) {
        choice.cost = measure_hole(line, at, choice.hole) + HOLE_PRICE;
        choice.cost = is_key_run(line, &choice) ? -1 : choice.cost;
        return choice;
    }
    double four = ov_gram4_frequency(line->value + at);
    choice.cost = four;
    if (are_literal(line, (uint32_t)at, 6)) {
        double six = ov_gram6_frequency(line->value + at);
        double last = ov_gram4_frequency(line->value + at + 2);
        double least = four < last ? four : last;
        choice.cost = (six < least ? six : least) + four / FOUR_SHARE;
        choice.size = 6;
    }
    choice.cost = is_key_run(line, &choice) ? -1 : choice.cost;
    return choice;
}

// The cheapest key for each alignment, of those that stand in a stretch.
struct fours {
    struct choice keys[STRIDE];
    double cost; // mean; below zero: some alignment has no key
};

static struct fours choose_keys(const struct choice *choices, uint32_t count, uint8_t size_min) {
    struct fours fours = {.cost = 0};
    for (unsigned r = 0; r < STRIDE; r++) {
        fours.keys[r].cost = -1;
        for (uint32_t i = r; i < count; i += STRIDE) {
            if (choices[i].cost >= 0 && choices[i].size >= size_min &&
                (fours.keys[r].cost < 0 || choices[i].cost < fours.keys[r].cost)) {
                fours.keys[r] = choices[i];
            }
        }
        if (fours.keys[r].cost < 0) {
            return (struct fours){.cost = -1};
        }
        fours.cost += fours.keys[r].cost / STRIDE;
    }
    return fours;
}

static void fill_fours(const struct line *line, uint32_t part_at, const struct fours *fours,
                       struct ov_window *window) {
    int32_t first = INT32_MAX;
    for (unsigned r = 0; r < STRIDE; r++) {
        first = fours->keys[r].at < first ? fours->keys[r].at : first;
    }
    uint32_t at = first > 0 ? (uint32_t)first : 0;
    place_window(line, at, part_at, window);
    window->frequency = fours->cost;
    for (unsigned r = 0; r < STRIDE; r++) {
        const struct choice *key = &fours->keys[r];
        window->grams[r] = make_gram(line, key->at, key->size, key->hole, at);
    }
}

// What a window of the class costs besides its own frequency.
static double price_of(enum ov_window_kind kind) {
    return kind == OV_WINDOW_TAIL ? TAIL_PRICE : kind == OV_WINDOW_THREES ? THREES_PRICE : 0;
}

// The keys that a line has to offer.
struct choices {
    uint32_t count;
    struct choice list[LINE_BYTES + FOURS_BEFORE];
};

static void list_choices(const struct line *line, struct choices *ret_choices) {
    ret_choices->count = line->count + FOURS_BEFORE;
    for (uint32_t i = 0; i < ret_choices->count; i++) {
        ret_choices->list[i] = measure_key(line, (int32_t)i - FOURS_BEFORE);
    }
}

// A key for each alignment, of the kind SIXES or FOURS.
static void offer_keys(const struct line *line, const struct choices *choices, uint32_t part_at,
                       enum ov_window_kind kind, struct ov_window *window) {
    for (uint32_t first = 0; first < choices->count; first += FOURS_STEP) {
        uint32_t left = choices->count - first;
        struct fours fours =
            choose_keys(choices->list + first, left < FOURS_SPAN ? left : FOURS_SPAN,
                        kind == OV_WINDOW_SIXES ? 6 : 4);
        if (fours.cost >= 0 && (window->kind == OV_WINDOW_NONE ||
                                fours.cost < window->frequency + price_of(window->kind))) {
            window->kind = kind;
            fill_fours(line, part_at, &fours, window);
        }
    }
}

// ---- threes and the tail -----------------------------------------------------------------------

// A gram of three that stands costs a look at the fourth byte; a window that does costs more.
static double measure_threes(const struct line *line, uint32_t at) {
    const uint8_t *window = line->value + at;
    double grams = (ov_gram3_frequency(window) + ov_gram3_frequency(window + 1)) / 2;
    return ov_gram4_frequency(window) + grams / THREE_SHARE;
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
    bool is_better = window->kind == OV_WINDOW_NONE ||
                     frequency + price_of(kind) < window->frequency + price_of(window->kind);
    // Within bounds the cheaper class wins, whatever the rarer window is.
    if (window->kind != OV_WINDOW_NONE && window->kind < kind) {
        static const double bounds[] = {[OV_WINDOW_SIXES] = SIXES_COMMON,
                                        [OV_WINDOW_FOURS] = FOURS_COMMON,
                                        [OV_WINDOW_THREES] = THREES_COMMON};
        is_better = is_better && window->frequency > bounds[window->kind];
    }
    if (is_better) {
        window->kind = kind;
        window->frequency = frequency;
        place_window(line, at, part_at, window);
        window->grams[0] = make_gram(line, (int32_t)at, 4, OV_NO_HOLE, at);
    }
}

static void offer_threes(const struct line *line, uint32_t part_at, struct ov_window *window) {
    for (uint32_t at = 0; at + THREES_WINDOW <= line->count; at++) {
        if (are_literal(line, at, THREES_WINDOW) && !is_run(line, at, THREES_WINDOW)) {
            offer(line, at, part_at, OV_WINDOW_THREES, measure_threes(line, at), window);
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
            place_window(line, at, part_at, window);
            window->kind = OV_WINDOW_PROBE;
            window->frequency = frequency < 1 ? frequency : 1;
            window->probe_delta = line->back_min + at;
            window->probe_bytes = size;
            window->back_min = window->back_max = 0;
        }
    }
    return window->kind == OV_WINDOW_PROBE;
}

static struct choices choices; // 130 KB, of the line at work; a build is single-threaded

// Rules begin with the magic of their target and go on anywhere: what is at the fixed place is
// there in each such object, and the rest would be searched for from end to end. A rare window in a
// later part says more.
static void replace_probe(const struct ov_elem *elems, uint32_t count, uint32_t part_at,
                          struct line *line, struct ov_window *window) {
    struct ov_window other = {.kind = OV_WINDOW_NONE};
    struct lines lines = {.elems = elems, .count = count};
    while (next_line(&lines, line) && lines.back_max <= UINT16_MAX - LINE_BYTES) {
        list_choices(line, &choices);
        offer_keys(line, &choices, part_at, OV_WINDOW_SIXES, &other);
    }
    if (other.kind == OV_WINDOW_SIXES && other.frequency * OV_OBJECT_BYTES < window->frequency) {
        *window = other;
    }
}

// What a line has to offer.
static void offer_line(const struct line *line, uint32_t part_at, struct ov_offers *offers) {
    struct ov_window *window = &offers->window, *fours = &offers->fours;
    list_choices(line, &choices);
    offer_keys(line, &choices, part_at, OV_WINDOW_SIXES, window);
    offer_threes(line, part_at, window);
    if (window->kind == OV_WINDOW_NONE || window->frequency > THREES_COMMON) {
        offer_tail(line, part_at, window);
    }
    if (window->kind != OV_WINDOW_SIXES) {
        offer_keys(line, &choices, part_at, OV_WINDOW_FOURS, fours);
        if (fours->kind == OV_WINDOW_NONE || fours->frequency > FOURS_COMMON) {
            offer_tail(line, part_at, fours);
        }
    }
}

void ov_emit_window(const struct ov_elem *elems, uint32_t count, uint32_t part_at,
                    const struct ov_offset *offset, bool is_first, struct ov_offers *offers) {
    static struct line line; // 40 KB; likewise
    struct ov_window *window = &offers->window;
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
        offer_line(&line, part_at, offers);
        if (lines.back_max > UINT16_MAX - LINE_BYTES) {
            return;
        }
    }
}
