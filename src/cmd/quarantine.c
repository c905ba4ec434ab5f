// SPDX-License-Identifier: Apache-2.0
// overt quarantine: what is in quarantine, and out of it again.
#include "base/fd.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_action.h"
#include "cmd/journal_run.h"
#include "cmd/quarantine_take.h"
#include "cmd/scan_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "Usage: overt quarantine list [--dir DIR] [--json]\n"
    "       overt quarantine restore [--dir DIR] [--to FOLDER] ID...\n"
    "       overt quarantine delete [--dir DIR] ID...\n"
    "\n"
    "Shows what overt scan --quarantine has taken away, puts files back exactly as they were,\n"
    "or deletes them for good. Files in quarantine are encrypted with a key of this user's own\n"
    "(quarantine.key in the folder of Overt's data); nothing else can open them.\n"
    "\n"
    "Options:\n"
    "  --dir DIR     the folder that was given to overt scan --quarantine\n"
    "                (default: quarantine in the folder of Overt's data)\n"
    "  --to FOLDER   restore into FOLDER, not where the file was\n"
    "  --json        one JSON object a line for each file\n"
    "  --no-journal  restore or delete without writing it to the journal\n"
    "\n"
    "A file that is there already is never overwritten.\n"
    "\n"
    "Exit codes: 0 done, 2 something could not be done.\n"
    "\n"
    "Example:\n"
    "  overt quarantine list\n";

struct options {
    char folder[PATH_MAX];
    const char *to; // NULL: where it was
    bool is_json;
    bool is_unjournaled;
    char **ids;
    int id_count;
};

struct store {
    int folder;
    uint8_t key[OV_SEAL_KEY_BYTES];
    struct ov_keeper keeper; // of a run that changes something
    int names;
};

static const char suffix[] = ".sealed";

static bool has_suffix(const char *name) {
    size_t size = strlen(name);
    return size > sizeof suffix - 1 && strcmp(name + size - (sizeof suffix - 1), suffix) == 0;
}

// ID, with or without ".sealed", and with no folder in it.
static bool make_name(const char *id, char ret_name[NAME_MAX + 1]) {
    int length = snprintf(ret_name, NAME_MAX + 1, "%s%s", id, has_suffix(id) ? "" : suffix);
    return length > 0 && length <= NAME_MAX && strchr(id, '/') == NULL && id[0] != '.';
}

static enum ov_status open_store(const struct options *options, struct store *ret_store) {
    enum ov_status status = ov_quarantine_open_folder(options->folder, &ret_store->folder);
    if (status != OV_OK) {
        ov_say_error(options->folder,
                     status == OV_DENIED ? "others could change what is in it" : strerror(errno),
                     "--dir DIR says which folder");
        return status;
    }
    status = ov_seal_key(false, ret_store->key);
    if (status != OV_OK) {
        ov_say_error("quarantine.key",
                     status == OV_END      ? "there is none"
                     : status == OV_DENIED ? "others can read it"
                                           : ov_status_text(status),
                     "it lies in the folder of Overt's data; OVERT_STATE names that");
        ov_fd_close(&ret_store->folder);
    }
    return status;
}

