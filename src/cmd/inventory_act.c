// SPDX-License-Identifier: Apache-2.0
// What one step of a plan does.
#include "cmd/inventory_act.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 1 << 20, BATCH = 100, NOT_RUN = 127 };

// ---- commands -----------------------------------------------------------------------------------

static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                          "DEBIAN_FRONTEND=noninteractive", NULL};

// In the child: nothing but the command, and no way back.
static void become(const char *const *args, int output, int errors) {
    static const char *const folders[] = {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"};
    char path[PATH_MAX];
    int empty = open("/dev/null", O_RDONLY);
    if (empty < 0 || dup2(empty, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0 ||
        chdir("/") != 0) {
        _exit(NOT_RUN);
    }
    (void)umask(022);
    if (close_range(3, ~0U, 0) != 0) {
        _exit(NOT_RUN);
    }
    // Neither is written to: the interface is older than const.
    char *const *list = (char *const *)args;
    char *const *variables = (char *const *)environment;
    for (size_t i = 0; args[0][0] != '/' && i < sizeof folders / sizeof *folders; i++) {
        (void)snprintf(path, sizeof path, "%s%s", folders[i], args[0]);
        (void)execve(path, list, variables);
    }
    if (args[0][0] == '/') {
        (void)execve(args[0], list, variables);
    }
    _exit(NOT_RUN);
}

static enum ov_status run(const char *const *args, int output, int errors, int *ret_code) {
    int state = 0;
    pid_t pid = fork();
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (pid == 0) {
        become(args, output, errors);
    }
    while (waitpid(pid, &state, 0) < 0) {
        if (errno != EINTR) {
            return OV_SYSTEM;
        }
    }
    *ret_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return OV_OK;
}

enum ov_status ov_act_run(const char *const *args, int output, int *ret_code) {
    return run(args, output, output, ret_code);
}

enum ov_status ov_act_ask(const char *const *args, struct ov_buf *ret_text, int *ret_code) {
    OV_AUTO_FD answer = memfd_create("answer", MFD_CLOEXEC);
    OV_AUTO_FD nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    size_t size = 0;
    if (answer < 0 || nowhere < 0) {
        return OV_SYSTEM;
    }
    TRY(run(args, answer, nowhere, ret_code));
    uint8_t *room = ov_buf_reserve(ret_text, TEXT_BYTES_MAX);
    if (room == NULL) {
        return OV_MEMORY;
    }
    if (lseek(answer, 0, SEEK_SET) != 0) {
        return OV_SYSTEM;
    }
    TRY(ov_fd_read_full(answer, room, TEXT_BYTES_MAX, &size));
    ov_buf_commit(ret_text, size);
    return size == TEXT_BYTES_MAX ? OV_LIMIT : OV_OK;
}

// ---- owners -------------------------------------------------------------------------------------

struct question {
    const char *args[2 * BATCH + 10];
    size_t count;
    char root[4352];
};

static void begin_question(struct question *question, const struct ov_plan *plan,
                           enum ov_plan_tool tool) {
    static const char *const programs[OV_TOOL_KINDS] = {"", "dpkg-query", "rpm", "rpm", "apk"};
    question->count = 0;
    question->args[question->count++] = programs[tool];
    if (strcmp(plan->root, "/") != 0) {
        (void)snprintf(question->root, sizeof question->root, "--root=%s", plan->root);
        question->args[question->count++] = question->root;
    }
    if (ov_plan_rpm_folder(tool) != NULL) {
        question->args[question->count++] = "--dbpath";
        question->args[question->count++] = ov_plan_rpm_folder(tool);
    }
}

static void add_arg(struct question *question, const char *arg) {
    question->args[question->count++] = arg;
    question->args[question->count] = NULL;
}

// Whether a line of the answer names an owner.
static bool is_owner(enum ov_plan_tool tool, struct ov_span line) {
    struct ov_span none = ov_span_text("not owned by"), gone = ov_span_text("No such file");
    struct ov_span some = ov_span_text(" is owned by ");
    if (line.size == 0) {
        return false;
    }
    return tool == OV_TOOL_APK                ? ov_span_search(line, 0, some) < line.size
           : ov_plan_rpm_folder(tool) != NULL ? ov_span_search(line, 0, none) == line.size &&
                                                    ov_span_search(line, 0, gone) == line.size
                                              : true;
}

static enum ov_status ask_owner(struct question *question, enum ov_plan_tool tool, char *ret_owner,
                                size_t size) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    int code = 0;
    TRY(ov_act_ask(question->args, &text, &code));
    if (code == NOT_RUN) {
        errno = ENOENT;
        return OV_SYSTEM;
    }
    struct ov_span rest = ov_buf_span(&text);
    while (rest.size > 0) {
        size_t end = ov_span_find(rest, 0, '\n');
        struct ov_span line = ov_span_part(rest, 0, end);
        if (is_owner(tool, line)) {
            (void)snprintf(ret_owner, size, "%.*s", (int)line.size, (const char *)line.data);
            return OV_OK;
        }
        rest = ov_span_from(rest, end + 1);
    }
    return OV_END;
}

// Where /bin is a link to /usr/bin, a package may say either.
static const char *other_name(const char *path) {
    return strncmp(path, "/usr/bin/", 9) == 0 || strncmp(path, "/usr/sbin/", 10) == 0 ||
                   strncmp(path, "/usr/lib", 8) == 0
               ? path + 4
               : NULL;
}

static enum ov_status find_owner(const struct ov_plan *plan, const struct ov_plan_step *step,
                                 enum ov_plan_tool tool, char *ret_owner, size_t size) {
    static const char *const words[OV_TOOL_KINDS] = {"", "--search", "-qf", "-qf", "info"};
    struct question question;
    size_t in_batch = 0;
    for (const struct ov_plan_entry *entry = step->entries; entry != NULL; entry = entry->next) {
        if (entry->type != 'd') {
            if (in_batch == 0) {
                begin_question(&question, plan, tool);
                add_arg(&question, words[tool]);
                add_arg(&question, tool == OV_TOOL_APK ? "--who-owns" : "--");
            }
            add_arg(&question, entry->path);
            if (other_name(entry->path) != NULL) {
                add_arg(&question, other_name(entry->path));
            }
            in_batch++;
        }
        if (in_batch == BATCH || (entry->next == NULL && in_batch > 0)) {
            enum ov_status status = ask_owner(&question, tool, ret_owner, size);
            if (status != OV_END) {
                return status;
            }
            in_batch = 0;
        }
    }
    return OV_END;
}

enum ov_status ov_act_find_owner(const struct ov_plan *plan, const struct ov_root *tree,
                                 const struct ov_plan_step *step, char *ret_owner, size_t size) {
    for (enum ov_plan_tool tool = OV_TOOL_DPKG; tool < OV_TOOL_KINDS; tool++) {
        if (ov_plan_has_database(tree, tool)) {
            enum ov_status status = find_owner(plan, step, tool, ret_owner, size);
            if (status != OV_END) {
                return status;
            }
        }
    }
    return OV_END;
}

// ---- files --------------------------------------------------------------------------------------

// The folder that an entry lies in: the way to the step's base as the system has it, from there on
// without links, since others may write there.
static enum ov_status open_parent(const struct ov_root *tree, const char *base, const char *path,
                                  int *ret_folder) {
    OV_CLEANUP(ov_root_close) struct ov_root above = {.root = -1};
    char text[PATH_MAX];
    if (strlen(path) >= sizeof text || strncmp(base, path, strlen(base)) != 0) {
        return OV_INVALID;
    }
    (void)snprintf(text, sizeof text, "%s", base);
    *strrchr(text, '/') = 0;
    TRY(ov_root_open_below(tree, text[0] != 0 ? text : "/", &above));
    int folder = above.root;
    above.root = -1;
    (void)snprintf(text, sizeof text, "%s", path + strlen(text) + 1);
    char *rest = text;
    for (char *slash; (slash = strchr(rest, '/')) != NULL; rest = slash + 1) {
        *slash = 0;
        int next = openat(folder, rest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        ov_fd_close(&folder);
        errno = error;
        if (next < 0) {
            return errno == ENOENT                      ? OV_END
                   : errno == ELOOP || errno == ENOTDIR ? OV_PEER
                                                        : OV_SYSTEM;
        }
        folder = next;
    }
    *ret_folder = folder;
    return OV_OK;
}

static bool is_planned(const struct ov_plan_entry *entry, const struct stat *info) {
    int64_t modified = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    char type = S_ISREG(info->st_mode)   ? 'f'
                : S_ISDIR(info->st_mode) ? 'd'
                : S_ISLNK(info->st_mode) ? 'l'
                                         : 's';
    bool has_content = type == 'f' && !entry->may_change;
    return type == entry->type && (!has_content || ((uint64_t)info->st_size == entry->size &&
                                                    modified == entry->modified_ns));
}

enum ov_status ov_act_remove(const struct ov_root *tree, const struct ov_plan_step *step,
                             const struct ov_plan_entry *entry) {
    OV_AUTO_FD folder = -1;
    struct stat info;
    const char *name = strrchr(entry->path, '/') + 1;
    TRY(open_parent(tree, step->targets[0], entry->path, &folder));
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    if (!is_planned(entry, &info)) {
        return OV_PEER;
    }
    if (unlinkat(folder, name, entry->type == 'd' ? AT_REMOVEDIR : 0) != 0) {
        return errno == ENOTEMPTY || errno == EEXIST ? OV_LIMIT : OV_SYSTEM;
    }
    return fsync(folder) == 0 ? OV_OK : OV_SYSTEM;
}

// ---- configuration ------------------------------------------------------------------------------

enum ov_status ov_act_list_configuration(const struct ov_plan *plan, enum ov_plan_tool tool,
                                         const char *package, struct ov_buf *ret_text) {
    struct question question;
    int code = 0;
    if (tool != OV_TOOL_DPKG && ov_plan_rpm_folder(tool) == NULL) {
        return OV_END;
    }
    begin_question(&question, plan, tool);
    add_arg(&question, tool == OV_TOOL_DPKG ? "--control-show" : "-qc");
    add_arg(&question, package);
    if (tool == OV_TOOL_DPKG) {
        add_arg(&question, "conffiles");
    }
    TRY(ov_act_ask(question.args, ret_text, &code));
    return code == 0 ? OV_OK : OV_END;
}
