// SPDX-License-Identifier: Apache-2.0
// The keeper's life, and the side of whoever sends it entries.
#include "role/keeper.h"

#include "base/fd.h"
#include "journal/commitment.h"
#include "journal/journal.h"
#include "journal/runs.h"
#include "role/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MESSAGE_BYTES_MAX = 1 + OV_JOURNAL_ENTRY_BYTES_MAX,
    CHANNEL_BUFFER_BYTES = 1 << 20,
    TYPE_SYNC = 200, // instead of an entry's type
    TYPE_SEAL,
    TYPE_BEAT, // an entry `heartbeat` and a seal
    TYPE_END,  // a seal, and no more will come
    TYPE_MANY, // then the entries' type, and where they lie on the desk; a sync is meant
    HEARTBEAT_SECONDS = 600,
};

struct answer {
    int32_t status; // enum ov_status
    int32_t error;
    uint64_t size;
    struct ov_tree_head head; // what is sealed
    char reason[OV_KEEPER_REASON_BYTES];
};

// What the keeper says first: its cage, and the run's key for commitments.
struct greeting {
    uint32_t missing_layers;
    uint64_t size;
};

// One message, whole. With these two calls alone, since a caged process has no others for it.
static bool send_message(int channel, const struct iovec *parts, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    size_t total = 0;
    ssize_t size;
    for (size_t i = 0; i < count; i++) {
        total += parts[i].iov_len;
    }
    do {
        size = sendmsg(channel, &message, MSG_NOSIGNAL);
    } while (size < 0 && errno == EINTR);
    return size == (ssize_t)total;
}

// The size of a message; 0 when the other end is gone, or (errno is EAGAIN) was silent for long.
static size_t receive_message(int channel, void *buffer, size_t room) {
    struct iovec part = {buffer, room};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t size;
    errno = 0;
    do {
        size = recvmsg(channel, &message, 0);
    } while (size < 0 && errno == EINTR);
    return size > 0 ? (size_t)size : 0;
}

// ---- in the cage --------------------------------------------------------------------------------

struct keeping {
    struct ov_journal *journal;
    const uint8_t *desk;
    struct ov_entry_run run;
    int run_fd; // its file, locked for as long as we live
    bool has_lock;
    bool has_stopped;      // the run's last answer was given
    enum ov_status status; // of the first failure since the last answer
    int error;
};

static void note(struct keeping *keeping, enum ov_status status) {
    if (status != OV_OK && keeping->status == OV_OK) {
        keeping->status = status;
        keeping->error = errno;
    }
}

// The lock is held from the first entry of a batch to its answer.
static void take_lock(struct keeping *keeping) {
    if (!keeping->has_lock && keeping->status == OV_OK) {
        note(keeping, ov_journal_lock(keeping->journal));
        keeping->has_lock = keeping->status == OV_OK;
    }
}

static void add(struct keeping *keeping, uint8_t type, struct ov_span body) {
    uint64_t seq;
    take_lock(keeping);
    if (keeping->status == OV_OK && type < OV_ENTRY_TYPES) {
        note(keeping,
             ov_journal_add(keeping->journal, (enum ov_entry_type)type, &keeping->run, body, &seq));
    }
}

// The other side may write to the desk at any time. What it comes to is copied once, by
// ov_journal_add, before anything is computed of it.
static void add_many(struct keeping *keeping, struct ov_span words) {
    struct ov_span desk = ov_span_make(keeping->desk, OV_KEEPER_DESK_BYTES);
    struct ov_keeper_body body;
    if (words.size < 1) {
        note(keeping, OV_INVALID);
        return;
    }
    for (size_t at = 1; at + sizeof body <= words.size; at += sizeof body) {
        memcpy(&body, words.data + at, sizeof body);
        add(keeping, words.data[0], ov_span_part(desk, body.at, body.size));
    }
}

static bool is_full(const struct keeping *keeping) {
    return ov_journal_unsealed(keeping->journal) >= OV_JOURNAL_SEAL_COUNT;
}

static void release_lock(struct keeping *keeping) {
    if (keeping->has_lock) {
        ov_journal_unlock(keeping->journal);
        keeping->has_lock = false;
    }
}

static void add_heartbeat(struct keeping *keeping, struct ov_span lines) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    uint64_t runs = 0;
    take_lock(keeping);
    if (keeping->status == OV_OK) {
        note(keeping, ov_run_count(ov_journal_folder(keeping->journal), &runs));
        ov_buf_printf(&body, "runs %llu\n", (unsigned long long)runs);
        ov_buf_add(&body, lines.data, lines.size);
        note(keeping, ov_buf_status(&body));
        add(keeping, OV_ENTRY_HEARTBEAT, ov_buf_span(&body));
    }
}

