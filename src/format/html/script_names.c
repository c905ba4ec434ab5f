// SPDX-License-Identifier: Apache-2.0
// The names of a script, its scopes, and which number a name has in which scope.
#include "format/html/script.h"

enum {
    TABLE_ROOM_FIRST = 64,
    NONE = UINT32_MAX,
    ANYWHERE = UINT32_MAX, // takes the place of a scope in rows of what a name stands for now
};

// A row of a table. An empty one has another script's stamp.
struct row {
    uint32_t stamp;
    uint32_t key[2];
    uint32_t value;
};

// A scope in the tree of all: the first within, the next beside it, and its first note. The order
// among them says nothing.
struct nest {
    uint32_t parent, inner, next;
    uint32_t note;
};

// A name in a scope.
struct note {
    uint32_t number;
    uint32_t next;   // note of the same scope
    uint32_t now;    // note of the name ANYWHERE
    uint32_t before; // number that the name had outside of the scope
};

// ---- tables ------------------------------------------------------------------------------------

static struct row get_row(const struct ov_script_table *table, uint32_t index) {
    struct row row;
    memcpy(&row, &table->rows.data[index * sizeof row], sizeof row);
    return row;
}

static void put_row(struct ov_script_table *table, uint32_t index, struct row row) {
    memcpy(&table->rows.data[index * sizeof row], &row, sizeof row);
}

static uint32_t mix(uint32_t a, uint32_t b) {
    uint64_t product = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(product >> 32 ^ product >> 13);
}

// Makes room for one row more: a table is never more than half full.
static enum ov_status grow(struct ov_script_table *table, uint32_t stamp) {
    if (table->count < table->room / 2) {
        return OV_OK;
    }
    struct ov_script_table larger = {.room = table->room > 0 ? table->room * 2 : TABLE_ROOM_FIRST,
                                     .count = table->count};
    if (ov_buf_extend(&larger.rows, larger.room * sizeof(struct row)) == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < table->room; i++) {
        struct row row = get_row(table, i);
        if (row.stamp != stamp) {
            continue;
        }
        uint32_t at = mix(row.key[0], row.key[1]) & (larger.room - 1);
        while (get_row(&larger, at).stamp == stamp) {
            at = (at + 1) & (larger.room - 1);
        }
        put_row(&larger, at, row);
    }
    ov_buf_release(&table->rows);
    *table = larger;
    return OV_OK;
}

// key[0] of a row is the name's hash, key[1] its size, and `value` the place.
enum ov_status ov_script_find_name(struct ov_script *script, struct ov_span name,
                                   uint32_t *ret_at) {
    TRY(grow(&script->names, script->stamp));
    uint32_t hash = 0;
    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ name.data[i]) * 0x01000193;
    }
    struct row row = {.stamp = script->stamp, .key = {hash, (uint32_t)name.size}};
    uint32_t mask = script->names.room - 1, at = mix(row.key[0], row.key[1]) & mask;
    for (;; at = (at + 1) & mask) {
        struct row there = get_row(&script->names, at);
        if (there.stamp != script->stamp) {
            break;
        }
        struct ov_span text = ov_span_part(ov_buf_span(&script->texts), there.value, there.key[1]);
        if (there.key[0] == hash && ov_span_is_equal(text, name)) {
            *ret_at = there.value;
            return OV_OK;
        }
    }
    row.value = (uint32_t)ov_script_store(script, name);
    ov_buf_add_u8(&script->texts, 0); // an empty name has a place of its own, too
    script->names.count++;
    put_row(&script->names, at, row);
    *ret_at = row.value;
    return ov_buf_status(&script->texts);
}

// ---- scopes and their notes --------------------------------------------------------------------

static struct nest get_nest(const struct ov_script *script, uint32_t scope) {
    struct nest nest;
    memcpy(&nest, &script->nests.data[scope * sizeof nest], sizeof nest);
    return nest;
}

static void put_nest(struct ov_script *script, uint32_t scope, struct nest nest) {
    memcpy(&script->nests.data[scope * sizeof nest], &nest, sizeof nest);
}

static struct note get_note(const struct ov_script *script, uint32_t index) {
    struct note note;
    memcpy(&note, &script->notes.data[index * sizeof note], sizeof note);
    return note;
}

static void put_note(struct ov_script *script, uint32_t index, struct note note) {
    memcpy(&script->notes.data[index * sizeof note], &note, sizeof note);
}

enum ov_status ov_script_add_scope(struct ov_script *script, uint32_t parent, uint32_t *ret_scope) {
    uint32_t scope = (uint32_t)(script->nests.size / sizeof(struct nest));
    struct nest nest = {.parent = parent, .inner = NONE, .next = NONE, .note = NONE};
    bool is_inside = scope != OV_SCRIPT_GLOBAL;
    if (is_inside) {
        struct nest outer = get_nest(script, parent);
        nest.next = outer.inner;
        outer.inner = scope;
        put_nest(script, parent, outer);
    }
    ov_buf_add(&script->nests, &nest, sizeof nest);
    TRY(ov_buf_status(&script->nests));
    *ret_scope = scope;
    return OV_OK;
}

