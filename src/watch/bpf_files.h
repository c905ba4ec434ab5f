// SPDX-License-Identifier: Apache-2.0
//
// The counters of files: a table of our own, as a watched read may cost little. A part of
// watch.bpf.c.
//
// Counters lie in slots, one half of them for each generation; a generation takes them one after
// another. A cell tells the slot of what hashes to it or before it, and of which generation it is:
// those of another one are free, so that nobody has to clear them. Cells are hints. Who finds its
// key in none takes another slot: several of one key are the recorder's to add up. So nobody waits
// for anybody, and no race loses a count.
#pragma once

enum {
    CELL_BITS = 19,
    CELLS = 1 << CELL_BITS, // four for each slot of a generation
    CELLS_TRIED = 32,
    NO_SLOT = 0x7fffffff,
    PAGE_SHIFT_MAX = 30,
};

const volatile __u32 slot_count = 131072; // of a generation

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2 * 131072);
    __type(key, __u32);
    __type(value, struct watch_slot);
} slots SEC(".maps");

// Generation and slot, 32 bits each.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, CELLS);
    __type(key, __u32);
    __type(value, __u64);
} cells SEC(".maps");

// What is looked for, and what was found.
struct wanted {
    struct watch_inode key;
    __u64 leader_ns;
    __u64 inode;  // where they lie
    __u64 dentry; // 0: any of it
    __u64 size_bytes;
    __u32 pid;
    __u32 generation;
    __u32 first_cell;
    __u32 cell; // the last that was looked at
    __u32 is_free, is_found;
    __u64 word; // of that cell
};

// The inode's generation is hashed, too: temporary files get one inode's number after another.
static __always_inline __u32 find_cell(const struct wanted *wanted) {
    const __u64 spread = 0x9e3779b97f4a7c15; // 2^64 / the golden ratio: Knuth 6.4
    __u64 hash = wanted->key.inode ^ (__u64)wanted->pid << 40;
    hash = (hash ^ (__u64)wanted->key.generation << 20) * spread;
    hash = (hash ^ hash >> 32 ^ wanted->key.device) * spread;
    return hash >> (64 - CELL_BITS);
}

// The slot that a cell tells when it is the one that is wanted.
static __always_inline struct watch_slot *slot_in(const __u64 word, const struct wanted *wanted) {
    __u32 number = word;
    struct watch_slot *slot = bpf_map_lookup_elem(&slots, &number);
    bool is_it = slot != NULL && slot->key.inode.inode == wanted->key.inode &&
                 slot->key.inode.device == wanted->key.device &&
                 slot->key.inode.generation == wanted->key.generation &&
                 slot->key.pid == wanted->pid && slot->leader_ns == wanted->leader_ns;
    return is_it ? slot : NULL;
}

// Pages of a file that a bit of its coverage stands for, as a shift: the least with which there
// are bits enough.
__noinline __u32 coverage_shift(__u64 size_bytes) { // not static: see seek_slot
    __u64 last = size_bytes > 0 ? (size_bytes - 1) >> page_shift : 0;
    __u32 shift = 0;
    while (shift < PAGE_SHIFT_MAX && last >> shift >= WATCH_COVERAGE_BITS) {
        shift++;
    }
    return shift;
}

// Another slot, told of in the cell that was found free, if it is still as it was.
static __always_inline __u32 add_slot(struct wanted *wanted) {
    const struct watch_process *process = watched(wanted->pid);
    __u32 half = wanted->generation & 1;
    if (process == NULL) {
        return NO_SLOT;
    }
    __u64 number = __sync_fetch_and_add(&used_slots[half], 1);
    __u32 at = half * slot_count + (__u32)number;
    struct watch_slot *slot = number < slot_count ? bpf_map_lookup_elem(&slots, &at) : NULL;
    if (slot == NULL) {
        count(WATCH_LOST_FILES);
        return NO_SLOT;
    }
    slot->leader_ns = wanted->leader_ns;
    slot->key.inode = wanted->key;
    slot->key.start_ns = process->start_ns;
    slot->key.pid = wanted->pid;
    slot->file.shift = coverage_shift(wanted->size_bytes);
    slot->file.first_ns = bpf_ktime_get_boot_ns();
    __u64 *cell = wanted->is_free ? bpf_map_lookup_elem(&cells, &wanted->cell) : NULL;
    if (cell != NULL) { // no other processor sees the slot before it is filled
        __u64 word = (__u64)wanted->generation << 32 | at;
        __sync_val_compare_and_swap(cell, wanted->word, word);
    }
    add_name((struct inode *)wanted->inode, (struct dentry *)wanted->dentry, &slot->key.inode);
    return at;
}

