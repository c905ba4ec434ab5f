// SPDX-License-Identifier: Apache-2.0
// Addresses in mails: one form for all ways to write them.
#include "scan/address.h"

#include "base/hex.h"
#include "scan/domains.h"

#include <ctype.h>

enum { HIDDEN_ZERO = 1 }; // what "%00" becomes

// What is being cleaned: the bytes from `first` to `last`, both included.
struct part {
    uint8_t *bytes;
    size_t first, last;
};

void ov_address_set(struct ov_address *address, struct ov_span text) {
    text = ov_span_part(text, 0, OV_ADDRESS_BYTES);
    *address = (struct ov_address){.size = ov_span_find(text, 0, 0)};
    if (address->size > 0) {
        memcpy(address->bytes, text.data, address->size);
    }
}

static bool has_text(const uint8_t *bytes, size_t at, const char *text) {
    return strncmp((const char *)bytes + at, text, strlen(text)) == 0;
}

// The first of some bytes from `at` on; the end of the text when there is none.
static size_t find_any(const struct ov_address *address, size_t at, const char *bytes) {
    while (at < address->size && strchr(bytes, address->bytes[at]) == NULL) {
        at++;
    }
    return at;
}

static size_t find_byte(const struct ov_address *address, size_t at, uint8_t byte) {
    return ov_span_find(ov_address_span(address), at, byte);
}

// ---- cleaning ----------------------------------------------------------------------------------

static void replace(struct part *part, uint8_t old, uint8_t new) {
    for (size_t i = part->first; i <= part->last; i++) {
        part->bytes[i] = part->bytes[i] == old ? new : part->bytes[i];
    }
}

static void close_gap(struct part *part, size_t at, size_t size) {
    memmove(part->bytes + at, part->bytes + at + size, part->last + 1 - (at + size));
    part->last -= size;
}

// Drops a word: once at the start, as often as it stands at the end, and inside. A second one right
// behind the start stays, as in clamscan.
static void drop_word(struct part *part, const char *word) {
    size_t size = strlen(word);
    bool is_short =
        part->last <= part->first || strlen((const char *)part->bytes + part->first) < size;
    if (is_short) {
        return;
    }
    if (has_text(part->bytes, part->first, word)) {
        part->first += size;
    }
    while (part->last >= part->first + size && has_text(part->bytes, part->last + 1 - size, word)) {
        part->last -= size;
    }
    for (size_t at = part->first + 1; at + size <= part->last; at++) {
        while (at + size <= part->last && has_text(part->bytes, at, word)) {
            close_gap(part, at, size);
        }
    }
}

static int hex_value(uint8_t byte) {
    int digit = ov_hex_digit(byte);
    return digit < 0 ? 0 : digit;
}

static uint8_t read_escape(const uint8_t *digits) {
    bool is_zero = digits[0] == '0' && digits[1] == '0';
    return is_zero
               ? HIDDEN_ZERO
               : (uint8_t)((unsigned)hex_value(digits[0]) << 4 | (unsigned)hex_value(digits[1]));
}

// Undoes escapes from `at` on. Returns whether one of them was a percent sign, so that there may be
// more. One that stands last is left.
static bool undo_escapes_once(struct part *part, size_t at) {
    bool has_percent = false;
    for (; at + 3 <= part->last; at++) {
        const uint8_t *digits = part->bytes + at + 1;
        if (part->bytes[at] == '%' && isxdigit(digits[0]) != 0 && isxdigit(digits[1]) != 0) {
            part->bytes[at] = read_escape(digits);
            has_percent = has_percent || part->bytes[at] == '%';
            close_gap(part, at + 1, 2);
        }
    }
    return has_percent;
}

static void undo_escapes(struct part *part) {
    if (part->last <= part->first + 1) {
        return;
    }
    if (part->bytes[part->first] == '%') {
        part->bytes[part->first + 2] = read_escape(part->bytes + part->first + 1);
        part->first += 2;
    }
    while (undo_escapes_once(part, part->first + 1)) {
    }
}

// Cuts what stands behind the host, and makes the host's letters small.
static void cut_behind_host(struct part *part) {
    uint8_t *bytes = part->bytes;
    size_t size = strlen((const char *)bytes);
    size_t host = part->first;
    const uint8_t *colon = memchr(bytes + part->first, ':', size - part->first);
    if (colon != NULL) {
        host = (size_t)(colon - bytes);
        while (host < part->last && bytes[host + 1] == '/') {
            host++;
        }
        host++;
    }
    size_t host_size = strcspn((const char *)bytes + host, ":/?");
    if (host + host_size > part->last + 1) {
        host_size = part->last + 1 > host ? part->last + 1 - host : 0;
    } else {
        part->last = host + host_size - 1;
    }
    bytes[host + host_size] = 0;
    for (size_t i = host; i < host + host_size; i++) {
        bytes[i] = (uint8_t)tolower(bytes[i]);
    }
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || (byte >= 9 && byte <= 13);
}

