// SPDX-License-Identifier: Apache-2.0
// Top-level domains that clamscan knows: those of 2010. Sorted.
#include "scan/domains.h"

#include <stdlib.h>

static const char *const generic[] = {
    "aero",
    "arpa",
    "asia",
    "biz",
    "cat",
    "com",
    "coop",
    "edu",
    "gov",
    "info",
    "int",
    "jobs",
    "mil",
    "mobi",
    "museum",
    "name",
    "net",
    "org",
    "pro",
    "tel",
    "travel",
    "xn--0zwm56d",
    "xn--11b5bs3a9aj6g",
    "xn--80akhbyknj4f",
    "xn--9t4b11yi5a",
    "xn--deba0ad",
    "xn--g6w251d",
    "xn--hgbk6aj7f53bba",
    "xn--hlcj6aya9esc7a",
    "xn--jxalpdlp",
    "xn--kgbechtv",
    "xn--zckzah",
};

static const char *const countries[] = {
    "ac", "ad", "ae", "af", "ag", "ai", "al", "am", "an", "ao", "aq", "ar", "as", "at", "au", "aw",
    "ax", "az", "ba", "bb", "bd", "be", "bf", "bg", "bh", "bi", "bj", "bm", "bn", "bo", "br", "bs",
    "bt", "bv", "bw", "by", "bz", "ca", "cc", "cd", "cf", "cg", "ch", "ci", "ck", "cl", "cm", "cn",
    "co", "cr", "cu", "cv", "cx", "cy", "cz", "de", "dj", "dk", "dm", "do", "dz", "ec", "ee", "eg",
    "er", "es", "et", "eu", "fi", "fj", "fk", "fm", "fo", "fr", "ga", "gb", "gd", "ge", "gf", "gg",
    "gh", "gi", "gl", "gm", "gn", "gp", "gq", "gr", "gs", "gt", "gu", "gw", "gy", "hk", "hm", "hn",
    "hr", "ht", "hu", "id", "ie", "il", "im", "in", "io", "iq", "ir", "is", "it", "je", "jm", "jo",
    "jp", "ke", "kg", "kh", "ki", "km", "kn", "kp", "kr", "kw", "ky", "kz", "la", "lb", "lc", "li",
    "lk", "lr", "ls", "lt", "lu", "lv", "ly", "ma", "mc", "md", "me", "mg", "mh", "mk", "ml", "mm",
    "mn", "mo", "mp", "mq", "mr", "ms", "mt", "mu", "mv", "mw", "mx", "my", "mz", "na", "nc", "ne",
    "nf", "ng", "ni", "nl", "no", "np", "nr", "nu", "nz", "om", "pa", "pe", "pf", "pg", "ph", "pk",
    "pl", "pm", "pn", "pr", "ps", "pt", "pw", "py", "qa", "re", "ro", "rs", "ru", "rw", "sa", "sb",
    "sc", "sd", "se", "sg", "sh", "si", "sj", "sk", "sl", "sm", "sn", "so", "sr", "st", "su", "sv",
    "sy", "sz", "tc", "td", "tf", "tg", "th", "tj", "tk", "tl", "tm", "tn", "to", "tp", "tr", "tt",
    "tv", "tw", "tz", "ua", "ug", "uk", "us", "uy", "uz", "va", "vc", "ve", "vg", "vi", "vn", "vu",
    "wf", "ws", "ye", "yt", "yu", "za", "zm", "zw",
};

// Of countries only: nothing else takes them for the end of a host.
static const char *const former[] = {
    "bl",
    "eh",
    "mf",
    "um",
};

enum { WORD_BYTES_MAX = 20 };

static int compare_words(const void *key, const void *item) {
    return strcmp(key, *(const char *const *)item);
}

static bool has_word(const char *const *words, size_t count, struct ov_span word) {
    char key[WORD_BYTES_MAX + 1];
    if (word.size == 0 || word.size > WORD_BYTES_MAX) {
        return false;
    }
    memcpy(key, word.data, word.size);
    key[word.size] = '\0';
    return bsearch(key, words, count, sizeof *words, compare_words) != NULL;
}

bool ov_domain_is_country(struct ov_span word) {
    return has_word(countries, sizeof countries / sizeof *countries, word) ||
           has_word(former, sizeof former / sizeof *former, word);
}

bool ov_domain_is_top(struct ov_span word) {
    return has_word(generic, sizeof generic / sizeof *generic, word) ||
           has_word(countries, sizeof countries / sizeof *countries, word);
}
