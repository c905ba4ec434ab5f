// SPDX-License-Identifier: Apache-2.0
// Names in a compound file: comparison, paths, and the packing that Windows Installer does.
#include "format/office/ole_file.h"
#include "format/codec/utf16.h"

enum {
    // Windows Installer packs two characters of a set of 64 into one, from 0x3800 on, and single
    // ones from 0x4800 on; 0x4840 marks the name of a table.
    PACKED_PAIRS = 0x3800,
    PACKED_SINGLES = 0x4800,
    PACKED_TABLE = 0x4840,
    DEPTH_MAX = 32,
};

static unsigned fold(unsigned unit) {
    return unit >= 'A' && unit <= 'Z' ? unit + 'a' - 'A' : unit;
}

bool ov_ole_is_named(const struct ov_ole_entry *entry, const char *name) {
    size_t size = strlen(name);
    if (size != entry->name_units) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (fold(entry->name[i]) != fold((unsigned char)name[i])) {
            return false;
        }
    }
    return true;
}

static void add_packed(struct ov_buf *path, unsigned unit) {
    static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    if (unit == PACKED_TABLE) {
        ov_buf_add_u8(path, '!');
        return;
    }
    unsigned pair = unit - PACKED_PAIRS;
    ov_buf_add_u8(path, (uint8_t)set[pair % 64]);
    if (unit < PACKED_SINGLES) {
        ov_buf_add_u8(path, (uint8_t)set[pair / 64]);
    }
}

// Other documents have ideographs there, and mean them.
static bool is_packed(const struct ov_ole *ole, const struct ov_ole_entry *entry) {
    for (unsigned i = 0; i < entry->name_units && !ole->is_installer; i++) {
        if (entry->name[i] < PACKED_PAIRS || entry->name[i] > PACKED_TABLE) {
            return false;
        }
    }
    return true;
}

static void add_name(const struct ov_ole *ole, const struct ov_ole_entry *entry,
                     struct ov_buf *path) {
    bool can_unpack = is_packed(ole, entry);
    for (unsigned i = 0; i < entry->name_units;) {
        unsigned unit = entry->name[i];
        if (can_unpack && unit >= PACKED_PAIRS && unit <= PACKED_TABLE) {
            add_packed(path, unit);
            i++;
        } else {
            i += ov_utf16_add(path, &entry->name[i], entry->name_units - i);
        }
    }
}

void ov_ole_path(const struct ov_ole *ole, uint32_t entry, struct ov_buf *path) {
    uint32_t parts[DEPTH_MAX];
    unsigned count = 0;
    for (uint32_t at = entry; at < ole->entry_count && at != 0 && count < DEPTH_MAX;
         at = ole->entries[at].parent) {
        parts[count++] = at;
    }
    ov_buf_reset(path);
    while (count > 0 && path->size < OV_OLE_PATH_BYTES) {
        add_name(ole, &ole->entries[parts[--count]], path);
        if (count > 0) {
            ov_buf_add_u8(path, '/');
        }
    }
}