// Names of software that look like hosts.
static bool is_software(const uint8_t *bytes, size_t at) {
    return has_text(bytes, at, ".net") || has_text(bytes, at, "ado.net") ||
           has_text(bytes, at, "asp.net");
}

// What links and what is shown have in common. False: nothing is left.
static bool clean_part(struct ov_address *address, struct part *ret_part) {
    struct part part = {.bytes = address->bytes};
    for (size_t i = 0; i < address->size; i++) {
        uint8_t byte = address->bytes[i] & 0x7f;
        address->bytes[i] = byte < ' ' ? ' ' : byte;
    }
    while (part.first < address->size && is_space(part.bytes[part.first])) {
        part.first++;
    }
    if (part.first + 1 >= address->size) {
        return false;
    }
    part.last = address->size - 1;
    while (is_space(part.bytes[part.last])) {
        part.last--;
    }
    if (is_software(part.bytes, part.first)) {
        return false;
    }
    replace(&part, '\\', '/');
    cut_behind_host(&part);
    if (part.last + 1 <= part.first) {
        return false;
    }
    static const char blanks[] = "<>\";";
    for (size_t i = 0; i < sizeof blanks - 1; i++) {
        replace(&part, (uint8_t)blanks[i], ' ');
    }
    drop_word(&part, "&lt");
    drop_word(&part, "&gt");
    undo_escapes(&part);
    *ret_part = part;
    return true;
}

static void keep_part(struct ov_address *address, const struct part *part) {
    struct ov_address whole = *address;
    size_t size = part->last + 1 > part->first ? part->last + 1 - part->first : 0;
    ov_address_set(address,
                   ov_span_part(ov_span_make(whole.bytes, sizeof whole.bytes), part->first, size));
}

void ov_address_clean(struct ov_address *address) {
    struct part part;
    if (!clean_part(address, &part)) {
        *address = (struct ov_address){0};
        return;
    }
    drop_word(&part, " ");
    keep_part(address, &part);
}

// Drops blanks inside, and what is neither letter nor digit around.
static void drop_garbage(struct part *part) {
    if (part->last + 1 <= part->first) {
        return;
    }
    drop_word(part, " ");
    while (part->first <= part->last && isalnum(part->bytes[part->first]) == 0) {
        part->first++;
    }
    while (part->last >= part->first && part->last > 0 && isalnum(part->bytes[part->last]) == 0) {
        part->last--;
    }
    part->last += part->bytes[part->last + 1] == '/';
}

void ov_address_clean_shown(struct ov_address *address, struct ov_address *ret_before) {
    struct part part;
    *ret_before = (struct ov_address){0};
    if (!clean_part(address, &part)) {
        *address = (struct ov_address){0};
        return;
    }
    while (part.first <= part.last && part.bytes[part.first] == ' ') {
        part.first++;
    }
    while (part.first <= part.last && part.last > 0 && part.bytes[part.last] == ' ') {
        part.last--;
    }
    *ret_before = *address;
    keep_part(ret_before, &part);
    drop_garbage(&part);
    keep_part(address, &part);
}

// ---- what is an address ------------------------------------------------------------------------

// Letters, digits and signs that a part of a host's name may have.
static bool is_name_byte(uint8_t byte, bool with_signs) {
    const char *signs = with_signs ? "!\"#$%&'()*+,-@_" : "!\"$%&'()*,-@_";
    return isalnum(byte) != 0 || (byte != 0 && strchr(signs, byte) != NULL);
}

static bool is_name(const struct ov_address *address, size_t start, size_t end, bool with_signs) {
    for (size_t i = start; i < end; i++) {
        if (!is_name_byte(address->bytes[i], with_signs)) {
            return false;
        }
    }
    return true;
}

static struct ov_span get_text(const struct ov_address *address, size_t start, size_t end) {
    return ov_span_part(ov_address_span(address), start, end > start ? end - start : 0);
}

// Where the colon of a known scheme stands; `none` when there is none.
static size_t find_scheme_end(const struct ov_address *address, size_t at, size_t none) {
    static const struct {
        const char *text;
        size_t colon;
    } schemes[] = {{"https:", 5}, {"http:", 4}, {"ftp:", 3}, {"mailto://", 8}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (has_text(address->bytes, at, schemes[i].text)) {
            return at + schemes[i].colon;
        }
    }
    return none;
}

