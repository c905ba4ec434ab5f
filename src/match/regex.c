// SPDX-License-Identifier: Apache-2.0
// Regular expressions by PCRE2.
#include "match/regex.h"

#include "match/place.h"
#include "match/regex_need.h"

#include <stdlib.h>

// OV_REGEX_* of rules/tree.h as they stand in the image.
enum {
    FLAG_GLOBAL = 1 << 0,
    FLAG_ROLLING = 1 << 1,
    FLAG_ENCOMPASS = 1 << 2,
    FLAG_CASELESS = 1 << 3,
    FLAG_DOTALL = 1 << 4,
    FLAG_MULTILINE = 1 << 5,
    FLAG_EXTENDED = 1 << 6,
    FLAG_ANCHORED = 1 << 7,
    FLAG_DOLLAR_END = 1 << 8,
    FLAG_UNGREEDY = 1 << 9,
};

enum {
    MATCH_LIMIT =
        10000000,       // a hundred times clamscan's PCREMatchLimit, which ordinary HTML reaches
    DEPTH_LIMIT = 2000, // clamscan's PCRERecMatchLimit
    SUBJECT_BYTES = 100 << 20, // clamscan's PCREMaxFileSize
    CACHE_SLOTS = 1024,        // a power of two; expressions share slots, the newer one stays
};

struct ov_regex_cache {
    pcre2_match_context *context;
    pcre2_match_data *data;
    struct {
        uint32_t number;
        pcre2_code *code;
        struct ov_regex_need *need; // or NULL
    } slots[CACHE_SLOTS];
};

void ov_regex_cache_free(struct ov_regex_cache *cache) {
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        pcre2_code_free(cache->slots[i].code);
        ov_regex_need_free(cache->slots[i].need);
    }
    pcre2_match_data_free(cache->data);
    pcre2_match_context_free(cache->context);
    free(cache);
}

static struct ov_regex_cache *make_cache(void) {
    struct ov_regex_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    cache->context = pcre2_match_context_create(NULL);
    cache->data = pcre2_match_data_create(1, NULL);
    if (cache->context == NULL || cache->data == NULL) {
        ov_regex_cache_free(cache);
        return NULL;
    }
    (void)pcre2_set_match_limit(cache->context, MATCH_LIMIT);
    (void)pcre2_set_depth_limit(cache->context, DEPTH_LIMIT);
    return cache;
}

static uint32_t make_options(uint32_t flags) {
    static const struct {
        uint32_t flag, option;
    } options[] = {
        {FLAG_CASELESS, PCRE2_CASELESS},   {FLAG_DOTALL, PCRE2_DOTALL},
        {FLAG_MULTILINE, PCRE2_MULTILINE}, {FLAG_EXTENDED, PCRE2_EXTENDED},
        {FLAG_ANCHORED, PCRE2_ANCHORED},   {FLAG_DOLLAR_END, PCRE2_DOLLAR_ENDONLY},
        {FLAG_UNGREEDY, PCRE2_UNGREEDY},
    };
    uint32_t result = 0;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        result |= (flags & options[i].flag) != 0 ? options[i].option : 0;
    }
    return result;
}

// The compiled expression, or NULL with the matcher's flag for what went wrong.
static pcre2_code *get_code(struct ov_matcher *matcher, const struct ov_image_regex *regex,
                            struct ov_span text) {
    if (matcher->regexes == NULL) {
        matcher->regexes = make_cache();
    }
    if (matcher->regexes == NULL) {
        matcher->has_no_memory = true;
        return NULL;
    }
    size_t slot = regex->number % CACHE_SLOTS;
    pcre2_code **held = &matcher->regexes->slots[slot].code;
    if (*held != NULL && matcher->regexes->slots[slot].number == regex->number) {
        return *held;
    }
    pcre2_code_free(*held);
    ov_regex_need_free(matcher->regexes->slots[slot].need);
    matcher->regexes->slots[slot].need = NULL;
    uint32_t options = make_options(regex->flags);
    int error;
    PCRE2_SIZE at;
    *held = pcre2_compile(text.data, text.size, options, &error, &at, NULL);
    matcher->regexes->slots[slot].number = regex->number;
    if (*held == NULL) {
        // The builder compiled the same text: only a damaged image or a full heap gets here.
        *(error == PCRE2_ERROR_HEAP_FAILED ? &matcher->has_no_memory : &matcher->code.is_damaged) =
            true;
        return NULL;
    }
    matcher->regexes->slots[slot].need = ov_regex_need_new(text, options);
    return *held;
}

