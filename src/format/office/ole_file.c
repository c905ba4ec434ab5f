// SPDX-License-Identifier: Apache-2.0
// Sectors, chains and the directory of a compound file ([MS-CFB]).
#include "format/office/ole_file.h"

enum {
    HEADER_BYTES = 512,
    HEADER_SHIFTS_AT = 30,
    HEADER_DIRECTORY_AT = 48,
    HEADER_CUTOFF_AT = 56,
    HEADER_DIFAT_AT = 76,
    HEADER_FAT_SECTORS = 109, // that the header itself names
    SHIFT_MIN = 7,            // one entry of the directory; Windows writes 9 and 12 alone
    SHIFT_MAX = 20,
    VERSION_3_SHIFT = 9, // sizes have 32 bits there, and the rest is not always zero
    ENTRY_BYTES = 128,
    NAME_BYTES = 64,
    CLASS_AT = 80,
    START_AT = 116,
    SECTORS_MAX = 1 << 21,
    ENTRIES_MAX = 100000,
    SECTORS_BETWEEN_CLOCKS = 4096,
};

static uint32_t read_u32(struct ov_span bytes, uint64_t at) {
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_seek(&in, at);
    uint32_t value = ov_cursor_u32le(&in);
    return in.has_failed ? OV_OLE_NONE : value;
}

// Where a sector starts: the header takes the place of one, and of 512 bytes at least.
static uint64_t place_of(const struct ov_ole *ole, uint32_t sector) {
    uint64_t bytes = (uint64_t)1 << ole->sector_shift;
    return (bytes < HEADER_BYTES ? HEADER_BYTES : bytes) + ((uint64_t)sector << ole->sector_shift);
}

// What a table of sector numbers that stands in `table` says of a sector.
static uint32_t look_up(const struct ov_ole *ole, const struct ov_ole_chain *table,
                        uint32_t sector) {
    uint32_t per_sector = (uint32_t)1 << (ole->sector_shift - 2);
    uint32_t index = sector / per_sector;
    if (index >= table->count) {
        return OV_OLE_NONE;
    }
    uint64_t at = place_of(ole, table->sectors[index]) + (uint64_t)(sector % per_sector) * 4;
    return read_u32(ole->file, at);
}

// Begins to follow another chain.
static void start_chain(struct ov_ole *ole) {
    ole->seen_mark++;
}

// Whether the sector can be read and was not yet part of the chain that is being followed.
static bool take_sector(struct ov_ole *ole, uint32_t sector, uint32_t count) {
    if (sector >= count) {
        return false;
    }
    if (ole->seen[sector] == ole->seen_mark) {
        ole->is_damaged = true; // a loop
        return false;
    }
    ole->seen[sector] = ole->seen_mark;
    return true;
}

// Writes down the sectors of a chain of the FAT.
static enum ov_status follow(struct ov_ole *ole, uint32_t start, struct ov_ole_chain *ret_chain) {
    uint32_t count = 0;
    start_chain(ole);
    for (uint32_t at = start; take_sector(ole, at, ole->sector_count);) {
        at = look_up(ole, &ole->fat, at);
        count++;
    }
    uint32_t *sectors = ov_arena_array(ole->walk->arena, count + 1, sizeof *sectors);
    if (sectors == NULL) {
        return OV_MEMORY;
    }
    uint32_t at = start;
    for (uint32_t i = 0; i < count; i++) {
        sectors[i] = at;
        at = look_up(ole, &ole->fat, at);
    }
    *ret_chain = (struct ov_ole_chain){.sectors = sectors, .count = count};
    return ov_walk_has_time(ole->walk);
}

// ---- header and tables -------------------------------------------------------------------------

static enum ov_status read_header(struct ov_ole *ole) {
    struct ov_cursor in = ov_cursor_init(ole->file);
    ov_cursor_seek(&in, HEADER_SHIFTS_AT);
    ole->sector_shift = ov_cursor_u16le(&in);
    ole->mini_shift = ov_cursor_u16le(&in);
    ov_cursor_seek(&in, HEADER_CUTOFF_AT);
    ole->mini_cutoff = ov_cursor_u32le(&in);
    bool is_odd = ole->sector_shift < SHIFT_MIN || ole->sector_shift > SHIFT_MAX ||
                  ole->mini_shift == 0 || ole->mini_shift > ole->sector_shift;
    if (in.has_failed || is_odd || ole->file.size < HEADER_BYTES) {
        return OV_DAMAGED;
    }
    uint64_t header = place_of(ole, 0);
    uint64_t rest = ole->file.size > header ? ole->file.size - header : 0;
    uint64_t sectors = (rest >> ole->sector_shift) + 1; // the last one may be cut
    uint64_t minis = (rest >> ole->mini_shift) + 1;
    ole->sector_count = (uint32_t)(sectors < SECTORS_MAX ? sectors : SECTORS_MAX);
    ole->mini_count = (uint32_t)(minis < SECTORS_MAX ? minis : SECTORS_MAX);
    ole->seen = ov_arena_array(ole->walk->arena, ole->mini_count, sizeof *ole->seen);
    ole->fat.sectors =
        ov_arena_array(ole->walk->arena, ole->sector_count, sizeof *ole->fat.sectors);
    return ole->seen == NULL || ole->fat.sectors == NULL ? OV_MEMORY : OV_OK;
}

