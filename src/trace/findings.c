// SPDX-License-Identifier: Apache-2.0
// The table of rules with all thresholds, and the rules that need no order of time.
#include "trace/findings.h"

#include "trace/finder.h"

const struct ov_trace_rule ov_trace_rules[OV_TRACE_RULES] = {
    [OV_TRACE_RULE_UPLOAD] =
        {"upload",
         "As much was sent as was read before",
         "Files were read, and soon after a comparable number of bytes was sent: all that was read "
         "then, or about one file. Cloud lookups of whole files look so, and so does a scanner "
         "that "
         "hands files to another process of this machine.",
         {{"at most this long after", 5, "s"},
          {"sent at least this part of all that was read then, one in", 8, ""},
          {"or more than one file by at most this part of it, one in", 8, ""},
          {"and at least", 4096, "bytes"}}},
    [OV_TRACE_RULE_SENT_AFTER_READ] =
        {"sent-after-read",
         "Something was sent to the network after files were read",
         "A digest, a name or a verdict is enough to tell somebody what was found. Updates and "
         "lookups of names that happen at the same time look so as well.",
         {{"at most this long after", 5, "s"}, {"at least", 1, "bytes"}}},
    [OV_TRACE_RULE_ONE_WAY] =
        {"one-way",
         "Much was sent to where little came from",
         "An update receives much and sends little. This is the other way round.",
         {{"sent at least", 16384, "bytes"}, {"more than received, times", 4, ""}}},
    [OV_TRACE_RULE_KEPT] =
        {"kept",
         "Copies were kept",
         "Files were written outside of the folders that are named as the product's own (--own). "
         "Temporary copies of archives and logs look so, too.",
         {{"at least", 1, "bytes"}}},
    [OV_TRACE_RULE_OUTSIDE] =
        {"outside",
         "Files were read that it was not asked to look at",
         "These stand neither in the scope (--scope) nor in folders of the product's own (--own), "
         "and are no files that any program of a system reads.",
         {{"at least", 1, "bytes"}}},
    [OV_TRACE_RULE_AGAIN] =
        {"again",
         "Files were read again long after",
         "A scan reads a file once. Whoever comes back to it after a pause has another reason, or "
         "another scan.",
         {{"a pause of at least", 60, "s"}}},
    [OV_TRACE_RULE_DOCUMENTS] =
        {"documents",
         "Documents were read far more than programs",
         "Malware is mostly in programs: of these a scanner reads as much of each as of documents, "
         "or more. Held against each other is what was read for each byte of content.",
         {{"files of each kind, at least", 8, ""}, {"times as much", 2, ""}}},
    [OV_TRACE_RULE_CANARY] =
        {"canary",
         "A canary was touched by a process that is not the product's",
         "Somebody who was not told of the canary read it while the product was watched: a helper "
         "that works for it, or a stranger such as an index of files.",
         {{"at least", 1, "processes"}}},
    [OV_TRACE_RULE_CANARY_VIEWS] =
        {"canary-views",
         "The two views of a canary do not agree",
         "The kernel asks before an access to a canary (pre-access), and tells of its pages when "
         "they are read. Asked for with no page read: it was written, cut or mapped and not "
         "touched, or reached by a way that the page view does not see. Pages read that nobody "
         "asked for, by a process that began under watch: its descriptor was open before, or one "
         "of the two has a hole.",
         {{"at least", 1, "bytes"}}},
    [OV_TRACE_RULE_CALLS_ALONE] =
        {"calls-alone",
         "Calls returned more than the page cache gave",
         "Every byte of a file that a call returns stands in a page that was looked up, or was "
         "read past the page cache. Not here: its file system has a way of its own (clones of "
         "ranges, DAX), a read was on its way when the watching began, or the page view has a "
         "hole. File systems that are known for it (tmpfs, overlay, ...) stand among what was not "
         "observed.",
         {{"more by at least", 4096, "bytes"}}},
    [OV_TRACE_RULE_PAGES_ALONE] =
        {"pages-alone",
         "Pages were read with no call that returned them",
         "Neither a call, nor io_uring, nor a mapping explains them. Asynchronous I/O (io_submit) "
         "looks so, and so do modules of the kernel that read files for a process.",
         {{"of one file, at least", 65536, "bytes"}}},
    [OV_TRACE_RULE_ACT] =
        {"act",
         "A call was made that leads around the sensors",
         "Memory of other processes, programs for the kernel, raw devices, clones of files: some "
         "have honest uses, and none can be followed from here.",
         {{"at least", 1, "calls"}}},
    [OV_TRACE_RULE_VIEW] =
        {"namespaces",
         "It changed what it sees: namespaces, mounts or its root",
         "What is read and sent thereafter is seen as before, and names of files are those of the "
         "recorder. A cage begins with such calls, and so does a hiding place.",
         {{"at least", 1, "calls"}}},
    [OV_TRACE_RULE_DENIED] = {"denied",
                              "The envelope refused a call",
                              "The product tried what cannot be followed, and was not allowed to.",
                              {{"at least", 1, "calls"}}},
    [OV_TRACE_RULE_AUDIT] =
        {"audit",
         "Rules of the kernel's audit hide the product",
         "A rule that never logs, or that excludes, keeps what it names out of the machine's own "
         "records. Told here when it names a process, a program, a user or a file of the product, "
         "or nothing that could tell it from the product.",
         {{"at least", 1, "rules"}}},
    [OV_TRACE_RULE_WRITTEN] =
        {"written",
         "A canary, or this trace itself, was written to by another than the recorder",
         "Nobody has a reason to write there while the product is watched. What is in this trace "
         "and holds together may still be the work of who wrote to it: hold its chain against the "
         "value that the recorder printed at its end.",
         {{"at least", 1, "times"}}},
};

