// SPDX-License-Identifier: Apache-2.0
//
// What tests of keys, notes, proofs and witnesses ask:
//
//   notes ed25519 < LINES               each "KEY SIGNATURE MESSAGE" in hex, "-" for nothing:
//                                       two digits, the key is good and the signature is true
//   notes note FILE VKEY...             "ok", and for each key its time, "-" when it has not signed
//   notes proof POLICY PROOF LEAF       "ok INDEX SIZE WITNESSES TIME"
//   notes key NAME note|cosignature SEED    the vkey, and the secret key as Go writes it
//   notes sign SECRET TIME < TEXT       the signature line
//   notes witness STATE SECRET TIME VKEY... < BODY    "STATUS CONTENT-TYPE", and the body
//
// Else it prints what ov_status_text says, a colon and why; the exit status is 1.
#include "base/fd.h"
#include "base/hex.h"
#include "ledger/proof.h"
#include "ledger/witness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEYS_MAX = 16, INPUT_BYTES_MAX = 1 << 21 };

static int tell(enum ov_status status, const char *why) {
    (void)printf("%s: %s\n", ov_status_text(status), why);
    return 1;
}

// The whole of a file, or of standard input; never given back.
static struct ov_span read_all(const char *path) {
    int fd = path == NULL ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    static uint8_t rooms[4][INPUT_BYTES_MAX];
    static unsigned used;
    uint8_t *room = rooms[used++ % 4];
    size_t size = 0;
    if (fd < 0 || ov_fd_read_full(fd, room, INPUT_BYTES_MAX, &size) != OV_OK) {
        perror(path);
        exit(2);
    }
    return ov_span_make(room, size);
}

static void print_buf(const struct ov_buf *buf) {
    (void)fwrite(buf->data, 1, buf->size, stdout);
}

// Bytes of a hex word; "-" has none.
static size_t read_hex(struct ov_span word, uint8_t *bytes, size_t room) {
    if (ov_span_is_text(word, "-")) {
        return 0;
    }
    if (word.size / 2 > room || ov_hex_read(word, bytes, word.size / 2) != OV_OK) {
        exit(2);
    }
    return word.size / 2;
}

static int run_ed25519(void) {
    struct ov_cursor cursor = ov_cursor_init(read_all(NULL));
    struct ov_span line, words[3];
    static uint8_t message[INPUT_BYTES_MAX / 2];
    while (ov_line_read(&cursor, &line) == OV_OK) {
        uint8_t signature[OV_SIGNATURE_BYTES + 64];
        struct ov_key key = {.type = OV_KEY_NOTE}, made;
        for (size_t i = 0; i < 3; i++) {
            if (ov_word_take(&line, &words[i]) != OV_OK) {
                return 2;
            }
        }
        (void)read_hex(words[0], key.bytes, sizeof key.bytes);
        size_t size = read_hex(words[1], signature, sizeof signature);
        struct ov_span text = {message, read_hex(words[2], message, sizeof message)};
        bool is_true = size == OV_SIGNATURE_BYTES && ov_key_verify(&key, text, signature) == OV_OK;
        bool is_good = ov_key_make("key", OV_KEY_NOTE, key.bytes, &made) == OV_OK;
        (void)printf("%d%d\n", is_good, is_true);
    }
    return 0;
}

static size_t read_keys(char **vkeys, size_t count, struct ov_key keys[KEYS_MAX]) {
    for (size_t i = 0; i < count && i < KEYS_MAX; i++) {
        enum ov_status status = ov_key_read(ov_span_text(vkeys[i]), &keys[i]);
        if (status != OV_OK) {
            exit(tell(status, "a key"));
        }
    }
    return count < KEYS_MAX ? count : KEYS_MAX;
}

