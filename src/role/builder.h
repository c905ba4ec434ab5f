// SPDX-License-Identifier: Apache-2.0
//
// The builder: the one process in which rule files are parsed. Started by the broker, caged by
// itself.
#pragma once

// Does what one request asks for; gives the exit code of the process.
int ov_builder_main(void);
