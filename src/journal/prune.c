// SPDX-License-Identifier: Apache-2.0
// Finds bundles that are old, and removes them.
#include "journal/prune.h"

#include "base/fault.h"
#include "journal/check.h"
#include "journal/partials.h"
#include "ledger/entries.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct bundle {
    uint64_t newest_ns;
    unsigned count; // entries that are there
    bool has_epoch;
};

struct finding {
    struct bundle *bundles; // of all entries, the pending ones included
    size_t count, room;
    bool has_failed;
};

static struct bundle *bundle_at(struct finding *finding, uint64_t number) {
    if (number >= finding->room) {
        size_t room = finding->room > 0 ? 2 * finding->room : 256;
        room = room > number ? room : (size_t)number + 1;
        struct bundle *bundles = realloc(finding->bundles, room * sizeof *bundles);
        if (bundles == NULL) {
            finding->has_failed = true;
            return NULL;
        }
        finding->bundles = bundles;
        finding->room = room;
    }
    while (finding->count <= number) {
        finding->bundles[finding->count++] = (struct bundle){0};
    }
    return &finding->bundles[number];
}

static void take_entry(void *arg, const struct ov_entry *entry) {
    struct bundle *bundle = bundle_at(arg, entry->seq / OV_TILE_WIDTH);
    if (bundle != NULL) {
        bundle->newest_ns = entry->time_ns > bundle->newest_ns ? entry->time_ns : bundle->newest_ns;
        bundle->has_epoch |= entry->type == OV_ENTRY_EPOCH;
        bundle->count++;
    }
}

static enum ov_status read_journal(int folder, struct finding *finding,
                                   struct ov_journal_report *ret_report) {
    struct ov_journal_check check = {.folder = folder, .arg = finding, .on_entry = take_entry};
    TRY(ov_journal_verify(&check, ret_report));
    if (finding->has_failed) {
        return OV_MEMORY;
    }
    return ret_report->problem_count > ret_report->open_count ? OV_DAMAGED : OV_OK;
}

static bool can_go(const struct bundle *bundle) {
    return bundle->count > 0 && !bundle->has_epoch;
}

enum ov_status ov_prune_find(int folder, uint64_t before_ns, struct ov_prune_plan *ret_plan) {
    struct finding finding = {0};
    struct ov_journal_report report;
    struct ov_prune_plan plan = {0};
    enum ov_status status = read_journal(folder, &finding, &report);
    if (status == OV_OK) {
        uint64_t full = report.head.size / OV_TILE_WIDTH;
        for (uint64_t i = 0; i < full && i < finding.count; i++) {
            const struct bundle *bundle = &finding.bundles[i];
            if (bundle->newest_ns >= before_ns) {
                break;
            }
            if (can_go(bundle)) {
                plan.from = plan.bundle_count == 0 ? i * OV_TILE_WIDTH : plan.from;
                plan.to = (i + 1) * OV_TILE_WIDTH;
                plan.bundle_count++;
            }
        }
        *ret_plan = plan;
    }
    int error = errno;
    free(finding.bundles);
    errno = error;
    return status;
}

static enum ov_status remove_bundle(int folder, uint64_t number) {
    struct ov_tile_path path;
    TRY(ov_entries_path(number, OV_TILE_WIDTH, &path));
    ov_fault_point();
    return unlinkat(folder, path.text, 0) == 0 || errno == ENOENT ? OV_OK : OV_SYSTEM;
}

// Read again: what has an entry `epoch` is known by its entries alone.
enum ov_status ov_prune_remove(int folder, const struct ov_prune_plan *plan) {
    struct finding finding = {0};
    struct ov_journal_report report;
    enum ov_status status = read_journal(folder, &finding, &report);
    for (uint64_t i = plan->from / OV_TILE_WIDTH; i < plan->to / OV_TILE_WIDTH; i++) {
        if (status == OV_OK && i < finding.count && can_go(&finding.bundles[i])) {
            status = remove_bundle(folder, i);
        }
        if (status == OV_OK) {
            status = ov_partials_remove_bundle(folder, i);
        }
    }
    int error = errno;
    free(finding.bundles);
    errno = error;
    return status;
}
