// SPDX-License-Identifier: Apache-2.0
// Rules that ask for the hash of a picture, found by it.
#include "match/pictures.h"

#include "match/eval.h"

// The rule of the record; NULL when it does not ask about this object, or on damage.
static const struct ov_image_rule *find_rule(struct ov_matcher *matcher,
                                             const struct ov_image_picture *picture) {
    const struct ov_image_sub *sub =
        picture->sub < matcher->sub_count ? &matcher->subs[picture->sub] : NULL;
    if (sub == NULL || sub->rule >= matcher->rule_count || sub->number >= OV_IMAGE_SUBS_MAX) {
        matcher->code.is_damaged = true;
        return NULL;
    }
    const struct ov_image_rule *rule = &matcher->rules[sub->rule];
    bool is_asked = rule->target == 0 || rule->target == matcher->object->target;
    return is_asked ? rule : NULL;
}

static bool is_wanted(struct ov_matcher *matcher) {
    for (uint32_t i = 0; i < matcher->picture_count && !matcher->code.is_damaged; i++) {
        const struct ov_image_rule *rule = find_rule(matcher, &matcher->pictures[i]);
        if (rule != NULL && ov_rule_meets_limits(matcher, rule)) {
            return true;
        }
    }
    return false;
}

// The first record that has the hash or a higher one.
static uint32_t find_hash(const struct ov_matcher *matcher, uint64_t hash) {
    uint32_t low = 0, high = matcher->picture_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (matcher->pictures[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void ov_pictures_touch(struct ov_matcher *matcher) {
    const struct ov_anchors *anchors = &matcher->object->anchors;
    uint64_t hash;
    if (matcher->picture_count == 0 || anchors->picture == NULL || !is_wanted(matcher) ||
        !anchors->picture(anchors->arg, &hash)) {
        return;
    }
    const struct ov_image_picture *pictures = matcher->pictures;
    for (uint32_t i = find_hash(matcher, hash);
         i < matcher->picture_count && pictures[i].hash == hash; i++) {
        if (find_rule(matcher, &pictures[i]) == NULL) {
            continue;
        }
        const struct ov_image_sub *sub = &matcher->subs[pictures[i].sub];
        struct ov_touched *touched = ov_matcher_touch(matcher, sub->rule);
        if (touched->seen == 0) {
            touched->end = matcher->object->bytes.size;
        }
        touched->seen |= (uint64_t)1 << sub->number;
    }
}