// Whoever sends us entries is busy with something else for long. A failure is told by the next
// answer.
static void beat_alone(struct keeping *keeping) {
    add_heartbeat(keeping, ov_span_make(NULL, 0));
    if (keeping->status == OV_OK) {
        note(keeping, ov_journal_seal(keeping->journal, OV_SEAL_KEEP_EPOCH));
    }
    release_lock(keeping);
}

static void answer(struct keeping *keeping, uint8_t word) {
    bool is_batch = word == TYPE_SYNC || word == TYPE_MANY;
    bool is_seal = !is_batch || is_full(keeping);
    struct answer answer = {0};
    take_lock(keeping);
    if (keeping->status == OV_OK) {
        note(keeping, is_seal ? ov_journal_seal(keeping->journal, OV_SEAL_KEEP_EPOCH)
                              : ov_journal_sync(keeping->journal));
    }
    answer.status = (int32_t)keeping->status;
    answer.error = keeping->error;
    answer.size = ov_journal_size(keeping->journal);
    ov_journal_head(keeping->journal, &answer.head);
    if (keeping->status != OV_OK) {
        (void)snprintf(answer.reason, sizeof answer.reason, "%s",
                       ov_journal_reason(keeping->journal));
    }
    release_lock(keeping);
    keeping->has_stopped |= word == TYPE_END && keeping->status == OV_OK;
    if (!send_message(OV_KEEPER_CHANNEL, &(struct iovec){&answer, sizeof answer}, 1)) {
        _exit(1);
    }
}

static void live(struct keeping *keeping) {
    static uint8_t message[MESSAGE_BYTES_MAX];
    for (;;) {
        size_t size = receive_message(OV_KEEPER_CHANNEL, message, sizeof message);
        if (size == 0 && errno == EAGAIN && !keeping->has_stopped) {
            beat_alone(keeping);
            continue;
        }
        if (size == 0) {
            break; // whoever sent us entries has ended
        }
        struct ov_span body = ov_span_from(ov_span_make(message, size), 1);
        if (message[0] == TYPE_BEAT) {
            add_heartbeat(keeping, body);
        }
        if (message[0] == TYPE_MANY) {
            add_many(keeping, body);
        }
        if (message[0] >= TYPE_SYNC) {
            answer(keeping, message[0]);
        } else {
            add(keeping, message[0], body);
        }
    }
    if (keeping->has_stopped) {
        ov_run_end(keeping->journal, &keeping->run);
        _exit(0);
    }
    take_lock(keeping); // what was not asked about is kept as well; that it was cut off is said by
    if (keeping->has_lock) { // the next who opens the journal
        note(keeping, ov_journal_seal(keeping->journal, OV_SEAL_KEEP_EPOCH));
        ov_journal_unlock(keeping->journal);
    }
    _exit(0);
}

static uint32_t enter_cage(void) {
    struct ov_cage_spec spec = ov_role_cage(OV_ROLE_KEEPER);
    struct ov_cage_report report;
    if (geteuid() == 0) {
        spec.layers &= ~OV_CAGE(OV_LAYER_USER); // the journal is root's
    }
    ov_cage_enter(&spec, &report);
    return spec.layers & ~report.enforced;
}

// A little longer than the other side takes: 10 minutes and a half, where 11 would be a gap.
static void limit_silence(int channel) {
    unsigned ms = ov_keeper_heartbeat_seconds() * 1050 + 450;
    const struct timeval most = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    (void)setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
}

static void begin(struct keeping *keeping, int channel) {
    struct greeting greeting = {0};
    limit_silence(channel);
    (void)signal(SIGINT, SIG_IGN); // it ends when the other side has
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    int away = fcntl(channel, F_DUPFD_CLOEXEC, OV_KEEPER_DESCRIPTORS + OV_JOURNAL_DESCRIPTORS);
    int run_away =
        fcntl(keeping->run_fd, F_DUPFD_CLOEXEC, OV_KEEPER_DESCRIPTORS + OV_JOURNAL_DESCRIPTORS);
    if (away < 0 || run_away < 0 || ov_journal_place(keeping->journal, OV_KEEPER_FOLDER) != OV_OK ||
        dup3(away, OV_KEEPER_CHANNEL, O_CLOEXEC) < 0 ||
        dup3(run_away, OV_KEEPER_RUN, O_CLOEXEC) < 0) {
        _exit(1);
    }
    greeting.missing_layers = enter_cage();
    greeting.size = ov_journal_size(keeping->journal);
    if (!send_message(OV_KEEPER_CHANNEL, &(struct iovec){&greeting, sizeof greeting}, 1)) {
        _exit(1);
    }
    live(keeping);
}

