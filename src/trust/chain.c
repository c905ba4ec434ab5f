// SPDX-License-Identifier: Apache-2.0
// From certificate to certificate, up to one that the rules trust.
#include "trust/chain.h"

// Rules do not say it (their field for it is not looked at), so it is the usual one.
static const uint8_t usual_exponent[] = {0x01, 0x00, 0x01};

static struct ov_span make_usual_exponent(void) {
    return ov_span_make(usual_exponent, sizeof usual_exponent);
}

static bool is_digest(const uint8_t *a, const uint8_t *b) {
    return memcmp(a, b, OV_SHA1_BYTES) == 0;
}

void ov_chain_init(const struct ov_trust_rules *rules, struct ov_budget *budget,
                   struct ov_chain *ret_chain) {
    memset(ret_chain, 0, sizeof *ret_chain);
    ret_chain->rules = rules;
    ret_chain->budget = budget;
}

// Whether the rule is about the certificate: one key, one name, and, if the rule says so, one
// number.
static bool is_about(const struct ov_trust_rule *rule, const struct ov_certificate *certificate) {
    return is_digest(rule->subject, certificate->subject) &&
           ov_span_is_equal(rule->modulus, certificate->key.modulus) &&
           (rule->is_any_serial || is_digest(rule->serial, certificate->serial));
}

// The blocking rule that clamscan tells: the first one without a number, which hides all others,
// else the first. The count of rules when none blocks it.
static uint32_t find_block(const struct ov_trust_rules *rules,
                           const struct ov_certificate *certificate) {
    uint32_t found = rules->count;
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct ov_trust_rule *rule = &rules->items[i];
        if (rule->is_blocked && is_about(rule, certificate)) {
            if (rule->is_any_serial) {
                return i;
            }
            found = found == rules->count ? i : found;
        }
    }
    return found;
}

void ov_chain_add(struct ov_chain *chain, const struct ov_certificate *certificate) {
    uint32_t block = find_block(chain->rules, certificate);
    if (block < chain->rules->count) {
        if (chain->blocked_count == OV_CHAIN_BLOCKED_MAX) {
            memmove(&chain->blocked[0], &chain->blocked[1],
                    (OV_CHAIN_BLOCKED_MAX - 1) * sizeof chain->blocked[0]);
            chain->blocked_count--;
        }
        chain->blocked[chain->blocked_count++] = block;
    }
    if (chain->count == OV_CHAIN_CERTIFICATES_MAX) {
        chain->is_full = true;
        return;
    }
    chain->certificates[chain->count++] = *certificate;
}

// Whether a rule trusts the certificate itself. That its key is the rule's is no matter of the
// modulus alone: with another exponent anybody could have made it.
static bool is_named(const struct ov_trust_rules *rules, const struct ov_certificate *certificate) {
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct ov_trust_rule *rule = &rules->items[i];
        if (!rule->is_blocked && is_about(rule, certificate) &&
            certificate->not_before >= rule->not_before &&
            (rule->can_sign_code || !certificate->can_sign_code) &&
            (rule->can_sign_time || !certificate->can_sign_time) &&
            (rule->can_sign_certificates || !certificate->can_sign_certificates) &&
            ov_span_is_equal(certificate->key.exponent, make_usual_exponent())) {
            return true;
        }
    }
    return false;
}

// Somebody who may have signed a certificate.
struct parent {
    const uint8_t *subject;
    struct ov_rsa_key key;
    bool can_sign_code, can_sign_time;
    unsigned score; // of the uses that both have, and one more when these are all of the child's
};

// Keeps the better of two parents; the first one found of equals.
static void weigh(const struct ov_certificate *child, struct parent candidate,
                  struct parent *best) {
    enum { ALL = 3 };
    bool is_code = child->can_sign_code && candidate.can_sign_code;
    bool is_time = child->can_sign_time && candidate.can_sign_time;
    bool is_all = is_code == child->can_sign_code && is_time == child->can_sign_time;
    candidate.score = is_all ? ALL : (unsigned)is_code + is_time;
    if (candidate.score > best->score && is_digest(candidate.subject, child->issuer) &&
        ov_rsa_verify(&candidate.key, child->signature, child->hash, child->digest)) {
        *best = candidate;
    }
}

