// SPDX-License-Identifier: Apache-2.0
// Decides on a checkpoint in the order of C2SP tlog-witness, and remembers it.
#include "ledger/witness.h"

#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
    HEX_DIGITS = 2 * OV_SHA256_BYTES,
    STATE_BYTES_MAX = 2 * OV_COSIGN_BYTES_MAX, // a request's checkpoint, and our line
};

static const char text_plain[] = "text/plain; charset=utf-8";

// Where a file of the state stands, below the folder.
struct state_path {
    char text[HEX_DIGITS + sizeof "/checkpoint"];
};

// What was last cosigned for an origin; all zero when nothing was.
struct state {
    struct ov_tree_head head;
    uint64_t time;
};

// One request. Spans lie in its bytes.
struct turn {
    struct ov_cosign_request request;
    struct ov_note note;
    struct ov_checkpoint checkpoint;
    struct ov_buf log_lines; // those of the log that were verified
    struct state_path path;
};

// How to go on: with the next step, when the status is 0.
struct word {
    unsigned status;
    const char *why;
};

static const struct word go_on = {0};

static struct word refuse(unsigned status, const char *why) {
    return (struct word){.status = status, .why = why};
}

static void release_turn(struct turn *turn) {
    ov_buf_release(&turn->log_lines);
}

void ov_witness_answer_release(struct ov_witness_answer *answer) {
    ov_buf_release(&answer->body);
}

// ---- the state ----------------------------------------------------------------------------------

static void name_state(struct ov_span origin, struct state_path *ret_path) {
    uint8_t hash[OV_SHA256_BYTES];
    char hex[HEX_DIGITS + 1];
    ov_sha256(origin, hash);
    ov_hex_write(ov_span_make(hash, sizeof hash), hex);
    (void)snprintf(ret_path->text, sizeof ret_path->text, "%s/checkpoint", hex);
}

// OV_END when there is no such file.
static enum ov_status read_file(int folder, const char *path, struct ov_buf *buf) {
    OV_AUTO_FD fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat stat;
    size_t size = 0;
    if (fd < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    if (fstat(fd, &stat) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(stat.st_mode) || stat.st_size < 0 || stat.st_size > STATE_BYTES_MAX) {
        return OV_DAMAGED;
    }
    uint8_t *room = ov_buf_extend(buf, (size_t)stat.st_size);
    if (room == NULL && stat.st_size > 0) {
        return OV_MEMORY;
    }
    TRY(ov_fd_read_full(fd, room, (size_t)stat.st_size, &size));
    return size == (size_t)stat.st_size ? OV_OK : OV_DAMAGED;
}

// Our own signature under it says that it is what we wrote, of this key and origin.
static enum ov_status parse_state(const struct ov_witness *witness, struct ov_span origin,
                                  struct ov_span bytes, struct state *ret_state) {
    struct ov_note note;
    struct ov_note_found found;
    struct ov_checkpoint checkpoint;
    TRY(ov_note_read(bytes, &note));
    TRY(ov_note_verify(&note, &witness->signer->key, 1, &found));
    TRY(ov_checkpoint_read(note.text, &checkpoint));
    if (!ov_span_is_equal(checkpoint.origin, origin)) {
        return OV_DAMAGED;
    }
    *ret_state = (struct state){.head = checkpoint.head, .time = found.time};
    return OV_OK;
}

static enum ov_status load_state(const struct ov_witness *witness, const struct turn *turn,
                                 struct state *ret_state) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    enum ov_status status = read_file(witness->folder, turn->path.text, &bytes);
    if (status != OV_OK) {
        return status == OV_END ? OV_OK : status; // never cosigned
    }
    return parse_state(witness, turn->checkpoint.origin, ov_buf_span(&bytes), ret_state);
}

// Held until the descriptor is closed. Others wait here.
static int lock_state(int folder) {
    ov_fault_point();
    int fd = openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            ov_fd_close(&fd);
        }
    }
    return fd;
}

// ---- the checks: C2SP tlog-witness, "add-checkpoint" --------------------------------------------

static struct word parse_request(struct ov_span body, struct turn *turn) {
    if (ov_cosign_request_read(body, &turn->request) != OV_OK) {
        return refuse(400, "the body is no request to cosign");
    }
    if (ov_note_read(turn->request.checkpoint, &turn->note) != OV_OK ||
        ov_checkpoint_read(turn->note.text, &turn->checkpoint) != OV_OK) {
        return refuse(400, "the body holds no checkpoint");
    }
    if (turn->request.old_size > turn->checkpoint.head.size) {
        return refuse(400, "the old size is larger than the checkpoint's");
    }
    name_state(turn->checkpoint.origin, &turn->path);
    return go_on;
}

// Keys of other origins are unknown here.
static struct word check_log(const struct ov_witness *witness, struct turn *turn) {
    bool is_known = false;
    for (size_t i = 0; i < witness->log_count; i++) {
        const struct ov_key *key = &witness->logs[i];
        struct ov_note_found found;
        if (!ov_span_is_text(turn->checkpoint.origin, key->name)) {
            continue;
        }
        is_known = true;
        if (ov_note_verify_one(&turn->note, key, &found) != OV_OK) {
            return refuse(403, "a signature of the log is false");
        }
        if (found.has_signed) {
            struct ov_span line = ov_note_find(&turn->note, key)->bytes;
            ov_buf_add(&turn->log_lines, line.data, line.size);
        }
    }
    if (!is_known) {
        return refuse(404, "no log of this origin is known");
    }
    return turn->log_lines.size > 0 ? go_on : refuse(403, "the log has not signed the checkpoint");
}