static enum ov_status open_sealed(const struct store *store, const char *name, int *ret_fd,
                                  struct ov_seal_meta *ret_meta) {
    OV_AUTO_FD fd = openat(store->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_seal_read_meta(fd, store->key, ret_meta));
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

static const char *explain(enum ov_status status) {
    return status == OV_SYSTEM    ? strerror(errno)
           : status == OV_DAMAGED ? "damaged, or sealed with another key"
                                  : ov_status_text(status);
}

// ---- list --------------------------------------------------------------------------------------

static void print_json(const char *name, const struct ov_seal_meta *meta) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_bytes(&json, "id", ov_span_make(name, strlen(name) - (sizeof suffix - 1)));
    ov_json_bytes(&json, "path", meta->path);
    if (meta->inside.size > 0) {
        ov_json_bytes(&json, "inside", meta->inside);
    } else {
        ov_json_null(&json, "inside");
    }
    ov_json_array(&json, "rules");
    for (uint32_t i = 0; i < meta->rule_count; i++) {
        ov_json_bytes(&json, NULL, meta->rules[i]);
    }
    ov_json_array_end(&json);
    ov_json_bytes(&json, "image", meta->image);
    ov_json_int(&json, "taken_at", meta->taken_at);
    ov_json_uint(&json, "bytes", meta->size);
    ov_json_uint(&json, "mode", meta->mode);
    ov_json_uint(&json, "uid", meta->uid);
    ov_json_uint(&json, "gid", meta->gid);
    ov_json_object_end(&json);
    ov_buf_add_u8(&out, '\n');
    (void)fwrite(out.data, 1, out.size, stdout);
}

static void print_text(const char *name, const struct ov_seal_meta *meta) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    char when[32] = "";
    time_t taken_at = (time_t)meta->taken_at;
    struct tm parts;
    if (localtime_r(&taken_at, &parts) != NULL) {
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M", &parts);
    }
    ov_buf_printf(&out, "%.*s  %s  %llu bytes  ", (int)(strlen(name) - (sizeof suffix - 1)), name,
                  when, (unsigned long long)meta->size);
    ov_printable_add(&out, meta->path);
    if (meta->inside.size > 0) {
        ov_buf_add_u8(&out, '!');
        ov_printable_add(&out, meta->inside);
    }
    ov_buf_add_text(&out, meta->rule_count > 0 ? ": " : "");
    ov_printable_add(&out, meta->rule_count > 0 ? meta->rules[0] : ov_span_make(NULL, 0));
    ov_buf_add_u8(&out, '\n');
    (void)fwrite(out.data, 1, out.size, stdout);
}

static int list_one(const struct store *store, const struct options *options, const char *name) {
    OV_AUTO_FD fd = -1;
    OV_CLEANUP(ov_seal_meta_release) struct ov_seal_meta meta = {0};
    enum ov_status status = open_sealed(store, name, &fd, &meta);
    if (status != OV_OK) {
        ov_say_error(name, explain(status), NULL);
        return OV_EXIT_ERROR;
    }
    (options->is_json ? print_json : print_text)(name, &meta);
    return OV_EXIT_NOTHING;
}

static int select_sealed(const struct dirent *entry) {
    return has_suffix(entry->d_name);
}

