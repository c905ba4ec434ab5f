// SPDX-License-Identifier: Apache-2.0
// Reads policies, and asks them.
#include "ledger/policy.h"

#include "base/cursor.h"
#include "ledger/encoding.h"

// One policy being read.
struct reader {
    struct ov_policy *policy;
    bool has_quorum;
    const char *why; // what is wrong with the line at hand
};

static enum ov_status refuse(struct reader *reader, const char *why) {
    reader->why = why;
    return OV_DAMAGED;
}

// ---- words --------------------------------------------------------------------------------------

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

// The next word of a line; empty at its end. Blanks and tabs part words, and nothing else does.
static struct ov_span take_word(struct ov_span *rest) {
    size_t start = 0, end;
    while (start < rest->size && is_blank(rest->data[start])) {
        start++;
    }
    end = start;
    while (end < rest->size && !is_blank(rest->data[end])) {
        end++;
    }
    struct ov_span word = ov_span_part(*rest, start, end - start);
    *rest = ov_span_from(*rest, end);
    return word;
}

// tlog-policy, "Character set".
static bool has_only_allowed_bytes(struct ov_span line) {
    for (size_t i = 0; i < line.size; i++) {
        if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

// ---- names: witnesses and groups share them -----------------------------------------------------

static int find_witness(const struct ov_policy *policy, struct ov_span name) {
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (ov_span_is_equal(policy->witnesses[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

static int find_group(const struct ov_policy *policy, struct ov_span name) {
    for (size_t i = 0; i < policy->group_count; i++) {
        if (ov_span_is_equal(policy->groups[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

static enum ov_status check_new_name(struct reader *reader, struct ov_span name) {
    if (name.size == 0) {
        return refuse(reader, "there is no name");
    }
    if (ov_span_is_text(name, "none")) {
        return refuse(reader, "the name 'none' is reserved");
    }
    if (find_witness(reader->policy, name) >= 0 || find_group(reader->policy, name) >= 0) {
        return refuse(reader, "the name is taken already");
    }
    return OV_OK;
}

// ---- logs and witnesses -------------------------------------------------------------------------

static enum ov_status read_key(struct reader *reader, struct ov_span *rest, struct ov_key *ret_key,
                               struct ov_span *ret_url) {
    struct ov_span word = take_word(rest);
    if (word.size == 0) {
        return refuse(reader, "there is no key");
    }
    enum ov_status status = ov_key_read(word, ret_key);
    if (status != OV_OK) {
        return refuse(reader, status == OV_UNSUPPORTED ? "the key is of a kind that is not known"
                                                       : "the key is no vkey");
    }
    *ret_url = take_word(rest);
    return take_word(rest).size == 0 ? OV_OK
                                     : refuse(reader, "something follows behind the address");
}

// Whether lines of the one could be taken for lines of the other.
static bool is_same_name(const struct ov_key *a, const struct ov_key *b) {
    return a->id == b->id && strcmp(a->name, b->name) == 0;
}

static bool has_same_name(const struct ov_policy *policy, const struct ov_key *key) {
    for (size_t i = 0; i < policy->log_count; i++) {
        if (is_same_name(&policy->logs[i].key, key)) {
            return true;
        }
    }
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (is_same_name(&policy->witnesses[i].key, key)) {
            return true;
        }
    }
    return false;
}

static enum ov_status read_log(struct reader *reader, struct ov_span rest) {
    struct ov_policy *policy = reader->policy;
    struct ov_policy_log log = {0};
    TRY(read_key(reader, &rest, &log.key, &log.url));
    for (size_t i = 0; i < policy->log_count; i++) {
        if (ov_key_is_same_material(&policy->logs[i].key, &log.key)) {
            return refuse(reader, "the key is that of another log");
        }
    }
    if (has_same_name(policy, &log.key)) {
        return refuse(reader, "another key has the same name and id");
    }
    if (policy->log_count == OV_POLICY_LOGS_MAX) {
        return refuse(reader, "there are more than 64 logs");
    }
    policy->logs[policy->log_count++] = log;
    return OV_OK;
}

static enum ov_status read_witness(struct reader *reader, struct ov_span rest) {
    struct ov_policy *policy = reader->policy;
    struct ov_policy_witness witness = {.name = take_word(&rest), .group = -1};
    TRY(check_new_name(reader, witness.name));
    TRY(read_key(reader, &rest, &witness.key, &witness.url));
    if (witness.key.type == OV_KEY_NOTE) {
        return refuse(reader, "the key is no cosigner's (its type must be 4 or 6)");
    }
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (ov_key_is_same_material(&policy->witnesses[i].key, &witness.key)) {
            return refuse(reader, "the key is that of another witness");
        }
    }
    if (has_same_name(policy, &witness.key)) {
        return refuse(reader, "another key has the same name and id");
    }
    if (policy->witness_count == OV_POLICY_WITNESSES_MAX) {
        return refuse(reader, "there are more than 64 witnesses");
    }
    policy->witnesses[policy->witness_count++] = witness;
    return OV_OK;
}

// ---- groups and the quorum ----------------------------------------------------------------------

// Makes `name` a member of the group that is being read.
static enum ov_status add_member(struct reader *reader, struct ov_span name,
                                 struct ov_policy_group *group) {
    struct ov_policy *policy = reader->policy;
    int witness = find_witness(policy, name), inner = find_group(policy, name);
    if (witness < 0 && inner < 0) {
        return refuse(reader, "a member is not defined above");
    }
    int *place = witness >= 0 ? &policy->witnesses[witness].group : &policy->groups[inner].group;
    if (*place >= 0) {
        return refuse(reader, "a member is in a group already");
    }
    *place = (int)policy->group_count;
    group->member_count++;
    return OV_OK;
}

static enum ov_status set_needed(struct reader *reader, struct ov_span word,
                                 struct ov_policy_group *group) {
    uint64_t needed = 0;
    if (ov_span_is_text(word, "any")) {
        needed = 1;
    } else if (ov_span_is_text(word, "all")) {
        needed = group->member_count;
    } else if (ov_number_read(word, &needed) != OV_OK) {
        return refuse(reader, "how many members are needed is not 'all', 'any' or a number");
    }
    if (needed < 1 || needed > group->member_count) {
        return refuse(reader, "as many members as are needed cannot be");
    }
    group->needed = (unsigned)needed;
    return OV_OK;
}

static enum ov_status read_group(struct reader *reader, struct ov_span rest) {
    struct ov_policy *policy = reader->policy;
    struct ov_policy_group group = {.name = take_word(&rest), .group = -1};
    TRY(check_new_name(reader, group.name));
    struct ov_span needed = take_word(&rest);
    if (policy->group_count == OV_POLICY_GROUPS_MAX) {
        return refuse(reader, "there are more than 64 groups");
    }
    for (struct ov_span name = take_word(&rest); name.size > 0; name = take_word(&rest)) {
        TRY(add_member(reader, name, &group));
    }
    if (group.member_count == 0) {
        return refuse(reader, "the group has no members");
    }
    TRY(set_needed(reader, needed, &group));
    policy->groups[policy->group_count++] = group;
    return OV_OK;
}

static enum ov_status read_quorum(struct reader *reader, struct ov_span rest) {
    struct ov_policy *policy = reader->policy;
    struct ov_span name = take_word(&rest);
    int witness = find_witness(policy, name), group = find_group(policy, name);
    if (reader->has_quorum) {
        return refuse(reader, "there is a second quorum");
    }
    if (name.size == 0 || take_word(&rest).size > 0) {
        return refuse(reader, "a quorum is one name");
    }
    if (ov_span_is_text(name, "none")) {
        policy->quorum = OV_QUORUM_NONE;
    } else if (witness >= 0) {
        policy->quorum = OV_QUORUM_WITNESS;
        policy->quorum_index = (size_t)witness;
    } else if (group >= 0) {
        policy->quorum = OV_QUORUM_GROUP;
        policy->quorum_index = (size_t)group;
    } else {
        return refuse(reader, "the quorum is not defined above");
    }
    reader->has_quorum = true;
    return OV_OK;
}

// ---- the file -----------------------------------------------------------------------------------

static enum ov_status read_line(struct reader *reader, struct ov_span line) {
    struct ov_span rest = line;
    if (!has_only_allowed_bytes(line)) {
        return refuse(reader, "the line has a control character");
    }
    struct ov_span word = take_word(&rest);
    if (word.size == 0 || word.data[0] == '#') {
        return OV_OK;
    }
    if (ov_span_is_text(word, "log")) {
        return read_log(reader, rest);
    }
    if (ov_span_is_text(word, "witness")) {
        return read_witness(reader, rest);
    }
    if (ov_span_is_text(word, "group")) {
        return read_group(reader, rest);
    }
    if (ov_span_is_text(word, "quorum")) {
        return read_quorum(reader, rest);
    }
    return refuse(reader, "the line begins with none of 'log', 'witness', 'group' and 'quorum'");
}

static enum ov_status fail(struct ov_policy_error *ret_error, size_t line, const char *why) {
    *ret_error = (struct ov_policy_error){.line = line, .why = why};
    return OV_DAMAGED;
}

enum ov_status ov_policy_read(struct ov_span text, struct ov_policy *ret_policy,
                              struct ov_policy_error *ret_error) {
    struct ov_policy policy = {0};
    struct reader reader = {.policy = &policy};
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_span line;
    if (text.size > OV_POLICY_BYTES_MAX) {
        return fail(ret_error, 0, "the policy is larger than 1 MiB");
    }
    for (size_t number = 1; ov_cursor_left(&cursor) > 0; number++) {
        if (ov_line_read(&cursor, &line) != OV_OK) {
            return fail(ret_error, number, "the last line does not end");
        }
        if (read_line(&reader, line) != OV_OK) {
            return fail(ret_error, number, reader.why);
        }
    }
    if (!reader.has_quorum) {
        return fail(ret_error, 0, "there is no quorum line");
    }
    *ret_policy = policy;
    return OV_OK;
}

// ---- asking it ----------------------------------------------------------------------------------

bool ov_policy_is_met(const struct ov_policy *policy, uint64_t witnesses) {
    unsigned counts[OV_POLICY_GROUPS_MAX] = {0};
    bool is_met[OV_POLICY_GROUPS_MAX] = {false};
    for (size_t i = 0; i < policy->witness_count; i++) {
        if ((witnesses >> i & 1) != 0 && policy->witnesses[i].group >= 0) {
            counts[policy->witnesses[i].group]++;
        }
    }
    for (size_t i = 0; i < policy->group_count; i++) { // members stand before their groups
        is_met[i] = counts[i] >= policy->groups[i].needed;
        if (is_met[i] && policy->groups[i].group >= 0) {
            counts[policy->groups[i].group]++;
        }
    }
    switch (policy->quorum) {
    case OV_QUORUM_NONE:
        return true;
    case OV_QUORUM_WITNESS:
        return (witnesses >> policy->quorum_index & 1) != 0;
    case OV_QUORUM_GROUP:
        return is_met[policy->quorum_index];
    }
    return false;
}

uint64_t ov_policy_quorum_time(const struct ov_policy *policy, const uint64_t *times) {
    uint64_t best = 0;
    for (size_t i = 0; i < policy->witness_count && policy->quorum != OV_QUORUM_NONE; i++) {
        uint64_t witnesses = 0;
        for (size_t other = 0; other < policy->witness_count; other++) {
            bool is_in = times[other] != 0 && times[other] >= times[i];
            witnesses |= (uint64_t)is_in << other;
        }
        if (times[i] > best && ov_policy_is_met(policy, witnesses)) {
            best = times[i];
        }
    }
    return best;
}