// Adds what `count` numbers say about where the FAT is. Its counter in the header is not believed.
static void add_fat(struct ov_ole *ole, uint64_t at, uint32_t count) {
    for (uint32_t i = 0; i < count && ole->fat.count < ole->sector_count; i++) {
        uint32_t sector = read_u32(ole->file, at + (uint64_t)i * 4);
        if (sector >= ole->sector_count) {
            return;
        }
        ole->fat.sectors[ole->fat.count++] = sector;
    }
}

// [MS-CFB] 2.2 and 2.5: the first part of the DIFAT is in the header, the rest in a chain of its
// own, where the last number of each sector names the next.
static void read_difat(struct ov_ole *ole) {
    add_fat(ole, HEADER_DIFAT_AT, HEADER_FAT_SECTORS);
    uint32_t last = ((uint32_t)1 << (ole->sector_shift - 2)) - 1;
    uint32_t sector = read_u32(ole->file, HEADER_DIFAT_AT - 8);
    start_chain(ole);
    while (take_sector(ole, sector, ole->sector_count)) {
        uint64_t at = place_of(ole, sector);
        add_fat(ole, at, last);
        sector = read_u32(ole->file, at + (uint64_t)last * 4);
    }
}

// ---- directory ---------------------------------------------------------------------------------

static void read_entry(struct ov_cursor *in, struct ov_ole_entry *entry) {
    for (unsigned i = 0; i < OV_OLE_NAME_UNITS; i++) {
        entry->name[i] = ov_cursor_u16le(in);
    }
    unsigned name_bytes = ov_cursor_u16le(in);
    entry->kind = ov_cursor_u8(in);
    ov_cursor_skip(in, 1);
    entry->left = ov_cursor_u32le(in);
    entry->right = ov_cursor_u32le(in);
    entry->child = ov_cursor_u32le(in);
    ov_cursor_skip(in, START_AT - CLASS_AT);
    entry->start = ov_cursor_u32le(in);
    entry->size = ov_cursor_u64le(in);
    entry->parent = OV_OLE_NONE;
    // A length that cannot be is replaced by where the name ends.
    unsigned units = name_bytes >= 2 && name_bytes <= NAME_BYTES ? name_bytes / 2 - 1 : 0;
    while (name_bytes > NAME_BYTES && units < OV_OLE_NAME_UNITS && entry->name[units] != 0) {
        units++;
    }
    entry->name_units = (uint8_t)units;
}