static void weigh_trusted(const struct ov_chain *chain, uint32_t child, struct parent *best) {
    for (uint32_t i = chain->trusted_count; i > chain->tried[child]; i--) {
        const struct ov_certificate *other = &chain->certificates[chain->trusted[i - 1]];
        if (other->can_sign_certificates && !other->is_end) {
            struct parent candidate = {.subject = other->subject,
                                       .key = other->key,
                                       .can_sign_code = other->can_sign_code,
                                       .can_sign_time = other->can_sign_time};
            weigh(&chain->certificates[child], candidate, best);
        }
    }
}

static void weigh_rules(const struct ov_chain *chain, uint32_t child, struct parent *best) {
    for (uint32_t i = 0; i < chain->rules->count && !chain->has_tried_rules[child]; i++) {
        const struct ov_trust_rule *rule = &chain->rules->items[i];
        if (!rule->is_blocked && rule->can_sign_certificates) {
            struct parent candidate = {
                .subject = rule->subject,
                .key = {.modulus = rule->modulus, .exponent = make_usual_exponent()},
                .can_sign_code = rule->can_sign_code,
                .can_sign_time = rule->can_sign_time};
            weigh(&chain->certificates[child], candidate, best);
        }
    }
}

// Whether somebody trusted has signed it; then it may be used for what both may. Nobody is asked
// twice, so that the work is bounded by the square of the certificates.
static bool has_parent(struct ov_chain *chain, uint32_t child) {
    struct parent best = {0};
    weigh_trusted(chain, child, &best);
    weigh_rules(chain, child, &best);
    chain->tried[child] = chain->trusted_count;
    chain->has_tried_rules[child] = true;
    if (best.score == 0) {
        return false;
    }
    struct ov_certificate *certificate = &chain->certificates[child];
    certificate->can_sign_code = certificate->can_sign_code && best.can_sign_code;
    certificate->can_sign_time = certificate->can_sign_time && best.can_sign_time;
    return true;
}

static void trust(struct ov_chain *chain, uint32_t index) {
    chain->is_trusted[index] = true;
    chain->trusted[chain->trusted_count++] = index;
}

// As clamscan: those that come last are looked at first, and all once more after each success.
enum ov_status ov_chain_build(struct ov_chain *chain) {
    if (chain->is_full) {
        return OV_OK;
    }
    for (uint32_t i = chain->count; i > 0; i--) {
        if (is_named(chain->rules, &chain->certificates[i - 1])) {
            trust(chain, i - 1);
        }
    }
    for (uint32_t i = chain->count; i > 0;) {
        i--;
        if (chain->budget != NULL && !ov_budget_has_time(chain->budget)) {
            return OV_LIMIT;
        }
        if (!chain->is_trusted[i] && has_parent(chain, i)) {
            trust(chain, i);
            i = chain->count;
        }
    }
    return OV_OK;
}

const struct ov_certificate *ov_chain_find_signer(const struct ov_chain *chain,
                                                  const struct ov_chain_signature *signature) {
    if (signature->bytes.size < OV_RSA_BYTES_MIN || signature->bytes.size > OV_RSA_BYTES_MAX) {
        return NULL;
    }
    for (uint32_t i = chain->trusted_count; i > 0; i--) {
        const struct ov_certificate *certificate = &chain->certificates[chain->trusted[i - 1]];
        bool is_meant =
            signature->is_time ? certificate->can_sign_time : certificate->can_sign_code;
        if (is_meant && is_digest(certificate->issuer, signature->issuer) &&
            is_digest(certificate->serial, signature->serial) &&
            ov_rsa_verify(&certificate->key, signature->bytes, signature->hash,
                          signature->digest)) {
            return certificate;
        }
    }
    return NULL;
}
