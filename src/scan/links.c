// SPDX-License-Identifier: Apache-2.0
// Links in mails: does what is shown agree with where they lead?
//
// The order of the questions is clamscan's, but for one thing: whether a host is protected at all
// is asked first, because for most links that ends it.
#include "scan/address.h"
#include "scan/scanner_state.h"

#include <ctype.h>

enum { PAIR_BYTES = 2 * OV_ADDRESS_BYTES + 8, HIDDEN_ZERO = 1 };

struct judge {
    struct ov_link_lists *lists; // NULL: there are none
    uint32_t alerts;
    enum ov_link_kind kind;
    struct ov_address leads_to, shown;
    struct ov_address before; // what is shown, before blanks inside were dropped
    struct ov_address_host shown_host;
    struct ov_address leads_host, seen_host; // with a dot before them
    enum ov_status failure;
    bool is_cut; // an expression was given up
};

struct pair {
    uint8_t bytes[PAIR_BYTES];
    size_t size;
};

// ---- lists -------------------------------------------------------------------------------------

static void add(struct pair *pair, struct ov_span text) {
    text = ov_span_part(text, 0, OV_ADDRESS_BYTES + 1);
    if (text.size > 0) {
        memcpy(pair->bytes + pair->size, text.data, text.size);
        pair->size += text.size;
    }
}

static struct ov_span get_text(const struct pair *pair) {
    return ov_span_make(pair->bytes, pair->size);
}

static struct ov_span drop_dot(const struct ov_address *address) {
    return ov_span_from(ov_address_span(address), address->bytes[0] == '.');
}

// Where a link leads, a colon, what it shows, a slash: what expressions and pairs are written for.
static struct pair make_pair(const struct ov_address *leads_to, const struct ov_address *shown) {
    struct pair pair = {.size = 0};
    add(&pair, drop_dot(leads_to));
    pair.bytes[pair.size++] = ':';
    add(&pair, drop_dot(shown));
    pair.bytes[pair.size++] = '/';
    return pair;
}

static bool matches_regex(struct judge *judge, unsigned list, struct ov_span text) {
    enum ov_status status = ov_link_lists_match(judge->lists, list, text);
    judge->is_cut = judge->is_cut || status == OV_LIMIT;
    if (status == OV_MEMORY || status == OV_DAMAGED) {
        judge->failure = status;
    }
    return status == OV_OK;
}

// Whether the text ends with an entry that begins with it, or behind a dot or blank.
static bool ends_with_host(const struct judge *judge, unsigned list, struct ov_span text) {
    for (size_t at = 0; at < text.size; at++) {
        bool is_start = at == 0 || text.data[at - 1] == '.' || text.data[at - 1] == ' ';
        if (is_start && ov_link_lists_have(judge->lists, list, ov_span_from(text, at))) {
            return true;
        }
    }
    return false;
}

static bool is_listed(struct judge *judge, unsigned list, const struct pair *pair) {
    struct ov_span text = get_text(pair);
    return judge->lists != NULL && text.size >= 3 &&
           (ends_with_host(judge, list, text) || matches_regex(judge, list, text));
}

// The byte of what was shown, blanks included, that stands before place `at` of the host without
// blanks; 0 behind its end.
static uint8_t byte_before(const struct judge *judge, size_t at) {
    const uint8_t *bytes = judge->before.bytes;
    size_t left = at + judge->shown_host.start, from = 0;
    while (bytes[from] != 0 && isalnum(bytes[from]) == 0) {
        from++;
    }
    for (; bytes[from] != 0 && left > 0 && from < OV_ADDRESS_BYTES; left--) {
        while (bytes[from] == ' ') {
            from++;
        }
        from++;
    }
    while (bytes[from] == ' ') {
        from++;
    }
    return left > 0 && bytes[from] == 0 ? 0 : bytes[from > 0 ? from - 1 : 0];
}