static struct word check_growth(const struct turn *turn, const struct ov_tree_head *old) {
    const struct ov_tree_head *new = &turn->checkpoint.head;
    const struct ov_tree_proof *proof = &turn->request.proof;
    struct ov_tree_hash empty;
    ov_sha256(ov_span_text(""), empty.bytes);
    if (new->size == 0 && !ov_tree_hash_is_equal(&new->root, &empty)) {
        return refuse(422, "the root is not that of an empty tree");
    }
    if ((old->size == 0 || old->size == new->size) && proof->count > 0) {
        return refuse(422, "there is a proof where there is nothing to prove");
    }
    if (old->size == 0) {
        return go_on; // every tree begins with the empty one
    }
    if (old->size == new->size) {
        return ov_tree_hash_is_equal(&old->root, &new->root)
                   ? go_on
                   : refuse(422, "another tree of the same size has been cosigned");
    }
    return ov_consistency_verify(old, new, proof) == OV_OK
               ? go_on
               : refuse(422, "the proof does not show that the tree has only grown");
}

// ---- the answer ---------------------------------------------------------------------------------

// Signs, and has it on disk before anybody can see it.
static enum ov_status cosign(const struct ov_witness *witness, const struct turn *turn,
                             uint64_t time, struct ov_buf *ret_line) {
    OV_CLEANUP(ov_buf_release) struct ov_buf file = {0};
    ov_note_sign(ret_line, turn->note.text, witness->signer, time);
    ov_note_add_text(&file, turn->note.text);
    ov_buf_add(&file, turn->log_lines.data, turn->log_lines.size);
    ov_buf_add(&file, ret_line->data, ret_line->size);
    TRY(ov_buf_status(ret_line));
    TRY(ov_buf_status(&turn->log_lines));
    TRY(ov_buf_status(&file));
    TRY(ov_durable_write(witness->folder, turn->path.text, ov_buf_span(&file), 0644));
    ov_fault_point(); // before the answer
    return OV_OK;
}

// From comparing to remembering nobody else is let in.
static struct word transact(const struct ov_witness *witness, const struct turn *turn, uint64_t now,
                            struct ov_buf *body) {
    struct state state = {0};
    OV_AUTO_FD lock = lock_state(witness->folder);
    if (lock < 0) {
        return refuse(500, "the state cannot be locked");
    }
    if (load_state(witness, turn, &state) != OV_OK) {
        return refuse(500, "the state cannot be read, or is not signed by this witness");
    }
    if (turn->request.old_size != state.head.size) {
        ov_buf_printf(body, "%lu\n", state.head.size);
        return refuse(409, "the old size is not the one last cosigned");
    }
    struct word word = check_growth(turn, &state.head);
    if (word.status != 0) {
        return word;
    }
    uint64_t time = now > state.time ? now : state.time;
    if (time == 0 || time > OV_NUMBER_MAX) {
        return refuse(500, "the clock is wrong");
    }
    if (cosign(witness, turn, time, body) != OV_OK) {
        ov_buf_reset(body);
        return refuse(500, "the state cannot be written");
    }
    return refuse(200, NULL);
}

static struct word decide(const struct ov_witness *witness, struct ov_span request, uint64_t now,
                          struct ov_buf *body) {
    OV_CLEANUP(release_turn) struct turn turn = {0};
    struct word word = parse_request(request, &turn);
    if (word.status == 0) {
        word = check_log(witness, &turn);
    }
    return word.status == 0 ? transact(witness, &turn, now, body) : word;
}

void ov_witness_add_checkpoint(const struct ov_witness *witness, struct ov_span body, uint64_t now,
                               struct ov_witness_answer *ret_answer) {
    struct ov_witness_answer answer = {.content_type = text_plain};
    struct word word = decide(witness, body, now, &answer.body);
    answer.status = word.status;
    answer.why = word.why;
    if (word.status == 409) {
        answer.content_type = "text/x.tlog.size";
    } else if (word.why != NULL) {
        ov_buf_printf(&answer.body, "%s\n", word.why);
    }
    *ret_answer = answer;
}

static bool is_hex_name(struct ov_span hex) {
    for (size_t i = 0; i < hex.size; i++) {
        bool is_digit = hex.data[i] >= '0' && hex.data[i] <= '9';
        if (!is_digit && (hex.data[i] < 'a' || hex.data[i] > 'f')) {
            return false;
        }
    }
    return hex.size == HEX_DIGITS;
}

void ov_witness_get_checkpoint(const struct ov_witness *witness, struct ov_span hex,
                               struct ov_witness_answer *ret_answer) {
    struct ov_witness_answer answer = {.status = 200, .content_type = text_plain};
    struct state_path path;
    enum ov_status status = OV_END;
    if (is_hex_name(hex)) {
        (void)snprintf(path.text, sizeof path.text, "%.*s/checkpoint", (int)hex.size,
                       (const char *)hex.data);
        status = read_file(witness->folder, path.text, &answer.body);
    }
    if (status != OV_OK) {
        answer.status = status == OV_END ? 404 : 500;
        answer.why = status == OV_END ? "nothing of this origin has been cosigned"
                                      : "the state cannot be read";
        ov_buf_reset(&answer.body);
        ov_buf_printf(&answer.body, "%s\n", answer.why);
    }
    *ret_answer = answer;
}
