// SPDX-License-Identifier: Apache-2.0
// Reads /proc with a cursor.
#include "base/procfs.h"

#include "base/cursor.h"
#include "base/fd.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACE_BYTES = 64, CHUNK_BYTES = 64 << 10, FILE_BYTES_MAX = 64 << 20, STARTED_AT = 19 };

// ---- files and words ----------------------------------------------------------------------------

enum ov_status ov_procfs_read(int procfs, const char *place, struct ov_buf *ret_text) {
    OV_AUTO_FD fd = openat(procfs, place, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? 1 : -1;
    while (size > 0 && ret_text->size < FILE_BYTES_MAX) {
        uint8_t *room = ov_buf_reserve(ret_text, CHUNK_BYTES);
        if (room == NULL) {
            return OV_MEMORY;
        }
        size = read(fd, room, CHUNK_BYTES);
        ov_buf_commit(ret_text, size > 0 ? (size_t)size : 0);
    }
    return size < 0 ? OV_SYSTEM : OV_OK;
}

struct ov_span ov_procfs_word(struct ov_span *rest) {
    size_t start = 0;
    while (start < rest->size && rest->data[start] == ' ') {
        start++;
    }
    struct ov_span word = ov_span_from(*rest, start);
    size_t size = ov_span_find(word, 0, ' ');
    *rest = ov_span_from(word, size);
    return ov_span_part(word, 0, size);
}

// The `index`-th word of a line, from 0.
static struct ov_span word_at(struct ov_span line, unsigned index) {
    struct ov_span word = ov_procfs_word(&line);
    while (index-- > 0) {
        word = ov_procfs_word(&line);
    }
    return word;
}

static void copy_printable(struct ov_span text, char *ret_text, size_t room) {
    size_t size = text.size < room - 1 ? text.size : room - 1;
    for (size_t i = 0; i < size; i++) {
        bool is_fit = text.data[i] >= 0x20 && text.data[i] <= 0x7e;
        ret_text[i] = is_fit ? (char)text.data[i] : '?';
    }
    ret_text[size] = '\0';
}

static bool read_pid(struct ov_span text, pid_t *ret_pid) {
    uint64_t number;
    if (ov_number_read(text, &number) != OV_OK || number == 0 || number > INT_MAX) {
        return false;
    }
    *ret_pid = (pid_t)number;
    return true;
}

// ---- processes ----------------------------------------------------------------------------------

// "PID (NAME) STATE PARENT ...": a name may have blanks and brackets in it, what follows has none.
static bool read_stat(struct ov_span text, struct ov_process *ret_process) {
    struct ov_process process = *ret_process;
    size_t open = ov_span_find(text, 0, '(');
    size_t close = text.size;
    uint64_t parent;
    while (close > 0 && text.data[close - 1] != ')') {
        close--;
    }
    if (close < open + 2) {
        return false;
    }
    copy_printable(ov_span_part(text, open + 1, close - open - 2), process.name,
                   sizeof process.name);
    struct ov_span rest = ov_span_from(text, close);
    struct ov_span state = word_at(rest, 0);
    process.has_ended = ov_span_is_text(state, "Z") || ov_span_is_text(state, "X");
    if (ov_number_read(word_at(rest, 1), &parent) != OV_OK || parent > INT_MAX ||
        ov_number_read(word_at(rest, STARTED_AT), &process.started) != OV_OK) {
        return false;
    }
    process.parent = (pid_t)parent;
    *ret_process = process;
    return true;
}

struct table {
    struct ov_process *rows;
    size_t count, room;
};

static enum ov_status add_process(struct table *table, const struct ov_process *process) {
    if (table->count == table->room) {
        size_t room = table->room > 0 ? 2 * table->room : 512;
        struct ov_process *rows = realloc(table->rows, room * sizeof *rows);
        if (rows == NULL) {
            return OV_MEMORY;
        }
        table->rows = rows;
        table->room = room;
    }
    table->rows[table->count++] = *process;
    return OV_OK;
}

static int compare_pids(const void *a, const void *b) {
    pid_t first = ((const struct ov_process *)a)->pid;
    pid_t second = ((const struct ov_process *)b)->pid;
    return (first > second) - (first < second);
}

static DIR *open_folder(int folder, const char *place) {
    int fd = openat(folder, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL) {
        int error = errno;
        ov_fd_close(&fd);
        errno = error;
    }
    return list;
}

enum ov_status ov_procfs_processes(int procfs, struct ov_process **ret_processes,
                                   size_t *ret_count) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct table table = {0};
    DIR *list = open_folder(procfs, ".");
    enum ov_status status = list != NULL ? OV_OK : OV_SYSTEM;
    for (struct dirent *entry; status == OV_OK && (entry = readdir(list)) != NULL;) {
        struct ov_process process = {0};
        char place[PLACE_BYTES];
        if (!read_pid(ov_span_text(entry->d_name), &process.pid)) {
            continue;
        }
        (void)snprintf(place, sizeof place, "%d/stat", (int)process.pid);
        ov_buf_reset(&text);
        status = ov_procfs_read(procfs, place, &text);
        if (status == OV_OK && read_stat(ov_buf_span(&text), &process)) {
            status = add_process(&table, &process);
        } else {
            status = status == OV_MEMORY ? status : OV_OK; // it has ended meanwhile
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    if (status != OV_OK) {
        free(table.rows);
        return status;
    }
    if (table.count > 0) {
        qsort(table.rows, table.count, sizeof *table.rows, compare_pids);
    }
    *ret_processes = table.rows;
    *ret_count = table.count;
    return OV_OK;
}

enum ov_status ov_procfs_children(int procfs, pid_t pid, void *arg,
                                  void (*each)(void *arg, pid_t child)) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[PLACE_BYTES];
    pid_t child;
    (void)snprintf(place, sizeof place, "%d/task/%d/children", (int)pid, (int)pid);
    enum ov_status status = ov_procfs_read(procfs, place, &text);
    if (status != OV_OK) {
        return status == OV_SYSTEM ? OV_UNSUPPORTED : status;
    }
    struct ov_span rest = ov_buf_span(&text);
    while (read_pid(ov_procfs_word(&rest), &child)) {
        each(arg, child);
    }
    return OV_OK;
}

// ---- descriptors --------------------------------------------------------------------------------

enum ov_status ov_procfs_descriptors(int procfs, pid_t pid, void *arg,
                                     void (*each)(void *arg, int number, const char *target)) {
    char place[PLACE_BYTES];
    (void)snprintf(place, sizeof place, "%d/fd", (int)pid);
    DIR *list = open_folder(procfs, place);
    if (list == NULL) {
        return errno == EACCES || errno == EPERM ? OV_DENIED : OV_END;
    }
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        char target[OV_PROCFS_TEXT_BYTES];
        uint64_t number;
        ssize_t size = readlinkat(dirfd(list), entry->d_name, target, sizeof target - 1);
        if (size > 0 && ov_number_read(ov_span_text(entry->d_name), &number) == OV_OK) {
            target[size] = '\0';
            each(arg, (int)number, target);
        }
    }
    (void)closedir(list);
    return OV_OK;
}