// Where a protected host begins in the host that is shown, of which `text` has a slash behind it.
// In "our ebay.com" a blank stands before it. text.size when there is none.
static size_t find_protected(const struct judge *judge, struct ov_span text) {
    uint8_t behind = byte_before(judge, text.size + 1);
    bool is_ended = behind == ' ' || behind == 0 || behind == '/' || behind == '?';
    for (size_t at = 0; at < text.size && is_ended; at++) {
        uint8_t before = at > 0 ? byte_before(judge, at) : '.';
        bool is_start = before == '.' || before == ' ';
        if (is_start &&
            ov_link_lists_have(judge->lists, OV_LINK_LIST_PROTECTED, ov_span_from(text, at))) {
            return at;
        }
    }
    return text.size;
}

// Puts a dot before the protected host, where a blank stood: its domain is what counts.
static void cut_host(struct ov_address *host, size_t at) {
    struct ov_address whole = *host;
    size_t first = whole.bytes[0] == '.';
    if (at == 0 || whole.bytes[first + at - 1] == '.') {
        return;
    }
    struct pair pair = {.size = 0};
    struct ov_span name = ov_span_from(ov_address_span(&whole), first);
    add(&pair, ov_span_part(name, 0, at));
    pair.bytes[pair.size++] = '.';
    add(&pair, ov_span_from(name, at));
    ov_address_set(host, get_text(&pair));
}

// Whether the host that is shown is protected, by itself.
static bool is_shown_protected(struct judge *judge) {
    struct ov_span name = drop_dot(&judge->seen_host);
    if (judge->lists == NULL || name.size < 2) {
        return false;
    }
    struct pair pair = {.size = 0};
    add(&pair, name);
    pair.bytes[pair.size++] = '/';
    size_t at = find_protected(judge, get_text(&pair));
    if (at < pair.size) {
        cut_host(&judge->seen_host, at);
        return true;
    }
    return matches_regex(judge, OV_LINK_LIST_PROTECTED, get_text(&pair));
}

// ---- the questions -----------------------------------------------------------------------------

static bool is_same(const struct ov_address *a, const struct ov_address *b) {
    return ov_span_is_equal(ov_address_span(a), ov_address_span(b));
}

// The host with a dot before it. False when there can be none.
static bool take_host(const struct ov_address *address, struct ov_address_host place, bool is_shown,
                      struct ov_address *ret_host) {
    struct pair pair = {.size = 0};
    pair.bytes[pair.size++] = '.';
    add(&pair, ov_span_part(ov_address_span(address), place.start, place.end - place.start));
    ov_address_set(ret_host, get_text(&pair));
    struct ov_span host = ov_address_span(ret_host);
    bool has_gap = ov_span_search(host, 0, ov_span_text("..")) < host.size;
    return !place.is_mail && ov_span_find(host, 0, ' ') == host.size && (is_shown || !has_gap);
}

static bool take_hosts(struct judge *judge) {
    judge->shown_host = ov_address_find_host(&judge->shown, true);
    if (!take_host(&judge->shown, judge->shown_host, true, &judge->seen_host)) {
        return false;
    }
    size_t end = judge->shown_host.end;
    if (end < judge->before.size) {
        judge->before.bytes[end] = 0; // as clamscan has it, though it counts without blanks
    }
    struct ov_address_host leads = ov_address_find_host(&judge->leads_to, false);
    return take_host(&judge->leads_to, leads, false, &judge->leads_host);
}

// Whether the link shows an address, and another one than it leads to.
static bool is_doubtful(struct judge *judge) {
    if (!ov_address_leads_to_host(&judge->leads_to) || is_same(&judge->leads_to, &judge->shown) ||
        judge->shown.size == 0) {
        return false;
    }
    ov_address_clean(&judge->leads_to);
    ov_address_clean_shown(&judge->shown, &judge->before);
    return !is_same(&judge->leads_to, &judge->shown) && ov_address_is_shown(&judge->shown) &&
           take_hosts(judge) && !is_same(&judge->leads_to, &judge->shown);
}