uint64_t ov_trace_threshold(enum ov_trace_rule_kind rule, unsigned at) {
    return ov_trace_rules[rule].thresholds[at].value;
}

struct ov_trace_item ov_trace_item_empty(void) {
    return (struct ov_trace_item){
        .file = OV_TRACE_NONE, .socket = OV_TRACE_NONE, .process = OV_TRACE_NONE};
}

void ov_trace_finder_add(struct ov_trace_finder *finder, enum ov_trace_rule_kind rule,
                         const struct ov_trace_item *item) {
    struct ov_trace_finding *finding = &finder->findings[rule];
    finding->count++;
    finding->bytes =
        item->bytes > UINT64_MAX - finding->bytes ? UINT64_MAX : finding->bytes + item->bytes;
    if (finding->item_count < OV_TRACE_FINDING_ITEMS_MAX) {
        finder->items[rule][finding->item_count++] = *item;
    }
}

// ---- files --------------------------------------------------------------------------------------

static void find_files(struct ov_trace_finder *finder) {
    const struct ov_trace_model *model = finder->model;
    for (size_t i = 0; i < model->file_count; i++) {
        size_t at = finder->by_read[i];
        const struct ov_trace_model_file *file = &model->files[at];
        struct ov_trace_item item = ov_trace_item_empty();
        item.file = at;
        item.at_ns = file->first_ns;
        if (finder->places->places[at] == OV_TRACE_PLACE_OUTSIDE &&
            file->read_bytes >= ov_trace_threshold(OV_TRACE_RULE_OUTSIDE, 0)) {
            item.bytes = ov_trace_content_bytes(file);
            item.other_bytes = file->read_bytes;
            ov_trace_finder_add(finder, OV_TRACE_RULE_OUTSIDE, &item);
        }
        if (file->fate == OV_TRACE_FATE_KEPT &&
            file->written_bytes >= ov_trace_threshold(OV_TRACE_RULE_KEPT, 0)) {
            item.bytes = file->written_bytes;
            item.other_bytes = file->largest_bytes;
            ov_trace_finder_add(finder, OV_TRACE_RULE_KEPT, &item);
        }
    }
}

// How much was read of the files of one kind.
struct share {
    uint64_t count, read_bytes, size_bytes;
};

static void add_share(struct share *share, const struct ov_trace_model_file *file) {
    share->count++;
    share->read_bytes += file->read_bytes / 2; // halves of both: no sum passes 64 bits soon
    share->size_bytes += file->largest_bytes / 2;
}

static double ratio_of(const struct share *share) {
    return share->size_bytes > 0 ? (double)share->read_bytes / (double)share->size_bytes : 0;
}

static void find_documents(struct ov_trace_finder *finder) {
    const struct ov_trace_model *model = finder->model;
    struct share documents = {0};
    struct share programs = {0};
    for (size_t i = 0; i < model->file_count; i++) {
        enum ov_trace_content content = finder->places->contents[i];
        bool is_document = content == OV_TRACE_CONTENT_DOCUMENT || content == OV_TRACE_CONTENT_MAIL;
        bool is_program = content == OV_TRACE_CONTENT_PROGRAM || content == OV_TRACE_CONTENT_SCRIPT;
        bool is_users = ov_trace_place_is_users(finder->places->places[i]);
        if (is_users && (is_document || is_program) && model->files[i].open_count > 0) {
            add_share(is_document ? &documents : &programs, &model->files[i]);
        }
    }
    uint64_t least = ov_trace_threshold(OV_TRACE_RULE_DOCUMENTS, 0);
    double times = (double)ov_trace_threshold(OV_TRACE_RULE_DOCUMENTS, 1);
    if (documents.count >= least && programs.count >= least && ratio_of(&documents) > 0 &&
        ratio_of(&documents) >= times * ratio_of(&programs)) {
        struct ov_trace_item item = ov_trace_item_empty();
        item.bytes = documents.read_bytes * 2;
        item.other_bytes = programs.read_bytes * 2;
        ov_trace_finder_add(finder, OV_TRACE_RULE_DOCUMENTS, &item);
    }
}

// ---- what was written down as it happened -------------------------------------------------------

