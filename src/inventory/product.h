// SPDX-License-Identifier: Apache-2.0
//
// The products that we know, and by what each is recognised: inventory/products.toml as a table,
// which the build makes (tools/products.py).
//
// All of it is constant and lives for ever.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What an indicator is held against. Two kinds make a product "installed" (inventory.h).
enum ov_indicator_kind {
    OV_INDICATOR_PACKAGE,     // name of a dpkg, rpm or apk package
    OV_INDICATOR_PATH,        // absolute path
    OV_INDICATOR_UNIT,        // systemd unit, with its ending; or the name of a SysV script
    OV_INDICATOR_PROCESS,     // path of the executable of a running process
    OV_INDICATOR_MODULE,      // kernel module: its name, as /proc/modules has it
    OV_INDICATOR_BPF,         // name of a loaded eBPF program
    OV_INDICATOR_USER,        // name of a user
    OV_INDICATOR_GROUP,       // name of a group
    OV_INDICATOR_CRON,        // path of a cron entry, or a path that a line of one runs
    OV_INDICATOR_SUDOERS,     // path of a file in sudoers.d, or a path that a line names
    OV_INDICATOR_AUDIT,       // path of a file of audit rules, or a path that a rule names
    OV_INDICATOR_SELINUX,     // name of a policy module
    OV_INDICATOR_CERTIFICATE, // organisation or common name of a trusted certificate
    OV_INDICATOR_MOK,         // the same of a key that the machine's owner enrolled for the kernel
    OV_INDICATOR_REPOSITORY,  // host or URL of an apt or yum source
    OV_INDICATOR_SOCKET,      // path of a local socket that listens
    OV_INDICATOR_PORT,        // "tcp 4118": a port that listens
    OV_INDICATOR_ENGINE,      // name of a rule of inventory/engines.ldb that fired in a file
    OV_INDICATOR_KINDS,
};

struct ov_indicator {
    enum ov_indicator_kind kind;
    const char *pattern; // fnmatch(3), '*' does not match '/' in kinds that are paths
    const char *under;   // PROCESS: pattern of the whole path, where `pattern` is a name that says
                         // too little by itself; else NULL
    const char *source;  // where it was seen
    bool is_hint;        // general knowledge, not seen: it never makes "installed" by itself
    bool is_shared;      // other products have it too: it makes a "trace", never "installed"
};

// What protects the machine less when the product is gone, as bits.
enum {
    OV_FUNCTION_ON_ACCESS = 1 << 0,   // files are scanned when they are opened
    OV_FUNCTION_ON_DEMAND = 1 << 1,   // files are scanned when somebody asks
    OV_FUNCTION_BEHAVIOUR = 1 << 2,   // processes are watched, and stopped
    OV_FUNCTION_RESPONSE = 1 << 3,    // somebody far away can look and act
    OV_FUNCTION_FIREWALL = 1 << 4,    // traffic is filtered
    OV_FUNCTION_WEB = 1 << 5,         // web or mail is filtered
    OV_FUNCTION_INTEGRITY = 1 << 6,   // changes of files are told
    OV_FUNCTION_ALLOW_LIST = 1 << 7,  // only known programs run
    OV_FUNCTION_DATA_LOSS = 1 << 8,   // documents are kept from leaving
    OV_FUNCTION_INVENTORY = 1 << 9,   // what is installed and its faults are told
    OV_FUNCTION_PATCHING = 1 << 10,   // updates are brought in
    OV_FUNCTION_MANAGEMENT = 1 << 11, // an agent through which other products are managed
    OV_FUNCTION_ROOTKIT = 1 << 12,    // traces of intruders are looked for
    OV_FUNCTION_COUNT = 13,
};

struct ov_product {
    const char *id;     // "kaspersky-kesl": small letters, digits, '-'
    const char *name;   // "Kaspersky Endpoint Security for Linux"
    const char *vendor; // "Kaspersky"
    const struct ov_indicator *indicators;
    size_t indicator_count;
    uint32_t functions;             // OV_FUNCTION_ bits
    const char *const *uninstaller; // the vendor's own: path and arguments, NULL at the end;
                                    // NULL when there is none
    const char *const *residue;     // absolute paths that a removal leaves behind, as patterns
    const char *update_channel;     // how it gets its updates; NULL: not known
    const char *note;               // for people, about its removal; NULL: none
    bool is_legacy;
};

extern const struct ov_product ov_products[];
extern const size_t ov_product_count;

// The word of a kind, such as "package"; of one bit of `functions`, by its number: such as
// "on-access scanning".
const char *ov_indicator_name(enum ov_indicator_kind kind);
const char *ov_function_name(unsigned bit);

// Whether a value is what an indicator means. In kinds that are paths '*' does not match '/';
// PROCESS, CRON, SUDOERS and AUDIT match what stands below the path as well.
bool ov_indicator_matches(const struct ov_indicator *indicator, const char *value);

// Whether a file is a product's: it is what a PATH or PROCESS means, or stands below it.
bool ov_indicator_owns(const struct ov_indicator *indicator, const char *path);

// Whether what matches is the program itself, or shows it at work. What merely stays when a program
// goes is not: users and groups, rules, trust, units that start nothing any more, and files below
// /etc, /run, /var/log and such.
bool ov_indicator_is_program(const struct ov_indicator *indicator);

// Whether a word of a list of banned products means this one: its id, its vendor, a vendor's former
// name in brackets, or a part of its name; capitals do not matter.
bool ov_product_is_named(const struct ov_product *product, const char *word);
