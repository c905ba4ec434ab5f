// SPDX-License-Identifier: Apache-2.0
//
// JavaScript as rules for it are written: without comments and needless space, names replaced by
// numbers, strings put together, what eval() and a few packers hide unfolded.
//
// It is clamscan's reading, not a browser's: a reader that knows tokens, functions and `var`, and
// nothing of the grammar between them. Everything it holds is given back by ov_script_release.
#pragma once

#include "format/walk.h"

enum {
    OV_SCRIPT_TOKENS_MAX = 4 << 20, // of one script; more are left out
    OV_SCRIPT_GLOBAL = 0,           // scope
};

#define OV_SCRIPT_NO_NUMBER UINT32_MAX // of a name that is not declared

enum ov_script_kind {
    OV_SCRIPT_END = 0, // no further token in what was fed
    OV_SCRIPT_WORD,    // a keyword or an operator without a part of its own below
    OV_SCRIPT_NAME,    // an identifier
    OV_SCRIPT_MEMBER,  // an identifier after a dot
    OV_SCRIPT_STRING,
    OV_SCRIPT_INTEGER,
    OV_SCRIPT_NUMBER,
    OV_SCRIPT_FUNCTION, // the keyword; `scope` is what it opens
    OV_SCRIPT_CLOSE,    // where the scope of a function ends; not part of the text
    OV_SCRIPT_VAR,
    OV_SCRIPT_PLUS,
    OV_SCRIPT_DOT,
    OV_SCRIPT_COMMA,
    OV_SCRIPT_SEMICOLON,
    OV_SCRIPT_ROUND_OPEN,
    OV_SCRIPT_ROUND_CLOSE,
    OV_SCRIPT_SQUARE_OPEN,
    OV_SCRIPT_SQUARE_CLOSE,
    OV_SCRIPT_CURLY_OPEN,
    OV_SCRIPT_CURLY_CLOSE,
};

struct ov_script_token {
    uint32_t kind; // enum ov_script_kind
    uint32_t size; // bytes of `at`
    union {
        const char *word; // of all kinds that have no text of their own
        uint64_t at;      // NAME, MEMBER, STRING: where the text stands in `texts`
        int64_t integer;
        double number;
        uint64_t scope;
    };
};

// Where the lexer stands between two pieces of text.
enum ov_script_mode {
    OV_SCRIPT_PLAIN = 0,
    OV_SCRIPT_IN_DOUBLE, // quoted string
    OV_SCRIPT_IN_SINGLE,
    OV_SCRIPT_IN_NAME,
    OV_SCRIPT_IN_NUMBER,
    OV_SCRIPT_IN_COMMENT, // up to its end mark
    OV_SCRIPT_IN_REST,    // comment up to the end of the line
};

struct ov_script_lexer {
    struct ov_span in;
    size_t at;
    enum ov_script_mode mode;
    struct ov_buf text; // of the token on its way
};

// Hash tables of rows of four numbers; the first of them says of which script a row is.
struct ov_script_table {
    struct ov_buf rows;
    uint32_t room;  // rows, a power of two
    uint32_t count; // of this script's
};

struct ov_script {
    struct ov_walk *walk;
    struct ov_script_lexer lexer;
    struct ov_buf texts;  // of names and strings
    struct ov_buf tokens; // struct ov_script_token, up to where the reader unfolds them
    struct ov_buf later;  // those behind, the last one first, so that a change moves few
    struct ov_buf added;  // those that unfolding puts to the end
    struct ov_buf scopes; // struct scope (script.c)
    struct ov_buf nests;  // the same scopes as a tree, struct nest (script_names.c)
    struct ov_buf notes;  // of names in scopes, struct note (script_names.c)
    struct ov_script_table names, numbers;
    uint32_t stamp;   // of the script on its way
    uint32_t current; // scope
    uint32_t number_count;
    bool is_open;
    bool is_cut; // no room for more; the rest is left out
};

// Starts a script. May be called again after ov_script_finish.
enum ov_status ov_script_open(struct ov_script *script, struct ov_walk *walk);

// Reads a piece of it. Tokens other than strings may not run over the end of a piece. OV_OK,
// OV_LIMIT when time ran out, OV_MEMORY.
enum ov_status ov_script_feed(struct ov_script *script, struct ov_span piece);

// Ends the script and appends it to `out`, which holds those before it. The same statuses.
enum ov_status ov_script_finish(struct ov_script *script, struct ov_buf *out);

void ov_script_release(struct ov_script *script);

// ---- between the files of the reader -----------------------------------------------------------

// Appends a character as UTF-8; 0 becomes 1, for strings end with a zero elsewhere. script_lexer.c
void ov_script_add_utf8(struct ov_buf *text, uint16_t value);

// The next token of what was fed; that of a NAME or STRING stands in `text`. script_lexer.c
enum ov_script_kind ov_script_lex(struct ov_script_lexer *lexer, struct ov_script_token *ret_token);

// Unfolds strings and packers in all tokens. script_unfold.c
enum ov_status ov_script_unfold(struct ov_script *script);

size_t ov_script_count(const struct ov_script *script);
struct ov_script_token ov_script_token_at(const struct ov_script *script, size_t index);
void ov_script_token_put(struct ov_script *script, size_t index, struct ov_script_token token);
void ov_script_token_add(struct ov_script *script, struct ov_script_token token);

// The text of a NAME, MEMBER or STRING; empty for others. Valid until the next text.
struct ov_span ov_script_text(const struct ov_script *script, struct ov_script_token token);

// Stores a text; OV_SCRIPT_STRING.
struct ov_script_token ov_script_string(struct ov_script *script, struct ov_span text);

// Steps into or out of the scope that a token opens or ends.
void ov_script_step(struct ov_script *script, struct ov_script_token token);

// Appends a text to `texts`, as far as there is room. Where it stands now.
uint64_t ov_script_store(struct ov_script *script, struct ov_span text);

// ---- names and scopes (script_names.c) ---------------------------------------------------------

// Where a name is stored in `texts`: the same place for the same name. OV_OK, OV_MEMORY.
enum ov_status ov_script_find_name(struct ov_script *script, struct ov_span name, uint32_t *ret_at);

// Adds a scope inside another; the first of all is OV_SCRIPT_GLOBAL. OV_OK, OV_MEMORY.
enum ov_status ov_script_add_scope(struct ov_script *script, uint32_t parent, uint32_t *ret_scope);
uint32_t ov_script_parent(const struct ov_script *script, uint32_t scope);

// Gives a name, told by its place, a number in a scope, a new one each time that it is declared, or
// notes that it is used there. OV_OK, OV_MEMORY.
enum ov_status ov_script_note_name(struct ov_script *script, uint32_t scope, uint32_t name,
                                   bool is_declared);

// Gives all names that were noted the number of the innermost scope that declares them, as seen
// from where they are used. Once, when nothing more will be noted.
void ov_script_number_names(struct ov_script *script);

// The number that a name was given in a scope, or OV_SCRIPT_NO_NUMBER.
uint32_t ov_script_number(const struct ov_script *script, uint32_t scope, uint32_t name);
