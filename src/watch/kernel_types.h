// SPDX-License-Identifier: Apache-2.0
//
// The kernel's names of integers, for event.h in user space.
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