static void find_canaries(struct ov_trace_finder *finder) {
    for (size_t i = 0; i < finder->model->process_count; i++) {
        const struct ov_trace_model_process *process = &finder->model->processes[i];
        if (process->has_record && !process->is_watched && process->reason == OV_TRACE_BY_CANARY) {
            struct ov_trace_item item = ov_trace_item_empty();
            item.process = i;
            item.at_ns = process->first_ns;
            item.bytes = process->read_bytes;
            ov_trace_finder_add(finder, OV_TRACE_RULE_CANARY, &item);
        }
    }
}

static void find_writes(struct ov_trace_finder *finder) {
    const struct ov_trace_model *model = finder->model;
    for (size_t i = 0; i < model->canary_count; i++) {
        const struct ov_trace_canary *touch = &model->canaries[i];
        struct ov_trace_item item = ov_trace_item_empty();
        if (touch->route == OV_TRACE_ROUTE_WRITTEN || touch->route == OV_TRACE_ROUTE_DIRTIED) {
            item.process = ov_trace_model_find_process(model, &touch->process);
            item.at_ns = touch->at_ns;
            ov_trace_finder_add(finder, OV_TRACE_RULE_WRITTEN, &item);
        }
    }
}

static bool is_one_of(struct ov_span call, const char *const *names) {
    bool is_one = false;
    for (; *names != NULL; names++) {
        is_one |= ov_span_is_text(call, *names);
    }
    return is_one;
}

// Calls that change what a process sees.
static bool is_view(struct ov_span call) {
    static const char *const names[] = {
        "clone",      "clone3",  "unshare", "setns",         "mount",      "umount2", "open_tree",
        "move_mount", "fsmount", "chroot",  "mount_setattr", "pivot_root", NULL};
    return is_one_of(call, names);
}

// Calls that are written down and lead around no sensor: what is read and sent thereafter is seen
// as before.
static bool is_followed(struct ov_span call) {
    static const char *const names[] = {"io_uring_setup", "open_by_handle_at", NULL};
    return is_view(call) || is_one_of(call, names);
}

static void find_calls(struct ov_trace_finder *finder) {
    const struct ov_trace_model *model = finder->model;
    for (size_t i = 0; i < model->act_count; i++) {
        struct ov_trace_item item = ov_trace_item_empty();
        item.name = model->acts[i].call;
        item.at_ns = model->acts[i].at_ns;
        if (model->acts[i].result >= 0 && !is_followed(item.name)) {
            ov_trace_finder_add(finder, OV_TRACE_RULE_ACT, &item);
        } else if (model->acts[i].result >= 0 && is_view(item.name)) {
            ov_trace_finder_add(finder, OV_TRACE_RULE_VIEW, &item);
        }
    }
    for (size_t i = 0; i < model->denial_count; i++) {
        struct ov_trace_item item = ov_trace_item_empty();
        item.name = model->denials[i].call;
        item.at_ns = model->denials[i].first_ns;
        if (!is_followed(item.name)) {
            ov_trace_finder_add(finder, OV_TRACE_RULE_DENIED, &item);
        }
    }
}

// ---- all ----------------------------------------------------------------------------------------

static enum ov_status keep(const struct ov_trace_finder *finder, struct ov_arena *arena,
                           const struct ov_trace_finding **ret_findings, size_t *ret_count) {
    struct ov_trace_finding *kept = ov_arena_array(arena, OV_TRACE_RULES, sizeof *kept);
    size_t count = 0;
    TRY(kept != NULL ? OV_OK : OV_MEMORY);
    for (unsigned i = 0; i < OV_TRACE_RULES; i++) {
        struct ov_trace_finding finding = finder->findings[i];
        struct ov_trace_item *items;
        if (finding.count == 0) {
            continue;
        }
        items = ov_arena_array(arena, finding.item_count, sizeof *items);
        TRY(items != NULL ? OV_OK : OV_MEMORY);
        memcpy(items, finder->items[i], finding.item_count * sizeof *items);
        finding.rule = (enum ov_trace_rule_kind)i;
        finding.items = items;
        kept[count++] = finding;
    }
    *ret_findings = kept;
    *ret_count = count;
    return OV_OK;
}

enum ov_status ov_trace_findings_build(const struct ov_trace_model *model,
                                       const struct ov_trace_places *places, const size_t *by_read,
                                       struct ov_arena *arena,
                                       const struct ov_trace_finding **ret_findings,
                                       size_t *ret_count) {
    struct ov_trace_finder *finder = ov_arena_alloc(arena, sizeof *finder);
    TRY(finder != NULL ? OV_OK : OV_MEMORY);
    *finder = (struct ov_trace_finder){
        .model = model, .places = places, .by_read = by_read, .arena = arena};
    find_files(finder);
    find_documents(finder);
    find_canaries(finder);
    find_writes(finder);
    find_calls(finder);
    ov_trace_find_in_audit(finder);
    TRY(ov_trace_find_in_views(finder));
    TRY(ov_trace_find_in_time(finder));
    return keep(finder, arena, ret_findings, ret_count);
}