static long try_cell(__u32 turn, struct wanted *wanted) {
    wanted->cell = (wanted->first_cell + turn) & (CELLS - 1);
    __u64 *cell = bpf_map_lookup_elem(&cells, &wanted->cell);
    wanted->word = cell != NULL ? *(volatile __u64 *)cell : 0;
    wanted->is_free = wanted->word >> 32 != wanted->generation;
    wanted->is_found = !wanted->is_free && slot_in(wanted->word, wanted) != NULL;
    return wanted->is_free || wanted->is_found;
}

// The slot beyond the first cell, or another one. Not static, for then the verifier looks at it
// once, whoever calls it; so it takes and gives numbers alone.
__noinline __u32 seek_slot(const struct wanted *given) {
    if (given == NULL) {
        return NO_SLOT;
    }
    struct wanted wanted = *given; // loops take what lies on the stack
    bpf_loop(CELLS_TRIED, try_cell, &wanted, 0);
    return wanted.is_found ? (__u32)wanted.word : add_slot(&wanted);
}

// The counters of this process and inode, made when there are none. NULL: it is not watched, or
// there is no room.
static __always_inline struct watch_file *file_of(struct task_struct *task, struct inode *inode,
                                                  struct dentry *dentry) {
    struct wanted wanted = {
        .key = inode_key(inode),
        .leader_ns = task->group_leader->start_boottime,
        .size_bytes = inode->i_size,
        .pid = task->tgid,
        .generation = generation,
    };
    wanted.first_cell = find_cell(&wanted);
    __u32 at = wanted.first_cell;
    __u64 *cell = bpf_map_lookup_elem(&cells, &at);
    __u64 word = cell != NULL ? *(volatile __u64 *)cell : 0;
    struct watch_slot *slot = word >> 32 == wanted.generation ? slot_in(word, &wanted) : NULL;
    if (slot == NULL) {
        bpf_probe_read_kernel(&wanted.inode, sizeof wanted.inode, &inode); // as numbers
        bpf_probe_read_kernel(&wanted.dentry, sizeof wanted.dentry, &dentry);
        __u32 number = seek_slot(&wanted);
        slot = bpf_map_lookup_elem(&slots, &number);
        if (slot == NULL) {
            return NULL;
        }
    }
    struct watch_file *file = &slot->file;
    if (wanted.size_bytes > file->size_bytes) {
        file->size_bytes = wanted.size_bytes;
    }
    __u64 tick = bpf_jiffies64();
    if (slot->tick != tick) { // the clock costs as much as all the rest of this
        slot->tick = tick;
        file->last_ns = bpf_ktime_get_boot_ns();
    }
    return file;
}

// Pages [from, to], as far as there are some.
static __always_inline void cover(struct watch_file *file, __u64 from, __u64 to) {
    __u64 last = file->size_bytes > 0 ? (file->size_bytes - 1) >> page_shift : 0;
    __u32 shift = file->shift & 31;
    to = (to > last ? last : to) >> shift;
    from >>= shift;
    from = from >= WATCH_COVERAGE_BITS ? WATCH_COVERAGE_BITS - 1 : from;
    to = to >= WATCH_COVERAGE_BITS ? WATCH_COVERAGE_BITS - 1 : to;
    if (from > to) {
        return;
    }
    __u32 word = from >> 6;
    __u32 to_word = to >> 6;
    __u64 mask = ~0ull << (from & 63);
#pragma clang loop unroll(disable)
    for (int i = 0; i < WATCH_COVERAGE_WORDS; i++) { // most often one
        __u64 *bits = &file->coverage[word & (WATCH_COVERAGE_WORDS - 1)];
        if (word == to_word) {
            mask &= ~0ull >> (63 - (to & 63));
        }
        if ((*bits & mask) != mask) {
            __sync_fetch_and_or(bits, mask);
        }
        if (word >= to_word) {
            break;
        }
        mask = ~0ull;
        word++;
    }
}

static __always_inline void add_route(struct watch_file *file, __u32 route) {
    if ((file->routes & 1ull << route) == 0) {
        __sync_fetch_and_or(&file->routes, 1ull << route);
    }
}