uint64_t ov_procfs_socket(const char *target) {
    static const char prefix[] = "socket:[";
    struct ov_span text = ov_span_text(target);
    uint64_t number = 0;
    if (ov_span_has_prefix(text, prefix)) {
        struct ov_span rest = ov_span_from(text, sizeof prefix - 1);
        (void)!ov_number_read(ov_span_part(rest, 0, ov_span_find(rest, 0, ']')), &number);
    }
    return number;
}

bool ov_procfs_fanotify(int procfs, pid_t pid, int number, char ret_line[OV_PROCFS_TEXT_BYTES],
                        unsigned *ret_marks) {
    static const char flags[] = "fanotify flags:", mark[] = "fanotify ";
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[PLACE_BYTES];
    bool is_group = false;
    unsigned marks = 0;
    (void)snprintf(place, sizeof place, "%d/fdinfo/%d", (int)pid, number);
    if (ov_procfs_read(procfs, place, &text) != OV_OK) {
        return false;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&text));
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span line = ov_cursor_until(&cursor, '\n');
        if (ov_span_has_prefix(line, flags)) {
            copy_printable(ov_span_from(line, sizeof mark - 1), ret_line, OV_PROCFS_TEXT_BYTES);
            is_group = true;
        } else {
            marks += ov_span_has_prefix(line, mark);
        }
    }
    *ret_marks = marks;
    return is_group;
}

// ---- sockets ------------------------------------------------------------------------------------

// A table below /proc/PID/net: which words of a line say that a socket listens, and what it is.
struct net_table {
    const char *name;
    const char *word;    // for people
    unsigned state_at;   // the word that says what it does
    const char *listens; // and what it is for one that listens
    unsigned socket_at, address_at;
    bool has_port;
};

// TCP_LISTEN, TCP_CLOSE (which for UDP is: bound, and nobody's peer), __SO_ACCEPTCON.
static const struct net_table net_tables[] = {
    {"tcp", "tcp", 3, "0A", 9, 1, true},          {"tcp6", "tcp", 3, "0A", 9, 1, true},
    {"udp", "udp", 3, "07", 9, 1, true},          {"udp6", "udp", 3, "07", 9, 1, true},
    {"unix", "unix", 3, "00010000", 6, 7, false},
};

// The port in ADDRESS:PORT, both in hexadecimal.
static unsigned read_port(struct ov_span address) {
    char digits[8];
    size_t colon = ov_span_find(address, 0, ':');
    copy_printable(ov_span_from(address, colon + 1), digits, sizeof digits);
    return (unsigned)strtoul(digits, NULL, 16);
}

