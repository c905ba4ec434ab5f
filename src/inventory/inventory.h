// SPDX-License-Identifier: Apache-2.0
//
// What was found on one machine, root or image: evidence of products, what they could do, who else
// could, and what could not be read.
//
// Collectors say what they see; this tells whose it is, and what it adds up to. All texts are
// copied, and made fit for a report: bytes outside of printable ASCII, and '%', stand as %XX.
// Nothing here reads a file. Not for several threads.
#pragma once

#include "base/json.h"
#include "base/status.h"
#include "inventory/product.h"

struct ov_inventory;

// Where something was seen: "" is the root itself, else such as "container 3f2a..." or "layer
// sha256:...", as a report shows it.

// ---- evidence -----------------------------------------------------------------------------------

struct ov_evidence {
    const struct ov_indicator *indicator;
    char *matched; // what was seen
    char *detail;  // version, state of the package, process id ...; "" for none
    char *place;
    bool is_residue; // what is left of it: a package that is removed but for its configuration
};

// What a product could do, or is allowed to, on this machine.
enum ov_power_kind {
    OV_POWER_ROOT,       // runs as root
    OV_POWER_CAPABILITY, // holds a capability without being root, or as a file's
    OV_POWER_SETUID,     // a program that runs as its owner
    OV_POWER_ALL_FILES,  // can read everyone's files
    OV_POWER_FANOTIFY,   // is told of files that others open
    OV_POWER_BLOCK,      // can stop others from opening files
    OV_POWER_KERNEL,     // code in the kernel: a module
    OV_POWER_BPF,        // programs in the kernel that trace or decide (eBPF)
    OV_POWER_PRELOAD,    // code in other programs: a preloaded library
    OV_POWER_AUDIT,      // hears or hides the kernel's audit
    OV_POWER_PTRACE,     // can look into other processes
    OV_POWER_CONNECTED,  // is connected to outside of this machine
    OV_POWER_LISTENS,    // takes connections
    OV_POWER_UPDATES,    // brings in code or data by itself
    OV_POWER_TRUST,      // a certificate or key of its own is trusted
    OV_POWER_SUDO,       // commands as root without being asked, or for its users
    OV_POWER_UNHARDENED, // a unit whose rights nothing limits
    OV_POWER_KINDS,
};

struct ov_power {
    enum ov_power_kind kind;
    char *detail; // such as "CAP_SYS_ADMIN of /opt/x/bin/y (pid 12)"
    char *place;
};

enum ov_product_state {
    OV_PRODUCT_ABSENT,
    OV_PRODUCT_TRACE,     // one kind of evidence, or only hints, shared paths, residue
    OV_PRODUCT_INSTALLED, // two kinds, neither a hint, shared nor residue, and one of them is the
                          // program itself (product.h)
};

struct ov_found {
    const struct ov_product *product;
    enum ov_product_state state;
    const char *version; // of its package; "" when not known
    const struct ov_evidence *evidence;
    size_t evidence_count;
    const struct ov_power *powers;
    size_t power_count;
};

// Somebody on no list who could do what such products do.
struct ov_holder {
    char *what;       // "fanotify group", "preloaded library", "eBPF program", ...; the word of the
                      // JSON's `kind`
    char *who;        // path of the executable, or of the file
    char *detail;     // what exactly: marks, flags, capabilities, pid
    char *package;    // that the file belongs to; "" when not known or none
    bool is_expected; // a part of the operating system that is known to do so: told, and no
                      // finding
};

// What could not be looked at, or not to its end.
struct ov_problem {
    char *what; // path, or "process 12"
    char *why;
    char *place;
};

// ---- life ---------------------------------------------------------------------------------------

enum ov_status ov_inventory_new(struct ov_inventory **ret_inventory);
void ov_inventory_free(struct ov_inventory *inventory);

// OV_MEMORY when something that was said got lost since the beginning.
enum ov_status ov_inventory_status(const struct ov_inventory *inventory);

// ---- for collectors -----------------------------------------------------------------------------

struct ov_sight {
    enum ov_indicator_kind kind;
    const char *value;  // any bytes but zero
    const char *detail; // may be NULL
    const char *place;  // may be NULL
    bool is_residue;
};

// Holds a value against all products; it becomes evidence of those that it is one of. The same
// evidence twice is told once. Gives how many products it was evidence of.
size_t ov_inventory_see(struct ov_inventory *inventory, const struct ov_sight *sight);

// The product that a path belongs to: an indicator PATH or PROCESS, which is not shared, matches it
// or a folder above it. NULL for none.
const struct ov_product *ov_inventory_owner(const char *path);

// Whether a value is an indicator of any product; then it is worth a closer look.
bool ov_inventory_knows(enum ov_indicator_kind kind, const char *value);

// A power of every product that a value is an indicator of, which is not shared.
struct ov_allowed {
    enum ov_indicator_kind kind;
    const char *value;
    enum ov_power_kind power;
    const char *place;
};
void ov_inventory_allow(struct ov_inventory *inventory, const struct ov_allowed *allowed,
                        const char *detail);

// The same told twice is told once.
void ov_inventory_add_power(struct ov_inventory *inventory, const struct ov_product *product,
                            enum ov_power_kind kind, const char *detail, const char *place);
void ov_inventory_add_holder(struct ov_inventory *inventory, const struct ov_holder *holder);
// As well; after a thousand problems, one says that there are more.
void ov_inventory_add_problem(struct ov_inventory *inventory, const char *what, const char *why,
                              const char *place);
// What was looked at: "dpkg database (312 packages)"; a report lists them.
void ov_inventory_add_method(struct ov_inventory *inventory, const char *method);

// ---- results ------------------------------------------------------------------------------------

// States are made of the evidence that is there; call it when all was seen. Products in the table's
// order, those that are absent left out.
void ov_inventory_judge(struct ov_inventory *inventory);

size_t ov_inventory_count(const struct ov_inventory *inventory);
const struct ov_found *ov_inventory_get(const struct ov_inventory *inventory, size_t index);
size_t ov_inventory_holder_count(const struct ov_inventory *inventory);
const struct ov_holder *ov_inventory_holder(const struct ov_inventory *inventory, size_t index);
size_t ov_inventory_problem_count(const struct ov_inventory *inventory);
const struct ov_problem *ov_inventory_problem(const struct ov_inventory *inventory, size_t index);
size_t ov_inventory_method_count(const struct ov_inventory *inventory);
const char *ov_inventory_method(const struct ov_inventory *inventory, size_t index);

// The words of JSON: "root", "reads all files" ...; "installed", "trace".
const char *ov_power_name(enum ov_power_kind kind);
const char *ov_product_state_name(enum ov_product_state state);