// The classes of .msi, .mst and .msp: 000C108n-0000-0000-C000-000000000046.
static bool is_installer_class(struct ov_span class_id) {
    static const uint8_t rest[] = {0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
    return class_id.size == sizeof rest + 1 && (class_id.data[0] & 0xf0) == 0x80 &&
           ov_span_is_equal(ov_span_from(class_id, 1), ov_span_make(rest, sizeof rest));
}

static enum ov_status read_directory(struct ov_ole *ole) {
    struct ov_ole_chain chain;
    TRY(follow(ole, read_u32(ole->file, HEADER_DIRECTORY_AT), &chain));
    uint32_t per_sector = (uint32_t)(((uint64_t)1 << ole->sector_shift) / ENTRY_BYTES);
    uint64_t count = (uint64_t)chain.count * per_sector;
    if (count > ENTRIES_MAX) {
        count = ENTRIES_MAX;
        ole->is_damaged = true;
    }
    ole->entries = ov_arena_array(ole->walk->arena, (size_t)count + 1, sizeof *ole->entries);
    if (ole->entries == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct ov_cursor in = ov_cursor_init(ole->file);
        uint64_t at = place_of(ole, chain.sectors[i / per_sector]);
        ov_cursor_seek(&in, at + (uint64_t)(i % per_sector) * ENTRY_BYTES);
        read_entry(&in, &ole->entries[i]);
        if (in.has_failed) {
            ole->is_damaged = true;
            break;
        }
        if (ole->sector_shift <= VERSION_3_SHIFT) {
            ole->entries[i].size &= UINT32_MAX;
        }
        ole->entry_count = i + 1;
    }
    if (ole->entry_count == 0) {
        return OV_DAMAGED;
    }
    uint64_t root_at = place_of(ole, chain.sectors[0]);
    ole->is_installer = is_installer_class(ov_span_part(ole->file, (size_t)root_at + CLASS_AT, 16));
    return OV_OK;
}

struct worklist {
    uint32_t *entries;
    uint32_t count;
};

// Puts an entry on the list unless it was reached before.
static void reach(struct ov_ole *ole, struct worklist *list, uint32_t entry, uint32_t parent) {
    if (entry >= ole->entry_count) {
        return;
    }
    if (ole->entries[entry].is_reached) {
        ole->is_damaged = true; // two ways to one entry: no tree
        return;
    }
    ole->entries[entry].is_reached = true;
    ole->entries[entry].parent = parent;
    list->entries[list->count++] = entry;
}

// Goes through the tree, and finds for each entry the storage that it stands in.
static enum ov_status read_tree(struct ov_ole *ole) {
    struct worklist list = {
        .entries = ov_arena_array(ole->walk->arena, ole->entry_count, sizeof *list.entries)};
    if (list.entries == NULL) {
        return OV_MEMORY;
    }
    reach(ole, &list, 0, OV_OLE_NONE);
    while (list.count > 0) {
        uint32_t at = list.entries[--list.count];
        const struct ov_ole_entry *entry = &ole->entries[at];
        reach(ole, &list, entry->left, entry->parent);
        reach(ole, &list, entry->right, entry->parent);
        reach(ole, &list, entry->child, at);
    }
    return ov_walk_has_time(ole->walk);
}

enum ov_status ov_ole_open(struct ov_span file, struct ov_walk *walk, struct ov_ole *ret_ole) {
    struct ov_ole *ole = ret_ole;
    *ole = (struct ov_ole){.file = file, .walk = walk};
    TRY(read_header(ole));
    read_difat(ole);
    TRY(read_directory(ole));
    TRY(read_tree(ole));
    TRY(follow(ole, read_u32(file, HEADER_CUTOFF_AT + 4), &ole->mini_fat));
    return follow(ole, ole->entries[0].start, &ole->mini_stream);
}

// ---- streams -----------------------------------------------------------------------------------

// The bytes of one mini sector, which stands in the root's own stream.
static struct ov_span mini_sector(const struct ov_ole *ole, uint32_t mini) {
    uint64_t at = (uint64_t)mini << ole->mini_shift;
    uint64_t index = at >> ole->sector_shift;
    if (index >= ole->mini_stream.count) {
        return ov_span_make(NULL, 0);
    }
    uint64_t within = at & (((uint64_t)1 << ole->sector_shift) - 1);
    return ov_span_part(ole->file,
                        (size_t)(place_of(ole, ole->mini_stream.sectors[index]) + within),
                        (size_t)1 << ole->mini_shift);
}

static struct ov_span whole_sector(const struct ov_ole *ole, uint32_t sector) {
    return ov_span_part(ole->file, (size_t)place_of(ole, sector), (size_t)1 << ole->sector_shift);
}

enum ov_status ov_ole_read(struct ov_ole *ole, uint32_t entry, struct ov_buf *bytes) {
    uint64_t left = ole->entries[entry].size;
    uint32_t sector = ole->entries[entry].start;
    bool is_mini = left < ole->mini_cutoff;
    size_t room = ov_walk_room(ole->walk);
    uint64_t over = left > room ? left - room : 0;
    left -= over;
    ov_buf_reset(bytes);
    start_chain(ole);
    for (uint32_t i = 1; left > 0; i++) {
        if (!take_sector(ole, sector, is_mini ? ole->mini_count : ole->sector_count)) {
            break;
        }
        struct ov_span part = is_mini ? mini_sector(ole, sector) : whole_sector(ole, sector);
        part = ov_span_part(part, 0, left < part.size ? (size_t)left : part.size);
        ov_buf_add(bytes, part.data, part.size);
        left -= part.size;
        sector = look_up(ole, is_mini ? &ole->mini_fat : &ole->fat, sector);
        if (i % SECTORS_BETWEEN_CLOCKS == 0) {
            TRY(ov_walk_has_time(ole->walk));
        }
    }
    if (left > 0) {
        ole->is_damaged = true;
    } else if (over > 0) {
        ov_walk_note_cut(ole->walk);
    }
    return ov_buf_status(bytes);
}