// ---- the side of whoever sends ------------------------------------------------------------------

static enum ov_status fail(struct ov_keeper *keeper, enum ov_status status, const char *why) {
    int error = errno;
    (void)snprintf(keeper->reason, sizeof keeper->reason, "%s", why);
    errno = error;
    return status;
}

static enum ov_status gone(struct ov_keeper *keeper) {
    return fail(keeper, OV_PEER, "the journal's keeper is gone");
}

static enum ov_status open_channel(int ret_ends[2]) {
    const int size = CHANNEL_BUFFER_BYTES;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) != 0) {
        return OV_SYSTEM;
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)setsockopt(ret_ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    return OV_OK;
}

static enum ov_status open_desk(struct ov_keeper *keeper) {
    void *desk =
        mmap(NULL, OV_KEEPER_DESK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    keeper->desk = desk != MAP_FAILED ? desk : NULL;
    return desk != MAP_FAILED ? OV_OK : OV_SYSTEM;
}

static void close_desk(struct ov_keeper *keeper) {
    if (keeper->desk != NULL) {
        (void)munmap(keeper->desk, OV_KEEPER_DESK_BYTES);
        keeper->desk = NULL;
    }
}

static enum ov_status start(struct ov_keeper *keeper, struct ov_journal *journal, int run_fd) {
    struct keeping keeping = {.journal = journal, .run = keeper->run, .run_fd = run_fd};
    struct greeting greeting;
    int ends[2];
    int pidfd = -1;
    TRY(open_desk(keeper));
    keeping.desk = keeper->desk;
    TRY(open_channel(ends));
    uint32_t layers = ov_role_get(OV_ROLE_KEEPER)->layers;
    pid_t pid = ov_cage_spawn(geteuid() == 0 ? layers & ~OV_CAGE(OV_LAYER_USER) : layers, &pidfd);
    if (pid == 0) {
        begin(&keeping, ends[1]);
    }
    ov_fd_close(&ends[1]);
    ov_fd_close(&pidfd);
    keeper->channel = ends[0];
    keeper->pid = pid > 0 ? pid : 0;
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (receive_message(ends[0], &greeting, sizeof greeting) != sizeof greeting) {
        return OV_PEER;
    }
    keeper->missing_layers = greeting.missing_layers;
    keeper->size = greeting.size;
    return OV_OK;
}

// Keys change here, before there is a cage: a new one needs randomness.
static enum ov_status prepare(struct ov_journal *journal, const struct ov_entry_run *run,
                              int *ret_run_fd) {
    TRY(ov_journal_lock(journal));
    enum ov_status status = ov_run_bury(journal);
    status = status == OV_OK ? ov_journal_seal(journal, OV_SEAL_IF_OLD) : status;
    status = status == OV_OK ? ov_run_begin(journal, run, ret_run_fd) : status;
    ov_journal_unlock(journal);
    return status;
}

enum ov_status ov_keeper_start(const char *folder, struct ov_keeper *ret_keeper) {
    struct ov_keeper *keeper = ret_keeper;
    struct ov_journal *journal = NULL;
    *keeper = (struct ov_keeper){.channel = -1};
    if (getrandom(keeper->run.bytes, sizeof keeper->run.bytes, 0) !=
        (ssize_t)sizeof keeper->run.bytes) {
        return fail(keeper, OV_SYSTEM, "no randomness for a run");
    }
    TRY(ov_journal_open(folder, &journal, keeper->reason));
    OV_AUTO_FD run_fd = -1;
    enum ov_status status = prepare(journal, &keeper->run, &run_fd);
    if (status != OV_OK) {
        (void)fail(keeper, status, ov_journal_reason(journal));
    } else {
        ov_salts_init(ov_journal_names_key(journal), &keeper->run, &keeper->salts);
        status = start(keeper, journal, run_fd);
        if (status != OV_OK) {
            (void)fail(keeper, status, "the journal's keeper could not be started");
        }
    }
    ov_journal_free(journal); // the keeper has its own
    return status;
}

enum ov_status ov_keeper_add(struct ov_keeper *keeper, enum ov_entry_type type,
                             struct ov_span body) {
    uint8_t word = (uint8_t)type;
    struct iovec parts[] = {{&word, 1}, {(void *)(uintptr_t)body.data, body.size}};
    bool is_sent = send_message(keeper->channel, parts, body.size > 0 ? 2 : 1);
    return is_sent ? OV_OK : gone(keeper);
}

static enum ov_status ask(struct ov_keeper *keeper, uint8_t word) {
    bool is_sent = send_message(keeper->channel, &(struct iovec){&word, 1}, 1);
    return is_sent ? OV_OK : gone(keeper);
}

enum ov_status ov_keeper_add_many(struct ov_keeper *keeper, enum ov_entry_type type,
                                  struct ov_span bytes, const struct ov_keeper_body *bodies,
                                  size_t count) {
    uint8_t words[2] = {TYPE_MANY, (uint8_t)type};
    if (bytes.size > OV_KEEPER_DESK_BYTES || count > OV_KEEPER_BODIES_MAX) {
        for (size_t i = 0; i < count; i++) {
            TRY(ov_keeper_add(keeper, type, ov_span_part(bytes, bodies[i].at, bodies[i].size)));
        }
        return ask(keeper, TYPE_SYNC);
    }
    if (bytes.size > 0) {
        memcpy(keeper->desk, bytes.data, bytes.size);
    }
    struct iovec parts[] = {{words, sizeof words},
                            {(void *)(uintptr_t)bodies, count * sizeof *bodies}};
    return send_message(keeper->channel, parts, 2) ? OV_OK : gone(keeper);
}

static enum ov_status take_answer(struct ov_keeper *keeper) {
    struct answer answer;
    if (receive_message(keeper->channel, &answer, sizeof answer) != sizeof answer) {
        return gone(keeper);
    }
    answer.reason[sizeof answer.reason - 1] = 0;
    keeper->size = answer.size;
    keeper->head = answer.head;
    if (answer.status != OV_OK) {
        errno = answer.error;
        return fail(keeper, (enum ov_status)answer.status, answer.reason);
    }
    return OV_OK;
}

enum ov_status ov_keeper_sync_begin(struct ov_keeper *keeper) {
    return ask(keeper, TYPE_SYNC);
}

bool ov_keeper_has_answered(const struct ov_keeper *keeper) {
    struct pollfd poll_fd = {.fd = keeper->channel, .events = POLLIN};
    return poll(&poll_fd, 1, 0) != 0; // an error is for ov_keeper_sync_end to tell
}

enum ov_status ov_keeper_sync_end(struct ov_keeper *keeper) {
    return take_answer(keeper);
}

enum ov_status ov_keeper_sync(struct ov_keeper *keeper) {
    TRY(ov_keeper_sync_begin(keeper));
    return ov_keeper_sync_end(keeper);
}

enum ov_status ov_keeper_seal(struct ov_keeper *keeper) {
    TRY(ask(keeper, TYPE_SEAL));
    return take_answer(keeper);
}

unsigned ov_keeper_heartbeat_seconds(void) {
    const char *text = getenv("OVERT_HEARTBEAT");
    uint64_t seconds = 0;
    bool is_given = text != NULL && ov_number_read(ov_span_text(text), &seconds) == OV_OK &&
                    seconds >= 1 && seconds <= HEARTBEAT_SECONDS;
    return is_given ? (unsigned)seconds : HEARTBEAT_SECONDS;
}

enum ov_status ov_keeper_beat(struct ov_keeper *keeper, struct ov_span lines) {
    uint8_t word = TYPE_BEAT;
    struct iovec parts[] = {{&word, 1}, {(void *)(uintptr_t)lines.data, lines.size}};
    bool is_sent = send_message(keeper->channel, parts, lines.size > 0 ? 2 : 1);
    return is_sent ? take_answer(keeper) : gone(keeper);
}

enum ov_status ov_keeper_end(struct ov_keeper *keeper) {
    if (keeper->pid == 0) {
        close_desk(keeper);
        return OV_OK;
    }
    enum ov_status status = ask(keeper, TYPE_END);
    status = status == OV_OK ? take_answer(keeper) : status;
    int error = errno;
    ov_fd_close(&keeper->channel);
    while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    keeper->pid = 0;
    close_desk(keeper);
    errno = error;
    return status;
}

void ov_keeper_commit(struct ov_keeper *keeper, struct ov_span path,
                      struct ov_tree_hash *ret_commitment, uint64_t *ret_number) {
    struct ov_salt salt;
    *ret_number = keeper->name_count++;
    ov_salts_get(&keeper->salts, *ret_number, &salt);
    ov_commitment_of(&salt, path, ret_commitment);
}

void ov_keeper_commit_two(struct ov_keeper *keeper, const struct ov_span paths[2],
                          struct ov_tree_hash ret_commitments[2], uint64_t *ret_number) {
    *ret_number = keeper->name_count;
    keeper->name_count += 2;
    ov_commitment_of_two(&keeper->salts, *ret_number, paths, ret_commitments);
}