static void read_table(const struct net_table *table, struct ov_span text, void *arg,
                       void (*each)(void *arg, uint64_t socket, const char *what)) {
    struct ov_cursor cursor = ov_cursor_init(text);
    (void)ov_cursor_until(&cursor, '\n'); // the heads of its columns
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span line = ov_cursor_until(&cursor, '\n');
        struct ov_span address = word_at(line, table->address_at);
        char what[OV_PROCFS_TEXT_BYTES];
        char path[OV_PROCFS_TEXT_BYTES - 16];
        uint64_t socket;
        if (!ov_span_is_text(word_at(line, table->state_at), table->listens) ||
            ov_number_read(word_at(line, table->socket_at), &socket) != OV_OK || socket == 0) {
            continue;
        }
        copy_printable(address, path, sizeof path);
        if (table->has_port) {
            (void)snprintf(what, sizeof what, "%s port %u", table->word, read_port(address));
        } else {
            (void)snprintf(what, sizeof what, "%s %s", table->word, path);
        }
        each(arg, socket, what);
    }
}

enum ov_status ov_procfs_listeners(int procfs, pid_t pid, void *arg,
                                   void (*each)(void *arg, uint64_t socket, const char *what)) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    bool has_any = false;
    for (size_t i = 0; i < sizeof net_tables / sizeof net_tables[0]; i++) {
        char place[PLACE_BYTES];
        (void)snprintf(place, sizeof place, "%d/net/%s", (int)pid, net_tables[i].name);
        ov_buf_reset(&text);
        if (ov_procfs_read(procfs, place, &text) == OV_OK) { // a kernel may have no IPv6
            read_table(&net_tables[i], ov_buf_span(&text), arg, each);
            has_any = true;
        }
    }
    return has_any ? OV_OK : OV_SYSTEM;
}

// ---- connections --------------------------------------------------------------------------------

// An address as the kernel writes it: words of 32 bits, each in the order of this machine's bytes.
static bool read_address(struct ov_span text, uint8_t ret_address[16], size_t *ret_size) {
    size_t digits = ov_span_find(text, 0, ':');
    if (digits != 8 && digits != 32) {
        return false;
    }
    for (size_t at = 0; at < digits; at += 8) {
        char word[9];
        copy_printable(ov_span_part(text, at, 8), word, sizeof word);
        uint32_t value = (uint32_t)strtoul(word, NULL, 16);
        memcpy(ret_address + at / 2, &value, sizeof value);
    }
    *ret_size = digits / 2;
    return true;
}

// Whether it is none, or of this machine: 0.0.0.0, 127.0.0.0/8, ::, ::1, and the former in the
// latter's form (RFC 4291).
static bool is_inside(const uint8_t *address, size_t size) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, nothing[15] = {0};
    if (size == 16 && memcmp(address, mapped, sizeof mapped) == 0) {
        return is_inside(address + sizeof mapped, 4);
    }
    if (size == 4) {
        return address[0] == 127 || memcmp(address, nothing, 4) == 0;
    }
    return memcmp(address, nothing, sizeof nothing) == 0 && address[15] <= 1;
}

static void read_connections(const struct net_table *table, struct ov_span text, void *arg,
                             void (*each)(void *arg, uint64_t socket, const char *what)) {
    enum { REMOTE_AT = 2 };
    struct ov_cursor cursor = ov_cursor_init(text);
    (void)ov_cursor_until(&cursor, '\n'); // the heads of its columns
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span line = ov_cursor_until(&cursor, '\n');
        struct ov_span remote = word_at(line, REMOTE_AT);
        char what[OV_PROCFS_TEXT_BYTES], name[INET6_ADDRSTRLEN];
        uint8_t address[16];
        uint64_t socket;
        size_t size;
        bool is_connected = ov_span_is_text(word_at(line, table->state_at), "01") &&
                            ov_number_read(word_at(line, table->socket_at), &socket) == OV_OK &&
                            socket != 0 && read_address(remote, address, &size) &&
                            !is_inside(address, size);
        if (is_connected &&
            inet_ntop(size == 4 ? AF_INET : AF_INET6, address, name, sizeof name) != NULL) {
            (void)snprintf(what, sizeof what, "%s to %s port %u", table->word, name,
                           read_port(remote));
            each(arg, socket, what);
        }
    }
}

enum ov_status ov_procfs_connections(int procfs, pid_t pid, void *arg,
                                     void (*each)(void *arg, uint64_t socket, const char *what)) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    bool has_any = false;
    for (size_t i = 0; i < sizeof net_tables / sizeof net_tables[0]; i++) {
        char place[PLACE_BYTES];
        if (!net_tables[i].has_port) {
            continue;
        }
        (void)snprintf(place, sizeof place, "%d/net/%s", (int)pid, net_tables[i].name);
        ov_buf_reset(&text);
        if (ov_procfs_read(procfs, place, &text) == OV_OK) {
            read_connections(&net_tables[i], ov_buf_span(&text), arg, each);
            has_any = true;
        }
    }
    return has_any ? OV_OK : OV_SYSTEM;
}