static int run_note(const char *path, char **vkeys, size_t count) {
    static struct ov_key keys[KEYS_MAX];
    struct ov_note_found found[KEYS_MAX];
    struct ov_note note;
    count = read_keys(vkeys, count, keys);
    enum ov_status status = ov_note_read(read_all(path), &note);
    if (status != OV_OK) {
        return tell(status, "the note");
    }
    status = ov_note_verify(&note, keys, count, found);
    if (status != OV_OK) {
        return tell(status, "the signatures");
    }
    (void)printf("ok");
    for (size_t i = 0; i < count; i++) {
        (void)(found[i].has_signed ? printf(" %lu", found[i].time) : printf(" -"));
    }
    (void)printf("\n");
    return 0;
}

static int run_proof(const char *policy_path, const char *path, const char *leaf_path) {
    static struct ov_policy policy;
    static struct ov_proof_checked checked;
    struct ov_policy_error error;
    struct ov_tree_hash leaf;
    const char *why = NULL;
    if (ov_policy_read(read_all(policy_path), &policy, &error) != OV_OK) {
        (void)printf("policy: line %zu: ", error.line);
        return tell(OV_DAMAGED, error.why);
    }
    ov_leaf_hash(read_all(leaf_path), &leaf);
    enum ov_status status = ov_proof_check(read_all(path), &leaf, &policy, &checked, &why);
    if (status != OV_OK) {
        return tell(status, why);
    }
    (void)printf("ok %lu %lu %lx %lu\n", checked.proof.index, checked.opened.checkpoint.head.size,
                 checked.opened.witnesses, checked.opened.quorum_time);
    return 0;
}

static int run_key(const char *name, const char *type, const char *seed_hex) {
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    uint8_t seed[OV_KEY_SEED_BYTES];
    enum ov_key_type kind = strcmp(type, "note") == 0 ? OV_KEY_NOTE : OV_KEY_COSIGNATURE;
    (void)read_hex(ov_span_text(seed_hex), seed, sizeof seed);
    enum ov_status status = ov_signer_from_seed(name, kind, seed, &signer);
    if (status != OV_OK) {
        return tell(status, "the name");
    }
    (void)ov_key_add(&out, &signer.key);
    ov_buf_add_u8(&out, '\n');
    ov_signer_add(&out, &signer);
    ov_buf_add_u8(&out, '\n');
    print_buf(&out);
    return 0;
}

static int run_sign(const char *secret, const char *time) {
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    enum ov_status status = ov_signer_read(ov_span_text(secret), &signer);
    if (status != OV_OK) {
        return tell(status, "the secret key");
    }
    ov_note_sign(&out, read_all(NULL), &signer, strtoul(time, NULL, 10));
    print_buf(&out);
    return 0;
}

static int run_witness(char **words, char **vkeys, size_t count) {
    static struct ov_key keys[KEYS_MAX];
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    OV_CLEANUP(ov_witness_answer_release) struct ov_witness_answer answer = {0};
    OV_AUTO_FD folder = open(words[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum ov_status status = ov_signer_read(ov_span_text(words[1]), &signer);
    if (folder < 0 || status != OV_OK) {
        return tell(status, "the state or the secret key");
    }
    const struct ov_witness witness = {&signer, keys, read_keys(vkeys, count, keys), folder};
    ov_witness_add_checkpoint(&witness, read_all(NULL), strtoul(words[2], NULL, 10), &answer);
    (void)printf("%u %s\n", answer.status, answer.content_type);
    print_buf(&answer.body);
    return 0;
}

int main(int count, char **words) {
    const char *word = count > 1 ? words[1] : "";
    if (strcmp(word, "ed25519") == 0 && count == 2) {
        return run_ed25519();
    }
    if (strcmp(word, "note") == 0 && count >= 4) {
        return run_note(words[2], words + 3, (size_t)count - 3);
    }
    if (strcmp(word, "proof") == 0 && count == 5) {
        return run_proof(words[2], words[3], words[4]);
    }
    if (strcmp(word, "key") == 0 && count == 5) {
        return run_key(words[2], words[3], words[4]);
    }
    if (strcmp(word, "sign") == 0 && count == 4) {
        return run_sign(words[2], words[3]);
    }
    if (strcmp(word, "witness") == 0 && count >= 6) {
        return run_witness(words + 2, words + 5, (size_t)count - 5);
    }
    return 2;
}