static bool is_https(const struct ov_address *address) {
    return ov_span_has_prefix(ov_address_span(address), "https:");
}

// Whether one of the pairs of address or of hosts is allowed.
static bool is_allowed(struct judge *judge, const struct pair *addresses,
                       const struct pair *hosts) {
    return is_listed(judge, OV_LINK_LIST_ALLOWED, addresses) ||
           is_listed(judge, OV_LINK_LIST_ALLOWED, hosts);
}

// What the link would be told as, were it not allowed.
static enum ov_heuristic judge_doubtful(struct judge *judge, const struct pair *addresses) {
    bool is_protected = is_shown_protected(judge);
    bool is_known = is_protected || is_listed(judge, OV_LINK_LIST_PROTECTED, addresses);
    bool asks_cloak = is_protected || (judge->alerts & OV_ALERT_PHISHING_CLOAK) != 0;
    bool asks_ssl = judge->kind == OV_LINK_TEXT &&
                    (is_protected || (judge->alerts & OV_ALERT_PHISHING_SSL) != 0);
    struct ov_span leads_to = ov_address_span(&judge->leads_to);
    if (judge->kind == OV_LINK_IMAGE && !is_protected) {
        return OV_HEURISTIC_NONE;
    }
    if (asks_cloak && ov_span_find(leads_to, 0, HIDDEN_ZERO) < leads_to.size) {
        return OV_HEURISTIC_PHISHING_CLOAKED;
    }
    if (asks_ssl && is_https(&judge->shown) && !is_https(&judge->leads_to)) {
        return OV_HEURISTIC_PHISHING_SSL;
    }
    bool is_same_domain = ov_span_is_equal(ov_address_domain(ov_address_span(&judge->leads_host)),
                                           ov_address_domain(ov_address_span(&judge->seen_host)));
    return is_known && !is_same_domain ? OV_HEURISTIC_PHISHING_DOMAIN : OV_HEURISTIC_NONE;
}

bool ov_scanner_wants_links(const struct ov_scanner *scanner) {
    const uint32_t others = OV_ALERT_PHISHING_SSL | OV_ALERT_PHISHING_CLOAK;
    return (scanner->options.alerts & OV_ALERT_PHISHING) != 0 &&
           (scanner->links != NULL || (scanner->options.alerts & others) != 0);
}

// The first such link is told, and all of them where all that matches is asked for.
static bool has_told(const struct ov_verdict *verdict) {
    for (uint32_t i = 0; i < verdict->count; i++) {
        enum ov_heuristic told = ov_heuristic_of_rule(verdict->detections[i].rule);
        if (told >= OV_HEURISTIC_PHISHING_DOMAIN && told <= OV_HEURISTIC_PHISHING_CLOAKED) {
            return true;
        }
    }
    return false;
}

enum ov_status ov_subject_judge_link(struct ov_subject *mail, const struct ov_link *link) {
    struct ov_scanner *scanner = mail->scanner;
    struct judge judge = {
        .lists = scanner->links, .alerts = scanner->options.alerts, .kind = link->kind};
    ov_address_set(&judge.leads_to, link->leads_to);
    ov_address_set(&judge.shown, link->shown);
    bool is_told = has_told(scanner->verdict) && !scanner->options.is_all_matches;
    if (is_told || !is_doubtful(&judge)) {
        return OV_OK;
    }
    struct pair addresses = make_pair(&judge.leads_to, &judge.shown);
    struct pair hosts = make_pair(&judge.leads_host, &judge.seen_host);
    enum ov_heuristic found = judge_doubtful(&judge, &addresses);
    if (found != OV_HEURISTIC_NONE && !is_allowed(&judge, &addresses, &hosts)) {
        ov_subject_alert(mail, found);
    }
    if (judge.is_cut) {
        ov_budget_note(&scanner->budget, OV_LIMIT_SCAN_TIME);
    }
    TRY(judge.failure);
    return ov_scanner_is_final(scanner) ? OV_END : OV_OK;
}
