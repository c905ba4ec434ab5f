// SPDX-License-Identifier: Apache-2.0
// What the table of products means.
#include "inventory/product.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

const char *ov_indicator_name(enum ov_indicator_kind kind) {
    static const char *const names[OV_INDICATOR_KINDS] = {
        [OV_INDICATOR_PACKAGE] = "package",
        [OV_INDICATOR_PATH] = "path",
        [OV_INDICATOR_UNIT] = "unit",
        [OV_INDICATOR_PROCESS] = "process",
        [OV_INDICATOR_MODULE] = "kernel module",
        [OV_INDICATOR_BPF] = "eBPF program",
        [OV_INDICATOR_USER] = "user",
        [OV_INDICATOR_GROUP] = "group",
        [OV_INDICATOR_CRON] = "cron",
        [OV_INDICATOR_SUDOERS] = "sudoers",
        [OV_INDICATOR_AUDIT] = "audit rule",
        [OV_INDICATOR_SELINUX] = "SELinux module",
        [OV_INDICATOR_CERTIFICATE] = "trusted certificate",
        [OV_INDICATOR_MOK] = "machine owner key",
        [OV_INDICATOR_REPOSITORY] = "package source",
        [OV_INDICATOR_SOCKET] = "socket",
        [OV_INDICATOR_PORT] = "port",
        [OV_INDICATOR_ENGINE] = "engine",
    };
    return kind < OV_INDICATOR_KINDS ? names[kind] : "unknown";
}

const char *ov_function_name(unsigned bit) {
    static const char *const names[OV_FUNCTION_COUNT] = {
        "on-access scanning",
        "on-demand scanning",
        "behaviour monitoring",
        "detection and response",
        "host firewall",
        "web and mail filtering",
        "file integrity",
        "application allow-list",
        "data loss prevention",
        "vulnerability inventory",
        "patching",
        "central management",
        "rootkit search",
    };
    return bit < OV_FUNCTION_COUNT ? names[bit] : "unknown";
}

// How a pattern of a kind is meant, as flags of fnmatch(3). What runs, or is named by a rule, may
// stand anywhere below a folder that is a product's.
static int give_flags(enum ov_indicator_kind kind) {
    switch (kind) {
    case OV_INDICATOR_PATH:
    case OV_INDICATOR_SOCKET:
        return FNM_PATHNAME;
    case OV_INDICATOR_PROCESS:
    case OV_INDICATOR_CRON:
    case OV_INDICATOR_SUDOERS:
    case OV_INDICATOR_AUDIT:
        return FNM_PATHNAME | FNM_LEADING_DIR;
    default:
        return 0;
    }
}

// Most values differ from most patterns before the first wildcard.
static bool is_match(const char *pattern, const char *value, int flags) {
    for (size_t i = 0; pattern[i] != 0 && strchr("*?[\\", pattern[i]) == NULL; i++) {
        if (pattern[i] != value[i]) {
            return false;
        }
    }
    return fnmatch(pattern, value, flags) == 0;
}

bool ov_indicator_matches(const struct ov_indicator *indicator, const char *value) {
    // The name of a process: the last part of its executable's path, which stands where it should.
    if (indicator->kind == OV_INDICATOR_PROCESS && indicator->pattern[0] != '/') {
        const char *slash = strrchr(value, '/');
        const char *name = slash != NULL ? slash + 1 : value;
        return is_match(indicator->pattern, name, 0) &&
               (indicator->under == NULL ||
                is_match(indicator->under, value, FNM_PATHNAME | FNM_LEADING_DIR));
    }
    return is_match(indicator->pattern, value, give_flags(indicator->kind));
}

bool ov_indicator_owns(const struct ov_indicator *indicator, const char *path) {
    return indicator->kind == OV_INDICATOR_PATH
               ? is_match(indicator->pattern, path, FNM_PATHNAME | FNM_LEADING_DIR)
               : indicator->kind == OV_INDICATOR_PROCESS && ov_indicator_matches(indicator, path);
}

static bool is_below_data(const char *path) {
    static const char *const folders[] = {
        "/dev/",     "/etc/",     "/home/",    "/lib/systemd/", "/proc/",
        "/root/",    "/run/",     "/sys/",     "/tmp/",         "/usr/lib/systemd/",
        "/var/lib/", "/var/log/", "/var/opt/", "/var/run/",     "/var/tmp/",
    };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (strncmp(path, folders[i], strlen(folders[i])) == 0) {
            return true;
        }
    }
    return false;
}

bool ov_indicator_is_program(const struct ov_indicator *indicator) {
    switch (indicator->kind) {
    case OV_INDICATOR_PATH:
        return !is_below_data(indicator->pattern);
    case OV_INDICATOR_PACKAGE:
    case OV_INDICATOR_PROCESS:
    case OV_INDICATOR_MODULE:
    case OV_INDICATOR_BPF:
    case OV_INDICATOR_SOCKET:
    case OV_INDICATOR_PORT:
    case OV_INDICATOR_ENGINE:
        return true;
    default:
        return false;
    }
}

static bool are_same(const char *text, const char *word, size_t size) {
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

// Whether `word` stands in `text`, not in the middle of another word.
static bool has_words(const char *text, const char *word) {
    size_t size = strlen(word);
    for (const char *at = text; size > 0 && (at = strcasestr(at, word)) != NULL; at++) {
        bool is_begin = at == text || !isalnum((unsigned char)at[-1]);
        if (is_begin && !isalnum((unsigned char)at[size])) {
            return true;
        }
    }
    return false;
}

bool ov_product_is_named(const struct ov_product *product, const char *word) {
    return are_same(product->id, word, strlen(product->id)) || has_words(product->vendor, word) ||
           has_words(product->name, word);
}