// Where the host begins: behind a scheme, if that can be one.
static size_t skip_scheme(const struct ov_address *address, size_t at, size_t colon,
                          bool *ret_has_scheme) {
    bool is_scheme = colon > at && colon < address->size && isalpha(address->bytes[at]) != 0 &&
                     is_name(address, at + 1, colon, false);
    *ret_has_scheme = is_scheme;
    if (!is_scheme) {
        return at;
    }
    size_t start = colon + 1;
    start += address->bytes[start] == '/';
    return address->bytes[colon + 1] == '/' && address->bytes[start] == '/' ? start + 1 : start;
}

// A mail address is no address of a host, unless what stands before the @ ends like one.
static bool is_mail_address(const struct ov_address *address, size_t start, size_t end) {
    size_t sign = find_byte(address, start, '@');
    if (sign >= end) {
        return false;
    }
    size_t dot = sign > start ? sign - 1 : start;
    while (dot > start && address->bytes[dot] != '.') {
        dot--;
    }
    return dot <= start || !ov_domain_is_top(get_text(address, dot + 1, sign));
}

// Whether the text from `start` on is a host's name. With `io_cut` a top-level domain inside will
// do, and *io_cut is where it ends.
static bool is_host(const struct ov_address *address, size_t start, size_t *io_cut) {
    size_t end = find_byte(address, start, '/');
    size_t at = start, cut = 0;
    for (;;) {
        size_t dot = find_byte(address, at, '.');
        if (dot >= address->size || dot > end) {
            break;
        }
        if (dot == at || !is_name(address, at, dot, true)) {
            return false;
        }
        cut = io_cut != NULL && ov_domain_is_top(get_text(address, at, dot)) ? dot : cut;
        at = dot + 1;
    }
    if (at == start) {
        return false;
    }
    if (ov_domain_is_top(get_text(address, at, end))) {
        return true;
    }
    if (cut != 0) {
        *io_cut = cut;
    }
    return cut != 0;
}

static bool is_address(const struct ov_address *address, size_t *io_cut) {
    size_t at = 0;
    while (address->bytes[at] == ' ') {
        at++;
    }
    size_t colon = find_scheme_end(address, at, address->size);
    if (colon < address->size && has_text(address->bytes, colon + 1, "//")) {
        return true;
    }
    if (io_cut != NULL) {
        colon = find_byte(address, at, ':');
    }
    bool has_scheme;
    size_t start = skip_scheme(address, at, colon, &has_scheme);
    size_t end = find_byte(address, start, '/');
    if (!has_scheme && is_mail_address(address, start, end)) {
        return false;
    }
    return is_host(address, start, io_cut);
}

bool ov_address_leads_to_host(const struct ov_address *address) {
    return is_address(address, NULL);
}

bool ov_address_is_shown(struct ov_address *address) {
    size_t cut = address->size;
    bool is_it = is_address(address, &cut);
    if (is_it && cut < address->size) {
        memset(address->bytes + cut, 0, address->size - cut);
        address->size = cut;
    }
    return is_it;
}

// ---- hosts and domains -------------------------------------------------------------------------

struct ov_address_host ov_address_find_host(const struct ov_address *address, bool is_shown) {
    static const char scheme_end[] = "://", mail[] = "mailto:";
    struct ov_span text = ov_address_span(address);
    size_t scheme = ov_span_search(text, 0, ov_span_text(scheme_end));
    struct ov_address_host host = {0};
    if (scheme < text.size) {
        host.start = scheme + sizeof scheme_end - 1;
    } else if (has_text(address->bytes, 0, mail)) {
        host.start = sizeof mail - 1;
        host.is_mail = !is_shown;
    }
    host.end = find_any(address, host.start, ":/?");
    while (!host.is_mail) {
        size_t sign = find_byte(address, host.start, '@');
        if (sign >= address->size || (host.start != host.end && sign > host.end)) {
            break;
        }
        host.start = sign + 1; // behind a user's name
        host.end = find_any(address, host.start, ":/?");
    }
    return host;
}

// The last dot before `end`, or `none`.
static size_t find_last_dot(struct ov_span host, size_t end, size_t none) {
    while (end > 0 && host.data[end - 1] != '.') {
        end--;
    }
    return end > 0 ? end - 1 : none;
}

struct ov_span ov_address_domain(struct ov_span host) {
    size_t none = host.size;
    size_t dot = find_last_dot(host, host.size, none);
    if (dot == none) {
        return host;
    }
    if (ov_domain_is_country(ov_span_from(host, dot + 1))) {
        size_t second = find_last_dot(host, dot, none);
        if (second == none) {
            return host;
        }
        if (!ov_domain_is_top(ov_span_part(host, second + 1, dot - second - 1))) {
            return ov_span_from(host, second + 1);
        }
        dot = second;
    }
    size_t before = find_last_dot(host, dot, none);
    return before == none ? host : ov_span_from(host, before + 1);
}