// Where the search begins, where a match may begin at the latest, and whether it is anchored.
struct plan {
    struct ov_start_range range;
    size_t subject_bytes;
    uint32_t options;
};

static bool make_plan(const struct ov_image_sub *sub, uint32_t flags,
                      const struct ov_object *object, uint32_t index, struct plan *ret_plan) {
    struct plan plan = {.subject_bytes = object->bytes.size};
    if (!ov_start_range_get(sub, object, index, &plan.range)) {
        return false;
    }
    bool is_anywhere = plan.range.first == 0 && plan.range.last == object->bytes.size;
    bool is_range = plan.range.last > plan.range.first;
    if (!is_anywhere && is_range && (flags & FLAG_ENCOMPASS) != 0) {
        plan.subject_bytes = plan.range.last;
    }
    if (!is_anywhere && !is_range) {
        plan.range.last = object->bytes.size;
        if ((flags & FLAG_ROLLING) == 0) {
            plan.options = PCRE2_ANCHORED;
        }
    }
    *ret_plan = plan;
    return true;
}

// Whether what every match holds is in the text. At one place, to try is as quick as to look.
static bool may_match(const struct ov_matcher *matcher, const struct ov_image_regex *regex,
                      const struct plan *plan) {
    const struct ov_regex_cache *cache = matcher->regexes;
    const struct ov_regex_need *need = cache->slots[regex->number % CACHE_SLOTS].need;
    if (need == NULL || plan->options != 0 || plan->range.first > plan->subject_bytes) {
        return true;
    }
    size_t size = plan->subject_bytes - plan->range.first;
    struct ov_span text = ov_span_part(matcher->object->bytes, plan->range.first, size);
    return ov_regex_need_holds(need, matcher->kernels, text, cache->data, cache->context);
}

// Runs the expression over one range and adds its matches. As for clamscan, the text begins where
// the range begins: `^` matches there, and nothing looks behind it.
static void run_plan(struct ov_matcher *matcher, pcre2_code *code, const struct plan *plan,
                     bool is_global, struct ov_found *found) {
    struct ov_regex_cache *cache = matcher->regexes;
    size_t base = plan->range.first;
    if (base > plan->subject_bytes) {
        return;
    }
    size_t size = plan->subject_bytes - base;
    size_t from = 0;
    while (from <= size && ov_matcher_has_time(matcher)) {
        int result = pcre2_match(code, matcher->object->bytes.data + base, size, from,
                                 plan->options, cache->data, cache->context);
        if (result == PCRE2_ERROR_NOMEMORY || result == PCRE2_ERROR_HEAPLIMIT) {
            matcher->has_no_memory = true;
        }
        if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT) {
            matcher->is_cut = true; // clamscan takes this for "no match"
        }
        if (result < 0) {
            return;
        }
        const PCRE2_SIZE *places = pcre2_get_ovector_pointer(cache->data);
        size_t start = base + places[0];
        if (start > plan->range.last) {
            return;
        }
        if (found->count == 0) {
            found->first = start;
            found->end = base + places[1];
        }
        found->last = start;
        found->count++;
        if (!is_global) {
            return;
        }
        from = places[1] > from ? places[1] : from + 1;
    }
}

struct ov_found ov_regex_search(struct ov_matcher *matcher, const struct ov_image_sub *sub,
                                const struct ov_image_regex *regex, struct ov_span text) {
    struct ov_found found = {0};
    if (matcher->object->bytes.size > SUBJECT_BYTES) {
        return found;
    }
    pcre2_code *code = get_code(matcher, regex, text);
    if (code == NULL) {
        return found;
    }
    bool is_global = (regex->flags & FLAG_GLOBAL) != 0;
    struct plan plan;
    for (uint32_t i = 0; make_plan(sub, regex->flags, matcher->object, i, &plan); i++) {
        matcher->stats.searches++;
        if (may_match(matcher, regex, &plan)) {
            run_plan(matcher, code, &plan, is_global, &found);
        }
        if (found.count > 0 && !is_global) {
            break;
        }
    }
    return found;
}
