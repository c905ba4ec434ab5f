// SPDX-License-Identifier: Apache-2.0
// Links in mails: what they lead to and show, held against small lists.
// rooms: rules scan format match base
//
// Input: a byte for the kind of link and for what is asked, where it leads, a line end, what is
// shown.
#include "rules/emit.h"
#include "scan/address.h"
#include "scan/scanner_state.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char protected[] = "H:goldbank.com\nH:goldbank.co.uk\nR:iron[12x]\\.org\n"
                                "R:.+\\.copper\\.(com|net|de)([/?].*)?\n";
static const char allowed[] = "M:mail.goldbank.org:goldbank.com\n"
                              "X:.+\\.x\\.(com|ru):.+\\.copper\\.(com|de)([/?].*)?\n";

static struct ov_buf image;
static struct ov_scanner *scanner;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const struct ov_build_options options;
    struct ov_scan_options asked = {.limits = ov_limits_default(), .alerts = OV_ALERT_ALL};
    struct ov_ruleset *set = NULL;
    char reason[OV_IMAGE_REASON_BYTES] = "";
    (void)argc;
    (void)argv;
    if (ov_ruleset_new(NULL, &set) != OV_OK ||
        ov_ruleset_load_bytes(set, "a.pdb", ov_span_text(protected), false) != OV_OK ||
        ov_ruleset_load_bytes(set, "a.wdb", ov_span_text(allowed), false) != OV_OK ||
        set->problem_count > 0 || ov_image_build(set, &options, &image, NULL) != OV_OK ||
        ov_scanner_new(ov_buf_span(&image), &asked, reason, sizeof reason, &scanner) != OV_OK) {
        (void)fprintf(stderr, "fuzz: no lists: %s\n", reason);
        abort();
    }
    ov_ruleset_free(set);
    return 0;
}

// What is told of a link: names of its own alone, and none for one that shows where it leads.
static void judge(const struct ov_link *link) {
    static struct ov_verdict verdict;
    struct ov_subject mail = {.scanner = scanner, .arena = &scanner->arena};
    verdict.count = 0;
    verdict.has_strong = false;
    scanner->verdict = &verdict;
    ov_budget_init(&scanner->budget, &scanner->options.limits);
    enum ov_status status = ov_subject_judge_link(&mail, link);
    bool is_plain = ov_span_is_equal(link->leads_to, link->shown);
    if (status == OV_DAMAGED || verdict.count > 1 || (is_plain && verdict.count > 0)) {
        abort();
    }
    if (verdict.count > 0) {
        enum ov_heuristic told = ov_heuristic_of_rule(verdict.detections[0].rule);
        if (told < OV_HEURISTIC_PHISHING_DOMAIN || told > OV_HEURISTIC_PHISHING_CLOAKED) {
            abort();
        }
    }
}

// A host lies within its address, and a domain ends its host.
static void check_host(struct ov_span text, bool is_shown) {
    struct ov_address address;
    ov_address_set(&address, text);
    struct ov_address_host host = ov_address_find_host(&address, is_shown);
    if (host.start > host.end || host.end > address.size) {
        abort();
    }
    struct ov_span name =
        ov_span_part(ov_address_span(&address), host.start, host.end - host.start);
    struct ov_span domain = ov_address_domain(name);
    if (domain.size > name.size ||
        !ov_span_is_equal(domain, ov_span_from(name, name.size - domain.size))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct ov_span text = ov_span_make(data + 1, size - 1);
    size_t end = ov_span_find(text, 0, '\n');
    struct ov_link link = {.kind = (enum ov_link_kind)(data[0] % 3),
                           .leads_to = ov_span_part(text, 0, end),
                           .shown = ov_span_from(text, end + 1)};
    scanner->options.alerts =
        OV_ALERT_PHISHING |
        ((data[0] & 8) != 0 ? OV_ALERT_PHISHING_SSL | OV_ALERT_PHISHING_CLOAK : 0);
    check_host(link.leads_to, false);
    check_host(link.shown, true);
    judge(&link);
    return 0;
}
