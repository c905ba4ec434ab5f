// SPDX-License-Identifier: Apache-2.0
//
// A plan of removal: which products go, by which steps, in which order, and what the machine was
// like when it was made.
//
// Every step is one of a few kinds; what it acts on is a name or an exact path, never a pattern,
// and never a command. Whoever carries a plan out makes a fresh one first and acts on that: what
// stands in a file is only held against it. So a plan that somebody wrote can ask for nothing that
// this program would not have planned itself. docs/formats/plan.md gives the file.
#pragma once

#include "base/arena.h"
#include "base/json_read.h"
#include "inventory/inventory.h"
#include "inventory/root.h"

#include <time.h>

enum ov_step_kind {
    OV_STEP_STOP,      // a unit is stopped, and not started again
    OV_STEP_UNINSTALL, // the vendor's own uninstaller
    OV_STEP_PACKAGES,  // the package manager removes packages, by their exact names
    OV_STEP_MODULE,    // a kernel module is unloaded
    OV_STEP_REMOVE,    // files that are left over, each shown
    OV_STEP_USER,
    OV_STEP_GROUP,
    OV_STEP_SELINUX, // a policy module is removed
    OV_STEP_RELOAD,  // systemd is told that units are gone
    OV_STEP_PERSON,  // what only a person may decide or do
    OV_STEP_REBOOT,
    OV_STEP_VERIFY,
    OV_STEP_KINDS,
};

// Whose database the packages stand in.
enum ov_plan_tool {
    OV_TOOL_NONE,
    OV_TOOL_DPKG,
    OV_TOOL_RPM,          // in /var/lib/rpm
    OV_TOOL_RPM_SYSIMAGE, // in /usr/lib/sysimage/rpm
    OV_TOOL_APK,
    OV_TOOL_KINDS,
};

// A file, folder or link that is to go.
struct ov_plan_entry {
    struct ov_plan_entry *next, *previous;
    const char *path; // from the root
    char type;        // 'f' file, 'd' folder, 'l' link, 's' something else (socket, pipe)
    bool may_change;  // it is data that the product writes while it runs: its content is not held
                      // against the plan
    uint64_t size;
    int64_t modified_ns;
    const char *sha256; // hexadecimal; "" when it was not computed
};

struct ov_plan_step {
    struct ov_plan_step *next;
    enum ov_step_kind kind;
    enum ov_plan_tool tool;
    const struct ov_product *product; // NULL: of several, or none
    const char **targets;             // names or paths; of PERSON: what is to be done, in words
    size_t target_count;
    struct ov_plan_entry *entries; // REMOVE: the base, and all that is in it; folders before what
                                   // is in them
    struct ov_plan_entry *last;
    size_t entry_count;
};

// Evidence of a planned product, as it was.
struct ov_plan_seen {
    struct ov_plan_seen *next;
    const struct ov_product *product;
    enum ov_indicator_kind kind;
    const char *matched, *detail, *place;
    bool is_residue;
};

struct ov_plan_product {
    struct ov_plan_product *next;
    const struct ov_product *product;
    enum ov_product_state state;
    const char *version;
};

struct ov_plan {
    struct ov_arena arena;
    const char *root, *machine;
    time_t made_at;
    const char **bans; // the words of the list
    size_t ban_count;
    struct ov_plan_product *products;
    struct ov_plan_seen *seen;
    struct ov_plan_step *steps;
    size_t product_count, seen_count, step_count;
    bool is_full; // something was left out: there was too much of it
};

// ---- life ---------------------------------------------------------------------------------------

void ov_plan_init(struct ov_plan *ret_plan);
void ov_plan_release(struct ov_plan *plan);

struct ov_plan_order {
    struct ov_inventory *inventory; // judged; what cannot be read becomes a problem of it
    const struct ov_root *tree;     // of the root
    const char *root, *machine;
    const char *const *bans;
    size_t ban_count;
    time_t now;
    const struct ov_plan *before; // what is being carried out, or NULL: a product that was
                                  // installed then still counts as such
};

// Makes the plan. OV_MEMORY; OV_LIMIT when there is more to remove than a plan holds.
enum ov_status ov_plan_make(const struct ov_plan_order *order, struct ov_plan *plan);

// ---- building, for plan_make.c and plan_read.c --------------------------------------------------

// Each is put at the end. NULL: no memory.
struct ov_plan_step *ov_plan_add_step(struct ov_plan *plan, enum ov_step_kind kind,
                                      const struct ov_product *product);