uint32_t ov_script_parent(const struct ov_script *script, uint32_t scope) {
    return get_nest(script, scope).parent;
}

// The row of a name in a scope: key[0] is the scope, key[1] the name's place, `value` its note.
static struct row find_row(const struct ov_script *script, uint32_t scope, uint32_t name,
                           uint32_t *ret_index) {
    uint32_t mask = script->numbers.room - 1, at = mix(scope, name) & mask;
    struct row row = get_row(&script->numbers, at);
    while (row.stamp == script->stamp && !(row.key[0] == scope && row.key[1] == name)) {
        at = (at + 1) & mask;
        row = get_row(&script->numbers, at);
    }
    *ret_index = at;
    return row;
}

// The note of a name in a scope, a new one when there is none.
static enum ov_status find_note(struct ov_script *script, uint32_t scope, uint32_t name,
                                uint32_t *ret_note, bool *ret_is_new) {
    TRY(grow(&script->numbers, script->stamp));
    uint32_t index;
    struct row row = find_row(script, scope, name, &index);
    bool is_new = row.stamp != script->stamp;
    if (is_new) {
        struct note note = {.number = OV_SCRIPT_NO_NUMBER, .next = NONE, .now = NONE};
        uint32_t at = (uint32_t)(script->notes.size / sizeof note);
        ov_buf_add(&script->notes, &note, sizeof note);
        TRY(ov_buf_status(&script->notes));
        row = (struct row){.stamp = script->stamp, .key = {scope, name}, .value = at};
        put_row(&script->numbers, index, row);
        script->numbers.count++;
    }
    *ret_note = row.value;
    *ret_is_new = is_new;
    return OV_OK;
}

enum ov_status ov_script_note_name(struct ov_script *script, uint32_t scope, uint32_t name,
                                   bool is_declared) {
    uint32_t index, now;
    bool is_new;
    TRY(find_note(script, scope, name, &index, &is_new));
    if (is_new) {
        TRY(find_note(script, ANYWHERE, name, &now, &is_new));
        struct nest nest = get_nest(script, scope);
        struct note note = get_note(script, index);
        note.now = now;
        note.next = nest.note;
        nest.note = index;
        put_note(script, index, note);
        put_nest(script, scope, nest);
    }
    if (is_declared) {
        struct note note = get_note(script, index);
        note.number = script->number_count++;
        put_note(script, index, note);
    }
    return OV_OK;
}

uint32_t ov_script_number(const struct ov_script *script, uint32_t scope, uint32_t name) {
    uint32_t index;
    struct row row = {0};
    if (script->numbers.count > 0) {
        row = find_row(script, scope, name, &index);
    }
    return row.stamp == script->stamp ? get_note(script, row.value).number : OV_SCRIPT_NO_NUMBER;
}

// ---- which number holds ------------------------------------------------------------------------

// Names that a scope declares stand for its own; those that it uses for what is declared outside.
static void enter(struct ov_script *script, uint32_t scope) {
    for (uint32_t i = get_nest(script, scope).note; i != NONE;) {
        struct note note = get_note(script, i);
        struct note now = get_note(script, note.now);
        note.before = now.number;
        note.number = note.number == OV_SCRIPT_NO_NUMBER ? now.number : note.number;
        now.number = note.number;
        put_note(script, note.now, now);
        put_note(script, i, note);
        i = note.next;
    }
}

static void leave(struct ov_script *script, uint32_t scope) {
    for (uint32_t i = get_nest(script, scope).note; i != NONE;) {
        struct note note = get_note(script, i);
        struct note now = get_note(script, note.now);
        now.number = note.before;
        put_note(script, note.now, now);
        i = note.next;
    }
}

// A loop, for scopes are nested as deep as a script likes; and all at once, for to go outwards for
// each name takes as long as names times depth.
void ov_script_number_names(struct ov_script *script) {
    enter(script, OV_SCRIPT_GLOBAL);
    uint32_t outer = OV_SCRIPT_GLOBAL, scope = get_nest(script, outer).inner;
    while (scope != NONE || outer != OV_SCRIPT_GLOBAL) {
        if (scope != NONE) {
            enter(script, scope);
            outer = scope;
            scope = get_nest(script, scope).inner;
        } else {
            struct nest nest = get_nest(script, outer);
            leave(script, outer);
            outer = nest.parent;
            scope = nest.next;
        }
    }
    leave(script, OV_SCRIPT_GLOBAL);
}
