// SPDX-License-Identifier: Apache-2.0
// What the recorder's BPF object reads of the kernel, member by member. Where each stands is taken
// from the running kernel's own BTF when the object is loaded, so these types need only the members
// that are named, in any order.
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node {
    struct hlist_node *next;
};

struct hlist_head {
    struct hlist_node *first;
};

struct file_system_type {
    const char *name;
};

struct super_block {
    __u32 s_dev;
    struct file_system_type *s_type;
};

struct inode {
    __u16 i_mode;
    struct super_block *i_sb;
    unsigned long i_ino;
    __s64 i_size;
    struct hlist_head i_dentry;
    __u32 i_generation;
    __u32 i_nlink;
};

struct qstr {
    const unsigned char *name;
};

struct dentry {
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
    union {
        struct hlist_node d_alias;
    } d_u;
};

struct path {
    struct dentry *dentry;
};

struct file {
    struct inode *f_inode;
    struct path f_path;
};

struct address_space {
    struct inode *host;
};

struct folio;

struct kiocb {
    struct file *ki_filp;
    __s64 ki_pos;
};

struct iov_iter {
    bool data_source;
    unsigned long count;
};

struct fdtable {
    unsigned int max_fds;
    struct file **fd;
};

struct files_struct {
    struct fdtable *fdt;
};

struct mm_struct {
    unsigned long arg_start, arg_end;
};

struct signal_struct {
    struct {
        int counter;
    } live;
};

struct kuid {
    __u32 val;
};

struct cred {
    struct kuid uid;
};

struct task_struct {
    unsigned int flags;
    int pid, tgid;
    struct task_struct *group_leader, *real_parent;
    __u64 start_boottime;
    int exit_code;
    struct files_struct *files;
    struct mm_struct *mm;
    struct signal_struct *signal;
    const struct cred *cred;
};

struct linux_binprm {
    struct file *file;
};

struct upid {
    int nr;
};

struct pid {
    struct upid numbers[1];
};

struct in6_addr {
    __u8 bytes[16];
};

struct sock_common {
    __be32 skc_daddr, skc_rcv_saddr;
    __be16 skc_dport;
    __u16 skc_num;
    __u16 skc_family;
    struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
    struct sock_common __sk_common;
    __u16 sk_type, sk_protocol;
    struct pid *sk_peer_pid;
};

struct sockaddr_un {
    __u16 sun_family;
    char sun_path[108];
};

struct unix_address {
    int len;
    struct sockaddr_un name[1];
};

struct unix_sock {
    struct unix_address *addr;
    struct sock *peer;
};

struct netlink_sock {
    __u32 dst_portid;
};

struct packet_sock {
    int ifindex;
};

// x86-64's; other processors have others.
struct pt_regs {
    unsigned long orig_ax, ax, di, si, dx, cx, r10, r8, r9;
};

#pragma clang attribute pop