bool ov_plan_add_target(struct ov_plan *plan, struct ov_plan_step *step, const char *target);
struct ov_plan_entry *ov_plan_add_entry(struct ov_plan *plan, struct ov_plan_step *step,
                                        const struct ov_plan_entry *entry);
bool ov_plan_add_product(struct ov_plan *plan, const struct ov_plan_product *product);
bool ov_plan_add_seen(struct ov_plan *plan, const struct ov_plan_seen *seen);
bool ov_plan_add_ban(struct ov_plan *plan, const char *word);

// What stands at `base` below the root, with all that is in it, links not followed, as entries of
// the step. OV_END: nothing stands there; OV_LIMIT: more than a plan holds.
enum ov_status ov_plan_add_files(struct ov_plan *plan, const struct ov_root *tree,
                                 struct ov_plan_step *step, const char *base);

// One file as it is now; `fd` can be asked (O_PATH) and `readable` read, or is -1.
void ov_plan_describe(int fd, int readable, struct ov_plan_entry *ret_entry,
                      char ret_sha256[2 * 32 + 1]);

// ---- what may stand in a plan -------------------------------------------------------------------

// Whether a name of a unit, package, user, group or module has only the characters that such names
// have, and cannot be taken for an option.
bool ov_plan_name_is_good(enum ov_step_kind kind, const char *name);
// An absolute path without "." and "..", without control characters, that is no folder of the
// system itself.
bool ov_plan_path_is_good(const char *path);
// Whether what a product keeps there changes while it runs: logs, databases.
bool ov_plan_path_may_change(const char *path);

// ---- commands -----------------------------------------------------------------------------------

enum { OV_PLAN_ARGS_MAX = 136 };

// What a step runs: `args` with NULL at its end; they point into the step and into constants.
// OV_END: it runs nothing (files are removed by us). OV_UNSUPPORTED: not below this root.
struct ov_plan_command {
    const char *args[OV_PLAN_ARGS_MAX];
    char options[4352]; // room for "--root=..."
};
enum ov_status ov_plan_command_make(const struct ov_plan *plan, const struct ov_plan_step *step,
                                    struct ov_plan_command *ret_command);

// What a person could type for it, one line for each command; quoted for a shell.
void ov_plan_add_typed(struct ov_buf *out, const struct ov_plan *plan,
                       const struct ov_plan_step *step);

// Words of a file: "stop", ...; of a report: "stop and disable a unit".
const char *ov_step_name(enum ov_step_kind kind);
const char *ov_step_title(enum ov_step_kind kind);
const char *ov_plan_tool_name(enum ov_plan_tool tool);
// The folder of an rpm database, which rpm is told each time: what it takes by itself differs from
// system to system. NULL for the other tools.
const char *ov_plan_rpm_folder(enum ov_plan_tool tool);
// Whether the database of a tool stands below a root.
bool ov_plan_has_database(const struct ov_root *tree, enum ov_plan_tool tool);

// ---- comparison ---------------------------------------------------------------------------------

// Whether both mean the same acts on the same things; contents of files are not looked at.
bool ov_plan_step_is_same(const struct ov_plan_step *a, const struct ov_plan_step *b);
// Whether a file is still the one that was planned.
bool ov_plan_entry_is_same(const struct ov_plan_entry *planned, const struct ov_plan_entry *now);
const struct ov_plan_entry *ov_plan_find_entry(const struct ov_plan_step *step, const char *path);

// How far a plan came: for each step whether it is done.
struct ov_plan_progress {
    const uint8_t *done;
    bool has_begun;
};

// Holds a fresh plan against the one that is carried out. OV_OK: nothing is new, nothing came back,
// and, before the first step, nothing is gone. OV_PEER with the first surprise in words.
enum ov_status ov_plan_check(const struct ov_plan *planned, const struct ov_plan *now,
                             const struct ov_plan_progress *progress, char *ret_why, size_t size);

// What is left of a planned step: the fresh step, or NULL.
const struct ov_plan_step *ov_plan_find_step(const struct ov_plan *now,
                                             const struct ov_plan_step *planned);

// ---- the file -----------------------------------------------------------------------------------

// One JSON object and a line end.
void ov_plan_write_json(const struct ov_plan *plan, struct ov_buf *out);

// Strict: known keys alone, names and paths in form, products of our table. OV_DAMAGED with a
// constant phrase in `ret_why`.
enum ov_status ov_plan_read_json(struct ov_span bytes, struct ov_plan *plan, const char **ret_why);

// ---- functions ----------------------------------------------------------------------------------

// What a machine loses with a function, and what takes its place; by the number of its bit.
const char *ov_function_loss(unsigned bit);
const char *ov_function_replacement(unsigned bit);
