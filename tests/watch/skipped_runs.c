// SPDX-License-Identifier: Apache-2.0
// A library that stands before libbpf and tells of a run of each BPF program that the kernel left
// out: no kernel does so because it is asked to.
#include <bpf/bpf.h>
#include <dlfcn.h>
#include <linux/bpf.h>

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *size) {
    int (*tell)(int, void *, __u32 *) =
        (int (*)(int, void *, __u32 *))dlsym(RTLD_NEXT, "bpf_obj_get_info_by_fd");
    int result = tell(fd, info, size);
    if (result == 0 && *size == sizeof(struct bpf_prog_info)) {
        ((struct bpf_prog_info *)info)->recursion_misses++;
    }
    return result;
}