static int run_list(const struct store *store, const struct options *options) {
    struct dirent **entries;
    int code = OV_EXIT_NOTHING;
    int count = scandirat(store->folder, ".", &entries, select_sealed, alphasort);
    if (count < 0) {
        ov_say_error(options->folder, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    for (int i = 0; i < count; i++) {
        int one = list_one(store, options, entries[i]->d_name);
        code = one != OV_EXIT_NOTHING ? one : code;
        free(entries[i]);
    }
    free(entries);
    return code;
}

// ---- restore -----------------------------------------------------------------------------------

// Where a file goes: an open folder and the name in it.
struct target {
    int folder;
    char name[NAME_MAX + 1];
};

static enum ov_status open_target(const struct options *options, const struct ov_seal_meta *meta,
                                  struct target *ret_target) {
    char path[PATH_MAX];
    if (meta->path.size == 0 || meta->path.size >= sizeof path) {
        return OV_DAMAGED;
    }
    memcpy(path, meta->path.data, meta->path.size);
    path[meta->path.size] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0' || strlen(slash + 1) > NAME_MAX) {
        return OV_DAMAGED;
    }
    (void)snprintf(ret_target->name, sizeof ret_target->name, "%s", slash + 1);
    slash[slash == path] = '\0';
    const char *folder = options->to != NULL ? options->to : path;
    ret_target->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return ret_target->folder >= 0 ? OV_OK : OV_SYSTEM;
}

// Owner first: changing it takes the set-user-ID bit away.
static enum ov_status restore_meta(int fd, const struct ov_seal_meta *meta) {
    char name[256];
    struct timespec times[2] = {meta->accessed, meta->modified};
    if (fchown(fd, meta->uid, meta->gid) != 0 && geteuid() == 0) {
        return OV_SYSTEM;
    }
    for (uint32_t i = 0; i < meta->attribute_count; i++) {
        struct ov_span value = meta->attributes[i].value;
        (void)snprintf(name, sizeof name, "%.*s", (int)meta->attributes[i].name.size,
                       (const char *)meta->attributes[i].name.data);
        if (fsetxattr(fd, name, value.data, value.size, 0) != 0 && geteuid() == 0) {
            return OV_SYSTEM;
        }
    }
    bool is_done = fchmod(fd, meta->mode) == 0 && futimens(fd, times) == 0 && fsync(fd) == 0;
    return is_done ? OV_OK : OV_SYSTEM;
}

static enum ov_status write_back(const struct store *store, int sealed, const struct target *target,
                                 const char *fresh, const struct ov_seal_meta *meta) {
    struct stat info;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    OV_AUTO_FD fd = openat(target->folder, fresh, flags, 0600);
    if (fd < 0 || lseek(sealed, 0, SEEK_SET) != 0) {
        return OV_SYSTEM;
    }
    TRY(ov_seal_unseal(sealed, fd, store->key));
    if (fstat(fd, &info) != 0 || (uint64_t)info.st_size != meta->size) {
        return OV_DAMAGED;
    }
    TRY(restore_meta(fd, meta));
    int moved = renameat2(target->folder, fresh, target->folder, target->name, RENAME_NOREPLACE);
    return moved == 0 && fsync(target->folder) == 0 ? OV_OK : OV_SYSTEM;
}

static struct ov_action make_action(struct store *store, const char *word, struct ov_span path) {
    return (struct ov_action){
        .keeper = &store->keeper, .names = store->names, .word = word, .path = path};
}

static enum ov_status intend(struct ov_action *action) {
    enum ov_status status = ov_action_intend(action);
    if (status != OV_OK) {
        ov_say_error("journal", action->keeper->reason, "--no-journal goes without");
    }
    return status;
}

static enum ov_status restore(struct store *store, const struct options *options,
                              const char *name) {
    OV_AUTO_FD sealed = -1;
    OV_CLEANUP(ov_seal_meta_release) struct ov_seal_meta meta = {0};
    struct target target = {.folder = -1};
    char fresh[64];
    TRY(open_sealed(store, name, &sealed, &meta));
    TRY(open_target(options, &meta, &target));
    (void)snprintf(fresh, sizeof fresh, ".overt-restore-%x", (unsigned)getpid());
    struct ov_action action = make_action(store, "restore", meta.path);
    enum ov_status status = intend(&action);
    status = status == OV_OK ? write_back(store, sealed, &target, fresh, &meta) : status;
    int error = errno;
    ov_action_end(&action, status == OV_OK);
    if (status != OV_OK) {
        (void)unlinkat(target.folder, fresh, 0);
    }
    ov_fd_close(&target.folder);
    errno = error;
    TRY(status);
    return unlinkat(store->folder, name, 0) == 0 ? OV_OK : OV_SYSTEM;
}

// One that cannot be read can be deleted as well; it has no path then but its own name.
static enum ov_status delete (struct store *store, const struct options *options,
                              const char *name) {
    OV_AUTO_FD sealed = -1; OV_CLEANUP(ov_seal_meta_release) struct ov_seal_meta meta = {0};
    struct stat info; (void)options;
    if (fstatat(store->folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0){return OV_SYSTEM;}
bool is_read = open_sealed(store, name, &sealed, &meta) == OV_OK && meta.path.size > 0;
struct ov_action action = make_action(store, "delete", is_read ? meta.path : ov_span_text(name));
TRY(intend(&action));
enum ov_status status = unlinkat(store->folder, name, 0) == 0 ? OV_OK : OV_SYSTEM;
int error = errno;
ov_action_end(&action, status == OV_OK);
errno = error;
return status;
}

// ---- command -----------------------------------------------------------------------------------

static int end_run(struct store *store, int code, uint64_t error_count) {
    struct ov_run_end end = {.code = code, .errors = error_count};
    ov_fd_close(&store->names);
    if (store->keeper.pid == 0) {
        return code;
    }
    return ov_journal_run_end(&store->keeper, &end) == OV_OK ? code : OV_EXIT_ERROR;
}

static int run_each(struct store *store, const struct options *options,
                    enum ov_status (*act)(struct store *, const struct options *, const char *)) {
    int code = OV_EXIT_NOTHING;
    uint64_t error_count = 0;
    if (!options->is_unjournaled &&
        ov_journal_run_begin("quarantine", &store->keeper, &store->names) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    for (int i = 0; i < options->id_count; i++) {
        char name[NAME_MAX + 1];
        enum ov_status status = OV_INVALID;
        errno = EINVAL;
        if (make_name(options->ids[i], name)) {
            status = act(store, options, name);
        }
        if (status != OV_OK) {
            ov_say_error(options->ids[i], explain(status), "overt quarantine list shows the IDs");
            code = OV_EXIT_ERROR;
            error_count++;
        }
    }
    if (options->id_count == 0) {
        ov_say_error("quarantine", "an ID is missing", "overt quarantine list shows them");
        code = OV_EXIT_ERROR;
    }
    return end_run(store, code, error_count);
}

static bool read_options(int argc, char **argv, struct options *ret_options) {
    enum { OPT_DIR = 256, OPT_TO, OPT_JSON, OPT_NO_JOURNAL };
    static const struct option long_options[] = {{"dir", required_argument, NULL, OPT_DIR},
                                                 {"to", required_argument, NULL, OPT_TO},
                                                 {"json", no_argument, NULL, OPT_JSON},
                                                 {"no-journal", no_argument, NULL, OPT_NO_JOURNAL},
                                                 {NULL, 0, NULL, 0}};
    char data[PATH_MAX - 16] = "";
    if (ov_state_folder(data, sizeof data) == OV_OK) {
        (void)snprintf(ret_options->folder, sizeof ret_options->folder, "%s/quarantine", data);
    }
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (code) {
        case OPT_DIR:
            (void)snprintf(ret_options->folder, sizeof ret_options->folder, "%s", optarg);
            break;
        case OPT_TO:
            ret_options->to = optarg;
            break;
        case OPT_JSON:
            ret_options->is_json = true;
            break;
        case OPT_NO_JOURNAL:
            ret_options->is_unjournaled = true;
            break;
        default:
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt quarantine --help lists them");
            return false;
        }
    }
    ret_options->ids = argv + optind;
    ret_options->id_count = argc - optind;
    return true;
}

static int run(int argc, char **argv) {
    struct options options = {0};
    struct store store = {.folder = -1, .keeper = {.channel = -1}, .names = -1};
    const char *word = argc > 1 ? argv[1] : "";
    bool is_list = strcmp(word, "list") == 0, is_restore = strcmp(word, "restore") == 0;
    if (!is_list && !is_restore && strcmp(word, "delete") != 0) {
        ov_say_error(argc > 1 ? word : "quarantine",
                     argc > 1 ? "unknown word" : "a word is missing: list, restore or delete",
                     "overt quarantine --help");
        return OV_EXIT_ERROR;
    }
    if (!read_options(argc - 1, argv + 1, &options) || open_store(&options, &store) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    int code = is_list ? run_list(&store, &options)
                       : run_each(&store, &options, is_restore ? restore : delete);
    ov_fd_close(&store.folder);
    return code;
}

const struct ov_command ov_command_quarantine = {
    .name = "quarantine",
    .summary = "list, restore or delete what was taken away",
    .run = run,
    .help = help,
};
